// The actors of Nexus that have something to do, as few jobs of CAF's scheduler.
//
// CAF 0.17 schedules each actor by itself: per message a lock, a list node, a wake-up, and a search
// through the actor's base classes. Here an actor with a message joins a lock-free queue, and CAF's
// scheduler gets a job only if fewer jobs run than it has threads. A job runs `turns_max` actors,
// each for `messages_max` messages at most, then lets CAF's other actors have the thread.
//
// Threads: any. Bound: each actor is queued once. Lifetime: a queued actor is kept, and keeps the
// queue.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <caf/all.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "caf/caf_version.hpp"
#include "nexus/detail/handover.hpp"
#include "nexus/detail/prefetch.hpp"

namespace nexus { inline namespace v0 {

class ready_actor;

class ready_actors final : public std::enable_shared_from_this<ready_actors> {
 public:
  /// Null if `sys` has no threads, or so many that they would wait for each other here: then CAF
  /// schedules each actor.
  static std::shared_ptr<ready_actors> of(caf::actor_system& sys) {
    constexpr std::size_t threads_max = 16;
    const auto threads = sys.scheduler().num_workers();
    if (caf_version::is_stepped(sys) || threads > threads_max) return nullptr;
    return std::make_shared<ready_actors>(sys, threads);
  }

  ready_actors(caf::actor_system& sys, std::size_t threads) : sys_{sys}, threads_{threads} {}
  ready_actors(const ready_actors&) = delete;
  ready_actors& operator=(const ready_actors&) = delete;

  /// Takes over a reference of `one`. `by` is the unit that runs the caller, if any.
  inline void push(ready_actor& one, caf::execution_unit* by);

 private:
  class job;
  static constexpr std::size_t taken_max = 16;
  static constexpr std::size_t turns_max = 64;
  static constexpr std::size_t messages_max = 256;
  using taken = std::array<ready_actor*, taken_max>;

  // Their number is raised first: a job that ends looks at it, see `ends`.
  inline void queue(ready_actor& one);

  // Of many so many that the other threads get theirs.
  std::size_t take(taken& to) {
    const std::lock_guard guard{taking_};
    const auto share = std::clamp<std::size_t>(queued_.load() / threads_, 1, taken_max);
    std::size_t count = 0;
    for (; count < share; ++count) {
      auto* one = waiting_.front();
      if (one == nullptr) break;
      waiting_.pop();
      to[count] = one;
    }
    queued_.fetch_sub(count);
    return count;
  }

  // Whether one more job may run; it counts as running then.
  bool begins() {
    auto now = running_.load();
    while (now < threads_) {
      if (running_.compare_exchange_weak(now, now + 1)) return true;
    }
    return false;
  }

  // False if an actor was queued meanwhile by a thread that saw this job running.
  bool ends() {
    running_.fetch_sub(1);
    return queued_.load() == 0 || !begins();
  }

  inline caf::resumable::resume_result run(caf::execution_unit* on, std::size_t most);
  // CAF's scheduler has ended before the job.
  inline void abandon();

  caf::actor_system& sys_;
  const std::size_t threads_;
  detail::handover<ready_actor> waiting_;
  std::mutex taking_;
  std::atomic<std::size_t> queued_{0};
  std::atomic<std::size_t> running_{0};
};

/// An actor that CAF's scheduler runs by a queue of ready ones, if there is one.
class ready_actor : public caf_version::plain_actor, public detail::handed_over {
 public:
  ready_actor(caf::actor_config& config, std::shared_ptr<ready_actors> by)
      : plain_actor{config}, by_{std::move(by)} {}

  using plain_actor::enqueue;

  void enqueue(caf::mailbox_element_ptr x, caf::execution_unit* on) override {
    if (by_ == nullptr) return plain_actor::enqueue(std::move(x), on);
    const auto id = x->mid;
    const auto asker = id.is_request() ? x->sender : nullptr;
    switch (mailbox().push_back(std::move(x))) {
      case caf::intrusive::inbox_result::unblocked_reader:
        intrusive_ptr_add_ref(ctrl());
        by_->push(*this, on);
        break;
      case caf::intrusive::inbox_result::queue_closed:
        caf_version::fail_request(asker, id, caf::make_error(caf::sec::request_receiver_down));
        break;
      case caf::intrusive::inbox_result::success:
        break;
    }
  }

  // Begins with its first message.
  void launch(caf::execution_unit* on, bool lazy, bool hide) override {
    plain_actor::launch(on, lazy || by_ != nullptr, hide);
  }

 private:
  const std::shared_ptr<ready_actors> by_;
};

/// Runs ready actors until there are none.
class ready_actors::job final : public caf::resumable, public caf::ref_counted {
 public:
  explicit job(std::shared_ptr<ready_actors> of) : of_{std::move(of)} {}
  ~job() override {
    if (of_ != nullptr) of_->abandon();
  }
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  resume_result resume(caf::execution_unit* on, std::size_t most) override {
    const auto how = of_->run(on, most);
    if (how != resume_later) of_ = nullptr;
    return how;
  }
  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }

 private:
  std::shared_ptr<ready_actors> of_;
};

inline void ready_actors::queue(ready_actor& one) {
  queued_.fetch_add(1);
  (void)waiting_.push(one);
}

inline void ready_actors::push(ready_actor& one, caf::execution_unit* by) {
  queue(one);
  if (!begins()) return;
  auto* next = new job{shared_from_this()};  // CAF's scheduler releases it
  by != nullptr ? by->exec_later(next) : sys_.scheduler().enqueue(next);
}

inline caf::resumable::resume_result ready_actors::run(caf::execution_unit* on, std::size_t most) {
  taken some;
  for (std::size_t turns = 0; turns < turns_max;) {
    const auto count = take(some);
    if (count == 0 && ends()) return caf::resumable::done;
    for (std::size_t i = 0; i < count; ++i) {
      auto* one = some[i];
      if (i + 1 < count) detail::prefetch(some[i + 1], sizeof(ready_actor));
      if (one->resume(on, std::min(most, messages_max)) == caf::resumable::resume_later) {
        queue(*one);
      } else {
        intrusive_ptr_release(one->ctrl());
      }
    }
    turns += count;
  }
  return caf::resumable::resume_later;
}

inline void ready_actors::abandon() {
  running_.fetch_sub(1);
  taken some;
  while (const auto count = take(some)) {
    for (auto* one : std::span{some}.first(count)) {
      one->cleanup(caf::make_error(caf::exit_reason::user_shutdown), nullptr);
      intrusive_ptr_release(one->ctrl());
    }
  }
}

}}  // namespace nexus::v0
