#include "connection.hpp"

#include <SQLiteCpp/Exception.h>

#include <utility>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

std::unique_ptr<journal_database> guarded(std::unique_ptr<journal_database> db, sql_guard& guard) {
  db->exec("PRAGMA foreign_keys = on");
  guard.watch(db->getHandle());
  return db;
}

}  // namespace

connection::connection(std::unique_ptr<journal_database> opened)
    : guard{opened->choices}, db{guarded(std::move(opened), guard)}, sql{*db} {
  reading scope{sql.epoch};
  if (sql.epoch.step()) epoch = static_cast<std::uint64_t>(sql.epoch.integer(0));
}

void connection::take_turn(taker as) {
  if (!file || interrupted == nullptr) return;
  turn = file->turns().take(as, *interrupted, guard.busy_timeout().value_or(busy_timeout));
}

void connection::begin_view() {
  if (viewing || in_transaction()) return;
  sql.begin_reading.run();
  viewing = true;
}

void connection::end_view() {
  if (!std::exchange(viewing, false)) return;
  if (in_transaction()) sql.commit.run();  // else an error has ended it
}

namespace {

// What remains in the transaction is rolled back by its owner, which closes the connection.
void roll_back(connection& c) noexcept {
  if (!c.in_transaction()) return;  // committed, or rolled back by SQLite
  try {
    c.sql.rollback.run();
  } catch (const SQLite::Exception&) {  // NOLINT(bugprone-empty-catch): see above
  }
}

}  // namespace

transaction::~transaction() { roll_back(connection_); }
read_transaction::~read_transaction() { roll_back(connection_); }

result<void> transaction::commit(bool& in_doubt) {
  in_doubt = true;
  try {
    connection_.sql.commit.run();
  } catch (const SQLite::Exception& why) {
    // Busy, and still in the transaction: the commit has not begun and will be rolled back.
    bool untouched = why.getErrorCode() == SQLITE_BUSY && connection_.in_transaction();
    in_doubt = !untouched && !wrote_nothing(connection_.db->getHandle(), why);
    throw;
  }
  connection_.end_turn();
  if (auto why = connection_.trouble()) return fail(*std::move(why));
  in_doubt = false;
  return {};
}

// SQLite writes a transaction's frames to the log in order, and the last one makes them a commit: a
// write without space failed at that frame or before it. Copies of the last frame follow only on
// devices where a write may damage its neighbours.
bool wrote_nothing(sqlite3* db, const SQLite::Exception& why) {
  if (why.getErrorCode() != SQLITE_FULL) return false;
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (file == nullptr || file->pMethods == nullptr) return false;
  return (file->pMethods->xDeviceCharacteristics(file) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
}

}}}  // namespace nexus::v0::sqlite
