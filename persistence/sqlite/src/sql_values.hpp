// Values of the user's own statements.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include <sqlite3.h>

#include <span>
#include <string>

#include "nexus/sql.hpp"

namespace nexus::inline v0::sqlite {

/// Gives the statement its parameters, which must outlive its stepping; `query_failed` if they are not as
/// many as the statement has, or have other names than $1, $2 …
[[nodiscard]] result<void> bind_all(sqlite3_stmt* s, std::span<const sql_value> with,
                                    const std::string& name);

/// Steps through to the end.
[[nodiscard]] sql_rows step_all(sqlite3* db, sqlite3_stmt* s);

}  // namespace nexus::inline v0::sqlite
