// The values of many rows in few blocks of memory.
//
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// The values of an entity, one per column of its table, in their order. None: not written, or not
/// read.
using row_values = std::vector<std::optional<sql_value>>;
using row_view = std::span<const std::optional<sql_value>>;
using row_cells = std::span<std::optional<sql_value>>;

/// Moves a value. Most are integers, for which a visitor takes longer than the move.
inline void move_cell(std::optional<sql_value>& to, std::optional<sql_value>& from) {
  const auto* number = from ? std::get_if<std::int64_t>(&*from) : nullptr;
  if (number == nullptr) {
    to = std::move(from);
  } else if (auto* there = to ? std::get_if<std::int64_t>(&*to) : nullptr) {
    *there = *number;
  } else {
    to.emplace(std::in_place_type<std::int64_t>, *number);
  }
}

/// Moves a value into a cell without one.
inline void move_into(std::optional<sql_value>& to, sql_value& from) {
  if (const auto* number = std::get_if<std::int64_t>(&from)) {
    to.emplace(std::in_place_type<std::int64_t>, *number);
  } else {
    to.emplace(std::move(from));
  }
}

/// Into cells without values.
inline void move_to(row_cells to, row_values& from) {
  for (std::size_t at = 0; at < to.size(); ++at) {
    if (from[at]) move_into(to[at], *from[at]);
  }
}

class cell_blocks {
 public:
  /// Cells without values, until they are given back. All rows have the same number of columns.
  [[nodiscard]] row_cells take(std::size_t columns) {
    if (!free_.empty()) {
      const auto row = free_.back();
      free_.pop_back();
      return row;
    }
    if (used_ == rows_) {
      used_ = 0;
      rows_ = std::min<std::size_t>(2 * rows_ + 1, rows_max);
      blocks_.push_back(std::make_unique<std::optional<sql_value>[]>(rows_ * columns));
    }
    return {blocks_.back().get() + used_++ * columns, columns};
  }
  void give(row_cells row) {
    for (auto& cell : row) cell.reset();
    free_.push_back(row);
  }
  void clear() { *this = {}; }

 private:
  static constexpr std::size_t rows_max = 15;  // of a block, which stays in the first cache

  std::vector<std::unique_ptr<std::optional<sql_value>[]>> blocks_;
  std::size_t rows_ = 0, used_ = 0;  // of the last block
  std::vector<row_cells> free_;
};

}}}  // namespace nexus::v0::detail
