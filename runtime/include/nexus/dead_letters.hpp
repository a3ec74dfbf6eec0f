// Where messages end that reached nobody, or that nobody had an answer to.
//
//   auto listening = sys.letters().subscribe([](const nexus::dead_letter& l) { … });
//   auto mine = sys.letters().subscribe(self, [](const nexus::dead_letter& l) { … });   // a CAF actor
//
// CAF tells nobody of messages to a plain actor that is gone: what ends here are commands of entities
// and messages of supervised actors.
//
// Threads: any. Copies are the same place. A listener is called on the thread that gave the message
// up; it must not block, nor subscribe or end a subscription. What it throws is logged, and the others hear
// of the letter all the same. The listener of an actor is one of the actor's messages, and may do what
// those may.
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

namespace nexus::inline v0 {

enum class dead_letter_reason : std::uint8_t {
  unhandled,   ///< who got it has no answer to it
  stopped,     ///< whom it was for had stopped, or stopped before its turn came
  overloaded,  ///< a bounded queue was full
  expired,     ///< its deadline passed first
  dropped      ///< given up for another reason, which `why` tells
};

/// As it is spelled in C++, e.g. "unhandled".
[[nodiscard]] std::string_view to_string(dead_letter_reason reason) noexcept;

[[nodiscard]] dead_letter_reason reason_of(errc code) noexcept;

struct dead_letter {
  std::string target;  ///< whom it was for, e.g. "account|alice"
  ulid command_id{};   ///< empty if it was no command of an entity
  error why{};         ///< e.g. `unhandled`
  dead_letter_reason reason = reason_of(why.code);
};

class dead_letters {
 public:
  using listener = std::function<void(const dead_letter&)>;
  using subscription = registration;

  /// Letters that may wait for one subscribed actor; past it they are counted by `missed`.
  static constexpr std::size_t waiting_max = 1'000;

  dead_letters();

  /// Calls `f` for each until the subscription goes, and no more once that has returned.
  [[nodiscard]] subscription subscribe(listener f);

  /// Runs `f` as a message of `self`, one per letter; call it and end it inside that actor. The actor
  /// lives until it quits: keep the subscription in its state.
  [[nodiscard]] subscription subscribe(caf::scheduled_actor* self, listener f);

  void publish(const dead_letter& letter) noexcept;

  /// How many there were.
  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] std::uint64_t count(dead_letter_reason reason) const noexcept;

  /// How many letters subscribed actors did not get, since too many waited for them.
  [[nodiscard]] std::uint64_t missed() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace nexus::inline v0
