// The durations and bounds of the waker. Tests make them smaller; a program has the defaults.
//
// Only `overdue_after` compares this process's clock with a stored due time. Everything about other
// processes is measured on this process's steady clock.
//
// Threads: values.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "nexus/clock.hpp"
#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct alarm_times {
  using milliseconds = std::chrono::milliseconds;

  // Reading due alarms.
  std::size_t page_rows = 256;       ///< read at a time, for one type
  milliseconds slice_max{1'000};     ///< the longest sleep: after it the wall clock is looked at
  milliseconds look_every{5'000};    ///< between looks at all overdue alarms, also of other writers
  milliseconds page_age_max{5'000};  ///< rows that were read longer ago are read again
  std::size_t idle_pages_max = 64;   ///< pages of such a look in which there is nothing to run; the
                                     ///< next look goes on from there
  milliseconds read_pause_min{100};  ///< after a failed read, doubled each time
  milliseconds read_pause_max{3'000};

  // Waking entities, per type.
  std::size_t in_flight_max = 512;  ///< alarm messages that are not answered yet
  unsigned stops_max = 4;           ///< an entity that stops first so often in a row fails
  milliseconds retry_min{100};      ///< after a failure, doubled each time, with jitter
  milliseconds retry_max{60'000};
  milliseconds hurry_within{
      1'000};  ///< when the storage is back, all retries come within this time
  milliseconds hurry_every{10'000};  ///< at most so often, when only appends had failed
  std::size_t retries_max =
      10'000;                   ///< ids that wait for a retry; failures of further ones are not
                                ///< remembered, and the next look at everything wakes them
  std::size_t retry_rows = 64;  ///< alarms of such ids read at a time

  // Other processes.
  milliseconds beat_every{1'000};        ///< between two heartbeats
  milliseconds stopped_after{5'000};     ///< a heartbeat unchanged for so long has stopped
  milliseconds forgotten_after{60'000};  ///< a heartbeat unchanged for so long is removed
  milliseconds beats_every{60'000};      ///< between reads of all heartbeats if nothing is overdue
  milliseconds overdue_after{60'000};    ///< an alarm overdue for so long runs in any process
  std::size_t writers_max = 10'000;  ///< remembered; then those that are not needed are forgotten

  // Types without entities in this system.
  milliseconds types_every{60'000};
  std::uint64_t types_count_max = 10'000;

  // Sweeps after a change of alarm_version.
  std::size_t sweep_rows = 256;           ///< ids read at a time
  std::size_t sweep_failing_max = 1'000;  ///< ids that wait for a retry; then the sweep waits
};

/// `first` doubled `times` - 1 times, at most `most`, with 20 % of jitter.
[[nodiscard]] inline std::chrono::microseconds growing_pause_of(alarm_times::milliseconds first,
                                                                alarm_times::milliseconds most,
                                                                unsigned times,
                                                                std::uint64_t random) noexcept {
  using std::chrono::microseconds;
  const auto grown = std::min(doubled(saturated<microseconds>(first), times == 0 ? 0 : times - 1),
                              saturated<microseconds>(most));
  const auto jitter = 0.8 + 0.4 * static_cast<double>(random % 1024) / 1024;
  return saturated<microseconds>(grown * jitter);
}

/// `t` + `by`.
[[nodiscard]] constexpr timestamp moved(timestamp t, std::chrono::microseconds by) noexcept {
  return timestamp{saturated_sum(t.time_since_epoch(), by)};
}

/// The time from `from` to `to`.
[[nodiscard]] constexpr std::chrono::microseconds time_until(timestamp from,
                                                             timestamp to) noexcept {
  const auto back = from.time_since_epoch();
  using std::chrono::microseconds;
  return saturated_sum(to.time_since_epoch(),
                       back == microseconds::min() ? microseconds::max() : -back);
}

}}}
