// Rows to records and back: every column is checked, since a file may hold anything.
//
// Threads: the connection's. Throws: nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/journal.hpp"
#include "statement.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// ULIDs as stored, with the last one cached: runs of rows have the same writer.
class writer_column {
 public:
  [[nodiscard]] std::string_view text(const ulid& writer);
  /// False unless `text` is a ULID.
  [[nodiscard]] bool parse(std::string_view text, ulid& into);

 private:
  ulid writer_;
  std::string text_;
};

/// Reads the current row of `read_events` or `read_all`; its views last until the next step.
/// Returns the name of the first column with a value that no journal writes; empty if there is
/// none.
[[nodiscard]] std::string_view read_row(const statement& row, writer_column& writers,
                                        std::uint64_t epoch, record_view& into);

/// The same for `read_payloads`: number, type, version, codec and data.
[[nodiscard]] std::string_view read_payload(const statement& row, record_view& into);

/// The same for `load_snapshot`.
[[nodiscard]] std::string_view read_row(const statement& row, writer_column& writers,
                                        stored_snapshot& into);

/// The same for `load_state`.
[[nodiscard]] std::string_view read_row(const statement& row, writer_column& writers,
                                        stored_state& into);

/// The tags of events in ascending order of position. The cursor is at the next tagged event of the
/// whole journal, so untagged events cost a comparison each, and a journal without tags one
/// look-up.
class tag_cursor {
 public:
  /// `rows` is `read_tags`.
  explicit tag_cursor(statement& rows) : rows_{rows} {}
  ~tag_cursor() { rows_.reset(); }
  tag_cursor(const tag_cursor&) = delete;
  tag_cursor& operator=(const tag_cursor&) = delete;

  /// Sets the record's tags, valid until the next call; false if a row is corrupt.
  [[nodiscard]] bool read(record_view& record);

 private:
  static constexpr std::int64_t none_left = std::numeric_limits<std::int64_t>::max();

  void step() { next_ = rows_.step() ? rows_.integer(0) : none_left; }

  statement& rows_;
  std::int64_t next_ = 0;  // position of the current row; 0: not begun
  std::int64_t last_ = 0;  // position of the record read before
  std::vector<std::string> tags_;
  std::vector<std::string_view> views_;
};

[[nodiscard]] inline std::int64_t micros(timestamp t) { return t.time_since_epoch().count(); }
[[nodiscard]] inline timestamp from_micros(std::int64_t t) {
  return timestamp{std::chrono::microseconds{t}};
}

}}}  // namespace nexus::v0::sqlite
