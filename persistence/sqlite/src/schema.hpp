// The tables of a journal in SQLite, and the check that a file is one.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include <SQLiteCpp/Database.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/result.hpp"
#include "nexus/schema_choices.hpp"

namespace nexus::inline v0::sqlite {

/// Leads from one version to the next, inside a transaction; on failure the step is rolled back.
using migration = std::function<result<void>(SQLite::Database&, const schema_choices&)>;

/// A version of the tables. Every name in the SQL begins with "nexus_", whatever was chosen.
struct layout {
  unsigned version = 1;
  std::string_view tables;       ///< of this version
  std::vector<migration> steps;  ///< the first leads from version 1 to 2; one less than versions
};

/// The layout of this Nexus.
[[nodiscard]] const layout& today();

/// One journal's tables: their layout and names, and the journal's name in messages.
struct tables {
  const layout& of;
  const schema_choices& choices;
  std::string_view name;
};

/// All statements that `bring_up` runs on an empty file, for people.
[[nodiscard]] std::string ddl(const tables& t);

/// The version of the tables in the file; 0 for none where tables may be made. Fails with
/// `foreign_schema`. Changes nothing.
[[nodiscard]] result<unsigned> inspect(SQLite::Database& db, const tables& t);

/// The same for a usable version; else `newer_schema`, or `older_schema` unless it `may_migrate`.
[[nodiscard]] result<unsigned> usable(SQLite::Database& db, const tables& t, bool may_migrate);

/// Makes the missing tables and chosen indexes, or, if it `may_migrate`, takes the steps to the
/// current version; in one transaction, if anything is to do. Returns the version before.
[[nodiscard]] result<unsigned> bring_up(SQLite::Database& db, const tables& t, bool may_migrate);

/// Fails with `foreign_schema`, which names the first table, column, index or trigger that is
/// missing; chosen indexes may be missing.
[[nodiscard]] result<void> verify(SQLite::Database& db, const tables& t);

/// Drops the tables; refuses foreign and newer ones. One transaction.
[[nodiscard]] result<void> drop(SQLite::Database& db, const tables& t);

}  // namespace nexus::inline v0::sqlite
