// The pool's own work: opening, closing, timers.
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/may_wait.hpp"
#include "pool/session_pool.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 50ms;
constexpr auto longest_pause = 2'000ms;

// For threads that have at most one job per slot at a time.
constexpr std::size_t jobs_max = 1'000'000;

double uniform() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>{0, 1}(random);
}

// Functions passed to the program may outlive the pool.
struct handle {
  explicit handle(std::shared_ptr<session_pool> p) : pool{std::move(p)} {}
  ~handle() { pool->shut(); }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  std::shared_ptr<session_pool> pool;
};

}  // namespace

result<std::shared_ptr<pool_core>> pool_core::make(pool_options options, opener open) {
  if (auto fine = check(options); !fine) return fail(std::move(fine.error()));
  auto made =
      std::make_shared<handle>(std::make_shared<session_pool>(std::move(options), std::move(open)));
  made->pool->start();
  return std::shared_ptr<pool_core>{made, made->pool.get()};
}

session_pool::session_pool(pool_options options, opener open)
    : options_{std::move(options)},
      borrow_timeout_{saturated<std::chrono::nanoseconds>(options_.borrow_timeout)},
      idle_ttl_{saturated<std::chrono::nanoseconds>(options_.idle_ttl)},
      max_lifetime_{saturated<std::chrono::nanoseconds>(options_.max_lifetime)},
      leak_after_{saturated<std::chrono::nanoseconds>(options_.leak_after)},
      open_{std::move(open)},
      slots_(options_.max + options_.reserved) {
  idle_.reserve(slots_.size());
  count_[static_cast<std::size_t>(pool_slot::state::empty)] = slots_.size();
}

void session_pool::start() {
  workers_ = options_.runs_on ? std::make_unique<workers>(options_.runs_on, jobs_max)
                              : std::make_unique<workers>("nexus.pool", options_.threads, jobs_max);
  if (options_.metrics) export_metrics();
  if (!options_.runs_on) timer_thread_ = std::thread{[this] { run_timer(); }};
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  open_more(todo, now());
}

void session_pool::shut() {
  sampled_.clear();
  (void)close({});
  {
    const std::lock_guard guard{lock_};
    ending_ = true;
    timer_.notify_one();
  }
  if (timer_thread_.joinable()) timer_thread_.join();
  workers_->finish();
  workers_->run_here();
  (void)workers_->wait_until_ended(time_point::max());
}

// -- opening and ending ---------------------------------------------------------------------------

void session_pool::open_more(deferred& todo, time_point now) {
  if (closed_ || now < not_before_) return;
  std::size_t served = 0;  // waiting borrowers that may have a session
  for (auto of : pool_shares) served += std::min(waiting(of).size(), room(of));
  const auto there = idle_.size() + count(pool_slot::state::opening);
  auto wanted = served - std::min(served, there);
  const auto spare = there + wanted - served;
  const auto others = options_.max - std::min(options_.max, total() + wanted);
  wanted += std::min(others, options_.min_idle - std::min(options_.min_idle, spare));
  wanted = std::min(wanted, count(pool_slot::state::empty));
  for (auto slot = slots_.begin(); wanted > 0; ++slot) {
    if (slot->now != pool_slot::state::empty) continue;
    become(*slot, pool_slot::state::opening);
    --wanted;
    todo.post([this, &slot = *slot](unsigned) { open_in(slot); });
  }
}

void session_pool::open_in(pool_slot& slot) {
  const auto began = now();
  auto made = open_one();
  opened(slot, std::move(made), now() - began);
}

// The opener is the program's function: whatever it does, the slot must get a result.
result<std::unique_ptr<poolable>> session_pool::open_one() {
  result<std::unique_ptr<poolable>> made;
  const bool returned =
      guarded([&] { made = open_(); },
              [&](const std::string& what) {
                made = fail(errc::unavailable,
                            fmt::format("{}: opening a session threw: {}", options_.name, what));
              });
  if (returned && made && *made == nullptr) {
    return fail(errc::unavailable, options_.name + ": opening a session returned none");
  }
  return made;
}

void session_pool::callback_threw(std::string_view which, const std::string& what) const noexcept {
  callback_failures_.fetch_add(1, std::memory_order_relaxed);
  log().error("{}: {} threw: {}", options_.name, which, what);
}

