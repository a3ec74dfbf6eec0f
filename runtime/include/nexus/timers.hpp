// Keyed timers of a CAF actor: what is set under a key replaces what was, and cancelled means it.
//
//   nexus::timers t{self};                       // in the actor's state
//   t.once("give up", 30s, [=] { self->quit(); });
//   t.at_fixed_rate("tick", 1s, [] { … });       // keeps its phase
//   t.with_fixed_delay("poll", 1s, [] { … });    // counts from when the last one was done
//   t.cancel("give up");
//
// A timer runs as a message of the actor, by the actor's own clock. One that was cancelled or replaced
// never runs, also if its message was in the mailbox already. All are gone with this object and with
// the actor. A fixed rate that is late makes up for the last 8 and skips what was missed before.
//
// Threads: belongs to the actor; call it inside. An actor with a timer lives until it quits. A timer
// that throws is a failure of the actor like any other; if the actor goes on, so does the timer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "nexus/time_span.hpp"

namespace caf {
class scheduled_actor;
}

namespace nexus::inline v0 {

class timers {
 public:
  /// `self` must outlive this. A supervised actor that is restarted needs a new one: make it in the
  /// function that makes the behavior.
  explicit timers(caf::scheduled_actor* self);
  ~timers();
  timers(timers&& other) noexcept;
  timers& operator=(timers&& other) noexcept;

  /// A delay that is not positive is as soon as possible.
  void once(std::string_view key, time_span delay, std::function<void()> f);

  /// First after one `period`, which must be positive.
  void at_fixed_rate(std::string_view key, time_span period, std::function<void()> f);
  void with_fixed_delay(std::string_view key, time_span delay, std::function<void()> f);

  /// False if there was none.
  bool cancel(std::string_view key);
  void cancel_all();

  /// Set and neither cancelled nor, if it does not repeat, begun.
  [[nodiscard]] bool active(std::string_view key) const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace nexus::inline v0
