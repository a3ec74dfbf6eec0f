// The content of a run. A seed gives a plan, and a plan gives a run: every choice is drawn from the
// seed and from names that do not change when something else is removed. So a failing plan can be
// reduced while it still fails in the same way.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "commands.hpp"
#include "entity_fsm.hpp"
#include "virtual_time.hpp"

namespace nexus::simulation {

namespace d = nexus::detail;

/// Possible faults, one bit each in plan::faults.
enum class fault : std::uint8_t {
  rejected,         // an append, though nothing is wrong with it
  failed,           // an append, before anything was sent
  unknown_stored,   // an append is stored, and its answer lost
  unknown_late,     // an append's answer is lost, and it may be stored later
  unknown_nothing,  // an append is lost altogether
  own_conflict,     // an append is stored, and its repetition inside the storage conflicts
  settle_error,     // settling says: ask again
  load_error,
  load_stall,
  replay_error,
  replay_stall,
  cut_short,     // a chunk ends early
  bad_snapshot,  // a loaded snapshot does not decode, or is beyond the highest number
  hole,          // times in which an event seems to be missing
  save_error,
  prune_error,    // what a snapshot replaces stays
  encode_error,   // of a snapshot
  slow,           // times in which the storage is much slower
  outage,         // times in which it does nothing
  process_fails,  // on_recovered throws, or its apply does
  alarm_fails,    // alarm throws, after a recovery or when its time has come
  moments,        // crashes, closes, restarts and passivations at any moment
  lost_write      // an append is answered `stored` and is not: only tests of the simulator use it
};
inline constexpr int faults_drawn = static_cast<int>(fault::lost_write);
[[nodiscard]] const char* to_string(fault f) noexcept;
[[nodiscard]] constexpr std::uint32_t bit(fault f) noexcept {
  return 1U << static_cast<unsigned>(f);
}

/// What happens to a node at some moment.
enum class moment_kind : std::uint8_t { crash, close, passivate, passivate_now, restart };
struct moment {
  std::uint32_t sends = 0;  ///< after so many commands were sent; 0: at once
  vtime when = 0;           ///< counted from then
  moment_kind what = moment_kind::crash;
  std::uint32_t node = 0;
};

enum class on_recovered : std::uint8_t { nothing, reads, persists };
[[nodiscard]] command recovered_command(on_recovered wanted);

/// When states want to be woken; see alarms.hpp.
enum class alarms : std::uint8_t {
  none,
  any,     ///< some never, others before, during or after the run
  distant  ///< not during the run
};

struct plan {
  std::uint64_t seed = 0;
  std::uint32_t nodes = 1;
  std::uint32_t callers = 1;
  std::uint32_t commands = 10;  ///< of each caller
  std::uint32_t window = 4;     ///< a caller's commands in flight
  bool open_loop = false;       ///< commands are sent at their times, without waiting for answers
  std::uint32_t preloaded = 0;  ///< events that were stored before
  std::uint32_t moments = 0;
  std::uint32_t faults = 0;
  std::uint32_t fault_permille = 0;
  vtime faults_until = 0;
  vtime think_max = 0;
  vtime storage_max = 0;  ///< the longest operation
  d::fsm_options machine{};
  std::uint32_t mailbox_max = 1'000;
  std::size_t chunk_bytes_max = 1 << 20;
  unsigned keep_snapshots = 0;
  bool erase_events = false;
  bool durable_state = false;  ///< the journal keeps only the newest state, which is its snapshot
  on_recovered recovered = on_recovered::nothing;
  alarms wakes = alarms::none;
  command_mix mix{};
  std::set<std::uint32_t> skipped;          ///< commands left out, see `command_key`
  std::set<std::uint32_t> moments_skipped;  ///< by number

  [[nodiscard]] bool has(fault f) const noexcept { return (faults & bit(f)) != 0; }
  [[nodiscard]] command command_of(std::uint32_t caller, std::uint32_t number) const;
  [[nodiscard]] moment moment_of(std::uint32_t number) const;
};

[[nodiscard]] constexpr std::uint32_t command_key(std::uint32_t caller,
                                                  std::uint32_t number) noexcept {
  return caller << 16U | number;
}

[[nodiscard]] plan plan_of(std::uint64_t seed);

/// A hot entity, without faults and without timing effects.
[[nodiscard]] plan hot_plan_of(std::uint64_t seed);

[[nodiscard]] std::string to_string(const plan& p);

}
