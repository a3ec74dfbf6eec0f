#include "entity_fsm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

error entity_fsm::named(error why) const {
  why.message = fmt::format("{}: {}", id_.str(), why.message);
  return why;
}

// Each caller gets the outcome of an append with the id of its own command.
error entity_fsm::named(const error& why, const envelope& command) const {
  const auto& id = command.as<entity_call>().header.command_id;
  if (id.empty()) return named(why);
  auto made = why;
  made.message = fmt::format("{}: command {}: {}", id_.str(), id.to_string(), why.message);
  return made;
}

// -- commands ---------------------------------------------------------------------------------

void entity_fsm::step(const moment& now, envelope command, actions& out) {
  if (closing_) {
    out.emplace_back(refuse{std::move(command), named({errc::stopped, "is being stopped"})});
    return;
  }
  if (now.steady >= stash_due_) expire_stashed(now, out);
  if (timers_ != nullptr && command.as<entity_call>().timer == 0) timers_->heard(now.steady);
  if (doubt_ != nullptr) command.as<entity_call>().note_trouble(doubt_->message);
  waiting_.push(std::move(command));
  if (phase_ == phase::fresh) {
    begin_recovery(out);
  } else {
    decide_waiting(now, out);
  }
}

bool entity_fsm::full() const noexcept {
  return beyond_ != nullptr || undurable_.size() >= options_.undurable_max ||
         undurable_.bytes() >= options_.undurable_bytes_max ||
         (pending_ != nullptr && pending_->bytes() >= options_.undurable_bytes_max);
}

// The events of one command go into one append as a whole; several commands share an append up to
// its bounds.
void entity_fsm::fit_append(std::size_t already) {
  if (already == 0 || (pending_->size() <= options_.append_events_max &&
                       pending_->bytes() <= options_.append_bytes_max)) {
    return;
  }
  beyond_ = pending_->split(already);
}

void entity_fsm::decide_waiting(const moment& now, actions& out) {
  while (phase_ == phase::running && hold_ == hold::none) {
    const bool looks = !waiting_.empty() && !waiting_.front().looked && model_.looks_again();
    if (restarting_ || looks) {
      hold_for(hold::rebuild, out);
    } else if (asked_for_alarm() && !full()) {
      look_at_alarm(now, out);
    } else if (waiting_.empty() || full()) {
      break;
    } else if (waiting_.front().verify != entity_call::check::none) {
      hold_for(hold::check, out);
    } else {
      decide_one(now, out);
    }
  }
  // Full or held: waiting for `drained` would add nothing to this append.
  if (hold_ != hold::none || full()) flush(now, out);
}

void entity_fsm::hold_for(hold why, actions& out) {
  hold_ = why;
  if (undurable_.empty() && !in_flight()) all_durable(out);
}

void entity_fsm::decide_one(const moment& now, actions& out) {
  auto command = waiting_.pop();
  auto& call = command.as<entity_call>();
  if (call.timer != 0 && is_void(call)) {
    out.emplace_back(discard{std::move(command)});
    return;
  }
  const auto& deadline = call.header.deadline;
  if (deadline.time_since_epoch().count() != 0 && deadline <= now.steady) {
    const error late{errc::timeout, "its deadline passed before it was decided; nothing was done"};
    auto why = named(late, command);
    out.emplace_back(refuse{std::move(command), std::move(why)});
    return;
  }
  decide_and_accept(now, std::move(command), out);
}

void entity_fsm::decide_and_accept(const moment& now, envelope command, actions& out) {
  auto& call = command.as<entity_call>();
  const auto before = applied_;
  auto decided = decide(now, call);
  if (decided.failed) supervise(call, decided);
  accept(std::move(command), before, decided, out);
}

decision entity_fsm::decide(const moment& now, entity_call& call) {
  // Commands that persist nothing share a batch: an idle entity has none.
  thread_local std::unique_ptr<event_batch> unused;
  if (pending_ == nullptr) pending_ = std::move(unused);
  if (pending_ == nullptr) pending_ = std::make_unique<event_batch>();
  const auto already = pending_->size();
  const auto due = model_.due();
  const context c{id_.id(), applied_ + 1, now.wall, call.header};
  auto limits = options_.decisions;
  limits.stash_full = !call.own && stash_.size() >= options_.stash_max;
  const auto decided = call.decide(model_, c, limits, *pending_);
  applied_ += pending_->size() - already;
  fit_append(already);
  if (pending_->is_unused()) unused = std::move(pending_);
  if (alarm_ != nullptr && beyond_ != nullptr) alarm_->in_pending = due;
  call.releasable_at = applied_;
  call.flags = decided.flags;
  return decided;
}

