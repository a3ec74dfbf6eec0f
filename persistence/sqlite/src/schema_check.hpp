// Compares the tables in a file with those that the DDL makes.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema.hpp"

namespace nexus::inline v0::sqlite {

struct difference {
  enum class kind : std::uint8_t { missing, different, extra };

  kind how = kind::missing;
  std::string line;  ///< "nexus_event_journal.codec is missing"
};

/// The differences; empty if there are none. A foreign index is no difference unless it is unique:
/// it rejects no event.
[[nodiscard]] std::vector<difference> compare(SQLite::Database& db, const tables& t);

/// The names of the tables, in no particular order.
[[nodiscard]] std::vector<std::string> table_names(const tables& t);

}  // namespace nexus::inline v0::sqlite
