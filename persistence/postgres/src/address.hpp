// The address of a journal in PostgreSQL: libpq's options, and those of Nexus.
//
// Threads: a value. Failures: `invalid_argument`, one line with the parameter and no password.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "nexus/result.hpp"
#include "nexus/schema_choices.hpp"
#include "nexus/uri.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

struct address {
  std::string name;  ///< for messages: the URI without password and parameters
  std::vector<std::pair<std::string, std::string>> options;  ///< libpq's keywords and values
  std::string schema;  ///< of the database; empty: the connection's current one
  /// For all connections of an open journal; empty: as server, database and role set it.
  std::string search_path;
  std::string synchronous_commit;  ///< empty: as they set it, but `on` instead of `off` and `local`
  schema_choices tables{};
  std::chrono::milliseconds patience{30'000};  ///< per statement; 0: no limit
  unsigned writers = 4;

  [[nodiscard]] static result<address> from(const uri& where);
};

}}}  // namespace nexus::v0::postgres
