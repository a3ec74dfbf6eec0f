// Opening the file: what is refused, and how a connection is set up.
//
// Threads: any; the database opened belongs to one thread at a time. Throws: nothing.
#pragma once

#include <SQLiteCpp/Database.h>

#include <memory>
#include <string>

#include "nexus/result.hpp"
#include "nexus/uri.hpp"

namespace nexus::inline v0::sqlite {

struct address {
  std::string path;
  std::string name;  ///< for messages, "sqlite:PATH"
  bool synchronous_full = true;

  /// Fails with `invalid_argument` for an empty path and unknown or bad parameters.
  [[nodiscard]] static result<address> from(const uri& where);
};

enum class open_mode {
  create,   ///< the file and its tables are made if need be
  existing  ///< a session of a journal that was opened: an empty file there is a lost one
};

[[nodiscard]] result<std::unique_ptr<SQLite::Database>> open_database(const address& where,
                                                                      open_mode mode);

}  // namespace nexus::inline v0::sqlite
