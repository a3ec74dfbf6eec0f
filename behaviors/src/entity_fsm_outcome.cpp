// The part of the entity state machine for the outcome of an append: settling an unknown one,
// losing unstored events, deciding their commands again, and backing off from a failing storage.
#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "entity_fsm.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr std::uint32_t always = UINT32_MAX;
constexpr std::uint32_t own_rejections_max = 3;
constexpr std::uint32_t conflicts_at_once_max = 8;

}  // namespace

void entity_fsm::step(const moment& now, appended input, actions& out) {
  assert(phase_ == phase::running && in_flight());
  if (std::holds_alternative<stored>(input.outcome)) return made_durable(now, out);
  if (auto* c = std::get_if<conflict>(&input.outcome)) {
    error why{errc::conflict, fmt::format("another writer wrote first: expected {} to be the "
                                          "highest number, found {}",
                                          durable_, c->highest)};
    if (in_flight_last_ != 0 && c->highest >= in_flight_last_) {
      // Another writer's events, or own events whose answer was lost: settling finds out.
      conflict_ = std::make_unique<error>(std::move(why));
      phase_ = phase::settling;
      out.emplace_back(settle{});
    } else {
      overtaken(why, out);
    }
  } else if (auto* p = std::get_if<partly>(&input.outcome)) {
    stored_in_part(*p, out);
  } else if (auto* r = std::get_if<rejected>(&input.outcome)) {
    // Another command in the append may be at fault.
    lose_and_recover(r->why, out, own_rejections_max);
  } else if (auto* f = std::get_if<failed>(&input.outcome)) {
    lose(f->why, out, {.of_own = always});
    in_doubt(f->why);
    back_off(out);
  } else {
    conflict_.reset();
    in_doubt(std::get<unknown>(input.outcome).why);
    phase_ = phase::settling;
    out.emplace_back(settle{});
  }
}

void entity_fsm::step(const moment& now, settle_answered input, actions& out) {
  if (phase_ != phase::settling) return;
  if (!input.what) in_doubt(input.what.error());
  if (!input.what && closing_) return give_up_settling(out);
  if (!input.what) {
    // Short failures are not reported; a full disk may last.
    constexpr std::uint32_t silent_attempts = 5;
    if (attempt_ >= silent_attempts) tell_unsettled(input.what.error(), out);
    out.emplace_back(wait{epoch_, attempt_++});
    return;
  }
  if (!in_flight()) {  // all callers have been answered
    if (*input.what == settlement::stored) {
      attempt_ = conflicts_ = 0;
      lost_ = false;
    }
    doubt_.reset();
    return begin_recovery(out);
  }
  phase_ = phase::running;
  if (*input.what == settlement::stored) return made_durable(now, out);
  if (*input.what == settlement::superseded) {
    lose(
        {errc::outcome_unknown, "another writer has written since, so the outcome cannot be known"},
        out, {});
    begin_recovery(out);
  } else if (conflict_) {
    overtaken(error{*conflict_}, out);
  } else {
    error why{errc::unavailable, "the storage did not store the events"};
    if (doubt_ != nullptr && !doubt_->message.empty()) why.message += ": " + doubt_->message;
    lose_and_recover(why, out, always);
  }
}

// Drops the speculative state, and every answer based on it. Stashed commands have no answer yet,
// so they are decided again. So are the others, up to `retries_max` times each, in the order of
// their decisions: before the stash, which they had passed already.
void entity_fsm::lose(const error& why, actions& out, retries max) {
  bool seen = false;
  undurable_.each([&](const entity_call& c) {
    seen = seen || (c.counted && !c.told) || c.alarm;  // the waker tells of an alarm
  });
  out.emplace_back(tell{entity_signal::kind::append_failed, in_flight_last_, named(why),
                        !seen && attempt_ == 0});
  in_flight_last_ = 0;
  if (alarm_ != nullptr) alarm_->in_flight = {};
  hold_ = hold::none;
  give_up_alarm(why, out);
  if (std::exchange(process_stops_, false)) passivating_ = false;  // on_recovered runs again
  conflict_.reset();
  doubt_.reset();
  timers_.reset();
  call_list again;
  while (!undurable_.empty()) {
    auto command = undurable_.pop();
    auto& call = command.as<entity_call>();
    // on_recovered runs again by itself with the next recovery.
    if (call.counted && call.retries < (call.own ? max.of_own : max.of_callers)) {
      ++call.retries;
      again.push(std::move(command));
      continue;
    }
    auto of_command = named(why, command);
    out.emplace_back(refuse{std::move(command), std::move(of_command)});
  }
  unstash();
  waiting_.prepend(again);
}