// `before` is the number before its events.
void entity_fsm::accept(envelope command, sequence_nr before, decision decided, actions& out) {
  const auto& call = command.as<entity_call>();
  if (decided.flags.stops && !call.counted && !call.alarm) {
    // After a restart it would stop again before deciding any command: the waiting commands go
    // first.
    decided.flags.stops = false;
    process_stops_ = passivating_ = true;
  }
  take_snapshot(before, decided.flags.snapshots, out);
  keep(std::move(command), decided);
  save_durable(out);
  release_durable(out);
  if (undurable_.empty()) all_durable(out);
}

// A spoilt state is rebuilt whatever supervision decides: `resume` cannot continue with it.
void entity_fsm::supervise(const entity_call& failed, decision& decided) {
  stop_why_ = ending::stopped;
  pause_ = {};
  backs_off_ = decided.pauses;
  if (!options_.on_failure || failed.refusal() == nullptr) return;
  const auto said = options_.on_failure(id_, *failed.refusal());
  switch (said.what) {
    case directive::resume:
      break;
    case directive::restart:
      decided.rebuilds = true;
      pause_ = std::chrono::ceil<std::chrono::microseconds>(said.after);
      break;
    case directive::stop:
    case directive::escalate:
      decided.rebuilds = false;
      decided.flags.stops = true;
      stop_why_ = ending::failed;
  }
}

void entity_fsm::keep(envelope command, const decision& decided) {
  if (decided.flags.stashes) {
    const auto due = command.as<entity_call>().header.deadline;
    if (due.time_since_epoch().count() != 0) stash_due_ = std::min(stash_due_, due);
    return stash_.push(std::move(command));
  }
  if (decided.flags.stops && !decided.failed) stop_why_ = ending::stopped;
  if (decided.flags.stops) hold_ = hold::stop;
  if (decided.flags.runs || decided.flags.unstashes) hold_ = hold::run;
  if (decided.rebuilds) hold_ = hold::rebuild;
  unstashing_ = decided.flags.unstashes;
  stopping_ = decided.flags.stops;
  undurable_.push(std::move(command));
}

// Their callers have given up, and they would take the places of others.
void entity_fsm::expire_stashed(const moment& now, actions& out) {
  stash_due_ = never;
  call_list still;
  while (!stash_.empty()) {
    auto command = stash_.pop();
    const auto due = command.as<entity_call>().header.deadline;
    const bool timed = due.time_since_epoch().count() != 0;
    if (timed && due <= now.steady) {
      const error late{errc::timeout, "its deadline passed in the stash; nothing was done"};
      auto why = named(late, command);
      out.emplace_back(refuse{std::move(command), std::move(why)});
      continue;
    }
    if (timed) stash_due_ = std::min(stash_due_, due);
    still.push(std::move(command));
  }
  stash_.prepend(still);
}

void entity_fsm::unstash() {
  unstashing_ = false;
  stash_due_ = never;
  waiting_.prepend(stash_);
}

// Encoded when its number is applied, since the state moves on; saved when that number is durable.
void entity_fsm::take_snapshot(sequence_nr before, bool wanted, actions& out) {
  const auto every = options_.snapshot_every;
  const bool due = wanted || (every != 0 && before / every != applied_ / every);
  if (!due || applied_ == 0) return;
  catches_up_ = false;
  missed_ = saving_ || snapshot_due_ != nullptr;
  if (missed_) return;
  auto encoded = model_.encode_snapshot();
  if (encoded && encoded->data.size() > options_.decisions.event_bytes_max) {
    encoded = fail(errc::too_large, fmt::format("{} bytes, at most {}", encoded->data.size(),
                                                options_.decisions.event_bytes_max));
  }
  if (!encoded) {
    out.emplace_back(tell{entity_signal::kind::snapshot_failed, applied_, encoded.error()});
    return;
  }
  encoded->number = applied_;
  snapshot_due_ = std::make_unique<stored_snapshot>(std::move(*encoded));
}

// After the first commands, since encoding a large state takes time. Once per recovery: if it
// fails, the next one is due as ever.
void entity_fsm::catch_up(actions& out) {
  const bool rests = phase_ == phase::running && hold_ == hold::none && !in_flight() &&
                     waiting_.empty() && undurable_.empty();
  if (!catches_up_ || !rests) return;
  take_snapshot(applied_, true, out);
  save_durable(out);
}

// -- appending --------------------------------------------------------------------------------

void entity_fsm::step(const moment& now, drained /*input*/, actions& out) {
  flush(now, out);
  if (catches_up_) catch_up(out);
  passivate_if_idle(out);
}

