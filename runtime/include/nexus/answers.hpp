// Answers to questions, collected by a thread that waits or inside a CAF actor.
//
//   auto asked = accounts.of("alice").ask(account::withdraw{500});   // sent here
//   nexus::result<std::int64_t> left = asked.get(1s);                // a plain thread waits
//   std::move(asked).then(self, [](nexus::result<std::int64_t> r) { … });   // or: in a CAF actor
//
//   auto moved = accounts.of("alice").ask(account::withdraw{500})    // one answer made of two
//                    .and_then([&](auto) { return accounts.of("bob").ask(account::deposit{500}); })
//                    .map([](std::int64_t cents) { return cents / 100; });
//
//   auto all = nexus::gather(std::move(many)).get(1s);   // std::vector<result<R>>, in order
//
// Threads: an answer belongs to one thread at a time and is collected once. `get` runs the
// functions given to `map`, `and_then` and `or_else` on the waiting thread, `then` runs them as
// messages of the actor. An exception from such a function leaves `get`; in an actor it counts as
// thrown by a handler.
// Time: each question is awaited until the deadline in its header, at most for the timeout of `get`
// or `then`. A question still open then becomes `timeout`, and its late answer is dropped. Inside
// an actor the actor's clock counts. A timeout of any unit's max() is no limit.
// Failures: `timeout` (the command may still take effect), `stopped` (the answering side is gone),
// `invalid_argument` (`get()` on a question without a deadline), `would_block` (`get` would block a
// thread of the scheduler), and the error that the answering side returns.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "nexus/call.hpp"
#include "nexus/detail/collecting.hpp"
#include "nexus/detail/gathering.hpp"
#include "nexus/detail/links.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/result.hpp"
#include "nexus/time_span.hpp"
#include "nexus/ulid.hpp"

namespace nexus { inline namespace v0 {

/// The asker's side of a call that answers `R`.
template <class R>
class [[nodiscard]] asked {
 public:
  /// Takes over the asker's share of `c`, whose answer will be in `slot`.
  asked(call& c, detail::answer_slot<R>& slot) noexcept : call_{&c}, slot_{&slot} {}

  asked(asked&& other) noexcept
      : call_{std::exchange(other.call_, nullptr)}, slot_{std::exchange(other.slot_, nullptr)} {}
  asked& operator=(asked&& other) noexcept {
    std::swap(call_, other.call_);
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~asked() {
    if (call_ != nullptr) call_->leave();
  }

  /// The id of the command, as in errors and metadata.
  [[nodiscard]] const ulid& command_id() const noexcept { return call_->header.command_id; }

  /// True when `get` would not block.
  [[nodiscard]] bool is_answered() const noexcept { return call_->is_answered(); }

  /// Waits for the answer; call it once. On a thread that must not wait (detail/may_wait.hpp), such
  /// as in an actor on the scheduler or in `decide`, an answer that is not there yet is
  /// `would_block`: use `then`.
  [[nodiscard]] result<R> get(time_span timeout) {
    if (call_->is_answered()) return take();
    return get_until(detail::later(std::chrono::steady_clock::now(), timeout));
  }

  /// Waits until the command's deadline. Without a deadline the result is `invalid_argument`, even
  /// if the answer is there.
  [[nodiscard]] result<R> get() {
    if (call_->header.deadline == detail::steady_time{}) return nexus::fail(detail::no_deadline());
    return get_until(detail::never);
  }

  /// Runs `f(result<R>)` inside the CAF actor `self`, as one of its messages, when the answer is
  /// there or the command's deadline has passed.
  template <class F>
  void then(caf::scheduled_actor* self, F f) && {
    std::move(*this).then_until(self, detail::never, std::move(f));
  }
  template <class F>
  void then(caf::scheduled_actor* self, time_span timeout, F f) && {
    std::move(*this).then_until(self, detail::later(detail::now_in_actor(self), timeout),
                                std::move(f));
  }

  /// Same as answer::map, answer::and_then and answer::or_else.
  template <class F>
  auto map(F f) && {
    return answer<R>{std::move(*this)}.map(std::move(f));
  }
  template <class F>
  auto and_then(F f) && {
    return answer<R>{std::move(*this)}.and_then(std::move(f));
  }
  template <class F>
  auto or_else(F f) && {
    return answer<R>{std::move(*this)}.or_else(std::move(f));
  }

 private:
  friend class detail::asked_source<R>;

  result<R> take() { return std::move(*slot_->answer); }

  result<R> get_until(detail::steady_time until) {
    if (call_->is_answered()) return take();
    until = std::min(until, detail::deadline_of(*call_));
    if (auto why = detail::refuse_to_collect(until)) return nexus::fail(*std::move(why));
    if (call_->wait_until(until)) return take();
    return nexus::fail(detail::no_answer(*call_));
  }

  template <class F>
  void then_until(caf::scheduled_actor* self, detail::steady_time until, F f) && {
    auto& c = *call_;
    auto kept = std::make_shared<std::pair<asked, F>>(std::move(*this), std::move(f));
    c.on_answer(detail::wake_in_actor(self, std::min(until, detail::deadline_of(c)), [kept] {
      auto& [from, to] = *kept;
      to(from.is_answered() ? from.take() : nexus::fail(detail::no_answer(*from.call_)));
    }));
  }

  call* call_ = nullptr;
  detail::answer_slot<R>* slot_ = nullptr;
};

/// An answer made of other answers. It runs when it is collected, by `get` or `then`, once.
template <class R>
class [[nodiscard]] answer {
 public:
  answer(asked<R> a) : from_{std::make_unique<detail::asked_source<R>>(std::move(a))} {}
  answer(result<R> r) : from_{std::make_unique<detail::ready<R>>(std::move(r))} {}
  explicit answer(std::unique_ptr<detail::source<R>> from) noexcept : from_{std::move(from)} {}

