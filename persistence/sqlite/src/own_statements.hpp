// Statements of the program, kept prepared by their text.
//
// Preparing costs several times what a short statement does. SQLite prepares a kept statement again
// by itself after a change of the schema.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

struct own_statement {
  struct finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };

  std::string text;
  std::unique_ptr<sqlite3_stmt, finalize> handle;  // null: the text has no statement
  bool alone = true;                               // nothing follows the statement in the text
  bool writes = false;
  /// Of each parameter the N of $N, ?N, or its place if it is ?; 0: it has another name.
  std::vector<std::size_t> parameters{};
  bool borrows = false;          // bound texts and bytes are the caller's
  std::vector<sql_value> row{};  // of the last step; kept for its memory
};

class own_statements {
 public:
  static constexpr std::size_t kept_max = 128;
  static constexpr std::size_t text_bytes_max = 4'096;

  /// The kept statement of this text, or a new one. It is the caller's alone: a call within a call
  /// gets another one.
  [[nodiscard]] std::unique_ptr<own_statement> take(sqlite3* db, std::string_view text);

  /// Resets the statement, so that no read stays open, and keeps it for the next `take`, in the
  /// place of the one that was not used for the longest time. Drops it if the text is too long.
  void keep(std::unique_ptr<own_statement> done);

  void clear() noexcept { kept_.clear(); }

 private:
  std::vector<std::unique_ptr<own_statement>> kept_;  // the last one is the one used last
};

}}}  // namespace nexus::v0::sqlite
