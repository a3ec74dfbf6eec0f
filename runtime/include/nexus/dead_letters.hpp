// Dead letters: messages that reached no receiver, or that the receiver did not handle.
//
//   auto listening = sys.letters().subscribe([](const nexus::dead_letter& l) { … });
//   auto mine = sys.letters().subscribe(self, [](const nexus::dead_letter& l) { … });  // an actor
//
// Covered are commands of entities and messages to supervised actors. CAF does not report messages
// to a plain actor that is gone.
//
// Threads: any. Copies refer to the same dead letters. A listener runs on the thread that gave up
// the message; it must not block, subscribe, or end a subscription. If a listener throws, the
// exception is logged and the other listeners are still called. An actor's listener runs as a
// message of that actor, and may do what a message handler may do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "nexus/registration.hpp"
#include "nexus/result.hpp"
#include "nexus/ulid.hpp"

namespace caf {
class scheduled_actor;
}

namespace nexus { inline namespace v0 {

enum class dead_letter_reason : std::uint8_t {
  unhandled,   ///< the receiver does not handle it
  stopped,     ///< the receiver had stopped, or stopped before it handled the message
  overloaded,  ///< a bounded queue was full
  expired,     ///< its deadline passed before it was handled
  dropped      ///< given up for another reason, which `why` states
};

/// The enumerator's name, e.g. "unhandled".
[[nodiscard]] std::string_view to_string(dead_letter_reason reason) noexcept;

[[nodiscard]] dead_letter_reason reason_of(errc code) noexcept;

struct dead_letter {
  std::string target;  ///< the receiver, e.g. "account|alice"
  ulid command_id{};   ///< empty if it was not a command of an entity
  error why{};         ///< e.g. `unhandled`
  dead_letter_reason reason = reason_of(why.code);
};

class dead_letters {
 public:
  using listener = std::function<void(const dead_letter&)>;
  using subscription = registration;

  /// Letters that may wait for one subscribed actor. More than that are dropped and counted by
  /// `missed`.
  static constexpr std::size_t waiting_max = 1'000;

  dead_letters();

  /// Calls `f` for each letter. When the subscription's destructor has returned, `f` is not called
  /// again.
  [[nodiscard]] subscription subscribe(listener f);

  /// Runs `f` as a message of `self`, once per letter. Call it and end it inside that actor. The
  /// subscription keeps the actor alive until it quits: keep it in the actor's state.
  [[nodiscard]] subscription subscribe(caf::scheduled_actor* self, listener f);

  void publish(const dead_letter& letter) noexcept;

  /// The number of letters so far.
  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] std::uint64_t count(dead_letter_reason reason) const noexcept;

  /// The number of letters that subscribed actors did not get because too many were waiting.
  [[nodiscard]] std::uint64_t missed() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}}  // namespace nexus::v0
