// The SQL of a mapper. Values are parameters, and names come from the mapping, quoted.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/detail/row_mapper.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Adds parameters and their numbers.
class sql_builder {
 public:
  sql_builder() { made_.sql.reserve(200); }
  /// Behind the parameters of `begun`.
  explicit sql_builder(statement begun) : made_{std::move(begun)}, parameters_{made_.with.size()} {}
  [[nodiscard]] std::string take_text() { return std::exchange(made_.sql, {}); }

  sql_builder& text(std::string_view sql) {
    made_.sql += sql;
    return *this;
  }
  /// From now on parameters are `?`: SQLite compares each name with all names before it.
  sql_builder& without_numbers() {
    has_numbers_ = false;
    return *this;
  }
  /// `$n`
  sql_builder& parameter();
  /// `$n`, with the value as its parameter.
  sql_builder& value(sql_value value) {
    made_.with.push_back(std::move(value));
    return parameter();
  }
  sql_builder& name(const table& of, std::size_t column) { return text(of.columns[column].quoted); }
  /// The columns' names, separated by commas.
  sql_builder& names(const table& of, std::span<const std::size_t> columns);
  /// " WHERE " the key's columns are the next parameters.
  sql_builder& where_key(const table& of);

  [[nodiscard]] statement done() { return std::move(made_); }

 private:
  statement made_;
  std::size_t parameters_ = 0;
  bool has_numbers_ = true;
};

/// What a column is compared with, or set to, in the column's form; throws `misfit` if the column
/// holds nothing of the kind. A column with a conversion of the program takes what it is given.
[[nodiscard]] sql_value value_for(const table& of, std::size_t column,
                                  const filter_value::one& value);

/// Makes `last` the INSERT of the columns that `row` has.
void insert_row(const table& of, const row_values& row, bool returns_key, last_text& last);

/// Makes `last` the UPDATE of some columns of the row with this key, if it still has `version` (null:
/// there is none), and is not marked. `row` has the key.
void update_row(const table& of, const row_values& row, std::span<const std::size_t> changed,
                const sql_value* version, bool only_unmarked, last_text& last);

[[nodiscard]] statement delete_row(const table& of, const row_values& row,
                                   std::optional<std::int64_t> version);

/// Some columns of the row with the key of `row`.
[[nodiscard]] statement select_row(const table& of, const row_values& row,
                                   std::span<const std::size_t> columns);

/// `select`: "SELECT … FROM …". `invalid_argument` for an unknown column, or values that do not
/// suit a comparison.
[[nodiscard]] result<statement> select_rows(const table& of, const row_query& wanted,
                                            std::string select, std::string_view dialect);

/// The query with the scopes of the mapping.
[[nodiscard]] result<row_query> with_scopes(const table& of, const row_query& wanted);

/// How many rows, of those that reading returns, have each of the keys in these columns: key,
/// number.
[[nodiscard]] result<statement> count_rows(const table& of, const std::vector<std::string>& columns,
                                           std::span<const sql_value> keys,
                                           std::string_view dialect);
/// The same by a link table; `of`: the related rows.
[[nodiscard]] result<statement> count_links(const link_table& by, const table& of,
                                            std::span<const sql_value> keys,
                                            std::string_view dialect);
/// Own key, related key.
[[nodiscard]] statement select_links(const link_table& of, std::span<const sql_value> keys,
                                     std::string_view dialect);

/// Writes the columns of all rows that match; `changes` are numbers of columns and their values.
[[nodiscard]] result<statement> update_rows(
    const table& of, const row_query& wanted,
    const std::vector<std::pair<std::size_t, sql_value>>& changes, std::string_view dialect);

[[nodiscard]] inline result<sql_rows> run(session& on, const statement& what) {
  return on.run_sql(what.sql, what.with);
}

}}}
