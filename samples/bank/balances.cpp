// bank balances, bank rebuild: what every account holds, from the balance sheet.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nexus/nexus.hpp>

#include "balance_sheet.hpp"
#include "commands.hpp"
#include "csv.hpp"
#include "importer.hpp"
#include "journal.hpp"
#include "text.hpp"

namespace bank {
namespace {

using steady = std::chrono::steady_clock;

int complain_of(const std::string& journal, const nexus::error& why) {
  return complain(fmt::format("{}: {}", nexus::uri::shown(journal), why.message), exit_failed);
}

constexpr std::chrono::seconds read_deadline{60};

// The rows without a fault; each other one is a line on stderr.
std::vector<balance> without_faults(std::vector<balance> rows, int& code) {
  std::erase_if(rows, [&](const auto& row) {
    if (row.fault.empty()) return false;
    code = complain(fmt::format("account|{}: {}", row.id, row.fault), exit_faults);
    return true;
  });
  return rows;
}

void show_csv(const std::vector<balance>& rows) {
  fmt::print("account,currency,amount\r\n");
  for (const auto& row : rows) {
    for (const auto& [currency, hundredths] : row.hundredths) {
      fmt::print("{},{},{}\r\n", csv_field(row.id), csv_field(currency),
                 format_hundredths(hundredths));
    }
  }
}

void show_table(const std::vector<balance>& rows) {
  using enum table::align;
  table shown{{left, right, left}};
  for (const auto& row : rows) {
    for (const auto& [currency, hundredths] : row.hundredths) {
      shown.add({printable(row.id), format_hundredths(hundredths), printable(currency)});
    }
  }
  fmt::print("{}", shown.str());
}

}  // namespace

int show_balances(bool as_csv, const std::string& journal) {
  nexus::system sys;
  auto store = open_for_reading(journal);
  if (!store) return complain(store.error().message, exit_failed);

  const balance_sheet sheet{sys, *store};
  progress bar{"events"};
  if (auto done = sheet.wait(bar, default_patience); !done) {
    return complain_of(journal, done.error());
  }
  auto all = sheet.all(read_deadline);
  if (!all) return complain_of(journal, all.error());
  int code = exit_done;
  const auto rows = without_faults(*std::move(all), code);
  as_csv ? show_csv(rows) : show_table(rows);
  return code;
}

int rebuild_balances(const std::string& journal) {
  constexpr std::chrono::seconds line_every{1};
  nexus::system sys;
  auto store = open_for_reading(journal);
  if (!store) return complain(store.error().message, exit_failed);

  const auto begin = steady::now();
  const balance_sheet sheet{sys, *store};
  if (auto done = sheet.rebuild(); !done) return complain_of(journal, done.error());
  {
    progress bar{"events", line_every};
    if (auto done = sheet.wait(bar, default_patience); !done) {
      return complain_of(journal, done.error());
    }
  }
  auto all = sheet.all(read_deadline);
  if (!all) return complain_of(journal, all.error());
  int code = exit_done;
  const auto rows = without_faults(*std::move(all), code);
  std::uint64_t events = 0;
  for (const auto& row : rows) events += row.events;
  const std::chrono::duration<double> seconds = steady::now() - begin;
  fmt::print("accounts  {:>9}\nevents    {:>9} in {:.2f} s\n", grouped(rows.size()),
             grouped(events), seconds.count());
  return code;
}

}  // namespace bank
