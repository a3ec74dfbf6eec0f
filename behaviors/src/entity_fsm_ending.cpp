// The part of the entity state machine that is about trouble, and about coming to an end.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "entity_fsm.hpp"

namespace nexus::inline v0::detail {
namespace {

constexpr std::uint32_t always = UINT32_MAX;
constexpr std::uint32_t conflicts_at_once_max = 8;

}  // namespace

// The speculative state is void, and with it every answer given on it. A command that was stashed has
// none: it is decided again. So are the others, up to `retries_max` times each, in the order of their
// decisions: before the stash, whose commands they have passed already.
void entity_fsm::lose(const error& why, actions& out, retries max) {
  bool seen = false;
  undurable_.each([&](const entity_call& c) { seen = seen || (c.counted && !c.told); });
  out.emplace_back(tell{entity_signal::kind::append_failed, in_flight_last_, named(why),
                        !seen && attempt_ == 0});
  in_flight_last_ = 0;
  hold_ = hold::none;
  if (std::exchange(process_stops_, false)) passivating_ = false;  // on_recovered says it again
  conflict_.reset();
  doubt_.reset();
  call_list again;
  while (!undurable_.empty()) {
    auto command = undurable_.pop();
    auto& call = command.as<entity_call>();
    // on_recovered comes by itself with the next recovery.
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

// Another writer was there first, and nothing of what was decided is stored. One who closes has no
// fresh state to decide on.
void entity_fsm::overtaken(const error& why, actions& out) {
  lose(why, out, closing_ ? retries{} : retries{options_.conflict_retries_max, always});
  // So many in a row are a storage whose reads are behind, or more rivals than one entity can bear.
  ++conflicts_ % conflicts_at_once_max == 0 ? back_off(out) : begin_recovery(out);
}

// What on_recovered persists comes again with every recovery, and the answer to an own question is
// decided again: only a pause keeps them and a storage that refuses them from chasing each other.
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
  restarting_ = false;  // whatever comes next starts anew
  phase_ = phase::backing_off;
  out.emplace_back(wait{++epoch_, attempt_++});
}

// For as long as supervision said.
void entity_fsm::pause(actions& out) {
  hold_ = hold::none;
  restarting_ = true;  // even if nobody waits for it
  phase_ = phase::backing_off;
  out.emplace_back(wait{++epoch_, 0, std::exchange(pause_, {})});
}

// A process has begun something, which nobody may be going to ask for.
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
  // Who is told to go for good has nothing to come back for.
  const bool rests = phase_ == phase::backing_off && waiting_.empty() && !saving_;
  if (!input.only_now && rests) return stop(ending::passivated, out);
  if (input.only_now && passivating_) passivating_ = before;  // it has not stopped
}

// Only what is undecided can still go without harm. A process stands still without the answers to its
// own questions, so those stay.
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
  if (phase_ != phase::running && phase_ != phase::settling) return;  // it starts anew anyway
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

// Who stops waiting before it is over is told that much.
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

// Callers learn why they wait; the entity goes on asking, and recovers once it knows. An answer to an
// own question that is not decided yet has no caller, and can wait.
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

// The last commands were waiting for nothing but what is done now.
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
