// Ordered shutdown: its participants and its report.
//
//   auto report = sys.shutdown(10s);   // a plain thread
//   for (const auto& name : report.missed) std::cerr << name << " did not stop in time\n";
//
// One deadline covers all steps, in this order: work from outside is refused, work in flight
// finishes, writers are flushed, work stops (children before parents), storages stop.
//
// Work in flight is given up early if it makes no progress: for `shutdown_patience` nothing was
// stored or answered, no storage is at work, and every participant only asks others or waits for a
// timer. Its undecided commands are then answered `stopped`, and `drained` is false.
//
// Threads: participants are called on the thread that shuts down, one call at a time, while they
// keep working on their own threads. A participant that joins during a shutdown is told on the
// joining thread. No call may block. Failures: none; participants that miss the deadline are listed
// by name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// How long work in flight may make no progress before it is given up.
inline constexpr std::chrono::seconds shutdown_patience{1};

/// Something that works and must be stopped in order: see system::join.
class shutdown_participant {
 public:
  enum class stage : std::uint8_t {
    work,    ///< serves outside and other work, e.g. the entities of a type, a supervisor
    storage  ///< needed by work until the work has stopped, e.g. a store's writers
  };

  virtual ~shutdown_participant() = default;

  // These three never change:
  [[nodiscard]] virtual stage of() const = 0;
  /// For reports, and for `parent` of other participants, e.g. "entities account",
  /// "sqlite:bank.db".
  [[nodiscard]] virtual std::string name() const = 0;
  /// The participant of the same stage that stops only after this participant; empty: none.
  [[nodiscard]] virtual std::string parent() const { return {}; }

  /// Refuses new work from outside from now on: once this has returned, `admitted` counts no such
  /// work. Work that the work in flight of any participant needs is still served. Called once; for
  /// a storage right before `stop`.
  virtual void stop_admitting() = 0;

  /// True if nothing is in flight or queued. Work is in flight until it is done and until
  /// everything it leads to elsewhere has been admitted there. A participant that counts it out
  /// earlier loses it here.
  [[nodiscard]] virtual bool is_quiet() = 0;

  /// How much work was taken so far, from outside or inside. It only grows, and counts work no
  /// later than the work begins.
  [[nodiscard]] virtual std::uint64_t admitted() = 0;

  /// Grows whenever work in flight makes progress, e.g. is stored or answered.
  [[nodiscard]] virtual std::uint64_t advanced() { return 0; }

  /// Called when this is not quiet. True if all work in flight waits for a timer, such as the next
  /// retry of a failing storage, or for other participants.
  [[nodiscard]] virtual bool is_held_up() { return false; }

  /// Starts to stop for good, when the work in flight has finished; does not wait for that. Called
  /// once.
  virtual void stop() = 0;

  /// The names of what has not stopped yet, e.g. "account|alice"; at most some thousands.
  [[nodiscard]] virtual std::vector<std::string> remaining() = 0;
};

struct shutdown_report {
  /// True if everything has stopped.
  [[nodiscard]] bool complete() const noexcept { return missed.empty() && !refused; }

  /// What has not stopped, each once: work before storages, children before parents.
  std::vector<std::string> missed;

  /// True if all work in flight was finished and written before anything was stopped. Commands in a
  /// stash that no work in flight could unstash are not in flight.
  bool drained = false;

  /// Why nothing was done: `would_block`, where the shutdown would wait for its own thread.
  std::optional<error> refused{};

  std::chrono::nanoseconds took{};
};

}}  // namespace nexus::v0
