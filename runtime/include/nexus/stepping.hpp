// A system that stands still until it is told to go on: for tests of time and order without sleeping.
//
//   nexus::system sys{{.stepped = true}};
//   auto store = nexus::open("memory:", {.runs_on = sys.stepping()->storages()});
//   …
//   sys.stepping()->drain();          // until nothing is left to do now
//   sys.stepping()->advance(30s);     // from timer to timer, each with all that it leads to
//
// Order: one message of the actor that has waited longest, as long as there is one; then one job of a
// storage; then one timer that is due. An actor with more messages goes to the end of the line. With
// a seed the next one is drawn among the actors and the storages' jobs: each actor's messages and
// each kind of jobs keep their order. Two runs that are told the same do the same.
//
// Threads: the system, its actors, stores and all who use them belong to the one thread that steps.
// What waits for an answer on that thread waits in vain: run_until does it. Blocking and detached
// actors have threads of their own, and are not stepped. In CAF 1.x `mail(…).delay(d)` counts in real
// time; `mail(…).schedule(self->clock().now() + d)` does not.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "nexus/clock.hpp"
#include "nexus/executor.hpp"
#include "nexus/result.hpp"
#include "nexus/time_span.hpp"

namespace nexus::inline v0 {

class caf_bridge;

class stepping {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Past so many steps at one moment something goes in circles.
  static constexpr std::size_t steps_max = 1'000'000;

  stepping(caf_bridge& of, std::uint64_t seed);
  ~stepping();
  stepping(const stepping&) = delete;
  stepping& operator=(const stepping&) = delete;

  /// Does the next thing; false if there was none. Not from within a step.
  bool step();

  /// How much there is to do now: messages, jobs of storages that are not held, timers that are due.
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] bool idle() const { return pending() == 0; }

  /// Steps until it is idle, and says how often; `overloaded` after `at_most` steps.
  result<std::size_t> drain(std::size_t at_most = steps_max);

  /// Moves time by `d`, from one timer to the next: each is handled, with all that it leads to,
  /// before time moves on. `overloaded` if one moment has more than `steps_max` steps.
  result<void> advance(time_span d);

  /// Steps until `holds`, and moves time when it is idle, by `within` at most. False if it does not
  /// hold then.
  [[nodiscard]] bool run_until(const std::function<bool()>& holds, time_span within = {});

  [[nodiscard]] time_point now() const noexcept;

  /// When the next timer is due, if there is one.
  [[nodiscard]] std::optional<time_point> next_timer() const;

  /// For store_options::runs_on.
  [[nodiscard]] std::shared_ptr<executor> storages() const;

  /// A storage that is silent: its jobs of one kind wait until `release`.
  void hold(executor::work kind);
  void release(executor::work kind);

  /// Calls `f` with what each step does, before it does it, e.g. "nexus.actor 7".
  void on_step(std::function<void(const std::string&)> f);

  // For the system that is stepped:

  /// The time of day that moves along; begins with 2000-01-01.
  [[nodiscard]] std::shared_ptr<const clock> time_of_day() const;
  [[nodiscard]] std::uint64_t random();

  [[nodiscard]] bool is_within_a_step() const noexcept;

  /// The last call. Does what can be done now and forgets all timers, so that nobody waits for them.
  void end();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace nexus::inline v0
