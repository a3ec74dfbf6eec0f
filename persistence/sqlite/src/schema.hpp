// The tables of a journal in SQLite, and how a file is recognised as one.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include <SQLiteCpp/Database.h>

#include <string_view>

#include "nexus/result.hpp"

namespace nexus::inline v0::sqlite {

inline constexpr int schema_version = 1;

enum class contents { nothing, journal };

/// What the file holds; fails with `foreign_schema` or `newer_schema`. Changes nothing.
[[nodiscard]] result<contents> inspect(SQLite::Database& db, std::string_view name);

/// Creates the tables unless another process was faster. One transaction.
[[nodiscard]] result<void> create_schema(SQLite::Database& db, std::string_view name);

/// Fails with `foreign_schema`, naming the first table, column, index or trigger that is missing.
[[nodiscard]] result<void> verify_schema(SQLite::Database& db, std::string_view name);

}  // namespace nexus::inline v0::sqlite
