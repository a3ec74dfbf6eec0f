// The system: one per process as a rule. Owns CAF's scheduler, or adopts the one a program has.
//
//   nexus::system sys;                 // its own scheduler
//   nexus::system sys{my_caf_system};  // beside the actors that are there already
//
// Threads: every member may be called from any. Whatever was made on it may outlive it: the system stops
// it when it goes, and it answers `stopped` from then on.
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

  /// Stops what works on it, entities and supervisors, as `shutdown` does, but no storage; then waits
  /// until every actor of an owned scheduler has ended, and says in the log for whom if that takes
  /// long. On a thread of the scheduler that it owns it would wait for itself: the program is aborted
  /// with a line that says so.
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

  /// Stops everything in order (nexus/shutdown.hpp) and waits for it; in an actor on the scheduler it is
  /// `would_block`, see shutdown_report::refused, and nothing is stopped. After the deadline the rest is begun too, in order, and listed. Called again, it waits for what
  /// is left.
  shutdown_report shutdown(time_span within);

  /// Waits, within that time, until all that `who` has in flight is over or gets nowhere, while all
  /// others go on. False if time was up first.
  bool drain(const std::shared_ptr<shutdown_participant>& who, std::chrono::nanoseconds within);

  /// The same system, for what may outlive it: names, metrics, letters and ids are there as long as
  /// this is. Only `caf` must not be called once it has ended; `spawn` gives nobody's mailbox then.
  [[nodiscard]] std::shared_ptr<system> shared() const noexcept;

  /// The system itself has gone, and with it all its actors.
  [[nodiscard]] bool has_ended() const noexcept;

  [[nodiscard]] dead_letters& letters() noexcept;

  /// What this system counts, and what the stores count that entities on it use.
  [[nodiscard]] nexus::metrics& metrics() noexcept;

  [[nodiscard]] caf::actor_system& caf() noexcept;

  /// What moves a stepped system; null if this is none, and once it has ended.
  [[nodiscard]] class stepping* stepping() noexcept;

  /// For jitter and the like; in a stepped system the same numbers in every run.
  [[nodiscard]] std::uint64_t random();

  /// The system that lives on `on`, e.g. a CAF actor's `self->system()`; of several the one that was
  /// made first. Null if there is none.
  [[nodiscard]] static system* of(const caf::actor_system& on);

 private:
  struct impl;
  explicit system(impl& of) noexcept;  // what `shared` points to
  void end() noexcept;

  std::shared_ptr<impl> owned_;  // null in what `shared` points to, which is a part of it
  impl* impl_;
};

}  // namespace nexus::inline v0
