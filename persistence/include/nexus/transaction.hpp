// Transactions: committed or rolled back as a whole.
//
//   auto book = [&](nexus::session& s) -> nexus::result<void> {
//     auto taken = s.execute("UPDATE rooms SET guest = $1 WHERE number = $2", guest, room);
//     if (!taken) return nexus::fail(taken.error());
//     return audit(s, guest);   // a transactional call within: a savepoint
//   };
//   auto booked = nexus::transactional(store.sessions(), book);
//
// `f(session&)` may return nothing, a value or a result. An error result or an exception rolls
// back; an error of `commit` replaces the value. A collision with another transaction
// (serialization failure, deadlock, SQLite's busy) is retried from the start, a bounded number of
// times, after a pause with jitter: `f` must not have other effects that cannot be repeated.
//
// Within a transaction of the session a call becomes a savepoint: its error or exception undoes
// only itself, nothing is retried, and it has the isolation of the whole. If it asks for a stricter
// isolation, it is refused (`invalid_argument`). `read_only` has no meaning there; in a read-only
// transaction the database refuses writes (`query_failed`).
//
// Threads: `f` runs on the calling thread, which blocks. Failures: those of session and pool, and
// of `f`.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

#include "nexus/caller.hpp"
#include "nexus/pool.hpp"
#include "nexus/session.hpp"

namespace nexus { inline namespace v0 {

struct transaction_options {
  isolation level = isolation::read_committed;
  bool read_only = false;
  unsigned retries_max = 5;                  ///< after the first try
  std::chrono::milliseconds retry_pause{5};  ///< doubled each time, with jitter; at most 1 s
};

namespace detail {

/// A transaction or a savepoint; rolled back at the end of the scope unless it was committed.
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
  std::size_t undo_from_ = 0;
  bool nested_ = false;
  bool open_ = false;
};

/// Pauses before the next try; false if no try is left.
[[nodiscard]] bool pause_before_retry(unsigned tries_so_far, const transaction_options& options);

}

/// On a given session.
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

/// On a session of a pool.
template <class S, class F>
auto transactional(const pool<S>& from, F&& f, const transaction_options& options = {},
                   const borrow_options& borrowing = {}, caller where = caller::here())
    -> outcome_of<F, S&> {
  auto lent = from.borrow(borrowing, where);
  if (!lent) return fail(std::move(lent.error()));
  return transactional(
      static_cast<session&>(**lent), [&](session&) { return f(**lent); }, options);
}

}}  // namespace nexus::v0
