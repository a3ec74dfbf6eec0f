// Compares the tables in a file with those that the DDL makes.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include <string>
#include <vector>

#include "layout.hpp"
#include "nexus/schema_drift.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// The differences; empty if there are none. A foreign index is no difference unless it is unique:
/// it rejects no event.
[[nodiscard]] std::vector<schema_difference> differences(SQLite::Database& db, const tables& t);

/// The names of the tables, in no particular order.
[[nodiscard]] std::vector<std::string> table_names(const tables& t);

}}}  // namespace nexus::v0::sqlite
