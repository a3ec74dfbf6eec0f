// The session that a handler gets: that of its transaction, without the right to begin or end
// transactions, since the offset of events not handled yet would be committed too.
//
// Threads: the session's.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class handler_session final : public session {
 public:
  explicit handler_session(session& of) : of_{of} {}

  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override {
    static constexpr std::array<std::string_view, 7> ends{"BEGIN", "START",   "COMMIT",  "END",
                                                          "ABORT", "PREPARE", "ROLLBACK"};
    auto rest = sql;
    const auto word = next_word(rest);
    const bool refused = word == unclear || (std::ranges::find(ends, word) != ends.end() &&
                                             !(word == "ROLLBACK" && goes_to_a_savepoint(rest)));
    if (refused) return not_here(word);
    return of_.run_sql(sql, with);
  }
  result<void> begin(isolation, bool) override { return not_here("BEGIN"); }
  result<void> commit() override { return not_here("COMMIT"); }
  result<void> rollback() override { return not_here("ROLLBACK"); }
  result<isolation> level() override { return of_.level(); }

  bool has_sql() const noexcept override { return of_.has_sql(); }
  std::string_view dialect() const noexcept override { return of_.dialect(); }
  document_storage* documents() noexcept override { return of_.documents(); }
  undo_log& undoes() noexcept override { return of_.undoes(); }

  bool broken() const noexcept override { return of_.broken(); }
  bool unfinished() const noexcept override { return of_.in_transaction(); }
  bool touched() const noexcept override { return of_.touched(); }
  result<void> reset(const std::string&) override { return not_here("a reset"); }
  void interrupt() noexcept override { of_.interrupt(); }

 private:
  static constexpr std::string_view unclear = "a comment within a comment";

  // Takes the next word, in capitals, past blanks and comments. Databases differ about comments
  // within comments.
  static std::string next_word(std::string_view& sql) {
    for (;;) {
      sql.remove_prefix(std::min(sql.find_first_not_of(" \t\n\v\f\r;"), sql.size()));
      if (sql.starts_with("--")) {
        sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
      } else if (sql.starts_with("/*")) {
        const auto end = std::min(sql.find("*/", 2), sql.size());
        if (sql.substr(0, end).find("/*", 2) < end) return std::string{unclear};
        sql.remove_prefix(std::min(end + 2, sql.size()));
      } else {
        break;
      }
    }
    std::string word;
    while (!sql.empty() && std::isalpha(static_cast<unsigned char>(sql.front())) != 0) {
      word += static_cast<char>(std::toupper(static_cast<unsigned char>(sql.front())));
      sql.remove_prefix(1);
    }
    return word;
  }

  // What follows ROLLBACK: [WORK | TRANSACTION] TO …
  static bool goes_to_a_savepoint(std::string_view rest) {
    auto next = next_word(rest);
    if (next == "WORK" || next == "TRANSACTION") next = next_word(rest);
    return next == "TO";
  }

  static tl::unexpected<error> not_here(std::string_view what) {
    return fail(errc::invalid_argument,
                std::string{what} +
                    " is not allowed in the handler of a projection, whose transaction also "
                    "stores how far the projection is");
  }

  session& of_;
};

}}}
