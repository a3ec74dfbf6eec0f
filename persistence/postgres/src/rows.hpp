// Rows to records. PostgreSQL guarantees the types; the values within them are checked.
//
// Threads: the connection's. Throws: nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "answer.hpp"
#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

/// Reads rows of `read_events`, `read_payloads` and `read_all`. Views last as long as the rows.
class record_reader {
 public:
  record_reader(const rows& of, std::uint64_t epoch) : rows_{of}, epoch_{epoch} {}

  /// Number, type, schema version, codec and data. Returns the name of the first column with a
  /// value that no journal writes; empty if there is none.
  [[nodiscard]] std::string_view payload(int row, record_view& into) const;
  /// The whole record. Its tags last until the next call.
  [[nodiscard]] std::string_view record(int row, record_view& into);

 private:
  [[nodiscard]] bool tags(int row);

  const rows& rows_;
  const std::uint64_t epoch_;
  std::vector<std::string_view> tags_;
  std::string last_writer_;  // runs of rows have the same writer
  ulid writer_;
};

/// Reads a row of `load_snapshot`.
[[nodiscard]] std::string_view read_row(const rows& of, int row, stored_snapshot& into);

/// Reads a row of `load_state`.
[[nodiscard]] std::string_view read_row(const rows& of, int row, stored_state& into);

/// Reads a row of `read_alarm` or `read_due`, whose id `into` has already.
[[nodiscard]] std::string_view read_row(const rows& of, int row, stored_alarm& into);

/// False for infinity.
[[nodiscard]] bool read_time(const rows& of, int row, int column, timestamp& into);

}}}  // namespace nexus::v0::postgres