// The first states are stored. The command of the next one is refused, and those after it, which
// were decided on what it would have made, are decided again.
void entity_fsm::stored_in_part(const partly& what, actions& out) {
  durable_ += what.count;
  release_durable(out);
  if (!undurable_.empty()) {
    auto command = undurable_.pop();
    auto why = named(what.why, command);
    out.emplace_back(refuse{std::move(command), std::move(why)});
  }
  lose(what.why, out, {.of_callers = always, .of_own = always});
  begin_recovery(out);
}

// Another writer wrote first, and none of the decided events are stored. A closing entity has no
// fresh state to decide on.
void entity_fsm::overtaken(const error& why, actions& out) {
  lose(why, out, closing_ ? retries{} : retries{options_.conflict_retries_max, always});
  // So many conflicts in a row mean a storage whose reads lag, or too many rivals for one entity.
  ++conflicts_ % conflicts_at_once_max == 0 ? back_off(out) : begin_recovery(out);
}

// on_recovered persists its events again with every recovery, and the answer to an own question is
// decided again: without a pause they and a storage that refuses them would retry endlessly.
void entity_fsm::lose_and_recover(const error& why, actions& out, std::uint32_t own_retries_max) {
  bool comes_again = in_flight_last_ == 0;  // the next recovery would correct the alarm again
  undurable_.each([&](const entity_call& c) { comes_again = comes_again || !c.counted || c.own; });
  lose(why, out, {.of_own = closing_ ? 0 : own_retries_max});
  comes_again ? back_off(out) : begin_recovery(out);
}

// Tells callers that stop waiting why it takes so long.
void entity_fsm::in_doubt(const error& why) {
  doubt_ = std::make_unique<error>(why);
  const auto note = [&](entity_call& c) { c.note_trouble(why.message); };
  undurable_.each(note);
  waiting_.each(note);
}

void entity_fsm::give_up_settling(actions& out) {
  if (in_flight()) {
    error why{errc::outcome_unknown,
              "stopped before the storage said whether it stored the events"};
    if (doubt_ != nullptr) why.message += "; its last error: " + doubt_->message;
    lose(why, out, {});
  }
  close(out);
}

// Callers get an error with the reason; the entity keeps asking, and recovers when it knows. The
// undecided answer to an own question has no caller, and can wait.
void entity_fsm::tell_unsettled(const error& why, actions& out) {
  if (in_flight()) {
    lose(
        {errc::outcome_unknown,
         fmt::format("the storage has not said yet whether it stored the events: {}", why.message)},
        out, {});
    pending_.reset();
    beyond_.reset();
  }
  refuse_waiting(why, out, [](const entity_call& c) { return !c.own; });
}

void entity_fsm::back_off(actions& out) {
  if (closing_) return close(out);
  lost_ = lost_ || phase_ == phase::running;
  restarting_ = false;  // the next step starts with a new state
  timers_.reset();
  phase_ = phase::backing_off;
  out.emplace_back(wait{++epoch_, attempt_++});
}

// For the time that supervision chose.
void entity_fsm::pause(actions& out) {
  hold_ = hold::none;
  timers_.reset();
  restarting_ = true;  // even if no caller waits for it
  phase_ = phase::backing_off;
  out.emplace_back(wait{++epoch_, 0, std::exchange(pause_, {})});
}

// A process has started work that no caller may ask for.
bool entity_fsm::comes_back() const noexcept {
  return !waiting_.empty() || restarting_ || asked_for_alarm() ||
         (model_.is_process() && !passivating_);
}

void entity_fsm::step(const moment& /*now*/, wait_over input, actions& out) {
  if (input.epoch != epoch_) return;
  if (phase_ == phase::settling) {
    out.emplace_back(settle{});
  } else if (phase_ == phase::backing_off) {
    if (comes_back()) return begin_recovery(out);
    if (passivating_ && saving_) return back_off(out);  // it passivates once the snapshot is saved
    stop(passivating_ ? ending::passivated : ending::failed, out);
  }
}

}}}
