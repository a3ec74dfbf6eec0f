// The system: one per process as a rule. Owns CAF's scheduler, or adopts the one a program has.
//
//   nexus::system sys;                 // its own scheduler
//   nexus::system sys{my_caf_system};  // beside the actors that are there already
//
// Threads: every member may be called from any. Outlives the entities made on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nexus/actor.hpp"
#include "nexus/clock.hpp"
#include "nexus/dead_letters.hpp"
#include "nexus/metrics.hpp"
#include "nexus/result.hpp"
#include "nexus/shutdown.hpp"
#include "nexus/time_span.hpp"
#include "nexus/ulid.hpp"

namespace caf {
class actor_system;
}

namespace nexus::inline v0 {

class stepping;

struct system_options {
  static constexpr unsigned threads_max = 1'024;

  /// Of the scheduler, at most `threads_max`; 0: one per core but one, for a journal's writer.
  unsigned threads = 0;
  std::shared_ptr<const clock> time{};        ///< none: the wall clock
  std::shared_ptr<nexus::metrics> metrics{};  ///< none: a registry of its own
  bool stepped = false;  ///< no threads: see nexus/stepping.hpp; not of an adopted scheduler
  std::uint64_t seed =
      0;  ///< of a stepped system: draws what comes next; 0: first come, first served
};

class system {
 public:
  explicit system(system_options options = {});

  /// Uses `adopted`, which must outlive this; `options.threads` has no say then.
  explicit system(caf::actor_system& adopted, system_options options = {});

  /// Waits until every actor of an owned scheduler has stopped.
  ~system();
  system(const system&) = delete;
  system& operator=(const system&) = delete;

  /// Names this system's writes in the journal. It says who wrote; it is not a lock.
  [[nodiscard]] ulid writer_id() const noexcept;

  [[nodiscard]] ulid next_id();
  [[nodiscard]] const clock& time() const noexcept;

  /// The steady time that timers, deadlines and idleness are measured in; virtual in a stepped system.
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const noexcept;

  /// Starts an actor.
  mailbox spawn(std::unique_ptr<actor> a);

  /// Takes a name that only one may have at a time; `already_exists` if it is taken. Others find
  /// `what` under it.
  [[nodiscard]] result<void> claim(std::string_view name, std::weak_ptr<void> what = {});
  [[nodiscard]] std::shared_ptr<void> find(std::string_view name) const;
  void release(std::string_view name);

  /// Has `who` take part in `shutdown` as long as it lives. Whoever joins during one is told to
  /// stop admitting at once.
  void join(std::weak_ptr<shutdown_participant> who);

  /// Stops everything in order (nexus/shutdown.hpp) and waits for it, never on a scheduler thread.
  /// After the deadline the rest is begun too, in order, and listed. Called again, it waits for what
  /// is left.
  shutdown_report shutdown(time_span within);

  [[nodiscard]] dead_letters& letters() noexcept;

  /// What this system counts, and what the stores count that entities on it use.
  [[nodiscard]] nexus::metrics& metrics() noexcept;

  [[nodiscard]] caf::actor_system& caf() noexcept;

  /// What moves a stepped system; null if this is none.
  [[nodiscard]] class stepping* stepping() noexcept;

  /// For jitter and the like; in a stepped system the same numbers in every run.
  [[nodiscard]] std::uint64_t random();

  /// The system that lives on `on`, e.g. a CAF actor's `self->system()`; of several the one that was
  /// made first. Null if there is none.
  [[nodiscard]] static system* of(const caf::actor_system& on);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace nexus::inline v0
