// The part of the entity state machine for the alarm: what of it is written, and what is decided
// when its time has come.
#include <algorithm>
#include <utility>

#include "entity_fsm.hpp"

namespace nexus { inline namespace v0 { namespace detail {

// -- what the journal has -------------------------------------------------------------------------

void entity_fsm::note_alarm(const std::optional<stored_alarm>& found) {
  if (alarm_ == nullptr) return;
  alarm_->stored = found ? std::optional{found->due} : std::nullopt;
  alarm_->foreign = found && found->writer != alarm_->writer;
}

// A stored due time that is too early stays until it has come: that costs one look, and no write.
result<void> entity_fsm::recover_alarm() {
  if (alarm_ == nullptr) return {};
  if (durable_ != 0) {
    if (auto looked = model_.look_at_alarm(); !looked) return looked;
  }
  const auto wanted = within_bounds(model_.due());
  const bool later = wanted && alarm_->stored && *wanted > *alarm_->stored;
  alarm_->corrects = wanted != alarm_->stored && !later;
  return {};
}

std::optional<timestamp> entity_fsm::within_bounds(std::optional<timestamp> due) const noexcept {
  if (!due) return due;
  return std::clamp(*due, options_.due_min, options_.due_max);
}

// A due time that only becomes later is not written until the stored one has come: an entity that
// moves its alarm with every command would write it with every append. By itself it is not written
// earlier either: an entity of another process at the same number would not notice, and would rely
// on the stored time. What such an entity may have written by now is known to be right only as long
// as the stored time has not come; then an append writes what it wants, whatever was stored.
due_change entity_fsm::change_of_due(const moment& now, bool with_events) const {
  if (alarm_ == nullptr) return {};
  const auto wanted = within_bounds(beyond_ != nullptr ? alarm_->in_pending : model_.due());
  const auto& stored = alarm_->stored;
  const bool has_come = stored && *stored <= now.wall;
  const bool unsure = with_events && (alarm_->foreign || alarm_->corrects || has_come);
  if (!wanted) return stored || unsure ? due_change::clear() : due_change{};
  const bool may_wait = wanted == stored || (stored && *wanted > *stored && !has_come);
  return may_wait && !unsure ? due_change{} : due_change::set(*wanted);
}

void entity_fsm::send_due(const due_change& due) noexcept {
  if (alarm_ == nullptr) return;
  alarm_->in_flight = due;
  alarm_->correcting = alarm_->corrects && due;
}

void entity_fsm::note_stored_due(actions& out) {
  if (alarm_ == nullptr || !alarm_->in_flight) return;
  const auto done = std::exchange(alarm_->in_flight, {});
  alarm_->foreign = false;
  alarm_->stored.reset();
  if (done.what == due_change::kind::set) alarm_->stored = done.at;
  out.emplace_back(due_stored{alarm_->stored});
  if (alarm_->correcting) answer_alarm({}, out);
}

// With no events to append, the state is durable, and its alarm may be written by itself.
void entity_fsm::correct_alarm(const moment& now, actions& out) {
  if (alarm_ == nullptr || !alarm_->corrects || hold_ != hold::none) return;
  auto due = change_of_due(now, false);
  if (!due && alarm_->doubts) {
    due = alarm_->stored ? due_change::set(*alarm_->stored) : due_change::clear();
  }
  if (due) {
    send_due(due);
    out.emplace_back(append{durable_, nullptr, due});
  } else {
    answer_alarm({}, out);
  }
}

// Only what was asked is answered: a recovery corrects the stored due time by itself.
void entity_fsm::answer_alarm(error why, actions& out) {
  if (alarm_ == nullptr) return;
  alarm_->corrects = alarm_->correcting = alarm_->doubts = false;
  if (std::exchange(alarm_->looked, false)) out.emplace_back(alarm_seen{std::move(why)});
}

// -- when the time has come -----------------------------------------------------------------------

void entity_fsm::step(const moment& now, alarm_due input, actions& out) {
  if (closing_ || alarm_ == nullptr) {
    out.emplace_back(alarm_seen{named({errc::stopped, "is being stopped"})});
    return;
  }
  alarm_->asked = std::make_unique<alarm_due>(input);
  if (phase_ == phase::fresh) {
    begin_recovery(out);
  } else {
    decide_waiting(now, out);
  }
}

// If the journal has another due time than this entity knows of, another writer may have written
// since. Then the entity writes again what it knows: if so, that conflicts, and it recovers. A sweep
// only wants the due time to be stored; if it has come, the waker finds it.
void entity_fsm::look_at_alarm(const moment& now, actions& out) {
  const auto asked = std::exchange(alarm_->asked, nullptr);
  const auto by = std::max(now.wall, asked->seen_at);
  const auto& due = model_.due();
  if (!asked->of_sweep && due && *due <= by) {
    decide_alarm({std::max(now.wall, *due), now.steady}, *asked, out);
  } else {
    alarm_->doubts = asked->found && asked->found != alarm_->stored;
    alarm_->corrects = alarm_->looked = true;  // `flush` ends it
    alarm_->correcting = false;                // an append in flight was sent before
  }
}

void entity_fsm::decide_alarm(const moment& now, const alarm_due& asked, actions& out) {
  auto command = model_.alarm_call();
  if (!command || !*command) {
    out.emplace_back(alarm_seen{command ? error{} : named(std::move(command.error()))});
    return;
  }
  command->as<entity_call>().header.command_id = asked.command_id;
  decide_and_accept(now, std::move(*command), out);
}

// The waker asks again, after a pause.
void entity_fsm::give_up_alarm(const error& why, actions& out) {
  if (alarm_ == nullptr) return;
  if (std::exchange(alarm_->asked, nullptr) != nullptr) alarm_->looked = true;
  answer_alarm(named(why), out);
}

}}}