void entity_fsm::flush(const moment& now, actions& out) {
  if (phase_ != phase::running || in_flight()) return;
  if (pending_ == nullptr || pending_->empty()) return correct_alarm(now, out);
  const auto due = change_of_due(now, true);
  send_due(due);
  in_flight_last_ = durable_ + pending_->size();
  out.emplace_back(append{durable_, std::exchange(pending_, std::move(beyond_)), due});
}

void entity_fsm::made_durable(const moment& now, actions& out) {
  if (in_flight_last_ != 0) durable_ = std::exchange(in_flight_last_, 0);
  note_stored_due(out);
  attempt_ = conflicts_ = 0;
  lost_ = false;
  doubt_.reset();
  save_durable(out);
  release_durable(out);
  if (undurable_.empty()) all_durable(out);
  if (beyond_ != nullptr) flush(now, out);  // makes room for waiting commands
  decide_waiting(now, out);
  flush(now, out);
}

void entity_fsm::save_durable(actions& out) {
  if (snapshot_due_ == nullptr || snapshot_due_->number > durable_) return;
  saving_ = true;
  out.emplace_back(save{std::move(*snapshot_due_)});
  snapshot_due_.reset();
}

// A command that ends the state waits for a change of the alarm that is in flight, too.
void entity_fsm::release_durable(actions& out) {
  const std::uint32_t keeps = hold_ != hold::none && only_due_in_flight() ? 1 : 0;
  while (undurable_.size() > keeps && undurable_.front().releasable_at <= durable_) {
    auto call = undurable_.pop();
    if (call.as<entity_call>().flags.passivates) passivating_ = true;
    // A hold is set by the last command decided, and only that one may have a chain to run.
    if (hold_ == hold::run && undurable_.empty()) {
      out.emplace_back(run{std::move(call)});
    } else {
      out.emplace_back(release{std::move(call)});
    }
  }
}

// Ends the wait of a hold. (`run` ends when its chain has run, `check` when it is answered.)
void entity_fsm::all_durable(actions& out) {
  if (closing_ && hold_ != hold::run) return close(out);
  switch (hold_) {
    case hold::rebuild:
      if (pause_.count() != 0) return pause(out);
      if (!std::exchange(backs_off_, false)) return begin_recovery(out);
      hold_ = hold::none;
      return back_off(out);
    case hold::check:
      cover_verified(entity_call::check::wanted, entity_call::check::under_way);
      out.emplace_back(read_highest{++checks_});
      break;
    case hold::stop:
      stop(stop_why_, out);
      break;
    case hold::none:
    case hold::run:
      break;
  }
}

// One read serves all commands that came before it.
void entity_fsm::cover_verified(entity_call::check from, entity_call::check to) {
  waiting_.each([&](entity_call& c) {
    if (c.verify == from) c.verify = to;
  });
}

void entity_fsm::step(const moment& now, highest_checked input, actions& out) {
  if (phase_ != phase::running || hold_ != hold::check || input.check != checks_) return;
  ++checks_;  // a second answer, of an abandoned read, comes too late
  hold_ = hold::none;
  if (!input.what) {
    refuse_waiting(input.what.error(), out,
                   [](const entity_call& c) { return c.verify == entity_call::check::under_way; });
  } else if (*input.what != durable_) {
    return begin_recovery(out);  // another writer has written
  } else {
    cover_verified(entity_call::check::under_way, entity_call::check::none);
  }
  decide_waiting(now, out);
}

void entity_fsm::refuse_waiting(const error& why, actions& out, bool (*which)(const entity_call&)) {
  call_list others;
  while (!waiting_.empty()) {
    auto command = waiting_.pop();
    if (which(command.as<entity_call>())) {
      out.emplace_back(refuse{std::move(command), named(why)});
    } else {
      others.push(std::move(command));
    }
  }
  waiting_.prepend(others);
}

void entity_fsm::step(const moment& now, run_done /*input*/, actions& out) {
  if (hold_ != hold::run) return;
  hold_ = hold::none;
  if (unstashing_) unstash();
  if (closing_ && undurable_.empty()) return close(out);
  if (stopping_) return stop(stop_why_, out);
  decide_waiting(now, out);
}

// A snapshot that was due meanwhile is replaced by one of the current state, unless that is spoilt.
void entity_fsm::step(const moment& /*now*/, snapshot_saved /*input*/, actions& out) {
  saving_ = false;
  const bool ends = hold_ == hold::rebuild || hold_ == hold::stop;
  if (phase_ != phase::running || !missed_ || ends) return;
  take_snapshot(applied_, true, out);
  save_durable(out);
}

}}}
