// Keyed timers of a CAF actor. Setting a key replaces its timer; a cancelled timer never runs.
//
//   nexus::timers t{self};                       // in the actor's state
//   t.once("give up", 30s, [=] { self->quit(); });
//   t.at_fixed_rate("tick", 1s, [] { … });       // keeps its phase
// the period starts when a run is done
//   t.cancel("give up");
//
// A timer runs as a message of the actor, by the actor's clock. A cancelled or replaced timer never
// runs, even if its message was already in the mailbox. All timers end with this object and with
// the actor. A late fixed-rate timer makes up for the last 8 missed runs and skips earlier ones.
//
// Threads: belongs to the actor; call it inside. An actor with a timer lives until it quits. A
// timer that throws makes the actor fail as usual; if the actor goes on, so does the timer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "nexus/time_span.hpp"

namespace caf {
class scheduled_actor;
}

namespace nexus { inline namespace v0 {

class timers {
 public:
  /// `self` must outlive this. A restarted supervised actor needs a new object: make it in the
  /// function that makes the behavior.
  explicit timers(caf::scheduled_actor* self);
  ~timers();
  timers(timers&& other) noexcept;
  timers& operator=(timers&& other) noexcept;

  /// A delay of zero or less means as soon as possible.
  void once(std::string_view key, time_span delay, std::function<void()> f);

  /// Runs first after one `period`, which must be positive.
  void at_fixed_rate(std::string_view key, time_span period, std::function<void()> f);
  void with_fixed_delay(std::string_view key, time_span delay, std::function<void()> f);

  /// False if there was none.
  bool cancel(std::string_view key);
  void cancel_all();

  /// True for a timer that is set, not cancelled and, if it does not repeat, not started yet.
  [[nodiscard]] bool active(std::string_view key) const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}}  // namespace nexus::v0
