// The check that a file is a journal; makes its tables, migrates them to the current version, drops
// them.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include "layout.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// The version of the tables in the file; 0 for none where tables may be made. Fails with
/// `foreign_schema`. Changes nothing.
[[nodiscard]] result<unsigned> found_version(SQLite::Database& db, const tables& t);

/// The same for a usable version; else `newer_schema`, or `older_schema` unless it `may_migrate`.
[[nodiscard]] result<unsigned> usable(SQLite::Database& db, const tables& t, bool may_migrate);

/// Makes the missing tables and chosen indexes; in one transaction, if anything is to do. Returns
/// the version before.
[[nodiscard]] result<unsigned> create_tables(SQLite::Database& db, const tables& t);

/// The same, or takes the steps to the current version.
[[nodiscard]] result<unsigned> migrate_tables(SQLite::Database& db, const tables& t);

/// Fails with `foreign_schema`, which names the first table, column, index or trigger that is
/// missing; chosen indexes may be missing.
[[nodiscard]] result<void> verify_tables(SQLite::Database& db, const tables& t);

/// Drops the tables; refuses foreign and newer ones. One transaction.
[[nodiscard]] result<void> drop_tables(SQLite::Database& db, const tables& t);

}}}  // namespace nexus::v0::sqlite
