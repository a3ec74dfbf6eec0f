// An actor: an object that handles one message at a time on CAF's scheduler.
//
// Nexus builds entities on actors. No header here includes CAF, and everything that depends on
// CAF's version is in one file (runtime/src/caf/caf_bridge.cpp).
//
// Threads: `receive` runs on CAF's scheduler threads, never twice at once, and must not block. A
// `mailbox` is a value that any thread may use.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "nexus/message.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 {

class system;

/// The address of a running actor: a counted reference.
class mailbox {
 public:
  mailbox() noexcept = default;
  mailbox(const mailbox& other) noexcept;
  mailbox(mailbox&& other) noexcept;
  mailbox& operator=(mailbox other) noexcept;
  ~mailbox();

  /// Never blocks. After the actor has stopped, the message is dropped.
  void send(envelope m) const;

  /// Sends after `delay`. The message is dropped if the actor has stopped by then.
  void send_after(time_span delay, envelope m) const;

  [[nodiscard]] explicit operator bool() const noexcept { return control_ != nullptr; }

 private:
  friend class caf_bridge;
  void* control_ = nullptr;  // caf::actor_control_block, with a strong reference
};

class actor {
 public:
  enum class verdict : std::uint8_t { go_on, stop };

  virtual ~actor() = default;

  /// Called once, before the first message.
  virtual void started(const mailbox& self) = 0;

  /// After `stop` the actor is destroyed, and queued messages are dropped.
  [[nodiscard]] virtual verdict receive(envelope m) = 0;
};

}}  // namespace nexus::v0
