// The row of an entity, by the names of its columns: for `hydrate` and `dehydrate` of a mapping.
//
// Threads: one at a time. Throws: std::invalid_argument for a column that the mapping lacks, which
// the mapper returns as an error.
#pragma once

#include <string_view>

#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 {

namespace detail {
struct table;
using row_values = std::vector<std::optional<sql_value>>;
}

class column_values {
 public:
  column_values(const detail::table& of, detail::row_values& in) noexcept : of_{of}, in_{in} {}

  /// None: the column was left out, or not read.
  [[nodiscard]] const sql_value* find(std::string_view column) const;

  template <detail::sql_parameter T>
  void set(std::string_view column, const T& value) {
    at(column) = detail::to_sql(value);
  }

  /// An INSERT then gives the column its default, an UPDATE leaves it as it is.
  void leave_out(std::string_view column) { at(column).reset(); }

 private:
  std::optional<sql_value>& at(std::string_view column) const;

  const detail::table& of_;
  detail::row_values& in_;
};

}}  // namespace nexus::v0
