// Whether columns have one of several values, as SQL.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "row_statements.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// "column IN …", or NOT IN. A list of integers or texts is one parameter, so that lists of any
/// length have one text, which sessions keep prepared. NULL is not among the values.
void in_list(sql_builder& sql, std::string_view quoted_column, std::span<const sql_value> values,
             bool wanted, bool is_sqlite);

/// Rows whose columns have one of these lists of values, which follow one another.
void in_tuples(sql_builder& sql, const std::vector<std::string>& quoted_columns,
               std::span<const sql_value> values, bool is_sqlite);

}}}
