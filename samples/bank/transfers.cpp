#include "transfers.hpp"

#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "journal.hpp"
#include "money.hpp"

namespace bank {
namespace {

constexpr std::size_t page_max = 1000;
constexpr std::size_t in_flight_max = 100;

// Reads only the last event, since most transfers are over.
nexus::result<bool> is_over(nexus::journal_session& session, const nexus::persistence_id& id) {
  const auto highest = session.highest(id);
  if (!highest) return nexus::fail(highest.error());
  bool over = false;
  auto read = session.replay(id, *highest, *highest, 1, [&](const nexus::record_view& record) {
    over = record.event.type == transfer::completed::type_name;
    return true;
  });
  if (!read) return nexus::fail(read.error());
  return over;
}

auto bad(std::string_view argument, std::string_view why) {
  return nexus::fail(nexus::errc::invalid_argument, fmt::format("{}: {}", argument, why));
}

}  // namespace

nexus::result<transfer::started> read_transfer(const transfer_arguments& a,
                                               const transfer_argument_names& names) {
  for (const auto& [name, is] : {std::pair{names.from, &a.from}, std::pair{names.to, &a.to}}) {
    if (is->empty()) return bad(name, "is empty");
    const auto id = nexus::persistence_id::make(account::entity_type, *is);
    if (!id) return bad(name, id.error().message);
  }
  if (a.from == a.to) return bad(names.to, fmt::format("\"{}\" is {} as well", a.to, names.from));
  const auto hundredths = parse_hundredths(a.amount);
  if (!hundredths) return bad(names.amount, hundredths.error().message);
  if (*hundredths <= 0) return bad(names.amount, fmt::format("\"{}\" is not above zero", a.amount));
  if (a.currency.empty()) return bad(names.currency, "is empty");
  // The rules for ids fit: short text.
  if (!nexus::persistence_id::make("currency", a.currency)) {
    return bad(names.currency, "is not UTF-8, or is too long");
  }
  return transfer::started{a.from, a.to, *hundredths, a.currency};
}

nexus::result<transfer::state> stored_transfer(nexus::journal_session& session,
                                               std::string_view id) {
  const auto of = nexus::persistence_id::make(transfer::entity_type, id);
  if (!of) return nexus::fail(of.error());
  transfer::state state;
  std::optional<nexus::error> fault;
  auto read = for_each_record(session, *of, [&](const nexus::record_view& record) {
    const auto event = nexus::decode_event<transfer>(record.event);
    if (!event) {
      fault = event.error();
      return false;
    }
    std::visit([&](const auto& e) { transfer::apply(state, e); }, *event);
    return true;
  });
  if (!read) return nexus::fail(std::move(read.error()));
  if (fault) return nexus::fail(*std::move(fault));
  return state;
}

nexus::result<void> for_each_open_transfer(
    nexus::journal_session& session, std::string_view before,
    const std::function<nexus::result<void>(std::string_view id)>& sink) {
  std::string after;
  for (;;) {
    const auto page = session.ids({.type = transfer::entity_type, .after = after}, page_max);
    if (!page) return nexus::fail(page.error());
    if (page->empty()) return {};
    for (const auto& id : *page) {
      if (!before.empty() && id.id() >= before) return {};
      const auto over = is_over(session, id);
      if (!over) return nexus::fail(over.error());
      if (*over) continue;
      if (auto taken = sink(id.id()); !taken) return taken;
    }
    after = page->back().id();
  }
}

nexus::result<std::size_t> finish_transfers(
    nexus::journal_session& session, std::string_view before,
    const nexus::entities<transfer>& transfers,
    const std::function<void(std::string_view id, const nexus::error& why)>& held_up) {
  struct sent {
    std::string id;
    nexus::asked<ending> answer;
  };
  std::deque<sent> in_flight;
  std::size_t finished = 0;
  auto take_oldest = [&] {
    auto [id, answer] = std::move(in_flight.front());
    in_flight.pop_front();
    if (const auto ended = answer.get(answer_deadline); ended) {
      ++finished;
    } else {
      held_up(id, ended.error());
    }
  };
  auto listed = for_each_open_transfer(session, before, [&](std::string_view id) {
    if (in_flight.size() == in_flight_max) take_oldest();
    in_flight.push_back({std::string{id}, transfers.of(id).ask(transfer::await{})});
    return nexus::result<void>{};
  });
  while (!in_flight.empty()) take_oldest();
  if (!listed) return nexus::fail(listed.error());
  return finished;
}

nexus::result<ending> run_transfer(const nexus::entities<transfer>& transfers, std::string_view id,
                                   const transfer::started& what) {
  const auto one = transfers.of(id);
  auto started = one.ask(transfer::start{what});
  auto ended = one.ask(transfer::await{});
  if (auto stored = started.get(answer_deadline); !stored) return nexus::fail(stored.error());
  return ended.get(answer_deadline);
}

}  // namespace bank
