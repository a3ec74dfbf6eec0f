#include "statement.hpp"

#include <SQLiteCpp/Exception.h>

namespace nexus { inline namespace v0 { namespace sqlite {

statement::statement(const journal_database& db, std::string_view text) {
  const auto sql = db.choices.named(text);
  sqlite3_stmt* made = nullptr;
  int code = sqlite3_prepare_v3(db.getHandle(), sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  if (code != SQLITE_OK) throw SQLite::Exception(db.getHandle(), code);
  handle_.reset(made);
}

void statement::check(int code) const {
  if (code != SQLITE_OK) throw SQLite::Exception(sqlite3_db_handle(handle_.get()), code);
}

statement& statement::integer(int at, std::int64_t value) {
  check(sqlite3_bind_int64(handle_.get(), at, value));
  return *this;
}

statement& statement::text(int at, std::string_view value) {
  // A null pointer would bind NULL instead of the empty string.
  const char* data = value.empty() ? "" : value.data();
  check(sqlite3_bind_text64(handle_.get(), at, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

statement& statement::blob(int at, std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  check(sqlite3_bind_blob64(handle_.get(), at, data, value.size(), SQLITE_STATIC));
  return *this;
}

statement& statement::null(int at) {
  check(sqlite3_bind_null(handle_.get(), at));
  return *this;
}

bool statement::step() {
  int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_.get());
    return false;
  }
  reading scope{*this};  // resets only after the message was read
  throw SQLite::Exception(sqlite3_db_handle(handle_.get()), code);
}

std::string_view statement::bytes(int column) const {
  // In this order: the size is that of the bytes returned by the call before it.
  const void* data = sqlite3_column_blob(handle_.get(), column);
  auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return {data == nullptr ? "" : static_cast<const char*>(data), size};
}

}}}  // namespace nexus::v0::sqlite
