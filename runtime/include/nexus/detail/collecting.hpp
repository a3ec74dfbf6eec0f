// How answers are collected: each source passes its answer to one receiver, up to the collection.
//
//   question ──▶ link (map, and_then, or_else) ──▶ gathering ──▶ collection
//
// Threads: everything runs where the answer is collected, on the waiting thread or inside the CAF
// actor. Only calls are answered elsewhere: they put their number into an inbox.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "nexus/call.hpp"
#include "nexus/detail/saturating.hpp"
#include "nexus/result.hpp"

namespace caf {
class scheduled_actor;
}

namespace nexus { inline namespace v0 { namespace detail {

/// The time at which the asker of `c` stops waiting.
[[nodiscard]] inline steady_time deadline_of(const call& c) noexcept {
  return c.header.deadline == steady_time{} ? never : c.header.deadline;
}

[[nodiscard]] error no_answer(const call& c);  ///< `timeout`, with the known reason for the delay
[[nodiscard]] error no_deadline();  ///< `invalid_argument`: get() would wait without a limit

/// Returns a function that runs `f` inside `self`, as one of its messages. `f` runs once: when the
/// returned function is called, on any thread, or at `until` of the actor's clock. After the actor
/// has quit, nothing runs. Defined in the file that knows CAF's version.
[[nodiscard]] std::function<void()> wake_in_actor(caf::scheduled_actor* self, steady_time until,
                                                  const std::function<void()>& f);
[[nodiscard]] steady_time now_in_actor(caf::scheduled_actor* self);

/// Calls `f` when `self` ends, on any thread; at once if it has quit.
void when_ended(caf::scheduled_actor* self, std::function<void()> f);

/// A question that is not settled yet.
class open_question {
 public:
  virtual void answered() = 0;
  virtual void unanswered(error why) = 0;

 protected:
  ~open_question() = default;
};

template <class R>
class receiver {
 public:
  virtual ~receiver() = default;
  virtual void receive(result<R> r) = 0;
};

/// One collection of an answer: the open questions and the time limit.
class collecting : public std::enable_shared_from_this<collecting> {
 public:
  /// Waits for answers until `until`. With `endless` a question without a deadline is allowed.
  collecting(steady_time until, bool endless);
  virtual ~collecting();
  collecting(const collecting&) = delete;
  collecting& operator=(const collecting&) = delete;

  /// Tells `q`, now or later, that `c` is answered or overdue.
  void await(call& c, open_question& q);

  /// Starts, and waits on this thread.
  void run();

  /// Starts inside `self`, and calls `finish` there.
  void run_in(caf::scheduled_actor* self);

 protected:
  virtual void begin() = 0;
  [[nodiscard]] virtual bool done() const = 0;
  virtual void finish() {}

 private:
  struct inbox;
  struct due {
    steady_time at;
    std::size_t number;
    const call* of;
    friend bool operator>(const due& a, const due& b) { return a.at > b.at; }
  };

  void settle_answered();
  void settle_overdue(steady_time now);
  void refuse_open(const error& why);
  [[nodiscard]] open_question* close(std::size_t number);
  [[nodiscard]] steady_time next_due();
  void go_on(caf::scheduled_actor* self);

  const steady_time until_;
  const bool endless_;
  const std::shared_ptr<inbox> inbox_;  // shared with calls, which may answer late
  std::vector<open_question*> open_;    // by number; null: settled
  std::priority_queue<due, std::vector<due>, std::greater<>> dues_;
};

/// Where an answer comes from. Lives as long as the collection in which it was started.
template <class R>
class source {
 public:
  virtual ~source() = default;
  [[nodiscard]] virtual bool is_answered() const = 0;
  /// Called once. `to` receives its answer once, now or later in the collection.
  virtual void start(collecting& in, receiver<R>& to) = 0;
};

/// An answer that is known already.
template <class R>
class ready final : public source<R> {
 public:
  explicit ready(result<R> r) : result_{std::move(r)} {}

  [[nodiscard]] bool is_answered() const override { return true; }
  void start(collecting&, receiver<R>& to) override { to.receive(std::move(result_)); }

 private:
  result<R> result_;
};

/// Applies `F` to a result<T>; continues with the result<U> or source of `U` that `F` returns.
template <class T, class U, class F>
class link final : public source<U>, receiver<T> {
 public:
  link(std::unique_ptr<source<T>> from, F f) : from_{std::move(from)}, f_{std::move(f)} {}

  [[nodiscard]] bool is_answered() const override { return from_->is_answered(); }
  void start(collecting& in, receiver<U>& to) override {
    in_ = &in;
    to_ = &to;
    from_->start(in, *this);
  }

 private:
  void receive(result<T> r) override { follow(f_(std::move(r))); }

  void follow(result<U> r) { to_->receive(std::move(r)); }
  void follow(std::unique_ptr<source<U>> next) {
    next_ = std::move(next);
    next_->start(*in_, *to_);
  }

  std::unique_ptr<source<T>> from_;
  F f_;
  std::unique_ptr<source<U>> next_;
  collecting* in_ = nullptr;
  receiver<U>* to_ = nullptr;
};

/// Collects one answer.
template <class R>
class collection : public collecting, receiver<R> {
 public:
  collection(std::unique_ptr<source<R>> from, steady_time until, bool endless)
      : collecting{until, endless}, from_{std::move(from)} {}

  [[nodiscard]] result<R> take() { return std::move(*result_); }

 private:
  void begin() override { from_->start(*this, *this); }
  [[nodiscard]] bool done() const override { return result_.has_value(); }
  void receive(result<R> r) override { result_.emplace(std::move(r)); }

  std::unique_ptr<source<R>> from_;
  std::optional<result<R>> result_;
};

/// Collects one answer inside an actor and passes it to `F`.
template <class R, class F>
class told_collection final : public collection<R> {
 public:
  told_collection(std::unique_ptr<source<R>> from, steady_time until, F f)
      : collection<R>{std::move(from), until, true}, f_{std::move(f)} {}

 private:
  void finish() override { f_(this->take()); }

  F f_;
};

}}}
