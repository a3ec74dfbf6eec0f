// The part of the entity state machine that is about trouble, and about coming to an end.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "entity_fsm.hpp"

namespace nexus::inline v0::detail {

// The speculative state is void, and with it every answer given on it. A command that was stashed has
// none: it is decided again. So are the others, up to `retries_max` times each, in the order of their
// decisions: before the stash, whose commands they have passed already.
void entity_fsm::lose(const error& why, actions& out, std::uint32_t retries_max) {
  out.emplace_back(tell{entity_signal::kind::append_failed, in_flight_last_, named(why)});
  in_flight_last_ = 0;
  hold_ = hold::none;
  conflict_.reset();
  call_list again;
  while (!undurable_.empty()) {
    auto command = undurable_.pop();
    auto& call = command.as<entity_call>();
    // on_recovered comes by itself with the next recovery.
    if (call.counted && call.retries < retries_max) {
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
  lose(why, out, closing_ ? 0 : options_.conflict_retries_max);
  begin_recovery(out);
}

// What on_recovered persists comes again with every recovery: without a caller who is refused, only a
// pause keeps the two from chasing each other.
void entity_fsm::lose_and_recover(const error& why, actions& out) {
  const bool of_callers = undurable_.counted() != 0;
  lose(why, out);
  of_callers ? begin_recovery(out) : back_off(out);
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

void entity_fsm::step(const moment& /*now*/, wait_over input, actions& out) {
  if (input.epoch != epoch_) return;
  if (phase_ == phase::settling) {
    out.emplace_back(settle{});
  } else if (phase_ == phase::backing_off) {
    if (waiting_.empty() && !restarting_) {
      stop(ending::failed, out);
    } else {
      begin_recovery(out);
    }
  }
}

void entity_fsm::step(const moment& /*now*/, passivate_asked input, actions& out) {
  const bool before = std::exchange(passivating_, true);
  passivate_if_idle(out);
  if (input.only_now && passivating_) passivating_ = before;  // it has not stopped
}

// Only what is undecided can still go without harm; on_recovered is nobody's to drop.
void entity_fsm::step(const moment& /*now*/, displaced /*input*/, actions& out) {
  if (waiting_.empty() || !waiting_.front().counted) return;
  const error why{errc::overloaded, "dropped for newer ones: too many commands were waiting"};
  out.emplace_back(refuse{waiting_.pop(), named(why)});
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
  if (passivating_ && idle) stop(ending::passivated, out);
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

void entity_fsm::give_up_settling(actions& out) {
  if (in_flight()) {
    lose({errc::outcome_unknown, "stopped before the storage told whether it kept the events"},
         out);
  }
  close(out);
}

// Whoever waits learns why, the entity goes on asking, and recovers once it knows.
void entity_fsm::tell_unsettled(const error& why, actions& out) {
  if (in_flight()) {
    lose({errc::outcome_unknown,
          fmt::format("the storage has not told yet whether it kept the events: {}", why.message)},
         out);
    pending_.reset();
  }
  refuse_all(waiting_, why, out);
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
  hold_ = hold::none;
  passivating_ = false;
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