  /// True when everything asked so far is answered. `and_then` and `or_else` ask only when
  /// collected.
  [[nodiscard]] bool is_answered() const { return from_->is_answered(); }

  /// Same as asked::get. A question without a deadline becomes `invalid_argument` in its place.
  [[nodiscard]] result<R> get(time_span timeout) {
    return get_until(detail::later(std::chrono::steady_clock::now(), timeout), true);
  }
  [[nodiscard]] result<R> get() { return get_until(detail::never, false); }

  template <class F>
  void then(caf::scheduled_actor* self, F f) && {
    std::move(*this).then_until(self, detail::never, std::move(f));
  }
  template <class F>
  void then(caf::scheduled_actor* self, time_span timeout, F f) && {
    std::move(*this).then_until(self, detail::later(detail::now_in_actor(self), timeout),
                                std::move(f));
  }

  /// The answer `f(R)`: an answer<U> if `f` returns a `U`, which may be void. Errors are passed on.
  template <class F>
  auto map(F f) && {
    return detail::linked<R>(std::move(from_), detail::mapping<R, F>{std::move(f)});
  }

  /// Continues with the return value of `f(R)`: a result<U>, an asked<U> or an answer<U>. Errors
  /// are passed on.
  template <class F>
  auto and_then(F f) && {
    return detail::linked<R>(std::move(from_), detail::continuing<R, F>{std::move(f)});
  }

  /// On an error, continues with the return value of `f(error)`, which has the same `R`.
  template <class F>
  answer or_else(F f) && {
    return detail::linked<R>(std::move(from_), detail::mending<R, F>{std::move(f)});
  }

 private:
  friend struct detail::source_access;

  result<R> get_until(detail::steady_time until, bool endless) {
    auto all = std::make_shared<detail::collection<R>>(std::move(from_), until, endless);
    all->run();
    return all->take();
  }

  template <class F>
  void then_until(caf::scheduled_actor* self, detail::steady_time until, F f) && {
    std::make_shared<detail::told_collection<R, F>>(std::move(from_), until, std::move(f))
        ->run_in(self);
  }

  std::unique_ptr<detail::source<R>> from_;
};

/// Collects all answers under one timeout, in the given order. An answer that is late is `timeout`
/// in its place, so `gather` itself never fails.
template <class A>
[[nodiscard]] auto gather(std::vector<A> all) {
  using R = detail::answer_value_t<A>;
  return answer<std::vector<result<R>>>{
      std::make_unique<detail::gathering<R>>(detail::sources_of<R>(std::move(all)))};
}

/// Same for answers of different types: a std::tuple of their results.
template <class... A>
  requires(detail::is_answer<A> && ...)
[[nodiscard]] auto gather(A... each) {
  return answer<std::tuple<result<detail::answer_value_t<A>>...>>{
      std::make_unique<detail::tuple_gathering<detail::answer_value_t<A>...>>(
          detail::source_access::of(std::move(each))...)};
}

}}  // namespace nexus::v0
