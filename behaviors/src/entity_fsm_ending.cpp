// The part of the entity state machine for stopping.
#include <utility>

#include "entity_fsm.hpp"

namespace nexus { inline namespace v0 { namespace detail {

void entity_fsm::refuse_all(call_list& calls, const error& why, actions& out) {
  while (!calls.empty()) out.emplace_back(refuse{calls.pop(), named(why)});
}

void entity_fsm::step(const moment& /*now*/, passivate_asked input, actions& out) {
  const bool before = std::exchange(passivating_, true);
  passivate_if_idle(out);
  // An entity told to stop for good has no reason to restart.
  const bool rests =
      phase_ == phase::backing_off && waiting_.empty() && !saving_ && !asked_for_alarm();
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

void entity_fsm::step(const moment& now, close_asked /*input*/, actions& out) {
  closing_ = true;
  timers_.reset();
  unstash();
  refuse_all(waiting_, {errc::stopped, "is being stopped"}, out);
  give_up_alarm({errc::stopped, "is being stopped"}, out);
  if (phase_ == phase::settling) return give_up_settling(out);
  if (phase_ != phase::running) return stop(ending::closed, out);
  flush(now, out);
  if (undurable_.empty() && hold_ != hold::run) stop(ending::closed, out);
}

// The last commands waited only for the steps done now.
void entity_fsm::close(actions& out) {
  unstash();
  refuse_all(waiting_, {errc::stopped, "is being stopped"}, out);
  stop(ending::closed, out);
}

void entity_fsm::stop(ending why, actions& out) {
  if (phase_ != phase::fresh) {
    using kind = entity_signal::kind;
    const auto what = why == ending::passivated ? kind::passivated : kind::stopped;
    out.emplace_back(tell{.what = what, .number = durable_, .why = {}, .how = why});
  }
  model_.reset();
  pending_.reset();
  beyond_.reset();
  recovery_.reset();
  snapshot_due_.reset();
  doubt_.reset();
  timers_.reset();
  hold_ = hold::none;
  passivating_ = process_stops_ = false;
  restarting_ = catches_up_ = false;
  unstash();
  applied_ = durable_ = 0;
  phase_ = phase::fresh;
  if (alarm_ != nullptr) alarm_->in_flight = {};
  if (!waiting_.empty() || (asked_for_alarm() && !closing_)) {
    begin_recovery(out);
  } else {
    if (alarm_ != nullptr) alarm_->corrects = alarm_->looked = alarm_->doubts = false;
    out.emplace_back(stopped{why});
  }
}

}}}
