// SQL of the program on a session with faults: what faulty_session (nexus/testkit/faulty.hpp) does
// with it. An injected error acts like the database's own: within a transaction only its end is
// accepted afterwards, or that of the savepoint before it; and a lost answer or request loses the
// connection, which ends the transaction.
//
// Threads: the session's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/session.hpp"
#include "nexus/testkit/faults.hpp"

namespace nexus { inline namespace v0 { namespace testkit { namespace detail {

class faulty_sql {
 public:
  faulty_sql(session& inner, faults& told) : inner_{inner}, faults_{told} {}

  result<sql_rows> run(std::string_view sql, sql_parameters with) {
    const auto work = [&] { return inner_.run_sql(sql, with); };
    const auto word = nexus::detail::first_word(sql);
    if (!unfinished()) {
      lost_ = false;  // it connects again
      const bool begins = word == "BEGIN" || word == "START";
      return through(begins ? operation::begin : operation::sql, sql, work);
    }
    if (word == "COMMIT" || word == "END") return through_commit(sql, work);
    const bool undoes = word == "ROLLBACK" || word == "ABORT";
    if (failed_ && (!undoes || lost_)) return fail(*failed_);
    if (!undoes) return through(operation::sql, sql, work);
    auto done = work();
    if (done) failed_.reset();
    return done;
  }
  result<void> begin(isolation level, bool read_only) {
    if (unfinished()) return inner_.begin(level, read_only);  // which refuses it
    lost_ = false;
    return through(operation::begin, "BEGIN", [&] { return inner_.begin(level, read_only); });
  }
  result<void> commit() {
    return through_commit("COMMIT", [&] { return inner_.commit(); });
  }
  result<void> rollback() {
    if (failed_ && !inner_.in_transaction()) {
      failed_.reset();
      return {};
    }
    failed_.reset();
    return inner_.rollback();
  }

  [[nodiscard]] bool unfinished() const noexcept { return failed_ || inner_.in_transaction(); }
  /// True after a lost answer or request, until the session is used again outside of a transaction.
  [[nodiscard]] bool lost() const noexcept { return lost_; }

 private:
  template <class Work>
  auto through(operation of, std::string_view sql, Work work) -> decltype(work()) {
    faults_.begin(of, sql);
    const auto wrong = faults_.take(of, sql);
    if (!wrong) return work();
    const bool within = inner_.in_transaction();
    if (*wrong == fault::lose_answer) (void)work();
    auto why = error_of(*wrong, of, sql, within);
    if (within) failed_ = why;
    if (loses(*wrong)) lose();
    return fail(std::move(why));
  }

  template <class Work>
  auto through_commit(std::string_view sql, Work work) -> decltype(work()) {
    if (!unfinished()) return work();  // which refuses it
    if (failed_) {
      auto why = *failed_;
      (void)rollback();
      return fail(std::move(why));
    }
    auto done = through(operation::commit, sql, work);
    failed_.reset();  // the transaction is over, with or without a commit
    if (!done && inner_.in_transaction()) (void)inner_.rollback();
    return done;
  }

  void lose() {
    lost_ = true;
    if (inner_.in_transaction()) (void)inner_.rollback();  // as the server does
  }

  static bool loses(const told_fault& wrong) {
    return wrong == fault::lose_answer || wrong == fault::lose_request;
  }

  static error error_of(const told_fault& wrong, operation of, std::string_view sql, bool within) {
    if (wrong.why) return *wrong.why;
    auto code = errc::unavailable;
    if (wrong == fault::conflict) code = errc::serialization_failed;
    if (wrong == fault::reject) {
      code = of == operation::commit ? errc::constraint_violated : errc::query_failed;
    }
    const bool commits = of == operation::commit || (of == operation::sql && !within);
    if (loses(wrong) && commits) code = errc::outcome_unknown;
    return {code, "faulty store: fails, as the test injected: " + std::string{sql}};
  }

  session& inner_;
  faults& faults_;
  std::optional<error> failed_;  // of the open transaction
  bool lost_ = false;
};

}}}}  // namespace nexus::v0::testkit::detail
