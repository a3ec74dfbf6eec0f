// Parameters and rows of statements of the user.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include <sqlite3.h>

#include <span>
#include <string>

#include "nexus/session.hpp"
#include "nexus/sql.hpp"
#include "own_statements.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// Binds the parameters, which must outlive the statement's steps; `query_failed` if the statement
/// has another number of them, or other names than $1, $2 …
[[nodiscard]] result<void> bind_all(own_statement& to, sql_parameters with,
                                    const std::string& name);

/// Steps to the end. Rows go to `to` if there is one; then `rows` gets none, and no columns.
void step_all(sqlite3* db, own_statement& of, bool writes, sql_row_sink* to, sql_rows& rows);

}}}  // namespace nexus::v0::sqlite
