// A question on its way: the header that travels with it, its answer, and whoever waits for that.
//
// The asker's side, `asked`, is in nexus/answers.hpp.
//
// Threads: the answer may be given on any; one thread at a time waits for it.
// Failures: `stopped` when whoever should answer is gone, and what the answerer says.
#pragma once

#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/message.hpp"
#include "nexus/result.hpp"
#include "nexus/ulid.hpp"

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

  ~call() override { delete trouble_.load(std::memory_order_acquire); }

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

  /// Blocks the calling thread; false when `until` came first. Uses up `on_answer`.
  [[nodiscard]] bool wait_until(std::chrono::steady_clock::time_point until);

  /// What keeps the answer, for who stops waiting before it comes. The first one told stays.
  void note_trouble(std::string_view what) {
    if (trouble_.load(std::memory_order_relaxed) != nullptr) return;
    auto made = std::make_unique<const std::string>(what);
    const std::string* none = nullptr;
    if (trouble_.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) {
      (void)made.release();
    }
  }
  /// Empty if there is none.
  [[nodiscard]] std::string_view trouble() const noexcept {
    const auto* told = trouble_.load(std::memory_order_acquire);
    return told == nullptr ? std::string_view{} : std::string_view{*told};
  }

  /// Nobody can collect the answer any more. Of a call that a continuation waits for: never.
  [[nodiscard]] bool asker_left() const noexcept {
    return shares_.load(std::memory_order_acquire) == 1;
  }

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
  std::atomic<const std::string*> trouble_{nullptr};
  std::atomic<std::uint8_t> state_{0};
};

namespace detail {

/// Where a call keeps its answer.
template <class R>
struct answer_slot {
  std::optional<result<R>> answer;
};

}

}  // namespace nexus::inline v0
