// A question on its way: its header, its answer, and the continuation that waits for the answer.
//
// The asker's side, `asked`, is in nexus/answers.hpp.
//
// Threads: any thread may give the answer; one thread at a time waits for it.
// Failures: `stopped` when the answering side is gone, and the error that the answering side
// returns.
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

namespace nexus { inline namespace v0 {

/// Travels with every command, beside its value.
struct call_header {
  ulid command_id{};          ///< names this command, in errors and in event metadata
  ulid correlation_id{};      ///< the conversation; empty: the command starts one
  ulid causation_id{};        ///< the command that caused this one; empty: it came from outside
  std::string traceparent{};  ///< W3C trace context, carried along unread
  std::string tracestate{};   ///< W3C trace context, the part that vendors add
  /// In the system's steady time (system::steady). A command is not decided after its deadline, and
  /// its caller gets `timeout`. Questions that the command leads to have the same deadline. Zero:
  /// no deadline.
  std::chrono::steady_clock::time_point deadline{};
};

/// A message that is answered once. It lives until both the asker and the last envelope are gone.
class call : public message {
 public:
  call_header header;

  ~call() override { delete trouble_.load(std::memory_order_acquire); }

  /// Answers with an error. Call it at most once, and not after an answer.
  void fail(error why) noexcept {
    set_error(std::move(why));
    complete();
  }

  /// Publishes the stored answer and runs the continuation on this thread.
  void complete() noexcept {
    auto before = state_.fetch_or(answered, std::memory_order_acq_rel);
    assert((before & answered) == 0);
    if ((before & awaited) != 0) std::exchange(continuation_, nullptr)();
  }

  [[nodiscard]] bool is_answered() const noexcept {
    return (state_.load(std::memory_order_acquire) & answered) != 0;
  }

  /// Runs `f` when the answer is there: on the answering thread, or now if it is there already.
  /// At most once per call.
  void on_answer(std::function<void()> f) {
    continuation_ = std::move(f);
    auto before = state_.fetch_or(awaited, std::memory_order_acq_rel);
    assert((before & awaited) == 0);
    if ((before & answered) != 0) std::exchange(continuation_, nullptr)();
  }

  /// Blocks the calling thread; false if `until` came before the answer. Uses up `on_answer`.
  [[nodiscard]] bool wait_until(std::chrono::steady_clock::time_point until);

  /// Records why the answer is late, for the error of a caller that stops waiting. The first note
  /// stays.
  void note_trouble(std::string_view what) {
    if (trouble_.load(std::memory_order_relaxed) != nullptr) return;
    auto made = std::make_unique<const std::string>(what);
    const std::string* none = nullptr;
    if (trouble_.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) {
      (void)made.release();
    }
  }
  /// Empty if nothing was noted.
  [[nodiscard]] std::string_view trouble() const noexcept {
    const auto* told = trouble_.load(std::memory_order_acquire);
    return told == nullptr ? std::string_view{} : std::string_view{*told};
  }

  /// True when no caller can collect the answer any more. Never true for a call with a
  /// continuation.
  [[nodiscard]] bool asker_left() const noexcept {
    return shares_.load(std::memory_order_acquire) == 1;
  }

  /// Gives up the asker's share of the lifetime.
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

/// The place of a call's answer.
template <class R>
struct answer_slot {
  std::optional<result<R>> answer;
};

}

}}  // namespace nexus::v0
