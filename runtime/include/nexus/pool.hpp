// A pool of sessions: it keeps some open and lends each to one borrower at a time.
//
//   auto done = pool.with([](nexus::session& s) { return s.execute("DELETE FROM carts"); });
//
//   auto lent = pool.borrow();                     // a plain thread waits
//   if (!lent) return complain(lent.error().message);
//   (*lent)->execute("…");                         // goes back at the end of the scope
//
//   pool.request().then(self, [](auto lent) { … });   // an actor; a result of a lease
//
// A borrower that finds no free session waits, first come first served. At most `max` sessions
// exist, including those being opened or closed; a free session, or its place, goes to the borrower
// that has waited longest. `reserved` borrowers have `pool_options::reserved` sessions in addition.
// The end of a lease returns the session: an open transaction is rolled back, and the session is
// reset before the next loan. A broken or poisoned session is destroyed.
//
// Threads: a pool is a handle; copies share one pool, and any thread may use them. A lease belongs
// to one thread at a time. A session from `borrow` is cleaned on the thread that returns it, a
// session from `request` on one of the pool's threads, so actors never block on it.
// Bounds: `max` sessions, `max_waiters` waiting borrowers. Failures: `pool_exhausted`, with the
// statistics; `pool_closed`; `stopped`, if the wait was cancelled; if the pool has no session and
// can open none, the error of opening.
// After HikariCP's ConcurrentBag and deadpool, with an ordered queue of waiters instead of a race.
#pragma once

#include <cassert>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <utility>

#include "nexus/answers.hpp"
#include "nexus/caller.hpp"
#include "nexus/detail/outcome.hpp"
#include "nexus/detail/pool_core.hpp"
#include "nexus/pool_options.hpp"
#include "nexus/poolable.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 {

namespace detail {
struct lease_access;
}

struct borrow_options {
  std::optional<time_span> timeout{};  ///< none: `borrow_timeout` of the pool
  std::stop_token cancel{};            ///< cancels the wait
  std::string_view
      borrower{};  ///< its name in leak warnings; none: file and line. Must outlive the lease
  /// Uses pool_options::reserved. Until it is returned, its holder must wait for nothing but the
  /// session itself: not for another session, and not for anything that may need a reserved
  /// session.
  bool reserved = false;
  /// Its holder keeps it for its life: it is no leak until lease::due_back, and then after
  /// `leak_after`.
  bool for_life = false;
};

/// A session on loan.
template <class S>
class [[nodiscard]] lease {
 public:
  lease() noexcept = default;
  lease(lease&&) noexcept = default;
  lease& operator=(lease&& other) noexcept {
    lease gone{std::move(*this)};
    held_ = std::move(other.held_);
    return *this;
  }

  /// False after the return, and after a move.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(held_); }

  S& operator*() const noexcept { return static_cast<S&>(held_.get()); }
  S* operator->() const noexcept { return &**this; }

  /// Marks the session as unusable: it is destroyed when it is returned.
  void poison() noexcept { held_.poison(); }

  /// The holder of a session that was lent `for_life` has ended: the time until the session counts
  /// as a leak, `leak_after`, begins now.
  void due_back() const noexcept { held_.due_back(); }

  /// Returns the session now. A second return is an assert.
  void give_back() noexcept {
    assert(held_ && "a lease is returned once");
    lease gone{std::move(*this)};
  }

 private:
  template <class>
  friend class pool;
  friend struct detail::lease_access;
  explicit lease(detail::held_slot held) noexcept : held_{std::move(held)} {}

  detail::held_slot held_;
};

template <class S>
class pool {
 public:
  static_assert(std::is_base_of_v<poolable, S>);

  /// Starts the pool, which opens `min_idle` sessions in the background. It calls `opener` on any
  /// thread; an opener that throws or returns null has failed to open a session. `invalid_argument`
  /// for invalid options.
  [[nodiscard]] static result<pool> make(pool_options options,
                                         std::function<result<std::unique_ptr<S>>()> opener) {
    auto core = detail::pool_core::make(
        std::move(options), [open = std::move(opener)]() -> result<std::unique_ptr<poolable>> {
          auto made = open();
          if (!made) return fail(std::move(made.error()));
          return std::unique_ptr<poolable>{std::move(*made)};
        });
    if (!core) return fail(std::move(core.error()));
    return pool{*std::move(core)};
  }

  /// Waits for a session. In an actor on the scheduler `would_block` if none is free: use `request`
  /// there.
  [[nodiscard]] result<lease<S>> borrow(const borrow_options& options = {},
                                        caller where = caller::here()) const {
    auto got = core_->borrow({options.timeout,
                              options.cancel,
                              {options.borrower, where},
                              options.reserved,
                              options.for_life});
    if (!got) return fail(std::move(got.error()));
    return lease<S>{*std::move(got)};
  }

  /// Asks for a session; collect the answer with `then` or `get`. A session whose answer cannot be
  /// collected any more is returned.
  [[nodiscard]] asked<lease<S>> request(const borrow_options& options = {},
                                        caller where = caller::here()) const;

  /// Calls `f(S&)` with a borrowed session on this thread, and returns its result.
  template <class F>
  auto with(F&& f, const borrow_options& options = {}, caller where = caller::here()) const
      -> outcome_of<F, S&> {
    auto lent = borrow(options, where);
    if (!lent) return fail(std::move(lent.error()));
    return call_for_outcome(std::forward<F>(f), **lent);
  }

  /// Returns a lease of this pool. A lease of another pool, or one returned already, is an assert.
  void give_back(lease<S> lent) const noexcept {
    assert(lent && "a lease is returned once");
    assert(lent.held_.of(*core_) && "a lease returns to its own pool");
  }

  [[nodiscard]] pool_statistics statistics() const { return core_->statistics(); }

  /// The first half of `close`: stops lending, without waiting.
  void stop_lending() const { core_->stop_lending(); }

  /// Stops lending (`pool_closed`, also for waiting borrowers), then waits until all leases are
  /// returned. After `within` it interrupts the sessions still lent: every call on them fails. True
  /// if all were returned in time. Blocks; in an actor it only stops lending. The last handle
  /// closes without waiting.
  bool close(time_span within) const { return core_->close(within); }

  /// For a pool without its own threads: does what is due now.
  void tend() const { core_->tend(); }

 private:
  explicit pool(std::shared_ptr<detail::pool_core> core) : core_{std::move(core)} {}

  std::shared_ptr<detail::pool_core> core_;
};

namespace detail {

struct lease_access {
  template <class S>
  static lease<S> make(held_slot held) {
    return lease<S>{std::move(held)};
  }
};

/// A request for a session, as a call.
template <class S>
class lease_call final : public call, public answer_slot<lease<S>> {
 public:
  lease_call() noexcept : call{0} {}

 private:
  void set_error(error why) noexcept override { this->answer.emplace(nexus::fail(std::move(why))); }
};

}

template <class S>
asked<lease<S>> pool<S>::request(const borrow_options& options, caller where) const {
  auto* made = new detail::lease_call<S>;
  asked<lease<S>> answer{*made, *made};
  core_->request({options.timeout,
                  options.cancel,
                  {options.borrower, where},
                  options.reserved,
                  options.for_life},
                 [made, keep = envelope{made}](result<detail::held_slot> got) {
                   if (got) {
                     made->answer.emplace(detail::lease_access::make<S>(*std::move(got)));
                   } else {
                     made->answer.emplace(nexus::fail(std::move(got.error())));
                   }
                   made->complete();
                 });
  return answer;
}

}}  // namespace nexus::v0
