// Limits what SQL of the program may do to a journal's connection, and tells whether it left
// something behind.
//
// SQLite's compiler reports every action of a statement (to its authorizer): many PRAGMAs take
// effect while they are compiled, also behind EXPLAIN and in a statement that is never run.
//
// Threads: the connection's.
#pragma once

#include <SQLiteCpp/Database.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nexus/schema_choices.hpp"

struct sqlite3;

namespace nexus { inline namespace v0 { namespace sqlite {

/// What a statement does: the largest of its actions.
enum class reach : std::uint8_t {
  rows,    ///< reads and writes rows of the journal's file, begins and ends transactions
  schema,  ///< changes tables and indexes of that file as well
  beyond   ///< settings, temporary objects, attached files
};

class sql_guard {
 public:
  explicit sql_guard(const schema_choices& choices) : choices_{choices} {}
  sql_guard(const sql_guard&) = delete;
  sql_guard& operator=(const sql_guard&) = delete;

  /// Call it before preparing statements, as it would prepare them again. Outlives the connection.
  void watch(sqlite3* db);

  /// True if a setting, a temporary object or an attached file was left on the connection.
  [[nodiscard]] bool touched() const noexcept { return touched_; }
  void forgive() noexcept { touched_ = false; }

  /// How long to wait for another writer, if PRAGMA busy_timeout has set it.
  [[nodiscard]] std::optional<std::chrono::milliseconds> busy_timeout() const noexcept {
    return busy_timeout_;
  }

  /// Why the last statement was refused; empty if it was not.
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
  void begin_statement() noexcept {
    refusal_.clear();
    reach_ = sqlite::reach::rows;
  }

  /// Of the last statement, if it was prepared since it began; else `rows`.
  [[nodiscard]] sqlite::reach reach() const noexcept { return reach_; }

  /// From now on the tables that a statement may write are added while it is prepared; also those
  /// that its triggers and the actions of foreign keys write. Null: no more.
  struct write {
    int action;  // SQLITE_INSERT, SQLITE_UPDATE or SQLITE_DELETE
    std::string table;
    std::string column{};  // of an update
  };
  void record_writes(std::vector<write>* to) noexcept { writes_ = to; }

  /// Statements of our own, which are neither judged nor counted.
  class trusted_scope {
   public:
    explicit trusted_scope(sql_guard& of) noexcept : guard_{of} { guard_.trusted_ = true; }
    ~trusted_scope() { guard_.trusted_ = false; }
    trusted_scope(const trusted_scope&) = delete;
    trusted_scope& operator=(const trusted_scope&) = delete;

   private:
    sql_guard& guard_;
  };

 private:
  int judge(int action, const char* first, const char* second, const char* in);
  int judge_pragma(const char* name, const char* value, const char* in);
  int judge_change(const char* doing, const char* what);
  int refuse(std::string why);

  const schema_choices& choices_;
  bool touched_ = false;
  bool trusted_ = false;
  std::vector<write>* writes_ = nullptr;
  sqlite::reach reach_ = sqlite::reach::rows;
  std::string refusal_;
  std::optional<std::chrono::milliseconds> busy_timeout_;
};

}}}  // namespace nexus::v0::sqlite
