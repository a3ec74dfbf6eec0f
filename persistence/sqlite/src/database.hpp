// Opens the file: refuses invalid ones, and sets up a connection.
//
// Threads: any; the database opened belongs to one thread at a time. Throws: nothing.
#pragma once

#include <SQLiteCpp/Database.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "nexus/result.hpp"
#include "nexus/schema.hpp"
#include "nexus/schema_choices.hpp"
#include "nexus/uri.hpp"
#include "schema.hpp"

namespace nexus::inline v0::sqlite {

struct address {
  std::string path;  ///< absolute
  std::string
      name;  ///< for messages, "sqlite:PATH", with the table_prefix if it is not the default
  bool synchronous_full = true;
  schema_choices choices;

  /// Fails with `invalid_argument` for an empty path and unknown or bad parameters.
  [[nodiscard]] static result<address> from(const uri& where);

  [[nodiscard]] tables with(const layout& of) const { return {of, choices, name}; }
};

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

/// The tables at an address, as `open` would find them. Tests pass their own layout.
[[nodiscard]] std::unique_ptr<nexus::schema> schema_at(address where, const layout& of = today());

enum class access { create, write, read };

/// Only opens the file; SQLite reads it at the first statement. None if it does not exist and must
/// not be created.
[[nodiscard]] result<std::unique_ptr<journal_database>> open_file(const address& where, access how);

/// Checks that it is a journal, sets up the connection, and handles the tables as the address says.
/// Returns the version found. Throws: SQLite::Exception.
[[nodiscard]] result<unsigned> set_up(journal_database& db, const address& where, open_mode mode,
                                      const layout& of);

}  // namespace nexus::inline v0::sqlite
