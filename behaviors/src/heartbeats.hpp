// The other writers of a journal: which of them have stopped.
//
// A process with alarms stores a heartbeat, a value that changes each second. Another process
// watches the values on its own steady clock: a value that is unchanged for
// `alarm_times::stopped_after` has stopped, also one that never was there. An orderly end stores
// `ended`. A heartbeat that stopped long ago is removed; the writer stays remembered as stopped, and
// counts as alive again as soon as it stores a new value.
//
// Threads: one at a time. Bound: `alarm_times::writers_max`.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alarm_times.hpp"
#include "nexus/ulid.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct heartbeat {
  ulid writer{};
  std::string value{};
};

class heartbeats {
 public:
  /// The value of a writer that has ended in order.
  static constexpr std::string_view ended = "ended";

  heartbeats(const alarm_times& times, const ulid& own) : times_{times}, own_{own} {}

  [[nodiscard]] bool is_own(const ulid& writer) const noexcept { return writer == own_; }

  /// Whether this process runs the writer's alarms, as far as it is known: its own ones, and those
  /// of writers that have stopped.
  [[nodiscard]] bool runs_here(const ulid& writer) const;

  /// An alarm of the writer is overdue: its heartbeat is to be watched.
  void watch(const ulid& writer, steady_time now);

  /// There is an alarm of the writer: its heartbeat is to be watched until it is known.
  void meet(const ulid& writer, steady_time now);

  /// Whether some writer is to be watched now.
  [[nodiscard]] bool watches(steady_time now) const;

  /// All heartbeats, as read now. Returns those to be removed.
  [[nodiscard]] std::vector<ulid> saw(std::span<const heartbeat> all, steady_time now);

  /// Whether a writer was found to have stopped since the last call.
  [[nodiscard]] bool found_stopped() noexcept { return std::exchange(found_stopped_, false); }

  [[nodiscard]] std::size_t size() const noexcept { return writers_.size(); }

 private:
  struct writer {
    std::string value{};
    bool stored = false;   // it had a heartbeat when they were last read
    bool goes_on = false;  // its value was seen to change
    bool stopped = false;
    steady_time since{};         // of the value
    steady_time wanted_until{};  // watched until then
  };

  writer& known(const ulid& who, steady_time now);
  void stop(writer& one) noexcept;
  void forget_some(steady_time now);

  const alarm_times& times_;
  const ulid own_;
  std::map<ulid, writer> writers_;
  bool found_stopped_ = false;
};

}}}
