// The bank, run in a temporary folder.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "process.hpp"
#include "temporary_folder.hpp"

namespace samples {

using nexus::test::temporary_folder;

class Bank : public ::testing::Test {
 protected:
  /// Runs the program with its journal at `bank.db` in the directory.
  [[nodiscard]] finished bank(command_line arguments, privileges p = privileges::kept) const;
  [[nodiscard]] command_line bank_line(command_line arguments) const;

  /// Writes a file into the directory; returns its path.
  std::string file(std::string_view name, std::string_view text) const;

  [[nodiscard]] bool journal_exists() const { return std::filesystem::exists(journal()); }
  [[nodiscard]] std::string journal() const { return directory.path("bank.db"); }

  void remove_journal() const;

  /// Changes the journal behind the bank's back, by SQL. Returns the number of changed rows.
  int damage(const std::string& sql) const;
  /// A foreign SQLite database in place of the journal.
  void make_foreign_database() const;
  /// The number of stored events; 0 while there is no journal.
  [[nodiscard]] std::uint64_t events_stored() const;

  temporary_folder directory;
};

inline constexpr std::string_view header =
    "transaction_id,date,narration,account,amount,currency\n";

/// The real ledger.
constexpr std::uint64_t postings = 34'715;
[[nodiscard]] std::string postings_csv();

/// The output of `bank balances --csv` for it: samples/bank/data/balances.csv, computed by another
/// program.
[[nodiscard]] std::string expected_balances();

[[nodiscard]] std::string contents(const std::string& path);

}  // namespace samples
