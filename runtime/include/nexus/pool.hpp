// A pool of sessions: some are kept open, and lent to one at a time.
//
//   auto done = pool.with([](nexus::session& s) { return s.execute("DELETE FROM carts"); });
//
//   auto lent = pool.borrow();                     // a plain thread waits
//   if (!lent) return complain(lent.error().message);
//   (*lent)->execute("…");                         // goes back at the end of the scope
//
//   pool.request().then(self, [](nexus::result<nexus::lease<nexus::session>> lent) { … });   // an actor
//
// Whoever finds none free waits, first come first served. There are never more than `max`, also while
// some are being opened or closed; what becomes free, or its place, goes to who has waited longest.
// `reserved` borrowers have a share of their own, of `pool_options::reserved` sessions beside. A
// lease goes back by itself: its open transaction is rolled back and it is reset before the next one
// gets it; what is broken or poisoned is destroyed.
//
// Threads: a pool is a handle; copies share one pool, and any thread may use them. A lease belongs to
// one thread at a time. What `borrow` lent is cleaned on the thread that returns it, what `request` lent
// on one of the pool's, so an actor never blocks in that.
// Bounds: `max` sessions, `max_waiters` who wait. Failures: `pool_exhausted`, with the statistics;
// `pool_closed`; `stopped`, when waiting was cancelled; if there is no session at all and none can be
// opened, why.
// After HikariCP's ConcurrentBag and deadpool, with a queue of waiters in order instead of a race.
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

namespace nexus::inline v0 {

namespace detail {
struct lease_access;
}

struct borrow_options {
  std::optional<time_span> timeout{};  ///< none: `borrow_timeout` of the pool
  std::stop_token cancel{};            ///< stops waiting
  std::string_view
      who{};  ///< in the warning of a leak; none: file and line. Must outlive the lease
  /// One of pool_options::reserved. Whoever has one must wait for nothing but the session itself until it
  /// is back: neither for another session nor for anybody else who may need a reserved one.
  bool reserved = false;
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

  /// False after it went back, or was moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(held_); }

  S& operator*() const noexcept { return static_cast<S&>(held_.get()); }
  S* operator->() const noexcept { return &**this; }

  /// It is not to be lent again: destroyed when it goes back.
  void poison() noexcept { held_.poison(); }

  /// Goes back now. Returning it twice is an assert.
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

  /// Starts the pool, which opens `min_idle` in the background by `opener`, called on any thread.
  /// An opener that throws, or gives none, has failed to open one.
  /// `invalid_argument` for options that make no sense.
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

  /// Waits for a session. In an actor on the scheduler it is `would_block` if none is free: use `request`.
  [[nodiscard]] result<lease<S>> borrow(const borrow_options& options = {},
                                        caller where = caller::here()) const {
    auto got =
        core_->borrow({options.timeout, options.cancel, {options.who, where}, options.reserved});
    if (!got) return fail(std::move(got.error()));
    return lease<S>{*std::move(got)};
  }

  /// Asks for a session; the answer is collected with `then` or `get`. One that nobody collects any
  /// more goes back.
  [[nodiscard]] asked<lease<S>> request(const borrow_options& options = {},
                                        caller where = caller::here()) const;

  /// Calls `f(S&)` with a borrowed session, on this thread; answers what it answers, as a result.
  template <class F>
  auto with(F&& f, const borrow_options& options = {}, caller where = caller::here()) const
      -> outcome_of<F, S&> {
    auto lent = borrow(options, where);
    if (!lent) return fail(std::move(lent.error()));
    return call_for_outcome(std::forward<F>(f), **lent);
  }

  /// Returns a lease of this pool. Another's, or one that has gone back, is an assert.
  void give_back(lease<S> lent) const noexcept {
    assert(lent && "a lease is returned once");
    assert(lent.held_.of(*core_) && "a lease returns to its own pool");
  }

  [[nodiscard]] pool_statistics statistics() const { return core_->statistics(); }

  /// The first half of `close`: lends no more, and waits for nobody.
  void stop_lending() const { core_->stop_lending(); }

  /// Lends no more (`pool_closed`, also to who waits), waits until all leases are back, or else, when
  /// `within` is over, interrupts what is lent: every call on it fails then. True if all were back.
  /// Blocks; in an actor it only stops lending. The last handle to go closes without waiting.
  bool close(time_span within) const { return core_->close(within); }

  /// Of a pool without threads of its own: does what is due by now.
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

/// Asking for a session, as a call.
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
  core_->request({options.timeout, options.cancel, {options.who, where}, options.reserved},
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

}  // namespace nexus::inline v0
