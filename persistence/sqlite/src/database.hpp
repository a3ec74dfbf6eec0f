// Opening the file: what is refused, and how a connection is set up.
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
      name;  ///< for messages, "sqlite:PATH", with the table_prefix if it is not the usual one
  bool synchronous_full = true;
  schema_choices choices;

  /// Fails with `invalid_argument` for an empty path and unknown or bad parameters.
  [[nodiscard]] static result<address> from(const uri& where);

  [[nodiscard]] tables with(const layout& of) const { return {of, choices, name}; }
};

/// A connection that knows how its tables are named.
struct journal_database : SQLite::Database {
  journal_database(const std::string& file, int flags, int busy_ms, schema_choices named)
      : SQLite::Database{file, flags, busy_ms}, choices{std::move(named)} {}

  const schema_choices choices;
};

/// How long a connection waits for another one's lock.
inline constexpr std::chrono::milliseconds busy_timeout{5'000};

enum class open_mode {
  create,   ///< the file and its tables are made if need be, as the address says
  existing  ///< a session of a journal that was opened: an empty file there is a lost one
};

[[nodiscard]] result<std::unique_ptr<journal_database>> open_database(const address& where,
                                                                      open_mode mode);

/// The tables at an address, as `open` would find them. Tests bring a layout of their own.
[[nodiscard]] std::unique_ptr<nexus::schema> schema_at(address where, const layout& of = today());

enum class access { create, write, read };

/// Opens the file alone; SQLite itself looks into it only when something is asked. None if it does not
/// exist and is not to be created.
[[nodiscard]] result<std::unique_ptr<journal_database>> open_file(const address& where, access how);

/// Looks whether it is a journal, sets the connection up, and sees to the tables as the address says.
/// Returns the version found. Throws: SQLite::Exception.
[[nodiscard]] result<unsigned> set_up(journal_database& db, const address& where, open_mode mode,
                                      const layout& of);

}  // namespace nexus::inline v0::sqlite
