// Many rows with one statement.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nexus/comparison.hpp"
#include "nexus/detail/row_mapper.hpp"

namespace nexus { inline namespace v0 {

/// "set the column to the value"; the column by its own name or its field's.
struct column_change {
  template <class T>
  column_change(std::string column, const T& value)
      : column{std::move(column)}, value{detail::to_filter(value)} {}

  std::string column;
  detail::filter_value value;
};

namespace detail {

/// Inserts all or none; returns how many. The entities get versions and times, but no keys.
[[nodiscard]] result<std::int64_t> bulk_insert(row_mapper& in, std::span<void* const> entities,
                                               const write_choices& how);

/// Inserts rows, or updates `update` of rows that have the same values in `unique`.
[[nodiscard]] result<std::int64_t> upsert(row_mapper& in, std::span<void* const> entities,
                                          const std::vector<std::string>& unique,
                                          const std::vector<std::string>& update);

[[nodiscard]] result<std::int64_t> bulk_update(row_mapper& in, const row_query& wanted,
                                               const std::vector<column_change>& changes);

/// Sets the columns on each entity, and stores it; returns how many were written.
[[nodiscard]] result<std::int64_t> update_each(row_mapper& in, std::span<void* const> entities,
                                               const std::vector<column_change>& changes);

}
}}  // namespace nexus::v0
