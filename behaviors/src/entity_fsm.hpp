// The whole life of an entity as inputs and actions: no actor, no SQL, no clock.
//
//   fresh ─command─▶ loading ─▶ replaying ─▶ running ⇄ settling
//     ▲                 ▲  ▲                    │
//     └──── stopped ────┘  └──── backing_off ◀──┘ storage failed
//
// It serves both kinds of behaviors: a durable state is an entity whose whole history is its newest
// snapshot.
//
// A step takes an input and adds actions; the driver performs the actions in order and feeds the
// results back. Commands are decided at once on the speculative state; their answers are released
// when everything they saw is durable. At most one append is in flight: later events merge into the
// next. (Several appends in flight are unsafe: if the first fails, its numbers are written again,
// and the second is then accepted although its caller was told otherwise.)
//
// Threads: one at a time. Bounds: undurable and stashed commands by fsm_options; waiting ones by
// the gate.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "entity_timers.hpp"
#include "moment.hpp"
#include "nexus/detail/entity_model.hpp"
#include "nexus/entity_options.hpp"
#include "replay_chunk.hpp"
#include "replay_filter.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct fsm_options {
  std::uint32_t undurable_max = 256;
  std::size_t undurable_bytes_max = std::size_t{4} << 20;  ///< of commands and their events
  /// Of one append: the limits of one journal request.
  std::size_t append_events_max = journal_limits{}.request_events_max;
  std::size_t append_bytes_max = journal_limits{}.request_bytes_max;
  std::uint32_t stash_max = 4'096;
  std::uint32_t timers_max = 1'000;
  std::size_t timers_bytes_max = std::size_t{64} << 20;
  std::uint32_t conflict_retries_max = 0;  ///< decisions after conflicts; 0: refused at once
  std::uint64_t snapshot_every = 0;
  bool snapshot_optional = false;  ///< a snapshot that cannot be loaded is skipped
  bool erases_events = false;      ///< a gap may come from a retention that overtook the recovery
  std::size_t replay_chunk_events = 1'000;
  timestamp due_min = timestamp::min();  ///< of what the journal stores; alarms beyond are clamped
  timestamp due_max = timestamp::max();
  replay_filter_options filter{};
  decision_limits decisions{};
  /// The measure for an entity whose `decide` or `apply` threw. The function itself handles
  /// whatever concerns other entities or is escalated.
  std::function<measure(const persistence_id&, const error&)> on_failure{};
};

/// The start of a recovery.
struct load_result {
  sequence_nr highest = 0;
  result<std::optional<stored_snapshot>> snapshot;
  std::optional<stored_alarm> alarm{};  ///< read for behaviors that have `alarm`
};

// Inputs other than commands. `epoch` tells the answers to this recovery from late ones to earlier
// ones.
struct loaded {
  std::uint32_t epoch;
  result<load_result> what;
};
struct
    replayed {  ///< the records that `replay` read; fewer than the range if the bytes were bounded
  std::uint32_t epoch;
  sequence_nr from;
  sequence_nr to;
  result<replay_chunk> what;
};
struct decode_due {};  ///< `decode_chunk` was performed
struct drained {};     ///< no more commands are queued now: append the pending events
struct appended {
  append_outcome outcome;
};
struct settle_answered {
  result<settlement> what;
};
struct run_done {};
struct snapshot_saved {};  ///< or not saved: the driver has reported that, and the entity goes on
struct recovery_stalled {
  std::uint32_t epoch;
};
/// Decide the command of the state's alarm if it is due; else make the stored due time that of the
/// state. Ends with the release or refusal of that command, or with `alarm_seen`.
struct alarm_due {
  timestamp seen_at;  ///< the time by the clock that found it due
  ulid command_id;
  std::optional<timestamp> found{};  ///< the due time that the journal had; none: not read
  bool of_sweep = false;             ///< decides nothing
};
struct passivate_asked {
  bool only_now = false;  ///< only if no command is on its way; else: as soon as none is
};
struct displaced {};      ///< one command too many has come: the oldest undecided one is dropped
struct restart_asked {};  ///< rebuild the state from the journal when all is durable
struct highest_checked {  ///< the result of `read_highest`
  std::uint32_t check;
  result<sequence_nr> what;
};
struct wait_over {
  std::uint32_t epoch;
};
struct close_asked {};

