// The tables of a journal in SQLite, as DDL, and the steps that lead to them from older versions.
//
// Threads: constants.
#pragma once

#include <SQLiteCpp/Database.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/result.hpp"
#include "nexus/schema_choices.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

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

/// The rows of nexus_meta in a new journal, and the indexes that the address chooses.
[[nodiscard]] std::string rows_of_meta(const layout& of);
[[nodiscard]] std::string chosen_indexes(const schema_choices& choices);

/// All statements that `create_tables` runs on an empty file, for people.
[[nodiscard]] std::string ddl(const tables& t);

}}}  // namespace nexus::v0::sqlite
