// How a file is recognised as a journal; making its tables, leading them to today's version, dropping
// them.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include "layout.hpp"

namespace nexus::inline v0::sqlite {

/// The version of the tables in the file; 0 for none where some may be made. Fails with
/// `foreign_schema`. Changes nothing.
[[nodiscard]] result<unsigned> found_version(SQLite::Database& db, const tables& t);

/// The same, if it is a version to go on from; else `newer_schema`, or `older_schema` unless it
/// `may_migrate`.
[[nodiscard]] result<unsigned> usable(SQLite::Database& db, const tables& t, bool may_migrate);

/// Makes the tables and chosen indexes that are missing; in one transaction, if there is anything to do.
/// Returns the version before.
[[nodiscard]] result<unsigned> create_tables(SQLite::Database& db, const tables& t);

/// Likewise, or takes the steps to today's version.
[[nodiscard]] result<unsigned> migrate_tables(SQLite::Database& db, const tables& t);

/// Fails with `foreign_schema`, naming the first table, column, index or trigger that is missing,
/// but for the indexes that can be chosen.
[[nodiscard]] result<void> verify_tables(SQLite::Database& db, const tables& t);

/// Drops the tables; refuses what is foreign or newer. One transaction.
[[nodiscard]] result<void> drop_tables(SQLite::Database& db, const tables& t);

}  // namespace nexus::inline v0::sqlite
