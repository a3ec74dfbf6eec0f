// CSV as in RFC 4180: quoted fields with commas, line breaks and doubled quotes; CRLF or LF; the
// last line break may be missing; a UTF-8 byte order mark and blank lines are skipped.
//
// Threads: one at a time per reader. Failures: a `csv_error`, which ends the reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace bank {

struct csv_record {
  std::uint64_t line = 0;  ///< where it begins, from 1
  std::vector<std::string> fields;
};

struct csv_error {
  std::uint64_t line = 0;  ///< where the field begins, from 1
  std::size_t field = 0;   ///< from 1
  std::string message;
};

class csv_reader {
 public:
  /// `text` must outlive the reader.
  explicit csv_reader(std::string_view text);

  /// The next record; none at the end.
  [[nodiscard]] tl::expected<std::optional<csv_record>, csv_error> next();

 private:
  [[nodiscard]] tl::expected<std::string, csv_error> quoted_field(std::size_t number);
  [[nodiscard]] tl::expected<std::string, csv_error> plain_field(std::size_t number);
  [[nodiscard]] bool at_line_end() const;
  void skip_line_end();

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
};

/// The text as a field for output: quoted if necessary.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace bank