// Actions.
struct load {
  std::uint32_t epoch;
};
struct replay {
  std::uint32_t epoch;
  sequence_nr from;
  sequence_nr to;
};
struct decode_chunk {};  ///< then step(decode_due); the requested reads have started by then
struct append {
  sequence_nr expected;
  std::unique_ptr<event_batch> events;  ///< null: changes only the alarm
  due_change due{};
};
struct settle {};  ///< settles the append in flight
struct save {
  stored_snapshot snapshot;  ///< the driver sets writer and time
};
struct release {
  envelope call;
};
struct refuse {
  envelope call;
  error why;
};
struct
    discard {  ///< of a timer that was cancelled or set again meanwhile: undecided, and no failure
  envelope call;
};
struct run {  ///< release a call whose chain must see this state, then step(run_done)
  envelope call;
};
struct wait {  ///< then step(wait_over) after `pause`, or a time that grows with `attempt`
  std::uint32_t epoch;
  std::uint32_t attempt;
  std::chrono::microseconds pause{};
};
struct read_highest {  ///< read the journal's highest number, then step(highest_checked)
  std::uint32_t number;
};
struct tell {  ///< a signal for on_signal; see entity_signal
  entity_signal::kind what;
  sequence_nr number;
  error why;
  bool unseen = false;  ///< a failure that no caller sees
  ending how = ending::stopped;
};
/// The journal has this due time now.
struct due_stored {
  std::optional<timestamp> due;
};
/// The answer to `alarm_due` if no command was decided.
struct alarm_seen {
  error why{};  ///< what went wrong; without a message: nothing
};
struct stopped {  ///< nothing is left to do; the next command starts it again
  ending why = ending::stopped;
};
using action =
    std::variant<load, replay, decode_chunk, append, settle, save, release, refuse, discard, run,
                 wait, read_highest, tell, due_stored, alarm_seen, stopped>;
using actions = std::vector<action>;

class entity_fsm {
 public:
  enum class phase : std::uint8_t { fresh, loading, replaying, running, settling, backing_off };

  /// All three must outlive the machine. `writer` is that of the entity's appends.
  entity_fsm(const persistence_id& id, entity_model& model, const fsm_options& options,
             const ulid& writer = {})
      : id_{id}, model_{model}, options_{options} {
    if (model.has_alarm()) alarm_ = std::make_unique<alarm_state>(alarm_state{.writer = writer});
  }

  /// `now` is the time of this step.
  void step(const moment& now, envelope command, actions& out);
  void step(const moment& now, loaded input, actions& out);
  void step(const moment& now, replayed input, actions& out);
  void step(const moment& now, decode_due input, actions& out);
  void step(const moment& now, drained input, actions& out);
  void step(const moment& now, appended input, actions& out);
  void step(const moment& now, settle_answered input, actions& out);
  void step(const moment& now, run_done input, actions& out);
  void step(const moment& now, snapshot_saved input, actions& out);
  void step(const moment& now, recovery_stalled input, actions& out);
  void step(const moment& now, wait_over input, actions& out);
  void step(const moment& now, passivate_asked input, actions& out);
  void step(const moment& now, displaced input, actions& out);
  void step(const moment& now, restart_asked input, actions& out);
  void step(const moment& now, highest_checked input, actions& out);
  void step(const moment& now, alarm_due input, actions& out);
  void step(const moment& now, close_asked input, actions& out);

  // Timers that need not survive. They belong to the state that one recovery has made: each
  // recovery, and each end, begins without them. The driver calls the first two when a chain does.

  /// Does nothing if the state of the command that sets the timer is gone.
  [[nodiscard]] result<void> set_timer(const moment& now, timer_wish wish);
  void cancel_timer(std::string_view key);

  /// The command of a timer that is due, for the driver to admit and to step; empty if none is due.
  [[nodiscard]] envelope due_timer(const moment& now);

  /// Null if there is no timer.
  [[nodiscard]] entity_timers* timers() const noexcept { return timers_.get(); }

  [[nodiscard]] phase at() const noexcept { return phase_; }
  [[nodiscard]] sequence_nr durable() const noexcept { return durable_; }
  [[nodiscard]] sequence_nr applied() const noexcept { return applied_; }

  /// The due time that the journal has, as far as it is known.
  [[nodiscard]] std::optional<timestamp> stored_due() const noexcept {
    return alarm_ != nullptr ? alarm_->stored : std::nullopt;
  }

