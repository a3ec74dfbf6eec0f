// The part of an entity's actor for timers that need not survive.
#include <utility>

#include "entity_actor.hpp"
#include "messages.hpp"

namespace nexus { inline namespace v0 { namespace detail {

// By the clock, since the chain may have taken a while.
result<void> entity_actor::set_timer(timer_wish wish) {
  return fsm_.set_timer({core_->sys.time().now(), core_->sys.steady()}, std::move(wish));
}

void entity_actor::cancel_timer(std::string_view key) { fsm_.cancel_timer(key); }

// Timers that let the entity passivate are no use of it, whenever they are due.
void entity_actor::take_timers(const moment& now, actions& out) {
  if (auto* timers = fsm_.timers()) timers->armed = {};
  if (core_->is_ending()) return;
  if (kept_) slot_->used(now.steady);
  while (auto due = fsm_.due_timer(now)) {
    const auto bytes = due.as<entity_call>().size_bytes;
    const auto in = slot_->enter(bytes, core_->options, admission::always);
    if (in != entity_directory::slot::entry::admitted) return;  // it has ended
    core_->metrics.admitted.add();
    core_->metrics.timers_fired.add();
    fsm_.step(now, std::move(due), out);
  }
}

// An early look costs less than a change of the look with each timer that is set again. Once an
// ordered shutdown has begun, timers wait: they would bring it new work for ever.
void entity_actor::look_after_timers() {
  auto* timers = fsm_.timers();
  const bool keeps = timers != nullptr && timers->keeps_live();
  if (keeps != kept_) slot_->keep(kept_ = keeps);
  if (timers == nullptr || core_->is_ending()) return;
  const auto next = timers->next();
  if (!next || *next >= timers->armed.at()) return;
  wakeups::ticket made;
  const auto refused = core_->timers->at(
      *next,
      [to = self_](bool due) {
        if (due) to.send(envelope{new timers_message});
      },
      made);
  if (refused == wakeups::refusal::none) timers->armed = wakeup{core_->timers, made};
}

void entity_actor::perform(const moment& /*now*/, discard a, actions& /*out*/) {
  const auto& call = a.call.as<entity_call>();
  if (call.counted) slot_->leave(call.size_bytes);
}

}}}
