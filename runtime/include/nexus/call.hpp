// An asked question: the message, its answer, and what to do when the answer is there.
//
//   auto asked = accounts.of("alice").ask(account::withdraw{500});   // sent here
//   nexus::result<std::int64_t> left = asked.get(1s);                // a plain thread waits
//   std::move(asked).then(self, [](nexus::result<std::int64_t> r) { … });   // or: inside a CAF actor
//
// Threads: an `asked` belongs to one thread at a time. The answer may be given on any thread.
// Failures: `timeout` (the command may still take effect), `stopped` (whoever should answer is gone),
// and what the answerer says.
#pragma once

#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "nexus/message.hpp"
#include "nexus/result.hpp"
#include "nexus/ulid.hpp"

namespace caf {
class scheduled_actor;
}

namespace nexus::inline v0 {

/// What travels with every command, beside its value.
struct call_header {
  ulid command_id{};          ///< names this command, in errors and in event metadata
  ulid correlation_id{};      ///< the conversation it belongs to; empty: starts one
  ulid causation_id{};        ///< the command that caused it; empty: came from outside
  std::string traceparent{};  ///< W3C trace context, carried along unread
  std::string tracestate{};   ///< likewise, what vendors add to it
  /// In the system's steady time (system::steady); after it the command is not decided any more and
  /// its caller gets `timeout`. What it leads to asks others under the same deadline. Zero: none.
  std::chrono::steady_clock::time_point deadline{};
};

/// A message that is answered once. Lives until both the asker and the last envelope are gone.
class call : public message {
 public:
  call_header header;

  /// Answers with an error. The answer must not have been given yet.
  void fail(error why) noexcept {
    set_error(std::move(why));
    complete();
  }

  /// Makes the stored answer visible and runs the continuation, on this thread.
  void complete() noexcept {
    auto before = state_.fetch_or(answered, std::memory_order_acq_rel);
    assert((before & answered) == 0);
    if ((before & awaited) != 0) std::exchange(continuation_, nullptr)();
  }

  [[nodiscard]] bool is_answered() const noexcept {
    return (state_.load(std::memory_order_acquire) & answered) != 0;
  }

  /// Runs `f` once the answer is there: on the answering thread, or now if it is already.
  /// At most once per call.
  void on_answer(std::function<void()> f) {
    continuation_ = std::move(f);
    auto before = state_.fetch_or(awaited, std::memory_order_acq_rel);
    assert((before & awaited) == 0);
    if ((before & answered) != 0) std::exchange(continuation_, nullptr)();
  }

  /// Blocks the calling thread; false when time ran out first. Uses up `on_answer`.
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds timeout);

  /// The asker's share of the lifetime.
  void leave() noexcept {
    if (shares_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  explicit call(std::uint8_t kind) noexcept : message{kind} {}

  virtual void set_error(error why) noexcept = 0;

  void dropped() noexcept override {
    if (!is_answered()) fail({errc::stopped, "stopped before it answered"});
    leave();
  }

 private:
  static constexpr std::uint8_t answered = 1;
  static constexpr std::uint8_t awaited = 2;

  std::function<void()> continuation_;
  std::atomic<std::uint8_t> shares_{2};  // the asker and all envelopes together
  std::atomic<std::uint8_t> state_{0};
};

namespace detail {

/// Runs `f` as a message of `self` once `c` is answered. Defined where CAF's version is known.
void answer_in_actor(caf::scheduled_actor* self, call& c, std::function<void()> f);

/// Where a call keeps its answer.
template <class R>
struct answer_slot {
  std::optional<result<R>> answer;
};

}

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

  /// What errors and metadata call the command.
  [[nodiscard]] const ulid& command_id() const noexcept { return call_->header.command_id; }

  /// True when `get` would not block.
  [[nodiscard]] bool is_answered() const noexcept { return call_->is_answered(); }

  /// Waits for the answer; call it once. Never on a scheduler thread: inside an actor use `then`.
  [[nodiscard]] result<R> get(std::chrono::nanoseconds timeout) {
    if (!call_->is_answered() && !call_->wait_for(timeout)) {
      return fail(errc::timeout, "no answer in time; the command may still take effect");
    }
    return std::move(*slot_->answer);
  }

  /// Has `f(result<R>)` run inside the CAF actor `self`, as one of its messages.
  template <class F>
  void then(caf::scheduled_actor* self, F f) && {
    auto& c = *call_;
    auto kept = std::make_shared<asked>(std::move(*this));
    detail::answer_in_actor(
        self, c, [kept, f = std::move(f)]() mutable { f(std::move(*kept->slot_->answer)); });
  }

 private:
  call* call_ = nullptr;
  detail::answer_slot<R>* slot_ = nullptr;
};

}  // namespace nexus::inline v0
