// Opens the file: refuses invalid ones, and sets up a connection.
//
// Threads: any; the database opened belongs to one thread at a time. Throws: nothing.
#pragma once

#include <SQLiteCpp/Database.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "address.hpp"
#include "nexus/result.hpp"
#include "nexus/schema_choices.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// A connection that knows the names of its tables.
struct journal_database : SQLite::Database {
  journal_database(const std::string& file, int flags, int busy_ms, schema_choices named)
      : SQLite::Database{file, flags, busy_ms}, choices{std::move(named)} {}

  const schema_choices choices;
};

/// How long a connection waits for another one's lock.
inline constexpr std::chrono::milliseconds busy_timeout{5'000};

enum class open_mode {
  create,   ///< makes the file and its tables if needed, as the address says
  existing  ///< for a session of an open journal: an empty file has lost its tables
};

[[nodiscard]] result<std::unique_ptr<journal_database>> open_database(const address& where,
                                                                      open_mode mode);

enum class access { create, write, read };

/// Only opens the file; SQLite reads it at the first statement. None if it does not exist and must
/// not be created.
[[nodiscard]] result<std::unique_ptr<journal_database>> open_file(const address& where, access how);

/// Checks that it is a journal, sets up the connection, and handles the tables as the address says.
/// Returns the version found. Throws: SQLite::Exception.
[[nodiscard]] result<unsigned> set_up(journal_database& db, const address& where, open_mode mode,
                                      const layout& of);

}}}  // namespace nexus::v0::sqlite
