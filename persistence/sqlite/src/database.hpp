// Opening the file: what is refused, and how a connection is set up.
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

namespace nexus::inline v0::sqlite {

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

enum class access { create, write, read };

/// Opens the file alone; SQLite itself looks into it only when something is asked. None if it does not
/// exist and is not to be created.
[[nodiscard]] result<std::unique_ptr<journal_database>> open_file(const address& where, access how);

/// Looks whether it is a journal, sets the connection up, and sees to the tables as the address says.
/// Returns the version found. Throws: SQLite::Exception.
[[nodiscard]] result<unsigned> set_up(journal_database& db, const address& where, open_mode mode,
                                      const layout& of);

}  // namespace nexus::inline v0::sqlite
