// Transactions that are committed or undone as a whole.
//
//   auto booked = nexus::transactional(store.sessions(), [&](nexus::session& s) -> nexus::result<void> {
//     auto taken = s.execute("UPDATE rooms SET guest = $1 WHERE number = $2 AND guest IS NULL", who, room);
//     if (!taken) return nexus::fail(taken.error());
//     return audit(s, who);   // a transactional call within: a savepoint
//   });
//
// `f(session&)` may return nothing, a value or a result. An error that it returns, or an exception, rolls
// back; an error of `commit` is the answer in place of its value. What collided with another transaction
// (serialization failures, deadlocks, SQLite's busy) is done again from the beginning, a bounded number
// of times, after a pause with jitter: `f` must not have effects elsewhere that cannot be repeated.
//
// Within a transaction of the session a call becomes a savepoint: its error or exception undoes no more
// than itself, nothing is tried again, and it takes part in the isolation of the whole. One that asks for
// a stricter isolation than the whole has is refused (`invalid_argument`); `read_only` has no meaning
// there, and in a read-only transaction the database refuses writes (`query_failed`).
//
// Threads: `f` runs on the calling one, which blocks. Failures: those of session and pool, and of `f`.
#pragma once

#include <chrono>
#include <functional>
#include <type_traits>
#include <utility>

#include "nexus/caller.hpp"
#include "nexus/pool.hpp"
#include "nexus/session.hpp"

namespace nexus::inline v0 {

struct transaction_options {
  isolation level = isolation::read_committed;
  bool read_only = false;
  unsigned retries_max = 5;                  ///< beyond the first try
  std::chrono::milliseconds retry_pause{5};  ///< doubled each time, each with jitter; at most 1 s
};

namespace detail {

/// One transaction, or a savepoint; undone at the end of the scope unless it was committed.
class transaction_scope {
 public:
  explicit transaction_scope(session& on) noexcept : session_{on} {}
  ~transaction_scope();
  transaction_scope(const transaction_scope&) = delete;
  transaction_scope& operator=(const transaction_scope&) = delete;

  [[nodiscard]] result<void> begin(const transaction_options& options);
  [[nodiscard]] result<void> commit();

 private:
  session& session_;
  bool nested_ = false;
  bool open_ = false;
};

/// Waits before the next of so many tries; false if there is none.
[[nodiscard]] bool pause_before_retry(unsigned tries_so_far, const transaction_options& options);

}

/// On a session that one has.
template <class F>
auto transactional(session& on, F&& f, const transaction_options& options = {})
    -> outcome_of<F, session&> {
  const bool outermost = !on.in_transaction();
  for (unsigned tries = 1;; ++tries) {
    auto done = [&]() -> outcome_of<F, session&> {
      detail::transaction_scope scope{on};
      if (auto begun = scope.begin(options); !begun) return fail(std::move(begun.error()));
      auto made = call_for_outcome(f, on);
      if (!made) return made;
      if (auto committed = scope.commit(); !committed) return fail(std::move(committed.error()));
      return made;
    }();
    if (done || !outermost || done.error().code != errc::serialization_failed ||
        !detail::pause_before_retry(tries, options)) {
      return done;
    }
  }
}

/// On one of a pool's.
template <class S, class F>
auto transactional(const pool<S>& from, F&& f, const transaction_options& options = {},
                   const borrow_options& borrowing = {}, caller where = caller::here())
    -> outcome_of<F, S&> {
  auto lent = from.borrow(borrowing, where);
  if (!lent) return fail(std::move(lent.error()));
  return transactional(
      static_cast<session&>(**lent), [&](session&) { return f(**lent); }, options);
}

}  // namespace nexus::inline v0
