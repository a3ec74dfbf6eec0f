// A system that stands still until it is told to step: for tests of time and order without
// sleeping.
//
//   nexus::system sys{{.stepped = true}};
//   auto store = nexus::open("memory:", {.runs_on = sys.stepping()->storages()});
//   …
//   sys.stepping()->drain();          // until nothing is left to do now
// until nothing is left to do at this moment
//
// Order: first one message of the actor that has waited longest; without messages, one job of a
// storage; without jobs, one timer that is due. An actor with more messages goes to the end of the
// line. With a seed, the next step is drawn among the actors and the storages' jobs; the messages
// of one actor, and the jobs of one kind, keep their order. Two runs with the same calls do the
// same.
//
// Threads: the system, its actors, its stores and their users belong to the one thread that steps.
// Waiting for an answer on that thread never ends: use run_until. Blocking and detached actors have
// threads of their own, and are not stepped. In CAF 1.x `mail(…).delay(d)` counts in real time;
// `mail(…).schedule(self->clock().now() + d)` does not.
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

namespace nexus { inline namespace v0 {

class caf_bridge;

class stepping {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The limit of steps at one moment; more than that is taken for an endless loop.
  static constexpr std::size_t steps_max = 1'000'000;

  stepping(caf_bridge& of, std::uint64_t seed);
  ~stepping();
  stepping(const stepping&) = delete;
  stepping& operator=(const stepping&) = delete;

  /// Does the next step; false if there was none. Must not be called from within a step.
  bool step();

  /// The number of steps possible now: messages, jobs of storages that are not held, timers due.
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] bool idle() const { return pending() == 0; }

  /// Steps until nothing is left, and returns the number of steps; `overloaded` after `at_most`
  /// steps.
  result<std::size_t> drain(std::size_t at_most = steps_max);

  /// Moves time by `d`, from one timer to the next: each timer, and everything it leads to, is
  /// handled before time moves on. `overloaded` if one moment has more than `steps_max` steps.
  result<void> advance(time_span d);

  /// Steps until `holds` returns true. When nothing is left to do, it moves time, by `within` at
  /// most. False if `holds` is still false then.
  [[nodiscard]] bool run_until(const std::function<bool()>& holds, time_span within = {});

  [[nodiscard]] time_point now() const noexcept;

  /// When the next timer is due; none if there is no timer.
  [[nodiscard]] std::optional<time_point> next_timer() const;

  /// For store_options::runs_on.
  [[nodiscard]] std::shared_ptr<executor> storages() const;

  /// Imitates a silent storage: its jobs of one kind wait until `release`.
  void hold(executor::work kind);
  void release(executor::work kind);

  /// Calls `f` with a description of each step, before the step, e.g. "nexus.actor 7".
  void on_step(std::function<void(const std::string&)> f);

  // For the system that is stepped:

  /// The time of day that moves with the steps; starts at 2000-01-01.
  [[nodiscard]] std::shared_ptr<const clock> time_of_day() const;
  [[nodiscard]] std::uint64_t random();

  [[nodiscard]] bool is_within_a_step() const noexcept;

  /// The last call. Does what can be done now and drops all timers, so that nothing waits for them.
  void end();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}}  // namespace nexus::v0
