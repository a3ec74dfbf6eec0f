// How entities of one type live: bounds, snapshots, recovery, and who is told of trouble.
//
// Every bound and duration may be as large as its type: that is no limit, and overflows nothing. Negative
// durations are `invalid_argument`, and so are a backoff_min of 0, a backoff_max below backoff_min, and
// 0 for events_per_command_max and recoveries_max.
//
// Threads: values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/journal.hpp"
#include "nexus/supervision.hpp"

namespace nexus::inline v0 {

/// What to do about a record of a writer that another one had overtaken before.
enum class replay_filter_mode : std::uint8_t {
  off,    ///< nothing: the journal's own check keeps two writers apart
  warn,   ///< tell, and take it
  fail,   ///< the recovery fails with `conflict`
  repair  ///< tell, and leave it out of the state
};

struct replay_filter_options {
  replay_filter_mode mode = replay_filter_mode::off;
  std::size_t old_writers_max = 10;  ///< remembered per recovery
};

/// Why a live entity is no more. (Its next command starts it again.)
enum class ending : std::uint8_t {
  passivated,  ///< it was idle
  stopped,     ///< its behavior said `stop`
  failed,      ///< it could not be recovered, or its supervision stopped it
  closed       ///< its entities were closed, or the system shut down
};

/// What happened to an entity, for logs and alarms; answers to commands come as answers.
struct entity_signal {
  enum class kind : std::uint8_t {
    recovered,         ///< complete; `number` is the highest
    recovery_failed,   ///< `why` tells; it is tried again after a while or with the next command.
                       ///< An on_recovered that fails, for whatever reason, is one
    snapshot_failed,   ///< `number` was not saved; the entity goes on
    snapshot_ignored,  ///< could not be loaded and is optional
    prune_failed,      ///< what a snapshot replaced is still there; the next one tries again
    interleaved,       ///< the replay filter found a record of an overtaken writer
    append_failed,     ///< events were not stored, or nobody knows yet: `why` tells
    chain_failed       ///< a then_run, or the function of a then_ask, threw; the command stands
  };
  kind what = kind::recovered;
  std::string_view id;  ///< type|id, valid during the call
  sequence_nr number = 0;
  error why{};
};

/// What becomes of a command for which there is no room.
enum class overflow : std::uint8_t {
  refuse,       ///< its sender gets `overloaded` at once
  drop_newest,  ///< it is dropped: an asker gets `overloaded`, whoever tells is not told
  drop_oldest  ///< the oldest undecided one is, likewise; up to twice the bound may be on their way
};

/// What becomes of a command that was decided on a state which another process had left behind.
/// The journal has refused its events, and the entity has made its state anew.
enum class conflict_policy : std::uint8_t {
  refuse,       ///< its sender gets `conflict`
  decide_again  ///< it is decided on the fresh state, in its turn, as if it came only now
};

struct entity_options {
  std::chrono::milliseconds passivate_after{120'000};  ///< without a message; 0, max(): never
  std::size_t live_max = 0;  ///< past it the least recently used idle ones passivate; 0: no cap

  // Snapshots of event-sourced entities. A behavior may have
  // `static bool snapshot_when(const state&, const event&, sequence_nr)` beside.
  std::uint64_t snapshot_every = 0;  ///< events between snapshots; 0: none
  unsigned keep_snapshots = 0;       ///< older ones are erased; 0: keep all
  bool erase_events = false;  ///< those before the oldest kept snapshot; needs keep_snapshots
  /// One that can't be loaded is passed over and every event replayed. Not where events are erased.
  bool snapshot_optional = false;

  std::uint32_t undurable_max = 256;  ///< commands decided and not yet durable; 1: one at a time
  std::size_t undurable_bytes_max = std::size_t{4} << 20;  ///< of them, and of their events
  /// Events that one command may persist, in one append; more are `too_large`. No more than the
  /// journal's limits().request_events_max, whatever this says.
  std::size_t events_per_command_max = 10'000;
  std::uint32_t mailbox_max = 10'000;  ///< commands of one entity not yet answered
  std::size_t mailbox_bytes_max = std::size_t{64} << 20;
  overflow when_full = overflow::refuse;
  std::uint32_t stash_max = 4'096;  ///< commands that one entity has put aside; below mailbox_max

  conflict_policy on_conflict = conflict_policy::refuse;
  std::uint32_t conflict_retries_max =
      10;  ///< how often one command is decided again, then refused

  unsigned recoveries_max = 64;             ///< at a time; the others wait in order
  std::size_t replay_chunk_events = 4'000;  ///< read at once in a recovery
  std::size_t replay_chunk_bytes = std::size_t{4} << 20;
  /// Without an answer of the storage a recovery fails; noticed after one to two of these; 0: never.
  std::chrono::milliseconds recovery_timeout{30'000};
  replay_filter_options replay_filter{};

  /// After a storage failure, doubled each time. An entity whose behavior has `on_recovered` comes back
  /// by itself, for as long as the trouble lasts; any other one if a command waits.
  std::chrono::milliseconds backoff_min{100};
  std::chrono::milliseconds backoff_max{10'000};

  /// What to do about an entity whose `decide` or `apply` throws, or whose `on_recovered` fails. Its
  /// command is refused anyhow; a state that a throwing `apply` has spoilt is made anew anyhow.
  /// `restart` makes the state anew from the journal, after a pause; `stop` ends the entity, until its
  /// next command; `escalate` closes the type, as there is no parent. None: resume. `failure::cause` is
  /// not known here, `why` is.
  std::optional<supervision> supervised{};

  /// In an ordered shutdown these entities stop before those of the type `parent`; empty: of none.
  std::string parent{};

  /// Called on the entity's thread; must not block. Without it, trouble that no caller is told is
  /// logged; so is what it throws.
  std::function<void(const entity_signal&)> on_signal{};
};

}  // namespace nexus::inline v0
