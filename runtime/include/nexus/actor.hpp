// An actor: an object that handles one message at a time on CAF's scheduler.
//
// Nexus builds entities on this; CAF sits behind it, so no header here needs CAF and what depends
// on CAF's version stays in one file (runtime/src/caf/caf_bridge.cpp).
//
// Threads: `receive` runs on CAF's scheduler threads, never twice at once; it must not block. A
// `mailbox` is a value that may be used from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "nexus/message.hpp"
#include "nexus/time_span.hpp"

namespace nexus::inline v0 {

class system;

/// Where messages are sent: a counted reference to a running actor.
class mailbox {
 public:
  mailbox() noexcept = default;
  mailbox(const mailbox& other) noexcept;
  mailbox(mailbox&& other) noexcept;
  mailbox& operator=(mailbox other) noexcept;
  ~mailbox();

  /// Never blocks. After the actor has stopped, the message is dropped.
  void send(envelope m) const;

  /// Sends after `delay`, or drops the message if the actor stopped meanwhile.
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

  /// After `stop` the object is destroyed and messages still queued are dropped.
  [[nodiscard]] virtual verdict receive(envelope m) = 0;
};

}  // namespace nexus::inline v0
