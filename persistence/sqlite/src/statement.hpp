// A prepared statement over a SQLiteCpp database that binds without copying.
//
// SQLite::Statement copies string_views and hides its handle; this adds the missing part. Bound
// values must live until the statement was stepped to its end or reset.
//
// Threads: those of its connection. Throws: SQLite::Exception.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "database.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

class statement {
 public:
  /// The table names in `text` begin with "nexus_"; the chosen names replace them.
  statement(const journal_database& db, std::string_view text);

  statement& integer(int at, std::int64_t value);
  statement& text(int at, std::string_view value);
  statement& blob(int at, std::string_view value);
  statement& null(int at);

  /// True if there is a row to read; else the statement has been reset, also when it throws.
  bool step();
  /// Steps through to the end.
  void run() {
    while (step()) {
    }
  }
  void reset() noexcept { sqlite3_reset(handle_.get()); }

  // Columns of the current row, from 0; the views last until the next step.
  [[nodiscard]] sqlite3_value* value(int column) const {
    return sqlite3_column_value(handle_.get(), column);
  }
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
  }
  [[nodiscard]] std::string_view bytes(int column) const;

 private:
  void check(int code) const;

  struct finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  std::unique_ptr<sqlite3_stmt, finalize> handle_;
};

/// Resets a statement when the scope ends: an open read would keep the WAL from being reused.
class reading {
 public:
  explicit reading(statement& s) noexcept : statement_{s} {}
  ~reading() { statement_.reset(); }
  reading(const reading&) = delete;
  reading& operator=(const reading&) = delete;

 private:
  statement& statement_;
};

}}}  // namespace nexus::v0::sqlite
