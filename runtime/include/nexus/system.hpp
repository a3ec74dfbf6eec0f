// The system: usually one per process. It owns CAF's scheduler, or adopts that of the program.
//
//   nexus::system sys;                 // its own scheduler
// uses the scheduler of the program's own actors
//
// Threads: any may call every member. Objects made on a system may outlive it: the system stops
// them when it goes, and from then on they return `stopped`.
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

namespace nexus { inline namespace v0 {

class stepping;

struct system_options {
  static constexpr unsigned threads_max = 1'024;

  /// Threads of the scheduler, at most `threads_max`; 0: the number of cores minus one, which is
  /// left for a journal's writer.
  unsigned threads = 0;
  std::shared_ptr<const clock> time{};        ///< null: the wall clock
  std::shared_ptr<nexus::metrics> metrics{};  ///< null: a new registry
  bool stepped = false;  ///< no threads: see nexus/stepping.hpp; not of an adopted scheduler
  std::uint64_t seed =
      0;  ///< of a stepped system: draws the next step; 0: first come, first served
};

class system {
 public:
  explicit system(system_options options = {});

  /// Uses `adopted`, which must outlive this. `options.threads` is ignored.
  explicit system(caf::actor_system& adopted, system_options options = {});

  /// Stops entities and supervisors as `shutdown` does, but no storage. Then waits until every
  /// actor of an owned scheduler has ended, and logs which ones it waits for if that takes long. On
  /// a thread of its own scheduler it would wait for itself: the program is aborted with a message
  /// that says so.
  ~system();
  system(const system&) = delete;
  system& operator=(const system&) = delete;

  /// Identifies this system's writes in the journal. It is not a lock.
  [[nodiscard]] ulid writer_id() const noexcept;

  [[nodiscard]] ulid next_id();
  [[nodiscard]] const clock& time() const noexcept;

  /// The steady time of timers, deadlines and idleness; virtual in a stepped system.
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const noexcept;

  /// Starts an actor.
  mailbox spawn(std::unique_ptr<actor> a);

  /// Takes a name that only one owner may have at a time; `already_exists` if it is taken. Other
  /// code finds `what` under it.
  [[nodiscard]] result<void> claim(std::string_view name, std::weak_ptr<void> what = {});
  [[nodiscard]] std::shared_ptr<void> find(std::string_view name) const;
  void release(std::string_view name);

  /// Makes `participant` take part in `shutdown` as long as it lives. A participant that joins
  /// during a shutdown is told at once to stop admitting.
  void join(std::weak_ptr<shutdown_participant> participant);

  /// Stops everything in order (nexus/shutdown.hpp) and waits. In an actor on the scheduler it
  /// stops nothing and reports `would_block`, see shutdown_report::refused. After the deadline the
  /// remaining steps are still started, in order, and what has not stopped is listed. A second call
  /// waits for what is left.
  shutdown_report shutdown(time_span within);

  /// Waits, at most `within`, until everything that `participant` has in flight is done or makes no
  /// progress; other participants continue. False if the time was up first.
  bool drain(const std::shared_ptr<shutdown_participant>& participant,
             std::chrono::nanoseconds within);

  /// The same system, for objects that may outlive it. Names, metrics, letters and ids exist as
  /// long as this does. After the system has ended, `caf` must not be called, and `spawn` returns a
  /// mailbox without an actor.
  [[nodiscard]] std::shared_ptr<system> shared() const noexcept;

  /// True when the system is gone, and all its actors with it.
  [[nodiscard]] bool has_ended() const noexcept;

  [[nodiscard]] dead_letters& letters() noexcept;

  /// The metrics of this system, and of the stores used by its entities.
  [[nodiscard]] nexus::metrics& metrics() noexcept;

  [[nodiscard]] caf::actor_system& caf() noexcept;

  /// Steps a stepped system; null if this is none, or has ended.
  [[nodiscard]] class stepping* stepping() noexcept;

  /// For jitter and the like. A stepped system returns the same numbers in every run.
  [[nodiscard]] std::uint64_t random();

  /// The system that uses `on`, e.g. a CAF actor's `self->system()`; of several, the one made
  /// first. Null if there is none.
  [[nodiscard]] static system* of(const caf::actor_system& on);

 private:
  struct impl;
  explicit system(impl& of) noexcept;  // what `shared` points to
  void end() noexcept;

  std::shared_ptr<impl> owned_;  // null in the part that `shared` points to
  impl* impl_;
};

}}  // namespace nexus::v0
