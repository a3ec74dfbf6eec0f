// Ordered shutdown: what takes part in it, and what it says afterwards.
//
//   auto report = sys.shutdown(10s);   // a plain thread
//   for (const auto& name : report.missed) std::cerr << name << " did not stop in time\n";
//
// One after the other, within one deadline: work from outside is refused, what is in flight is
// finished, writers are flushed, work stops (children before parents), storages stop.
//
// What is in flight is given up early if it gets nowhere: nothing was stored and nothing answered for
// `shutdown_patience`, no storage is at work, and everybody either goes on asking others or waits for a
// time to come. Its undecided commands are answered `stopped` then, and `drained` is false.
//
// Threads: participants are called on the thread that shuts down, one call at a time, while they work
// on theirs (who joins meanwhile is told so on its own); none of the calls may block. Failures: none;
// what misses the deadline is listed by name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nexus/result.hpp"

namespace nexus::inline v0 {

/// For how long work in flight may get nowhere before it is given up.
inline constexpr std::chrono::seconds shutdown_patience{1};

/// Something that works and must be stopped in order: see system::join.
class shutdown_participant {
 public:
  enum class stage : std::uint8_t {
    work,    ///< what is asked from outside or by others, e.g. the entities of a type, a supervisor
    storage  ///< what work needs until it has stopped, e.g. a store's writers
  };

  virtual ~shutdown_participant() = default;

  // These three never change.
  [[nodiscard]] virtual stage of() const = 0;
  /// For reports, and for `parent` of others, e.g. "entities account", "sqlite:bank.db".
  [[nodiscard]] virtual std::string name() const = 0;
  /// The participant of the same stage that stops only after this one has; empty: none.
  [[nodiscard]] virtual std::string parent() const { return {}; }

  /// From now on new work from outside is refused: nothing from outside is counted by `admitted`
  /// once this has returned. What the work in flight of any participant needs is still served.
  /// Called once; of a storage right before `stop`.
  virtual void stop_admitting() = 0;

  /// Nothing is in flight and nothing queued. Work is in flight until it is done, and until all that
  /// it leads to elsewhere has been admitted there: whoever counts it out before that loses it here.
  [[nodiscard]] virtual bool is_quiet() = 0;

  /// How much work was ever taken, from outside or from within: it only grows, and no later than the
  /// work begins.
  [[nodiscard]] virtual std::uint64_t admitted() = 0;

  /// Grows whenever something in flight has got somewhere, e.g. was stored or answered.
  [[nodiscard]] virtual std::uint64_t advanced() { return 0; }

  /// Asked when it is not quiet: all that is in flight waits for a time to come, such as the next try of
  /// a storage that fails, or for others.
  [[nodiscard]] virtual bool is_held_up() { return false; }

  /// Begins to stop for good, once what is in flight has been finished; does not wait for it. Called
  /// once.
  virtual void stop() = 0;

  /// What has not stopped yet, by name, e.g. "account|alice"; at most some thousands.
  [[nodiscard]] virtual std::vector<std::string> remaining() = 0;
};

struct shutdown_report {
  /// Everything has stopped.
  [[nodiscard]] bool complete() const noexcept { return missed.empty() && !refused; }

  /// What has not, each once; work before storages, children before parents.
  std::vector<std::string> missed;

  /// All work in flight was finished, and written, before anything was stopped. What only waits in a
  /// stash, where nothing could bring it back any more, is not in flight.
  bool drained = false;

  /// Why nothing was done at all: `would_block`, where waiting would be for oneself.
  std::optional<error> refused{};

  std::chrono::nanoseconds took{};
};

}  // namespace nexus::inline v0