void session_pool::opened(pool_slot& slot, result<std::unique_ptr<poolable>> made,
                          std::chrono::nanoseconds took) {
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  const auto at = now();
  if (!made) {
    become(slot, pool_slot::state::empty);
    changed_.notify_all();
    ++counts_.open_failures;
    last_failure_ = made.error().message;
    pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, first_pause, longest_pause);
    not_before_ = later(at, pause_ * (0.5 + uniform() / 2));
    timer_.notify_one();
    if (options_.on_event) {
      todo.tell({pool_event::kind::open_failed, options_.name, {}, last_failure_, took});
    }
    // Otherwise an existing session may still serve them. Common borrowers may themselves wait for
    // a reserved one, so reserved sessions do not count.
    if (total() == 0) fail_waiters(pool_share::common, made.error(), todo);
    if (total() == taken(pool_share::common)) {
      fail_waiters(pool_share::reserved, made.error(), todo);
    }
    return;
  }
  pause_ = 0ms;
  not_before_ = {};
  last_failure_.clear();
  ++counts_.created;
  slot.session = std::move(*made);
  slot.borrows = 0;
  slot.poisoned = false;
  slot.ends = time_point::max();
  if (max_lifetime_ > 0ms) {
    slot.ends = later(at, max_lifetime_ * (1 - options_.lifetime_jitter * uniform()));
  }
  if (options_.on_event) todo.tell({pool_event::kind::opened, options_.name, {}, {}, took});
  if (closed_) return retire(slot, session_end::pool_closed, todo);
  hand_on(slot, todo, at);
}

// The session keeps its place until it is really closed.
void session_pool::retire(pool_slot& slot, session_end why, deferred& todo) {
  become(slot, pool_slot::state::ending);
  auto gone = std::make_shared<std::unique_ptr<poolable>>(std::move(slot.session));
  todo.post([this, &slot, why, gone](unsigned) {
    gone->reset();
    ended(slot, why);
  });
}

void session_pool::ended(pool_slot& slot, session_end why) {
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  become(slot, pool_slot::state::empty);
  free_share(slot);
  ++counts_.destroyed[static_cast<std::size_t>(why)];
  if (options_.on_event) {
    todo.tell({pool_event::kind::destroyed, options_.name, {}, {}, {}, why});
  }
  changed_.notify_all();
  serve_waiting(todo, now());
  open_more(todo, now());
}

void session_pool::stop_lending() {
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  if (std::exchange(closed_, true)) return;
  if (options_.on_event) todo.tell({pool_event::kind::closed, options_.name});
  for (auto of : pool_shares) fail_waiters(of, closed_error(), todo);
  for (auto* slot : std::exchange(idle_, {})) retire(*slot, session_end::pool_closed, todo);
}

bool session_pool::close(std::chrono::nanoseconds within) {
  stop_lending();
  if (within.count() > 0 && !options_.runs_on && no_waiting_here() != nullptr) {
    const std::lock_guard guard{lock_};
    if (count(pool_slot::state::lent) == 0) return true;
    log().error("{}: close does not wait in {}, nor interrupt sessions: call it on a plain thread",
                options_.name, no_waiting_here());
    return false;
  }
  std::unique_lock guard{lock_};
  const auto empty = [&] { return total() == 0; };
  if (options_.runs_on) {
    guard.unlock();
    workers_->run_here();
    guard.lock();
  } else {
    changed_.wait_until(guard, later(pool_clock::now(), within), empty);
  }
  for (auto& slot : slots_) {
    if (slot.session) slot.session->interrupt();
  }
  return count(pool_slot::state::lent) == 0;
}

// -- time -----------------------------------------------------------------------------------------

void session_pool::expire_waiters(deferred& todo, time_point now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto w = *deadlines_.begin()->second->at;
    forget(*w);
    tell(pool_event::kind::timed_out, w->origin, now - w->since, todo);
    w->settle(fail(too_late(*w)), todo);
    todo.drop(w);
  }
}

bool session_pool::may_leak(const pool_slot& slot) {
  return slot.now == pool_slot::state::lent && !slot.told_leaked &&
         slot.kind != pool_slot::loan::for_life;
}

