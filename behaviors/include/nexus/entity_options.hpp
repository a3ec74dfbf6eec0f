// The options of the entities of one type: bounds, snapshots, recovery, supervision, signals.
//
// Every bound and duration may be as large as its type: that means no limit, and overflows nothing.
// Negative durations are `invalid_argument`, and so are a backoff_min of 0, a backoff_max below
// backoff_min, and 0 for events_per_command_max and recoveries_max.
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

namespace nexus { inline namespace v0 {

/// What a recovery does with a record of a writer that another writer had overtaken before.
enum class replay_filter_mode : std::uint8_t {
  off,    ///< accept it: the journal's own check keeps two writers apart
  warn,   ///< signal it, and accept it
  fail,   ///< the recovery fails with `conflict`
  repair  ///< signal it, and leave it out of the state
};

struct replay_filter_options {
  replay_filter_mode mode = replay_filter_mode::off;
  std::size_t old_writers_max = 10;  ///< remembered per recovery
};

/// Why a live entity ended. Its next command starts it again.
enum class ending : std::uint8_t {
  passivated,  ///< it was idle
  stopped,     ///< its behavior returned `stop`
  failed,      ///< its recovery failed, or its supervision stopped it
  closed       ///< its entities were closed, or the system shut down
};

/// Something that happened to an entity, for logs and alarms. Answers to commands come as answers.
struct entity_signal {
  enum class kind : std::uint8_t {
    recovered,         ///< the recovery is complete; `number` is the highest
    recovery_failed,   ///< for the reason `why`; retried after a pause, or by the next command.
                       ///< Also: on_recovered failed, for any reason
    snapshot_failed,   ///< `number` was not saved; the entity goes on
    snapshot_ignored,  ///< could not be loaded and is optional
    prune_failed,      ///< events that a snapshot replaced are still stored; the next one retries
    interleaved,       ///< the replay filter found a record of an overtaken writer
    append_failed,     ///< events were not stored, or that is not known yet: see `why`
    chain_failed,      ///< a link failed, and the command stands: a then_run, or the function of a
                       ///< then_ask, threw; or a timer was not set, see timers_max
    alarm_failed,      ///< an alarm is due and was not run, for the reason `why`; tried again
                       ///< after a pause
    snapshot_saved,    ///< the snapshot `number` is stored
    passivated,        ///< the entity ended, since it was idle or asked to; `number` is the highest
    stopped            ///< the entity ended for the reason `how`; `number` is the highest, or 0 if
                       ///< that is not known
  };
  kind what = kind::recovered;
  std::string_view id;  ///< type|id, valid during the call
  sequence_nr number = 0;
  error why{};
  ending how = ending::stopped;  ///< of `passivated` and `stopped`
};

/// What happens to a command when the bound is reached.
enum class overflow : std::uint8_t {
  refuse,       ///< its sender gets `overloaded` at once
  drop_newest,  ///< it is dropped: an asker gets `overloaded`, the sender of a `tell` nothing
  drop_oldest   ///< the oldest undecided one is dropped; up to twice the bound may exist then
};

/// What happens to a command that was decided on an outdated state: another process had written, so
/// the journal refused its events, and the entity has recovered.
enum class conflict_policy : std::uint8_t {
  refuse,       ///< its sender gets `conflict`
  decide_again  ///< it is decided on the fresh state, in its turn, like a new command
};

/// How the entities of a relational behavior reach the database.
enum class connection_mode : std::uint8_t {
  shared,    ///< an entity holds no connection: readers load rows, and one writer commits for all
  dedicated  ///< an entity holds one for its life, and writes in transactions of its own
};

struct entity_options {
  std::chrono::milliseconds passivate_after{120'000};  ///< without a message; 0, max(): never
  std::size_t live_max = 0;  ///< above it the least recently used idle ones passivate; 0: no limit

  /// Of relational entities. With `dedicated` at most `dedicated_max` entities are at work: another
  /// one waits, in order, until one of them passivates, which idle ones are asked to do. After
  /// `recovery_timeout` its commands get `pool_exhausted`.
  connection_mode connection = connection_mode::shared;
  std::size_t dedicated_max = 16;  ///< 1 to 10,000

  // Snapshots of event-sourced entities. A behavior may also have `static bool snapshot_when(const
  // state&, const event&, sequence_nr)`.
  std::uint64_t snapshot_every = 0;  ///< events between snapshots; 0: none
  unsigned keep_snapshots = 0;       ///< older ones are erased; 0: keep all
  bool erase_events = false;         ///< before the oldest kept snapshot; needs keep_snapshots
  /// A snapshot that cannot be loaded is skipped, and every event is replayed. Not with
  /// erase_events.
  bool snapshot_optional = false;

  std::uint32_t undurable_max = 256;  ///< commands decided and not yet durable; 1: one at a time
  std::size_t undurable_bytes_max = std::size_t{4} << 20;  ///< of those commands and their events
  /// Events that one command may persist, in one append; more are `too_large`. The journal's
  /// limits().request_events_max bounds it further.
  std::size_t events_per_command_max = 10'000;
  std::uint32_t mailbox_max = 10'000;  ///< commands of one entity not yet answered
  std::size_t mailbox_bytes_max = std::size_t{64} << 20;
  overflow when_full = overflow::refuse;
  std::uint32_t stash_max = 4'096;  ///< stashed commands of one entity; below mailbox_max

  /// Timers of one entity that are set (then_after, then_when_idle); their commands also stay
  /// within mailbox_bytes_max. A timer above these bounds is not set, which is a `chain_failed`.
  std::uint32_t timers_max = 1'000;

  conflict_policy on_conflict = conflict_policy::refuse;
  std::uint32_t conflict_retries_max =
      10;  ///< how often one command is decided again before it is refused

  unsigned recoveries_max = 64;             ///< running at a time; further ones wait in order
  std::size_t replay_chunk_events = 4'000;  ///< events per read of a recovery
  std::size_t replay_chunk_bytes = std::size_t{4} << 20;
  /// A recovery fails if the storage does not answer for this time, up to twice as long; 0: never.
  std::chrono::milliseconds recovery_timeout{30'000};
  replay_filter_options replay_filter{};

  /// The pause after a storage failure, doubled each time. An entity whose behavior has
  /// `on_recovered` restarts by itself until the storage works again; another one only if a command
  /// waits.
  std::chrono::milliseconds backoff_min{100};
  std::chrono::milliseconds backoff_max{10'000};

  /// What happens to an entity whose `decide` or `apply` throws, or whose `on_recovered` fails. In
  /// any case the command is refused, and a state damaged by `apply` is rebuilt. `restart` recovers
  /// the state from the journal, after a pause; `stop` ends the entity, until its next command;
  /// `escalate` closes the type, as it has no parent. Default: resume. `failure::cause` is not set
  /// here; `why` is.
  std::optional<supervision> supervised{};

  /// In an ordered shutdown these entities stop before those of the type `parent`; empty: no order.
  std::string parent{};

  /// Called on the entity's thread, or on another one of the scheduler; must not block. Without it,
  /// failures that no caller sees are logged, and nothing else. Its exceptions are logged too.
  std::function<void(const entity_signal&)> on_signal{};
};

}}  // namespace nexus::v0