  /// Commands taken in and not yet released or refused, as far as the gate counted them.
  [[nodiscard]] std::uint32_t held() const noexcept {
    return waiting_.counted() + undurable_.counted() + stash_.counted();
  }

  /// The number of those in the stash, if it has nothing else to do and waits for nothing; else 0.
  [[nodiscard]] std::uint32_t only_stashed() const noexcept {
    const bool rests = phase_ == phase::running && hold_ == hold::none && !in_flight() &&
                       waiting_.empty() && undurable_.empty();
    return rests ? stash_.counted() : 0;
  }

  [[nodiscard]] bool recovering() const noexcept {
    return phase_ == phase::loading || phase_ == phase::replaying;
  }
  [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }

  /// Grows with every answer to a recovery. If it stands still, so does the recovery.
  [[nodiscard]] std::uint32_t progress() const noexcept { return progress_; }

 private:
  // Why no command is decided until all earlier ones are durable.
  enum class hold : std::uint8_t {
    none,
    run,      // a then_run must see the state of its command, or the stash goes first
    rebuild,  // apply threw, or a restart is due: the state must be rebuilt
    check,    // a verified command waits for the journal's highest number
    stop      // the stop effect
  };

  // Needed only in a recovery, so that an idle entity does not pay for it.
  struct recovery {
    explicit recovery(const replay_filter_options& options) : filter{options} {}
    void begin();

    sequence_nr begun_at = 0;           // the number of the snapshot
    sequence_nr highest = 0;            // the number to reach
    sequence_nr asked = 0;              // the last number requested
    sequence_nr last_gap = 0;           // the number that was missing
    std::uint8_t gaps = 0;              // how many gaps it met, see `gap`
    std::uint8_t reads = 0;             // running
    std::unique_ptr<replayed> chunk{};  // to decode next
    std::unique_ptr<replayed> early{};  // read before the chunk that comes first
    replay_filter filter;
  };

  // The alarm, only of a behavior that has one.
  struct alarm_state {
    ulid writer{};                      // of this entity's appends
    std::optional<timestamp> stored{};  // as the journal has it
    bool foreign = false;               // another writer set it: the next append takes it over
    std::optional<timestamp>
        in_pending{};                    // of the state after `pending_`, if there is a `beyond_`
    due_change in_flight{};              // of the append in flight
    std::unique_ptr<alarm_due> asked{};  // and not yet looked at
    bool corrects = false;               // the stored due time is to equal that of the state
    bool looked = false;                 // for an `alarm_due` that is answered when it does
    bool correcting = false;             // with the append in flight
    bool doubts = false;                 // the journal has another due time than `stored`
  };
  [[nodiscard]] result<void> recover_alarm();
  [[nodiscard]] std::optional<timestamp> within_bounds(std::optional<timestamp> due) const noexcept;
  void note_alarm(const std::optional<stored_alarm>& found);
  [[nodiscard]] due_change change_of_due(const moment& now, bool with_events) const;
  [[nodiscard]] bool asked_for_alarm() const noexcept {
    return alarm_ != nullptr && alarm_->asked != nullptr;
  }
  void send_due(const due_change& due) noexcept;
  void look_at_alarm(const moment& now, actions& out);
  void decide_alarm(const moment& now, const alarm_due& asked, actions& out);
  void note_stored_due(actions& out);
  void correct_alarm(const moment& now, actions& out);
  void answer_alarm(error why, actions& out);
  void give_up_alarm(const error& why, actions& out);

  void begin_recovery(actions& out);
  void read(sequence_nr from, sequence_nr to, actions& out);
  void read_ahead(actions& out);
  void take_chunk(actions& out);
  void recovered(const moment& now, actions& out);
  void recovery_failed(const error& why, actions& out);
  void process_failed(error why, actions& out);
  void give_up_recovery(const error& why, bool keeps_own, actions& out);
  void gap(error why, actions& out);
  [[nodiscard]] result<void> start_from(load_result& from, actions& out);
  [[nodiscard]] result<void> take_record(sequence_nr number, const ulid& writer,
                                         const event_view& event, actions& out);
  void decide_waiting(const moment& now, actions& out);
  void decide_one(const moment& now, actions& out);
  void decide_and_accept(const moment& now, envelope command, actions& out);
  [[nodiscard]] decision decide(const moment& now, entity_call& call);
  void accept(envelope command, sequence_nr before, decision decided, actions& out);
  void supervise(const entity_call& failed, decision& decided);
  void keep(envelope command, const decision& decided);
  [[nodiscard]] bool is_void(entity_call& call);
  void expire_stashed(const moment& now, actions& out);
  void hold_for(hold why, actions& out);
  void cover_verified(entity_call::check from, entity_call::check to);
  void take_snapshot(sequence_nr before, bool wanted, actions& out);
  void catch_up(actions& out);
  [[nodiscard]] bool full() const noexcept;
  void fit_append(std::size_t already);
  void unstash();
  void passivate_if_idle(actions& out);
  void flush(const moment& now, actions& out);
  void made_durable(const moment& now, actions& out);
  void save_durable(actions& out);
  void release_durable(actions& out);
  void all_durable(actions& out);

