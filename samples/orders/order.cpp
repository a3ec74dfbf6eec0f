#include "order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "money.hpp"
#include "trouble.hpp"

namespace orders {
namespace {

constexpr std::array<std::string_view, 6> names{"absent", "open",    "paying",
                                                "paid",   "shipped", "cancelled"};

std::string name_of(const order_row& r) { return fmt::format("order {}", r.id); }

// Why a command does not fit the status.
std::string misfit(const order_row& now) {
  switch (now.status) {
    case status::absent:
      return "there is no " + name_of(now);
    case status::paying:
      return name_of(now) + " is being paid";
    case status::open:
      return name_of(now) + " is not paid";
    case status::paid:
    case status::shipped:
    case status::cancelled:
      break;
  }
  return fmt::format("{} is {} already", name_of(now), to_string(now.status));
}

template <class Draft>
auto with_row(Draft d) {
  return std::move(d).then_reply([](const order_row& r) { return r; });
}

// The first attempt, which is number 1, is made at once.
nexus::ask_options pause_before_asking(unsigned attempt) {
  using namespace std::chrono_literals;
  return {.after = nexus::growing_pause(attempt - 1, 10ms, 5s)};
}

// Adds to an effect the question whether the bank has the transfer of `r`.
template <class Draft>
nexus::effect<order> then_start_transfer(Draft d, const order_row& r, unsigned attempt = 1) {
  const bank::transfer::started wanted{account_of(r.customer), std::string{shop_account}, r.cents,
                                       std::string{currency}};
  return std::move(d).template then_ask<bank::transfer>(
      r.payment, bank::transfer::start{wanted},
      [payment = r.payment, attempt](nexus::result<void> answer) {
        return order::command{order::transfer_started{payment, std::move(answer), attempt}};
      },
      pause_before_asking(attempt));
}

// No answer came.
nexus::effect<order> trouble(const order_row& now, const nexus::error& why, unsigned attempt) {
  if (bank::is_trouble(why.code)) return then_start_transfer(nexus::none(), now, attempt + 1);
  // Such an answer comes again, until someone repairs the account. The alarm asks now and then.
  return nexus::persist([reason = why.message](order_row& r) { r.reason = reason; }).then_unstash();
}

bool waits_for(const order_row& now, const std::string& payment) {
  return now.status == status::paying && now.payment == payment;
}

std::string wrong_line(const order::add_line& c) {
  if (c.sku.empty()) return "the SKU is empty";
  if (c.sku.size() > order::sku_bytes_max) {
    return fmt::format("the SKU has {} bytes, at most {} are allowed", c.sku.size(),
                       order::sku_bytes_max);
  }
  const auto is_control = [](unsigned char b) { return b < 0x20 || b == 0x7f; };
  if (std::ranges::any_of(c.sku, is_control)) return "the SKU has a control character";
  if (c.quantity < 1 || c.quantity > order::quantity_max) {
    return fmt::format("the quantity is {}, not 1 to {}", c.quantity, order::quantity_max);
  }
  if (c.cents < 1 || c.cents > order::cents_max) {
    return fmt::format("the price is {}, not 0.01 to {}", bank::format_hundredths(c.cents),
                       bank::format_hundredths(order::cents_max));
  }
  return {};
}

}  // namespace

std::string_view to_string(status s) noexcept { return names.at(static_cast<std::size_t>(s)); }

std::optional<status> status_named(std::string_view name) noexcept {
  const auto* const at = std::find(names.begin() + 1, names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<status>(at - names.begin());
}

nexus::mapping<order_row> order_mapping() {
  nexus::mapping<order_row> made{"orders"};
  made.key("id").version("version");
  made.convert(
      &order_row::status, [](status s) { return std::string{to_string(s)}; },
      [](const nexus::sql_value& from) {
        const auto found = status_named(std::get<std::string>(from));
        if (!found) throw std::invalid_argument{"there is no such status"};
        return *found;
      });
  return made;
}

std::string account_of(std::string_view customer) { return fmt::format("customer:{}", customer); }

nexus::entity_rows<order_row> order::rows() {
  nexus::mapping<order_line> lines{"order_lines"};
  lines.key({"order_id", "line"});
  return nexus::entity_rows<row>{order_mapping()}
      .owns(&row::lines, lines, {"order_id"})
      .create_if_missing([](std::string_view id) {
        row made;
        std::from_chars(id.data(), id.data() + id.size(), made.id);  // the id is that of a row
        return made;
      });
}

// -- the shop's commands --------------------------------------------------------------------------

order::answer order::decide(const row& now, const place& c, const nexus::context& self) {
  if (now.status != status::absent) {
    return nexus::reject("there is an " + name_of(now) + " already");
  }
  return with_row(nexus::persist([customer = c.customer, at = self.now()](row& r) {
    r.customer = customer;
    r.status = status::open;
    r.placed_at = at;
  }));
}

order::answer order::decide(const row& now, const add_line& c) {
  if (now.status != status::open) return nexus::reject(misfit(now));
  if (auto wrong = wrong_line(c); !wrong.empty()) return nexus::reject(std::move(wrong));
  if (now.lines.size() >= lines_max) {
    return nexus::reject(
        fmt::format("{} has {} lines, the most it may have", name_of(now), lines_max));
  }
  return with_row(nexus::persist([c](row& r) {
    r.lines.push_back({r.id, ++r.last_line, c.sku, c.quantity, c.cents});
    r.cents += c.quantity * c.cents;
  }));
}

order::answer order::decide(const row& now, const remove_line& c) {
  if (now.status != status::open) return nexus::reject(misfit(now));
  const auto at = std::ranges::find(now.lines, c.line, &order_line::line);
  if (at == now.lines.end()) {
    return nexus::reject(fmt::format("{} has no line {}", name_of(now), c.line));
  }
  return with_row(nexus::persist([index = at - now.lines.begin()](row& r) {
    const auto one = r.lines.begin() + index;
    r.cents -= one->quantity * one->cents;
    r.lines.erase(one);
  }));
}

order::answer order::decide(const row& now, const ship&) {
  if (now.status != status::paid) return nexus::reject(misfit(now));
  return with_row(nexus::persist([](row& r) { r.status = status::shipped; }));
}

order::answer order::decide(const row& now, const cancel&) {
  if (now.status != status::open) return nexus::reject(misfit(now));
  return with_row(nexus::persist([](row& r) { r.status = status::cancelled; }));
}

order::answer order::decide(const row& now, const show&) {
  if (now.status == status::absent) return nexus::reject(misfit(now));
  return nexus::reply(now);
}

// -- payment: a process ---------------------------------------------------------------------------

nexus::effect<order> order::decide(const row& now, const pay& c, const nexus::context& self) {
  if (now.status != status::absent && now.payment == c.payment) return nexus::none();
  if (now.status != status::open) return nexus::reject(misfit(now));
  if (now.lines.empty()) return nexus::reject(name_of(now) + " has no lines");
  row after = now;
  after.status = status::paying;
  after.payment = c.payment;
  after.reason.clear();
  after.remind_at = self.now() + reminder_after;
  return then_start_transfer(nexus::persist(after), after);
}

order::answer order::decide(const row& now, const settle&) {
  if (now.status == status::paid || now.status == status::shipped) return nexus::reply(now);
  if (!now.reason.empty()) return nexus::reject(now.reason);
  if (now.status == status::paying) return nexus::stash();
  return nexus::reject(misfit(now));
}

nexus::effect<order> order::decide(const row& now, const transfer_started& c) {
  if (!waits_for(now, c.payment)) return nexus::none();  // asked twice
  if (!c.answer) return trouble(now, c.answer.error(), c.attempt);
  return nexus::ask<bank::transfer>(
      c.payment, bank::transfer::await{},
      [payment = c.payment, attempt = c.attempt](nexus::result<bank::ending> answer) {
        return command{transfer_ended{payment, std::move(answer), attempt}};
      });
}

nexus::effect<order> order::decide(const row& now, const transfer_ended& c) {
  if (!waits_for(now, c.payment)) return nexus::none();
  if (!c.answer) return trouble(now, c.answer.error(), c.attempt);
  return nexus::persist([refusal = c.answer->refusal](row& r) {
           r.status = refusal.empty() ? status::paid : status::open;
           r.reason = refusal;
           r.remind_at.reset();
         })
      .then_unstash();
}

nexus::effect<order> order::decide(const row& now, const resume&, const nexus::context& self) {
  if (now.status != status::paying) return nexus::none();
  row after = now;
  after.remind_at = self.now() + reminder_after;
  return then_start_transfer(nexus::persist(after), after);
}

nexus::effect<order> order::on_recovered(const row& now) {
  if (now.status != status::paying) return nexus::none();
  return then_start_transfer(nexus::none(), now);
}

std::optional<nexus::alarm<order>> order::alarm(const row& now) {
  if (now.status != status::paying || !now.remind_at) return std::nullopt;
  return nexus::alarm<order>{*now.remind_at, resume{}};
}

}  // namespace orders

template class nexus::compiled<orders::order>;
