// A connection with its statements, and the write transaction.
//
// Threads: one at a time. Throws: SQLite::Exception.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "database.hpp"
#include "journal_file.hpp"
#include "nexus/persistence_id.hpp"
#include "nexus/result.hpp"
#include "own_statements.hpp"
#include "sql_guard.hpp"
#include "statements.hpp"
#include "write_turns.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

struct connection {
  explicit connection(std::unique_ptr<journal_database> opened);

  /// True while a transaction is open, also after an error that did not roll it back; a view is none.
  [[nodiscard]] bool in_transaction() const noexcept {
    return !viewing && sqlite3_get_autocommit(db->getHandle()) == 0;
  }

  /// Until `end_view`, all reads are made in one transaction, so they take SQLite's locks once.
  void begin_view();
  void end_view();

  /// Why its last commit, or its next read, does not concern the journal's file any more; none if
  /// all is well, or if it has not joined a journal.
  [[nodiscard]] std::optional<error> trouble() const {
    return file ? file->trouble() : std::nullopt;
  }

  /// Waits for the turn to write, unless it has no file of a journal.
  void take_turn(taker as);
  /// Gives the turn back, unless a transaction is open.
  void end_turn() noexcept {
    if (turn && !in_transaction()) turn.give_back();
  }

  sql_guard guard;                       // outlives the connection
  write_turns::turn turn;                // so does this: closing ends a transaction
  std::unique_ptr<journal_database> db;  // before the statements, so that it closes after them
  std::unique_ptr<journal_file::share> file;

  statements sql;
  own_statements own;                                 // of the program
  const std::atomic<bool>* interrupted = nullptr;     // of the session
  std::uint64_t epoch = 0;                            // of the journal's positions
  bool viewing = false;                               // see begin_view
  std::set<std::string, std::less<>> frequent_types;  // with many events; see query.cpp
};

/// Ends the connection's turn with the scope, if its transaction is over then.
class turn_scope {
 public:
  explicit turn_scope(connection& c) noexcept : connection_{c} {}
  ~turn_scope() { connection_.end_turn(); }
  turn_scope(const turn_scope&) = delete;
  turn_scope& operator=(const turn_scope&) = delete;

 private:
  connection& connection_;
};

/// BEGIN IMMEDIATE … COMMIT; rolls back at the end of the scope unless committed.
class transaction {
 public:
  explicit transaction(connection& c, taker as = taker::journal) : connection_{c}, turn_{c} {
    c.end_view();
    c.take_turn(as);
    c.sql.begin.run();
  }
  ~transaction();
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  /// Throws with `in_doubt` true if it may have taken effect or may still do so. Fails, and is in
  /// doubt, if it committed to a file that was removed or replaced.
  [[nodiscard]] result<void> commit(bool& in_doubt);
  [[nodiscard]] result<void> commit() {
    bool in_doubt = false;
    return commit(in_doubt);
  }

 private:
  connection& connection_;
  turn_scope turn_;
};

/// BEGIN … end, so that several statements read from one snapshot.
class read_transaction {
 public:
  explicit read_transaction(connection& c) : connection_{c} {
    c.end_view();
    c.sql.begin_reading.run();
  }
  ~read_transaction();
  read_transaction(const read_transaction&) = delete;
  read_transaction& operator=(const read_transaction&) = delete;

 private:
  connection& connection_;
};

/// True if a COMMIT with this error has written no commit to the log, which is certain for a full
/// disk.
[[nodiscard]] bool wrote_nothing(sqlite3* db, const SQLite::Exception& why);

}}}  // namespace nexus::v0::sqlite
