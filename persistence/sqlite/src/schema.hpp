// The tables of a journal in SQLite, and how a file is recognised as one.
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

/// Leads from one version to the next, inside a transaction; what it leaves open is rolled back.
using migration = std::function<result<void>(SQLite::Database&, const schema_choices&)>;

/// What is known of the tables. Every name in the SQL begins with "nexus_", whatever was chosen.
struct layout {
  unsigned version = 1;
  std::string_view tables;       ///< of this version
  std::vector<migration> steps;  ///< the first leads from version 1 to 2; one less than versions
};

/// That of this Nexus.
[[nodiscard]] const layout& today();

/// One journal's tables: which, how they are named, and what messages call the journal.
struct tables {
  const layout& of;
  const schema_choices& choices;
  std::string_view name;
};

/// Every statement as `bring_up` runs them on an empty file, for people.
[[nodiscard]] std::string ddl(const tables& t);

/// The version of the tables in the file; 0 for none where some may be made. Fails with
/// `foreign_schema`. Changes nothing.
[[nodiscard]] result<unsigned> inspect(SQLite::Database& db, const tables& t);

/// The same, if it is a version to go on from; else `newer_schema`, or `older_schema` unless it
/// `may_migrate`.
[[nodiscard]] result<unsigned> usable(SQLite::Database& db, const tables& t, bool may_migrate);

/// Makes the tables and chosen indexes that are missing, or, if it `may_migrate`, takes the steps to
/// today's version; in one transaction, if there is anything to do. Returns the version before.
[[nodiscard]] result<unsigned> bring_up(SQLite::Database& db, const tables& t, bool may_migrate);

/// Fails with `foreign_schema`, naming the first table, column, index or trigger that is missing,
/// but for the indexes that can be chosen.
[[nodiscard]] result<void> verify(SQLite::Database& db, const tables& t);

/// Drops the tables; refuses what is foreign or newer. One transaction.
[[nodiscard]] result<void> drop(SQLite::Database& db, const tables& t);

}  // namespace nexus::inline v0::sqlite