  // How often a command whose append was lost may be decided again.
  struct retries {
    std::uint32_t of_callers = 0;
    std::uint32_t of_own = 0;
  };
  void lose(const error& why, actions& out, retries max);
  void overtaken(const error& why, actions& out);
  void stored_in_part(const partly& what, actions& out);
  void lose_and_recover(const error& why, actions& out, std::uint32_t own_retries_max);
  void refuse_waiting(const error& why, actions& out, bool (*which)(const entity_call&));
  void refuse_all(call_list& calls, const error& why, actions& out);
  void give_up_settling(actions& out);
  void tell_unsettled(const error& why, actions& out);
  void in_doubt(const error& why);
  void back_off(actions& out);
  void pause(actions& out);
  [[nodiscard]] bool comes_back() const noexcept;
  void close(actions& out);
  void stop(ending why, actions& out);
  [[nodiscard]] bool in_flight() const noexcept {
    return in_flight_last_ != 0 || only_due_in_flight();
  }
  [[nodiscard]] bool only_due_in_flight() const noexcept {
    return in_flight_last_ == 0 && alarm_ != nullptr && alarm_->in_flight;
  }
  [[nodiscard]] error named(error why) const;
  [[nodiscard]] error named(const error& why, const envelope& command) const;

  const persistence_id& id_;
  entity_model& model_;
  const fsm_options& options_;

  phase phase_ = phase::fresh;
  hold hold_ = hold::none;
  ending stop_why_ = ending::stopped;
  bool closing_ = false;
  bool saving_ = false;         // and pruning what the snapshot replaces: one at a time
  bool missed_ = false;         // a snapshot was due while another one was being saved
  bool catches_up_ = false;     // a snapshot is due, since the recovery was long
  bool passivating_ = false;    // asked to passivate
  bool restarting_ = false;     // asked to restart, when no other hold is left
  bool unstashing_ = false;     // when the hold `run` ends
  bool stopping_ = false;       // after that
  bool backs_off_ = false;      // before the rebuild
  bool process_stops_ = false;  // on_recovered returned `stop`: when no command waits
  bool lost_ = false;           // an append was lost, and none was stored since
  std::uint32_t epoch_ = 0;
  std::uint32_t attempt_ = 0;
  std::uint32_t progress_ = 0;
  std::uint32_t checks_ = 0;
  std::uint32_t conflicts_ = 0;  // in a row, without an append stored between

  sequence_nr durable_ = 0;            // events known to be stored
  sequence_nr applied_ = 0;            // events in the speculative state
  sequence_nr in_flight_last_ = 0;     // the last number of the append in flight; 0: none
  std::chrono::microseconds pause_{};  // before the rebuild
  std::unique_ptr<error> conflict_;    // the callers' error if settling says "not stored"
  std::unique_ptr<error> doubt_;       // the last error of the storage, while it lasts

  call_list waiting_;                                 // not yet decided
  call_list undurable_;                               // decided; their answers wait
  call_list stash_;                                   // stashed by the behavior, not answered
  std::chrono::steady_clock::time_point stash_due_ =  // the earliest deadline in it
      std::chrono::steady_clock::time_point::max();
  std::unique_ptr<event_batch> pending_;
  std::unique_ptr<event_batch> beyond_;  // of the last command, if pending_ has no room for them
  std::unique_ptr<recovery> recovery_;
  std::unique_ptr<alarm_state> alarm_;
  std::unique_ptr<stored_snapshot> snapshot_due_;
  std::unique_ptr<entity_timers> timers_;
};

}}}
