// A ledger: a CSV file of postings, read and checked as a whole before use.
//
// Columns: transaction_id, date, narration, account, amount, currency; in any order, among others.
//
// Threads: pure functions, except for reading the file. Failures: `invalid_argument`, one sentence
// that
// begins with FILE:LINE:COLUMN.
#pragma once

#include <cstdint>
#include <nexus/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace bank {

struct posting {
  std::uint64_t line = 0;  ///< where it begins in the file, from 1
  std::string transaction;
  std::string date;
  std::string narration;
  std::string account;
  std::int64_t hundredths = 0;
  std::string currency;

  friend bool operator==(const posting&, const posting&) = default;
};

struct ledger {
  /// Identifies the ledger: a hash of its first posting, 16 hexadecimal digits. So it stays the
  /// same when the file is moved or postings are appended; empty without postings.
  std::string id;
  std::vector<posting> postings;
};

/// `name` names the file in errors.
[[nodiscard]] nexus::result<ledger> parse_ledger(std::string_view name, std::string_view text);

[[nodiscard]] nexus::result<ledger> read_ledger(const std::string& file);

}  // namespace bank
