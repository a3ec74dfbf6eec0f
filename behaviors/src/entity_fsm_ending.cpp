// The part of the entity state machine for failures and for stopping.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "entity_fsm.hpp"

namespace nexus::inline v0::detail {
namespace {

constexpr std::uint32_t always = UINT32_MAX;
constexpr std::uint32_t conflicts_at_once_max = 8;

}  // namespace

// Drops the speculative state, and every answer based on it. Stashed commands have no answer yet,
// so they are decided again. So are the others, up to `retries_max` times each, in the order of
// their decisions: before the stash, which they had passed already.
void entity_fsm::lose(const error& why, actions& out, retries max) {
  bool seen = false;
  undurable_.each([&](const entity_call& c) { seen = seen || (c.counted && !c.told); });
  out.emplace_back(tell{entity_signal::kind::append_failed, in_flight_last_, named(why),
                        !seen && attempt_ == 0});
  in_flight_last_ = 0;
  hold_ = hold::none;
  if (std::exchange(process_stops_, false)) passivating_ = false;  // on_recovered runs again
  conflict_.reset();
  doubt_.reset();
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
  bool comes_again = false;
  undurable_.each([&](const entity_call& c) { comes_again = comes_again || !c.counted || c.own; });
  lose(why, out, {.of_own = closing_ ? 0 : own_retries_max});
  comes_again ? back_off(out) : begin_recovery(out);
}

void entity_fsm::refuse_all(call_list& calls, const error& why, actions& out) {
  while (!calls.empty()) out.emplace_back(refuse{calls.pop(), named(why)});
}

void entity_fsm::back_off(actions& out) {
  if (closing_) return close(out);
  lost_ = lost_ || phase_ == phase::running;
  restarting_ = false;  // the next step starts with a new state
  phase_ = phase::backing_off;
  out.emplace_back(wait{++epoch_, attempt_++});
}

// For the time that supervision chose.
void entity_fsm::pause(actions& out) {
  hold_ = hold::none;
  restarting_ = true;  // even if no caller waits for it
  phase_ = phase::backing_off;
  out.emplace_back(wait{++epoch_, 0, std::exchange(pause_, {})});
}

// A process has started work that no caller may ask for.
bool entity_fsm::comes_back() const noexcept {
  return !waiting_.empty() || restarting_ || (model_.is_process() && !passivating_);
}

void entity_fsm::step(const moment& /*now*/, wait_over input, actions& out) {
  if (input.epoch != epoch_) return;
  if (phase_ == phase::settling) {
    out.emplace_back(settle{});
  } else if (phase_ == phase::backing_off) {
    if (comes_back()) return begin_recovery(out);
    stop(passivating_ ? ending::passivated : ending::failed, out);
  }
}

void entity_fsm::step(const moment& /*now*/, passivate_asked input, actions& out) {
  const bool before = std::exchange(passivating_, true);
  passivate_if_idle(out);
  // An entity told to stop for good has no reason to restart.
  const bool rests = phase_ == phase::backing_off && waiting_.empty() && !saving_;
  if (!input.only_now && rests) return stop(ending::passivated, out);
  if (input.only_now && passivating_) passivating_ = before;  // it has not stopped
}

// Only undecided commands can be dropped without harm. The answers to a process's own questions
// stay, since the process cannot go on without them.
void entity_fsm::step(const moment& /*now*/, displaced /*input*/, actions& out) {
  call_list own;
  while (!waiting_.empty() && waiting_.front().own) own.push(waiting_.pop());
  if (!waiting_.empty()) {
    const error why{errc::overloaded, "dropped for newer ones: too many commands were waiting"};
    out.emplace_back(refuse{waiting_.pop(), named(why)});
  }
  waiting_.prepend(own);
}

void entity_fsm::step(const moment& now, restart_asked /*input*/, actions& out) {
  if (phase_ != phase::running && phase_ != phase::settling) return;  // it starts again anyway
  restarting_ = true;
  decide_waiting(now, out);
}

void entity_fsm::passivate_if_idle(actions& out) {
  const bool idle = phase_ == phase::running && hold_ == hold::none && !in_flight() &&
                    (pending_ == nullptr || pending_->empty()) && waiting_.empty() &&
                    undurable_.empty() && stash_.empty() && !saving_;
  if (passivating_ && idle) stop(process_stops_ ? ending::stopped : ending::passivated, out);
}

void entity_fsm::step(const moment& /*now*/, close_asked /*input*/, actions& out) {
  closing_ = true;
  unstash();
  refuse_all(waiting_, {errc::stopped, "is being stopped"}, out);
  if (phase_ == phase::settling) return give_up_settling(out);
  if (phase_ != phase::running) return stop(ending::closed, out);
  flush(out);
  if (undurable_.empty() && hold_ != hold::run) stop(ending::closed, out);
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

// The last commands waited only for the steps done now.
void entity_fsm::close(actions& out) {
  unstash();
  refuse_all(waiting_, {errc::stopped, "is being stopped"}, out);
  stop(ending::closed, out);
}

void entity_fsm::stop(ending why, actions& out) {
  model_.reset();
  pending_.reset();
  beyond_.reset();
  recovery_.reset();
  snapshot_due_.reset();
  doubt_.reset();
  hold_ = hold::none;
  passivating_ = process_stops_ = false;
  restarting_ = false;
  unstash();
  applied_ = durable_ = 0;
  phase_ = phase::fresh;
  if (!waiting_.empty()) {
    begin_recovery(out);
  } else {
    out.emplace_back(stopped{why});
  }
}

}
