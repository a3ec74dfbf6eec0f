// The key of a row as the id of an entity.
//
// A key of one column is its value: "7", "ann". Of several columns it is their values, separated by
// "/"; "/" and "%" in texts are written as %2F and %25. Each key has exactly one text.
//
// Threads: any.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/detail/table.hpp"
#include "nexus/result.hpp"
#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 { namespace detail {

[[nodiscard]] std::string id_of_key(std::span<const sql_value> key);

/// The values of the table's key; `invalid_id` if no key has this text.
[[nodiscard]] result<std::vector<sql_value>> key_of_id(const table& of, std::string_view id);
/// The same into `to`, whose memory is used again.
[[nodiscard]] result<void> read_key(const table& of, std::string_view id,
                                    std::vector<sql_value>& to);

/// Whether the value is the key of this id; for keys of one column.
[[nodiscard]] bool is_key(const sql_value& value, std::string_view id);

/// Why rows of the table cannot be entities: a column of the key is neither an integer nor a text.
[[nodiscard]] result<void> keys_are_ids(const table& of);

}}}  // namespace nexus::v0::detail