void session_pool::look_for_leaks(deferred& todo, time_point now) {
  if (leak_after_ <= 0ms) return;
  for (auto& slot : slots_) {
    if (!may_leak(slot) || now - slot.idle_since < leak_after_) continue;
    slot.told_leaked = true;
    ++counts_.leaks;
    tell(pool_event::kind::leaked, slot.holder, now - slot.idle_since, todo);
    const auto held = shown(now - slot.idle_since);
    todo.log_leak(slot.kind == pool_slot::loan::overdue
                      ? fmt::format("{}: {} has ended, and its session is not back after {}",
                                    options_.name, name_of(slot.holder), held)
                      : fmt::format("{}: {} has held a session for {}", options_.name,
                                    name_of(slot.holder), held));
  }
}

void session_pool::tend(deferred& todo, time_point now) {
  expire_waiters(todo, now);
  look_for_leaks(todo, now);
  const auto old = std::stable_partition(idle_.begin(), idle_.end(),
                                         [&](const pool_slot* s) { return s->ends > now; });
  for (auto i = old; i != idle_.end(); ++i) retire(**i, session_end::lifetime, todo);
  idle_.erase(old, idle_.end());
  if (idle_ttl_ > 0ms) {
    // The first one was used least recently.
    while (idle_.size() > options_.min_idle && now - idle_.front()->idle_since >= idle_ttl_) {
      retire(*idle_.front(), session_end::idle, todo);
      idle_.erase(idle_.begin());
    }
  }
  open_more(todo, now);
}

void session_pool::tend() {
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  tend(todo, now());
}

// Not later than any future lease or session may need it, so that lending wakes no thread.
session_pool::time_point session_pool::next_due(time_point now) const {
  auto due = now + 60s;
  const auto at_most = [&](time_point t) { due = std::min(due, t); };
  if (leak_after_ > 0ms) at_most(later(now, leak_after_));
  if (idle_ttl_ > 0ms) at_most(later(now, idle_ttl_));
  if (max_lifetime_ > 0ms) at_most(later(now, max_lifetime_));
  if (!deadlines_.empty()) at_most(deadlines_.begin()->first);
  if (not_before_ > now) at_most(not_before_);
  for (const auto& slot : slots_) {
    if (may_leak(slot) && leak_after_ > 0ms) {
      at_most(later(slot.idle_since, leak_after_));
    } else if (slot.now == pool_slot::state::idle) {
      at_most(slot.ends);
      if (idle_ttl_ > 0ms && idle_.size() > options_.min_idle) {
        at_most(later(slot.idle_since, idle_ttl_));
      }
    }
  }
  return due;
}

void session_pool::run_timer() {
  name_this_thread("nexus.pool.time");
  for (;;) {
    deferred todo{*this};
    std::unique_lock guard{lock_};
    tend(todo, now());
    guard.unlock();
    todo.run();
    guard.lock();
    if (ending_) return;
    wakes_at_ = next_due(now());
    timer_.wait_until(guard, wakes_at_);
  }
}

// -- telling --------------------------------------------------------------------------------------

void session_pool::become(pool_slot& slot, pool_slot::state next) {
  --count_[static_cast<std::size_t>(slot.now)];
  ++count_[static_cast<std::size_t>(next)];
  slot.now = next;
}

pool_statistics session_pool::read() const {
  auto s = counts_;
  s.max = slots_.size();
  s.reserved = options_.reserved;
  s.idle = idle_.size();
  s.opening = count(pool_slot::state::opening);
  s.in_use = count(pool_slot::state::lent) + count(pool_slot::state::ending);
  s.total = s.idle + s.opening + s.in_use;
  s.waiting = waiting();
  s.callback_failures = callback_failures_.load(std::memory_order_relaxed);
  return s;
}

pool_statistics session_pool::statistics() const {
  const std::lock_guard guard{lock_};
  return read();
}

void session_pool::tell(pool_event::kind what, const borrower& of, std::chrono::nanoseconds took,
                        deferred& todo) const {
  if (!options_.on_event) return;
  todo.tell({what, options_.name, of.name.empty() ? of.where.file : of.name, {}, took});
}
}}}
