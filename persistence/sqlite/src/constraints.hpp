// The constraint that a statement has broken: what SQLite says, and what the schema adds.
//
// Threads: the connection's. Throws: only when memory runs out.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <string_view>

#include "nexus/broken_constraint.hpp"
#include "sql_guard.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// `sql` is the statement that failed with `why`. Reads the schema of the journal's file. What is
/// not certain stays empty: SQLite does not say which one of several foreign keys it was, and
/// nothing about tables of attached files and temporary ones.
[[nodiscard]] broken_constraint broken_by(sqlite3* db, const SQLite::Exception& why,
                                          std::string_view sql, sql_guard& guard);

}}}  // namespace nexus::v0::sqlite
