// bank balances: asks every account; they recover in parallel.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <deque>
#include <nexus/nexus.hpp>

#include "account.hpp"
#include "commands.hpp"
#include "csv.hpp"
#include "journal.hpp"
#include "text.hpp"

namespace bank {
namespace {

constexpr std::size_t in_flight_max = 1000;
constexpr std::chrono::seconds answer_deadline{60};

struct sent {
  std::string name;
  nexus::asked<account::balances> answer;
};

using row_sink = std::function<void(const std::string& name, const std::string& currency,
                                    const std::string& amount)>;

// Passes every balance to `sink`, ascending; returns how many accounts failed.
nexus::result<std::size_t> ask_all(nexus::system& sys, nexus::store& store, const row_sink& sink) {
  auto session = store.open_session();
  if (!session) return nexus::fail(session.error());
  nexus::entities<account> accounts{sys, store, {}};

  std::size_t faults = 0;
  std::deque<sent> in_flight;
  auto take_oldest = [&] {
    auto [name, answer] = std::move(in_flight.front());
    in_flight.pop_front();
    const auto balances = std::move(answer).get(answer_deadline);
    if (!balances) {
      ++faults;
      complain(balances.error().message, exit_faults);
      return;
    }
    for (const auto& [currency, hundredths] : *balances) {
      sink(name, currency, format_hundredths(hundredths));
    }
  };
  auto listed = for_each_id(**session, account::entity_type, [&](const auto& id) {
    if (in_flight.size() == in_flight_max) take_oldest();
    std::string name{id.id()};
    auto answer = accounts.of(name).ask(account::get_balances{});
    in_flight.push_back({std::move(name), std::move(answer)});
    return nexus::result<void>{};
  });
  while (!in_flight.empty()) take_oldest();
  if (!listed) return nexus::fail(listed.error());
  return faults;
}

}  // namespace

int show_balances(bool as_csv, const std::string& journal) {
  nexus::system sys;
  auto store = open_for_reading(journal);
  if (!store) return complain(store.error().message, exit_failed);

  using enum table::align;
  table shown{{left, right, left}};
  if (as_csv) fmt::print("account,currency,amount\r\n");
  const auto faults =
      ask_all(sys, *store, [&](const auto& name, const auto& currency, auto amount) {
        if (as_csv) {
          fmt::print("{},{},{}\r\n", csv_field(name), csv_field(currency), amount);
        } else {
          shown.add({printable(name), amount, printable(currency)});
        }
      });
  fmt::print("{}", shown.str());
  if (!faults)
    return complain(fmt::format("{}: {}", nexus::uri::shown(journal), faults.error().message),
                    exit_failed);
  return *faults > 0 ? exit_faults : exit_done;
}

}  // namespace bank
