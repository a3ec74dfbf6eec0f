#include "nexus/detail/collecting.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "nexus/detail/may_wait.hpp"

namespace nexus { inline namespace v0 { namespace detail {

error no_answer(const call& c) {
  error why{errc::timeout, "no answer in time; the command may still take effect"};
  if (const auto trouble = c.trouble(); !trouble.empty()) {
    why.message.append("; it waits for the storage, whose last error was: ").append(trouble);
  }
  return why;
}

error no_deadline() {
  return {errc::invalid_argument,
          "get() waits until the command's deadline, but it has none: give it one, or use "
          "get(timeout)"};
}

/// The numbers of answered questions, and how to wake the collecting thread or actor.
struct collecting::inbox {
  std::mutex lock;
  std::condition_variable changed;
  std::vector<std::size_t> answered;
  std::function<void()> wake;  // once, into an actor

  void put(std::size_t number) {
    std::function<void()> to_wake;
    {
      std::lock_guard guard{lock};
      answered.push_back(number);
      to_wake = std::exchange(wake, nullptr);
    }
    changed.notify_one();
    if (to_wake) to_wake();
  }
};

collecting::collecting(steady_time until, bool endless)
    : until_{until}, endless_{endless}, inbox_{std::make_shared<inbox>()} {}

// Calls that are answered late keep the inbox, which must not keep the actor.
collecting::~collecting() {
  std::lock_guard guard{inbox_->lock};
  inbox_->wake = nullptr;
}

void collecting::await(call& c, open_question& q) {
  const auto at = std::min(until_, deadline_of(c));
  if (at == never && !endless_) return q.unanswered(no_deadline());
  if (c.is_answered()) return q.answered();
  const auto number = open_.size();
  open_.push_back(&q);
  if (at != never) dues_.push({at, number, &c});
  c.on_answer([number, to = inbox_] { to->put(number); });
}

void collecting::run() {
  begin();
  while (!done()) {
    settle_answered();
    if (done()) break;
    if (auto why = refuse_to_collect(next_due())) {
      refuse_open(*why);
      continue;
    }
    {
      std::unique_lock guard{inbox_->lock};
      inbox_->changed.wait_until(guard, next_due(), [&] { return !inbox_->answered.empty(); });
    }
    settle_answered();
    settle_overdue(std::chrono::steady_clock::now());
  }
}

void collecting::run_in(caf::scheduled_actor* self) {
  wake_in_actor(self, never, [self, me = shared_from_this()] {
    me->begin();
    me->go_on(self);
  })();
}

// One response is awaited for all open questions: CAF 0.17 searches the handlers one by one.
void collecting::go_on(caf::scheduled_actor* self) {
  settle_answered();
  settle_overdue(now_in_actor(self));
  if (done()) return finish();
  auto wake = wake_in_actor(self, next_due(), [self, me = shared_from_this()] { me->go_on(self); });
  {
    std::lock_guard guard{inbox_->lock};
    if (inbox_->answered.empty()) {
      inbox_->wake = std::move(wake);
      return;
    }
  }
  wake();
}

void collecting::settle_answered() {
  std::vector<std::size_t> answered;
  {
    std::lock_guard guard{inbox_->lock};
    answered.swap(inbox_->answered);
  }
  for (auto number : answered) {
    if (auto* q = close(number)) q->answered();
  }
}

void collecting::settle_overdue(steady_time now) {
  while (next_due() <= now) {
    const auto due = dues_.top();
    if (auto* q = close(due.number)) q->unanswered(no_answer(*due.of));
  }
}

// An answer may open further questions.
void collecting::refuse_open(const error& why) {
  for (std::size_t number = 0; number < open_.size(); ++number) {
    if (auto* q = close(number)) q->unanswered(why);
  }
}

open_question* collecting::close(std::size_t number) {
  return std::exchange(open_[number], nullptr);
}

steady_time collecting::next_due() {
  while (!dues_.empty() && open_[dues_.top().number] == nullptr) dues_.pop();
  return dues_.empty() ? never : dues_.top().at;
}

}}}
