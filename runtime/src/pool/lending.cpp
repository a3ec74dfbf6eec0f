// Lending sessions, and taking them back.
#include <fmt/format.h>

#include <algorithm>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/may_wait.hpp"
#include "pool/session_pool.hpp"

namespace nexus { inline namespace v0 { namespace detail {

// -- waiters -------------------------------------------------------------------------------------

// A waiting thread; lives on its stack.
struct session_pool::blocked final : waiter {
  blocked(const borrow_request& wanted, time_point from, time_point until)
      : waiter{{wanted, true}, from, until} {}
  void get(result<held_slot> with, deferred&) override {
    got = std::move(with);
    changed.notify_one();
  }

  std::condition_variable_any changed;
  std::optional<result<held_slot>> got;
};

// A borrower with a callback.
struct session_pool::asking final : waiter, std::enable_shared_from_this<asking> {
  asking(const borrow_request& wanted, time_point from, time_point until, granted whom)
      : waiter{{wanted, false}, from, until}, to{std::move(whom)} {}
  void get(result<held_slot> with, deferred& todo) override {
    todo.answer(shared_from_this(), std::move(with));
  }

  granted to;
  std::size_t not_valid = 0;  // of the sessions tried for it
  std::optional<std::stop_callback<std::function<void()>>> cancelling;
};

void session_pool::deferred::answer(std::shared_ptr<asking> w, result<held_slot> with) {
  answers_.emplace_back(std::move(w), std::move(with));
}

// In this order: waiting borrowers are served first.
void session_pool::deferred::run() {
  for (auto& [w, with] : std::exchange(answers_, {})) {
    (void)guarded(
        [&, &to = w->to, &got = with] { to(std::move(got)); },
        [&](const std::string& what) { of_.callback_threw("the borrower's function", what); });
  }
  for (auto& job : std::exchange(jobs_, {})) {
    if (!of_.workers_->submit(job)) job(0);
  }
  for (const auto& e : std::exchange(events_, {})) {
    (void)guarded([&] { of_.options_.on_event(e); },
                  [&](const std::string& what) { of_.callback_threw("on_event", what); });
  }
  for (const auto& text : std::exchange(leaks_, {})) log().warn("{}", text);
  dropped_.clear();
}

void session_pool::enqueue(std::shared_ptr<waiter> w, bool in_front, deferred& todo) {
  w->queued = true;
  auto& one = *w;
  auto& all = waiting(one.share);
  one.at = all.insert(in_front ? all.begin() : all.end(), std::move(w));
  if (!one.may_block) {
    deadlines_.emplace(one.deadline, &one);
    if (one.deadline < wakes_at_) timer_.notify_one();
  }
  if (!in_front) {
    ++counts_.waits;
    tell(pool_event::kind::waiting, one.origin, {}, todo);
  }
  open_more(todo, now());
}

void session_pool::forget(waiter& w) {
  w.queued = false;
  deadlines_.erase({w.deadline, &w});
  waiting(w.share).erase(w.at);
}

void session_pool::fail_waiters(pool_share of, const error& why, deferred& todo) {
  for (auto& w : std::exchange(waiting(of), {})) {
    w->queued = false;
    deadlines_.erase({w->deadline, w.get()});
    w->settle(fail(why), todo);
    todo.drop(std::move(w));
  }
}

// Names the borrower's share, whose sessions the other share cannot take.
error session_pool::exhausted(std::string_view what, const claim& by) const {
  const auto s = read();
  const auto other = by.share == pool_share::common ? pool_share::reserved : pool_share::common;
  auto text = fmt::format("{}: {} for {}: {} of {}{} in use, {} idle, {} being opened, {} waiting",
                          options_.name, what, name_of(by.origin), s.in_use - taken(other),
                          most(by.share), by.share == pool_share::reserved ? " reserved" : "",
                          s.idle, s.opening, waiting(by.share).size());
  const pool_slot* oldest = nullptr;
  for (const auto& slot : slots_) {
    if (slot.now != pool_slot::state::lent || slot.taken_of != by.share) continue;
    if (oldest == nullptr || slot.idle_since < oldest->idle_since) oldest = &slot;
  }
  if (oldest != nullptr) {
    text += fmt::format("; {} has held one for {}", name_of(oldest->holder),
                        shown(now() - oldest->idle_since));
  }
  if (!last_failure_.empty()) text += "; the last session could not be opened: " + last_failure_;
  return {errc::pool_exhausted, std::move(text)};
}

error session_pool::closed_error() const {
  return {errc::pool_closed, options_.name + ": the pool is closed"};
}

std::optional<error> session_pool::refusal(const claim& by, deferred& todo) {
  if (closed_) return closed_error();
  if (most(by.share) == 0) {
    return error{errc::invalid_argument, options_.name + ": the pool has no reserved sessions"};
  }
  if (waiting(by.share).size() < options_.max_waiters) return std::nullopt;
  ++counts_.refused;
  tell(pool_event::kind::refused, by.origin, {}, todo);
  return exhausted("too many borrowers wait already", by);
}

// -- lending --------------------------------------------------------------------------------------

pool_slot* session_pool::take_idle(pool_share of, deferred& todo, time_point now) {
  while (room(of) > 0 && !idle_.empty()) {
    auto& slot = *idle_.back();
    idle_.pop_back();
    if (slot.ends > now) return &slot;
    retire(slot, session_end::lifetime, todo);
  }
  return nullptr;
}

void session_pool::lend(pool_slot& slot, const claim& to, time_point now) {
  become(slot, pool_slot::state::lent);
  slot.taken_of = to.share;
  ++taken(to.share);
  slot.idle_since = now;
  slot.holder = to.origin;
  slot.may_block = to.may_block;
  slot.told_leaked = false;
  slot.kind = to.for_life ? pool_slot::loan::for_life : pool_slot::loan::short_time;
  ++slot.borrows;
  ++counts_.borrows;
}

void session_pool::free_share(pool_slot& slot) {
  if (!slot.taken_of) return;
  --taken(*slot.taken_of);
  slot.taken_of.reset();
}

// The borrower that has waited longest, among the shares with room; null if there is none.
session_pool::queue* session_pool::next_waiting() {
  queue* next = nullptr;
  for (auto of : pool_shares) {
    auto& all = waiting(of);
    if (all.empty() || room(of) == 0) continue;
    if (next == nullptr || all.front()->since < next->front()->since) next = &all;
  }
  return next;
}

// To the borrower that has waited longest; without one, to the idle sessions.
void session_pool::hand_on(pool_slot& slot, deferred& todo, time_point now) {
  free_share(slot);
  if (auto* whom = next_waiting()) return give(slot, *whom, todo, now);
  become(slot, pool_slot::state::idle);
  slot.idle_since = now;
  idle_.push_back(&slot);
}

// A share got room, but no session with it.
void session_pool::serve_waiting(deferred& todo, time_point now) {
  while (auto* whom = next_waiting()) {
    auto* slot = take_idle(whom->front()->share, todo, now);
    if (slot == nullptr) return;
    give(*slot, *whom, todo, now);
  }
}

void session_pool::give(pool_slot& slot, queue& whom, deferred& todo, time_point now) {
  auto next = whom.front();
  forget(*next);
  lend(slot, *next, now);
  const auto waited = now - next->since;
  if (wait_seconds_ != nullptr) {
    wait_seconds_->observe(std::chrono::duration<double>(waited).count());
  }
  tell(pool_event::kind::borrowed, next->origin, waited, todo);
  next->settle(held_slot{shared_from_this(), slot}, todo);
  todo.drop(std::move(next));
}

template <class F>
result<void> session_pool::called(F f, std::string_view which) const noexcept {
  result<void> done;
  (void)guarded([&] { done = f(); },
                [&](const std::string& what) {
                  callback_threw(which, what);
                  done = fail(errc::unavailable,
                              fmt::format("{}: {} threw: {}", options_.name, which, what));
                });
  return done;
}

result<void> session_pool::validated(pool_slot& slot) {
  if (slot.session->broken()) {
    return fail(errc::unavailable, options_.name + ": an idle session had lost its connection");
  }
  return called([&] { return slot.session->validate(options_.validation_query); }, "validate");
}

result<held_slot> session_pool::borrow(const borrow_request& wanted) {
  const auto since = now();
  const claim mine{wanted, true};
  for (std::size_t not_valid = 0;;) {
    deferred todo{*this};
    std::unique_lock guard{lock_};
    if (closed_) return fail(closed_error());
    auto* slot = take_idle(mine.share, todo, since);
    if (slot == nullptr) {
      if (!options_.runs_on) return wait_for_one(wanted, since, not_valid > 0, guard, todo);
      guard.unlock();
      return borrow_stepped(wanted);
    }
    lend(*slot, mine, since);
    open_more(todo, since);
    tell(pool_event::kind::borrowed, wanted.origin, {}, todo);
    guard.unlock();
    todo.run();
    const auto valid = options_.validate_on_borrow ? validated(*slot) : result<void>{};
    if (valid) return held_slot{shared_from_this(), *slot};
    finish_return(*slot, session_end::not_valid);
    // The borrower keeps its turn; but an endless run of new invalid sessions must end.
    if (++not_valid > options_.max) return fail(valid.error());
  }
}

result<held_slot> session_pool::wait_for_one(const borrow_request& wanted, time_point since,
                                             bool in_front, std::unique_lock<std::mutex>& guard,
                                             deferred& todo) {
  const auto deadline =
      later(since, std::chrono::nanoseconds{wanted.timeout.value_or(borrow_timeout_)});
  if (auto why = refuse_to_wait("borrow()", "use request().then(self, …) in an actor", deadline)) {
    return fail(*std::move(why));
  }
  if (auto why = refusal({wanted, true}, todo)) return fail(*std::move(why));
  const auto mine = std::make_shared<blocked>(wanted, since, deadline);
  enqueue(mine, in_front, todo);
  guard.unlock();
  todo.run();
  guard.lock();
  mine->changed.wait_until(guard, wanted.cancel, deadline, [&] { return mine->got.has_value(); });
  if (mine->got) return *std::move(mine->got);
  forget(*mine);
  if (!wanted.cancel.stop_requested()) {
    tell(pool_event::kind::timed_out, wanted.origin, now() - since, todo);
    return fail(too_late(*mine));
  }
  ++counts_.cancelled;
  tell(pool_event::kind::cancelled, wanted.origin, now() - since, todo);
  return fail(errc::stopped, options_.name + ": waiting for a session was cancelled");
}

error session_pool::too_late(const waiter& w) {
  ++counts_.timeouts;
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(w.deadline - w.since);
  return exhausted(fmt::format("no session became free within {} ms", waited.count()), w);
}

// Nothing to wait for: a stepped pool has no other thread.
result<held_slot> session_pool::borrow_stepped(const borrow_request& wanted) {
  pool_slot* slot = nullptr;
  {
    deferred todo{*this};
    const std::lock_guard guard{lock_};
    const claim mine{wanted, true};
    if (auto why = refusal(mine, todo)) return fail(*std::move(why));
    const auto free = std::find_if(slots_.begin(), slots_.end(), [](const pool_slot& s) {
      return s.now == pool_slot::state::empty;
    });
    if (room(mine.share) == 0 || free == slots_.end()) {
      ++counts_.timeouts;
      return fail(exhausted("no session is free", mine));
    }
    slot = &*free;
    become(*slot, pool_slot::state::opening);
  }
  auto made = open_one();
  if (!made) {
    auto why = made.error();
    opened(*slot, std::move(made), {});
    return fail(std::move(why));
  }
  opened(*slot, std::move(made), {});
  return borrow(wanted);
}

// -- asking ---------------------------------------------------------------------------------------

void session_pool::request(const borrow_request& wanted, granted to) {
  const auto since = now();
  const auto deadline =
      later(since, std::chrono::nanoseconds{wanted.timeout.value_or(borrow_timeout_)});
  const auto w = std::make_shared<asking>(wanted, since, deadline, std::move(to));
  if (wanted.cancel.stop_possible()) {
    w->cancelling.emplace(wanted.cancel, [this, weak = std::weak_ptr{w}] {
      if (auto there = weak.lock()) cancel(there);
    });
  }
  ask(w, false);
}

void session_pool::ask(const std::shared_ptr<asking>& w, bool in_front) {
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  if (w->settled) return;  // cancelled meanwhile
  if (auto why = refusal(*w, todo)) return w->settle(fail(*std::move(why)), todo);
  const auto at = now();
  auto* slot = take_idle(w->share, todo, at);
  if (slot == nullptr) return enqueue(w, in_front, todo);
  lend(*slot, *w, at);
  open_more(todo, at);
  if (options_.validate_on_borrow) {
    todo.post([this, w, slot](unsigned) { ask_validated(w, *slot); });
    return;
  }
  tell(pool_event::kind::borrowed, w->origin, at - w->since, todo);
  w->settle(held_slot{shared_from_this(), *slot}, todo);
}

void session_pool::ask_validated(const std::shared_ptr<asking>& w, pool_slot& slot) {
  const auto valid = validated(slot);
  if (!valid) {
    finish_return(slot, session_end::not_valid);
    if (++w->not_valid <= options_.max) return ask(w, true);
  }
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  if (!valid) {
    if (!w->settled) w->settle(fail(valid.error()), todo);
    return;
  }
  if (w->settled) return hand_on(slot, todo, now());  // cancelled meanwhile
  tell(pool_event::kind::borrowed, w->origin, now() - w->since, todo);
  w->settle(held_slot{shared_from_this(), slot}, todo);
}

void session_pool::cancel(const std::shared_ptr<asking>& w) {
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  if (w->settled) return;
  if (w->queued) {
    todo.drop(w);
    forget(*w);
  }
  ++counts_.cancelled;
  tell(pool_event::kind::cancelled, w->origin, now() - w->since, todo);
  w->settle(fail(errc::stopped, options_.name + ": waiting for a session was cancelled"), todo);
}

// -- coming back ----------------------------------------------------------------------------------

poolable& held_slot::get() const noexcept { return *slot_->session; }
void held_slot::poison() noexcept { slot_->poisoned = true; }
void held_slot::due_back() const noexcept { in_->due_back(*slot_); }
void held_slot::go_back() noexcept {
  const auto in = std::move(in_);
  in->go_back(*std::exchange(slot_, nullptr));
}

void session_pool::go_back(pool_slot& slot) noexcept {
  auto& is = *slot.session;
  if (slot.poisoned) return finish_return(slot, session_end::poisoned);
  const bool to_clean =
      !is.broken() && (is.unfinished() || (options_.reset_on_return && is.touched()));
  if (!to_clean || is_closed()) return finish_return(slot, std::nullopt);
  if (slot.may_block) return finish_return(slot, clean(slot));
  {
    // The name is the holder's, and the holder may go now.
    const std::lock_guard guard{lock_};
    slot.kept_name = slot.holder.name;
    slot.holder.name = slot.kept_name;
  }
  deferred{*this}.post([this, &slot](unsigned) { finish_return(slot, clean(slot)); });
}

void session_pool::due_back(pool_slot& slot) noexcept {
  const std::lock_guard guard{lock_};
  if (slot.kind != pool_slot::loan::for_life) return;
  slot.kind = pool_slot::loan::overdue;
  slot.idle_since = now();
}

std::optional<session_end> session_pool::clean(pool_slot& slot) noexcept {
  auto& is = *slot.session;
  auto done = result<void>{};
  if (is.unfinished()) done = called([&] { return is.finish(); }, "finish");
  if (done && options_.reset_on_return && is.touched()) {
    done = called([&] { return is.reset(options_.reset_query); }, "reset");
  }
  if (done) return std::nullopt;
  if (!is.broken()) log().warn("{}: {}", options_.name, done.error().message);
  return session_end::not_reset;
}

void session_pool::finish_return(pool_slot& slot, std::optional<session_end> end) noexcept {
  const bool broken = slot.session->broken();
  deferred todo{*this};
  const std::lock_guard guard{lock_};
  const auto at = now();
  if (end == session_end::not_valid) --counts_.borrows;  // it was not lent
  tell(pool_event::kind::returned, slot.holder, at - slot.idle_since, todo);
  if (closed_) {
    end = session_end::pool_closed;
  } else if (broken && !end) {
    end = session_end::broken;
  } else if (!end && slot.ends <= at) {
    end = session_end::lifetime;
  } else if (!end && options_.max_borrows != 0 && slot.borrows >= options_.max_borrows) {
    end = session_end::borrows;
  }
  if (end) return retire(slot, *end, todo);
  hand_on(slot, todo, at);
}

}}}
