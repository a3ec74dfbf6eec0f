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

  result<sql_rows> run_sql(std::string_view sql, std::span<const sql_value> with) override {
    static constexpr std::array<std::string_view, 7> ends{"BEGIN", "START",   "COMMIT",  "END",
                                                          "ABORT", "PREPARE", "ROLLBACK"};
    const auto word = first_word(sql);
    const bool refused = std::ranges::find(ends, word) != ends.end() &&
                         !(word == "ROLLBACK" && goes_back_to_a_savepoint(sql));
    if (refused) return not_here(word);
    return of_.run_sql(sql, with);
  }
  result<void> begin(isolation, bool) override { return not_here("BEGIN"); }
  result<void> commit() override { return not_here("COMMIT"); }
  result<void> rollback() override { return not_here("ROLLBACK"); }
  result<isolation> level() override { return of_.level(); }

  bool has_sql() const noexcept override { return of_.has_sql(); }
  document_storage* documents() noexcept override { return of_.documents(); }

  bool broken() const noexcept override { return of_.broken(); }
  bool unfinished() const noexcept override { return of_.in_transaction(); }
  bool touched() const noexcept override { return of_.touched(); }
  result<void> reset(const std::string&) override { return not_here("a reset"); }
  void interrupt() noexcept override { of_.interrupt(); }

 private:
  // ROLLBACK [WORK | TRANSACTION] TO …
  static bool goes_back_to_a_savepoint(std::string_view sql) {
    constexpr std::string_view rollback = "ROLLBACK";
    std::string upper{sql};
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    std::string_view rest{upper};
    rest.remove_prefix(rest.find(rollback) + rollback.size());
    auto next = first_word(rest);
    if (next == "WORK" || next == "TRANSACTION") {
      rest.remove_prefix(rest.find(next) + next.size());
      next = first_word(rest);
    }
    return next == "TO";
  }

  static tl::unexpected<error> not_here(std::string_view what) {
    return fail(errc::invalid_argument,
                std::string{what} +
                    " in the handler of a projection: it runs in the transaction "
                    "that also stores how far the projection is");
  }

  session& of_;
};

}}}
