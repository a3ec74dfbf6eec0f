// The pool itself: slots, waiters, and the next work to do.
//
// Every function that changes the pool works under one lock. Work that may block, call others or
// take long goes to `deferred`, and runs when the lock is free.
//
// Two shares, for common and for reserved borrowers, bound how many sessions each may have; any
// session serves either. There are as many slots as both shares together, so a borrower whose share
// has room never waits for the other share: there is an idle slot, or one in which a session can be
// opened.
//
// Threads: any. Invariants, under the lock: a borrower whose share has room waits only while no
// session is idle; a slot is empty or counts towards `max` + `reserved`; a session counts to the
// share it is lent to, from lending until it is idle again or closed.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/detail/pool_core.hpp"
#include "nexus/detail/saturating.hpp"
#include "nexus/registration.hpp"
#include "nexus/workers.hpp"

namespace nexus { inline namespace v0 { namespace detail {

using pool_clock = std::chrono::steady_clock;

enum class pool_share : std::uint8_t { common, reserved };
inline constexpr std::array pool_shares{pool_share::common, pool_share::reserved};

struct pool_slot {
  enum class state : std::uint8_t { empty, opening, idle, lent, ending };
  static constexpr std::size_t states = 5;
  state now = state::empty;
  std::unique_ptr<poolable> session;
  pool_clock::time_point ends{};        // by max_lifetime
  pool_clock::time_point idle_since{};  // while lent: when it was lent
  std::uint64_t borrows = 0;
  borrower holder{};
  std::string kept_name{};               // of the holder, once it has returned the session
  std::optional<pool_share> taken_of{};  // the share it counts to
  bool poisoned = false;
  bool told_leaked = false;
  enum class loan : std::uint8_t { short_time, for_life, overdue };
  loan kind = loan::short_time;
  bool may_block = false;  // whether the returning thread may block
};

class session_pool final : public pool_core, public std::enable_shared_from_this<session_pool> {
 public:
  session_pool(pool_options options, opener open);

  /// Opens the first sessions and starts the threads.
  void start();
  /// Called by the last handle.
  void shut();

  result<held_slot> borrow(const borrow_request& wanted) override;
  void request(const borrow_request& wanted, granted to) override;
  pool_statistics statistics() const override;
  void stop_lending() override;
  bool close(std::chrono::nanoseconds within) override;
  void tend() override;

 protected:
  void go_back(pool_slot& slot) noexcept override;
  void due_back(pool_slot& slot) noexcept override;

 private:
  using time_point = pool_clock::time_point;
  struct claim;
  struct waiter;
  struct blocked;
  struct asking;
  class deferred;
  using queue = std::list<std::shared_ptr<waiter>>;  // of one share

  // Lending, under the lock (pool_lending.cpp):
  pool_slot* take_idle(pool_share of, deferred& todo, time_point now);
  void lend(pool_slot& slot, const claim& to, time_point now);
  void free_share(pool_slot& slot);
  queue* next_waiting();
  void serve_waiting(deferred& todo, time_point now);
  void give(pool_slot& slot, queue& whom, deferred& todo, time_point now);
  void hand_on(pool_slot& slot, deferred& todo, time_point now);
  void enqueue(std::shared_ptr<waiter> w, bool in_front, deferred& todo);
  void forget(waiter& w);
  std::optional<error> refusal(const claim& by, deferred& todo);
  error exhausted(std::string_view what, const claim& by) const;
  error closed_error() const;
  result<held_slot> wait_for_one(const borrow_request& wanted, time_point since, bool in_front,
                                 std::unique_lock<std::mutex>& guard, deferred& todo);
  error too_late(const waiter& w);
  // … and without it:
  result<held_slot> borrow_stepped(const borrow_request& wanted);
  void ask(const std::shared_ptr<asking>& w, bool in_front);
  void ask_validated(const std::shared_ptr<asking>& w, pool_slot& slot);
  void cancel(const std::shared_ptr<asking>& w);
  result<void> validated(pool_slot& slot);
  result<std::unique_ptr<poolable>> open_one();
  // The result of a session's own function; an exception, which is not allowed, becomes an error.
  template <class F>
  result<void> called(F f, std::string_view which) const noexcept;
  void callback_threw(std::string_view which, const std::string& what) const noexcept;
  std::optional<session_end> clean(pool_slot& slot) noexcept;
  void finish_return(pool_slot& slot, std::optional<session_end> end) noexcept;

