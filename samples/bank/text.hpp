// Text for a terminal: counts, columns, and untrusted strings.
//
// Threads: pure functions, and a table that belongs to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bank {

/// Writes a count for people: "34,715".
[[nodiscard]] std::string grouped(std::uint64_t count);

/// The text on one line: control characters become spaces; beyond `width_max` it ends in "…".
[[nodiscard]] std::string printable(std::string_view text, std::size_t width_max = SIZE_MAX);

/// The number of code points of UTF-8 text: about its columns.
[[nodiscard]] std::size_t width(std::string_view text);

/// Rows whose columns are aligned when all rows are known.
class table {
 public:
  enum class align : std::uint8_t { left, right };

  explicit table(std::vector<align> columns) : columns_{std::move(columns)} {}

  /// One cell per column.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  [[nodiscard]] std::string str() const;

 private:
  std::vector<align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace bank
