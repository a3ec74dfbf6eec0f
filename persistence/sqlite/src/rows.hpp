// Rows to records and back: every column is checked, since a file may hold anything.
//
// Threads: the connection's. Throws: nothing.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "nexus/journal.hpp"
#include "statement.hpp"

namespace nexus::inline v0::sqlite {

/// ULIDs as they are stored, remembering the last one: runs of rows have the same writer.
class writer_column {
 public:
  [[nodiscard]] std::string_view text(const ulid& writer);
  /// False unless `text` is a ULID.
  [[nodiscard]] bool parse(std::string_view text, ulid& into);

 private:
  ulid writer_;
  std::string text_;
};

/// Reads the current row of `read_events`; its views last until the next step. Returns the name of
/// the first column that no journal writes so, or nothing.
[[nodiscard]] std::string_view read_row(const statement& row, writer_column& writers,
                                        record_view& into);

/// Likewise for `read_payloads`: number, type, version, codec and data.
[[nodiscard]] std::string_view read_payload(const statement& row, record_view& into);

/// Likewise for `load_snapshot`.
[[nodiscard]] std::string_view read_row(const statement& row, writer_column& writers,
                                        stored_snapshot& into);

/// The error for such a row.
[[nodiscard]] error corrupt_row(std::string_view name, std::string_view kind,
                                const persistence_id& id, std::int64_t number,
                                std::string_view column);

[[nodiscard]] inline std::int64_t micros(timestamp t) { return t.time_since_epoch().count(); }
[[nodiscard]] inline timestamp from_micros(std::int64_t t) {
  return timestamp{std::chrono::microseconds{t}};
}

/// Numbers past what the column holds name no event.
[[nodiscard]] inline std::int64_t column_nr(sequence_nr n) {
  return static_cast<std::int64_t>(n < sequence_nr_max ? n : sequence_nr_max);
}

}  // namespace nexus::inline v0::sqlite