  // Keeping, under the lock (pool_keeping.cpp):
  void open_more(deferred& todo, time_point now);
  void retire(pool_slot& slot, session_end why, deferred& todo);
  void expire_waiters(deferred& todo, time_point now);
  bool is_closed() const {
    const std::lock_guard guard{lock_};
    return closed_;
  }
  static bool may_leak(const pool_slot& slot);
  void look_for_leaks(deferred& todo, time_point now);
  void tend(deferred& todo, time_point now);
  time_point next_due(time_point now) const;
  void become(pool_slot& slot, pool_slot::state next);
  std::size_t count(pool_slot::state which) const {
    return count_[static_cast<std::size_t>(which)];
  }
  std::size_t total() const { return slots_.size() - count(pool_slot::state::empty); }
  // For a share:
  std::size_t most(pool_share of) const {
    return of == pool_share::common ? options_.max : options_.reserved;
  }
  std::size_t& taken(pool_share of) { return taken_[static_cast<std::size_t>(of)]; }
  std::size_t taken(pool_share of) const { return taken_[static_cast<std::size_t>(of)]; }
  std::size_t room(pool_share of) const { return most(of) - taken(of); }
  queue& waiting(pool_share of) { return waiting_[static_cast<std::size_t>(of)]; }
  const queue& waiting(pool_share of) const { return waiting_[static_cast<std::size_t>(of)]; }
  std::size_t waiting() const { return waiting_[0].size() + waiting_[1].size(); }
  void fail_waiters(pool_share of, const error& why, deferred& todo);
  pool_statistics read() const;
  // … and without it:
  void open_in(pool_slot& slot);
  void opened(pool_slot& slot, result<std::unique_ptr<poolable>> made,
              std::chrono::nanoseconds took);
  void ended(pool_slot& slot, session_end why);
  void run_timer();
  void export_metrics();

  void tell(pool_event::kind what, const borrower& of, std::chrono::nanoseconds took,
            deferred& todo) const;
  time_point now() const { return options_.runs_on ? options_.runs_on->now() : pool_clock::now(); }

  const pool_options options_;
  // Options in the unit of clocks; the maximum means no limit.
  const std::chrono::nanoseconds borrow_timeout_, idle_ttl_, max_lifetime_, leak_after_;
  const opener open_;

  mutable std::mutex lock_;
  std::vector<pool_slot> slots_;
  std::array<std::size_t, pool_slot::states> count_{};  // slots by state
  std::vector<pool_slot*> idle_;                   // the last one was used last, and is lent next
  std::array<queue, pool_shares.size()> waiting_;  // by share
  std::array<std::size_t, pool_shares.size()> taken_{};       // by share
  std::set<std::pair<time_point, const waiter*>> deadlines_;  // of waiters that do not block
  pool_statistics counts_;                                    // only the growing ones
  bool closed_ = false;
  std::condition_variable changed_;  // fewer sessions; `close` waits for it

  // After a failed opening the next attempt waits for a pause.
  std::string last_failure_;
  std::chrono::milliseconds pause_{0};
  time_point not_before_{};

  std::condition_variable timer_;
  time_point wakes_at_{};
  bool ending_ = false;
  mutable std::atomic<std::uint64_t> callback_failures_{0};
  histogram* wait_seconds_ = nullptr;

  std::vector<registration> sampled_;
  std::unique_ptr<workers> workers_;
  std::thread timer_thread_;
};

/// Work to do when the lock is free: declare it before taking the lock.
class session_pool::deferred {
 public:
  explicit deferred(session_pool& of) noexcept : of_{of} {}
  ~deferred() { run(); }
  deferred(const deferred&) = delete;
  deferred& operator=(const deferred&) = delete;

  void run();

  /// On a thread of the pool, or here if the threads have ended.
  void post(workers::job job) { jobs_.push_back(std::move(job)); }
  void tell(pool_event e) { events_.push_back(std::move(e)); }
  void answer(std::shared_ptr<asking> w, result<held_slot> with);
  /// A waiter is destroyed without the lock, since its destructor waits for its stop callback.
  void drop(std::shared_ptr<waiter> w) { dropped_.push_back(std::move(w)); }
  void log_leak(std::string text) { leaks_.push_back(std::move(text)); }

 private:
  session_pool& of_;
  std::vector<workers::job> jobs_;
  std::vector<pool_event> events_;
  std::vector<std::pair<std::shared_ptr<asking>, result<held_slot>>> answers_;
  std::vector<std::shared_ptr<waiter>> dropped_;
  std::vector<std::string> leaks_;
};

/// The claim of a borrower: its share, and whether the thread that returns the session may block.
struct session_pool::claim {
  claim(const borrow_request& wanted, bool blocks)
      : origin{wanted.origin},
        share{wanted.reserved ? pool_share::reserved : pool_share::common},
        may_block{blocks},
        for_life{wanted.for_life} {}
  const borrower origin;
  const pool_share share;
  const bool may_block;
  const bool for_life;
};

/// A borrower without a session.
struct session_pool::waiter : claim {
  waiter(const claim& by, time_point from, time_point until)
      : claim{by}, since{from}, deadline{until} {}
  virtual ~waiter() = default;
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  /// Under the lock, once.
  void settle(result<held_slot> with, deferred& todo) {
    settled = true;
    get(std::move(with), todo);
  }
  virtual void get(result<held_slot> with, deferred& todo) = 0;

  const time_point since;
  const time_point deadline;
  std::list<std::shared_ptr<waiter>>::iterator at{};
  bool queued = false;
  bool settled = false;
};

/// "250 ms", "1.5 s": a duration in a readable unit.
[[nodiscard]] std::string shown(std::chrono::nanoseconds took);

/// "bank/serve.cpp:88", or the borrower's name.
[[nodiscard]] std::string name_of(const borrower& of);
}}}
