// Messages of actors: a message object behind one pointer, the envelope.
//
// Only one C++ type crosses CAF, so user types need no CAF registration and a send costs one
// pointer. When the last envelope is gone, its message is told, so that no caller waits for an
// answer that cannot come.
//
// Threads: an envelope may be copied and dropped on any thread; the message belongs to its
// receiver.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace nexus { inline namespace v0 {

/// The base of every message. `kind` tells the receiver which type to cast to.
class message {
 public:
  explicit message(std::uint8_t kind) noexcept : kind_{kind} {}
  virtual ~message() = default;
  message(const message&) = delete;
  message& operator=(const message&) = delete;

  [[nodiscard]] std::uint8_t kind() const noexcept { return kind_; }

 protected:
  /// Called once, when the last envelope is gone: frees the message.
  virtual void dropped() noexcept { delete this; }

 private:
  friend class envelope;
  std::atomic<std::uint32_t> envelopes_{0};
  std::uint8_t kind_;
};

/// A counted pointer to a message.
class envelope {
 public:
  envelope() noexcept = default;
  explicit envelope(message* m) noexcept : message_{m} { acquire(); }
  envelope(const envelope& other) noexcept : message_{other.message_} { acquire(); }
  envelope(envelope&& other) noexcept : message_{std::exchange(other.message_, nullptr)} {}
  envelope& operator=(envelope other) noexcept {
    std::swap(message_, other.message_);
    return *this;
  }
  ~envelope() { release(); }

  [[nodiscard]] message* get() const noexcept { return message_; }
  [[nodiscard]] explicit operator bool() const noexcept { return message_ != nullptr; }

  /// Gives up the pointer without dropping it; `adopt` takes it back.
  [[nodiscard]] message* detach() noexcept { return std::exchange(message_, nullptr); }
  [[nodiscard]] static envelope adopt(message* m) noexcept {
    envelope made;
    made.message_ = m;
    return made;
  }

  template <class T>
  [[nodiscard]] T& as() const noexcept {
    return static_cast<T&>(*message_);
  }

 private:
  void acquire() noexcept {
    if (message_ != nullptr) message_->envelopes_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept {
    if (message_ != nullptr && message_->envelopes_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      message_->dropped();
    }
  }

  message* message_ = nullptr;
};

}}  // namespace nexus::v0
