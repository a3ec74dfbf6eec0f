// One connection with every statement prepared, and the write transaction.
//
// Threads: one at a time. Throws: SQLite::Exception.
#pragma once

#include <memory>

#include "database.hpp"
#include "nexus/persistence_id.hpp"
#include "statement.hpp"

namespace nexus::inline v0::sqlite {

struct connection {
  explicit connection(std::unique_ptr<journal_database> opened);

  /// True while a transaction is open, also after an error that did not roll it back.
  [[nodiscard]] bool in_transaction() const noexcept {
    return sqlite3_get_autocommit(db->getHandle()) == 0;
  }

  std::unique_ptr<journal_database> db;  // first, so that it closes after the statements

  statement begin, commit, rollback;
  statement tail;  // the last position in the journal, and the last one erased
  statement last_number, last_erased;
  statement insert_event, read_events, read_payloads, read_journal;
  statement lowest_number, erase_events, list_ids;
  statement insert_tag, read_tags;
  statement save_snapshot, load_snapshot, list_snapshots, erase_snapshots;
  statement store_state, read_version, load_state, list_states;
  statement mark_settled;
};

/// BEGIN IMMEDIATE … COMMIT; rolls back at the end of the scope unless committed.
class transaction {
 public:
  explicit transaction(connection& c) : connection_{c} { c.begin.run(); }
  ~transaction();
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  /// Throws with `in_doubt` true if it may have taken effect or may yet do so.
  void commit(bool& in_doubt);
  void commit() {
    bool in_doubt = false;
    commit(in_doubt);
  }

 private:
  connection& connection_;
};

}  // namespace nexus::inline v0::sqlite
