// Parameters and rows of statements of the user.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include <sqlite3.h>

#include <span>
#include <string>

#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// Binds the parameters, which must outlive the statement's steps; `query_failed` if the statement
/// has another number of them, or other names than $1, $2 …
[[nodiscard]] result<void> bind_all(sqlite3_stmt* s, std::span<const sql_value> with,
                                    const std::string& name);

/// Steps to the end.
[[nodiscard]] sql_rows step_all(sqlite3* db, sqlite3_stmt* s);

}}}  // namespace nexus::v0::sqlite
