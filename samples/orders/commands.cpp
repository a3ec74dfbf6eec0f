#include "commands.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <optional>

#include "listing.hpp"
#include "money.hpp"
#include "shop.hpp"
#include "text.hpp"

namespace orders {
namespace {

using bank::format_hundredths;
using bank::printable;

int code_of(nexus::errc code) {
  using enum nexus::errc;
  return code == rejected || code == not_found ? exit_refused : exit_failed;
}

int complain(const nexus::error& why) { return orders::complain(why.message, code_of(why.code)); }

// Opens the shop, and passes it with a session.
int in_shop(const std::string& database, shop::missing file,
            const std::function<int(shop&, nexus::session&)>& f) {
  nexus::system sys;
  const auto opened = shop::open(sys, database, file);
  if (!opened) return orders::complain(opened.error().message, exit_failed);
  const auto session = (*opened)->store().open_session();
  if (!session) return complain(session.error());
  return f(**opened, **session);
}

// Asks an existing shop's order, and prints what `say` makes of the answer.
template <class C>
int ask_order(const std::string& database, const std::string& id, C command,
              const std::function<std::string(const order_row&)>& say) {
  return in_shop(database, shop::missing::is_error, [&](shop& in, nexus::session&) {
    const auto after = in.orders().of(id).ask(std::move(command)).get(patience);
    if (!after) return complain(after.error());
    fmt::print("{}", say(*after));
    return exit_done;
  });
}

std::string total_of(const order_row& r) {
  return fmt::format("{} {}", format_hundredths(r.cents), currency);
}

std::string now_costs(const order_row& r) {
  return fmt::format("order {} has {} line{}, in total {}\n", r.id, r.lines.size(),
                     r.lines.size() == 1 ? "" : "s", total_of(r));
}

std::string is_now(const order_row& r) {
  return fmt::format("order {} is {}\n", r.id, to_string(r.status));
}

std::string sheet(const order_row& r) {
  std::string text =
      fmt::format("order {} of {}: {}\n", r.id, printable(r.customer), to_string(r.status));
  using enum bank::table::align;
  bank::table lines{{right, left, right, right, right}};
  for (const auto& one : r.lines) {
    lines.add({std::to_string(one.line), printable(one.sku, 40), std::to_string(one.quantity),
               format_hundredths(one.cents), format_hundredths(one.quantity * one.cents)});
  }
  text += lines.str();
  text += fmt::format("total {}, placed at {:%F %T} UTC\n", total_of(r),
                      std::chrono::floor<std::chrono::seconds>(r.placed_at));
  if (!r.reason.empty()) text += fmt::format("not paid: {}\n", printable(r.reason));
  return text;
}

}  // namespace

int complain(std::string_view message, int code) {
  fmt::print(stderr, "orders: {}\n", printable(message));
  return code;
}

int add_customer(const customer_arguments& a, const std::string& database) {
  const auto funds = cents_of("--funds", a.funds);
  if (!funds) return complain(funds.error());
  return in_shop(database, shop::missing::is_made, [&](shop& in, nexus::session& on) {
    if (auto added = in.add_customer(on, {a.id, a.name, *funds}); !added) {
      return complain(added.error());
    }
    const auto account = account_of(a.id);
    const auto has = in.balance(account);
    if (!has) return complain(has.error());
    fmt::print("customer {}: account {} has {} {}\n", printable(a.id), printable(account),
               format_hundredths(*has), currency);
    return exit_done;
  });
}

int place(const std::string& customer, const std::string& database) {
  return in_shop(database, shop::missing::is_error, [&](shop& in, nexus::session& on) {
    const auto placed = in.place(on, customer);
    if (!placed) return complain(placed.error());
    fmt::print("order {} of {} is open\n", placed->id, printable(customer));
    return exit_done;
  });
}

int add_line(const line_arguments& a, const std::string& database) {
  const auto cents = cents_of("PRICE", a.price);
  if (!cents) return complain(cents.error());
  return ask_order(database, a.order, order::add_line{a.sku, a.quantity, *cents}, now_costs);
}

int remove_line(const std::string& order, std::int64_t line, const std::string& database) {
  return ask_order(database, order, order::remove_line{line}, now_costs);
}

int pay(const std::string& order, const std::string& database) {
  return in_shop(database, shop::missing::is_error, [&](shop& in, nexus::session& on) {
    const auto finished = in.finish_payments(on);
    if (!finished) return complain(finished.error());
    if (*finished > 0) {
      fmt::print("finished {} interrupted payment{}\n", bank::grouped(*finished),
                 *finished == 1 ? "" : "s");
    }
    const auto paid = in.pay(order);
    if (!paid) return complain(paid.error());
    const auto left = in.balance(account_of(paid->customer));
    if (!left) return complain(left.error());
    fmt::print("order {} is paid: {}; {} has {} left\n", paid->id, total_of(*paid),
               printable(paid->customer), format_hundredths(*left));
    return exit_done;
  });
}

int ship(const std::string& order, const std::string& database) {
  return ask_order(database, order, order::ship{}, is_now);
}

int cancel(const std::string& order, const std::string& database) {
  return ask_order(database, order, order::cancel{}, is_now);
}

int show(const std::string& order, const std::string& database) {
  return ask_order(database, order, order::show{}, sheet);
}

int list(const list_arguments& a, const std::string& database) {
  const auto which =
      filter_of({.customer = a.customer, .status = a.status, .total_min = a.total_min},
                {"--status", "--min-total"});
  if (!which) return complain(which.error());
  return in_shop(database, shop::missing::is_error, [&](shop& in, nexus::session& on) {
    const auto page = in.list(on, *which, a.page, a.rows);
    if (!page) return complain(page.error());
    using enum bank::table::align;
    bank::table rows{{right, left, left, right}};
    for (const auto& one : page->rows) {
      rows.add({std::to_string(one.id), printable(one.customer, 40),
                std::string{to_string(one.status)}, total_of(one)});
    }
    fmt::print("{}page {} of {}: {} order{} in all\n", rows.str(), a.page, page->pages,
               bank::grouped(static_cast<std::uint64_t>(page->total)), page->total == 1 ? "" : "s");
    return exit_done;
  });
}

int check(const std::string& database) {
  return in_shop(database, shop::missing::is_error, [&](shop& in, nexus::session& on) {
    if (auto finished = in.finish_payments(on); !finished) return complain(finished.error());
    const auto is = in.check(on);
    if (!is) return complain(is.error());
    fmt::print("{}", report(*is));
    return is->agree() ? exit_done : exit_refused;
  });
}

}  // namespace orders
