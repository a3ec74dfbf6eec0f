// The part of the entity state machine for timers that need not survive.
#include <utility>

#include "entity_fsm.hpp"

namespace nexus { inline namespace v0 { namespace detail {

// A chain runs after its command: the state that it belongs to may be lost or stopped by then.
result<void> entity_fsm::set_timer(const moment& now, timer_wish wish) {
  const bool lives = phase_ == phase::running || phase_ == phase::settling;
  if (!lives || closing_) return {};
  if (timers_ == nullptr) timers_ = std::make_unique<entity_timers>();
  auto set =
      timers_->set(now.steady, std::move(wish), options_.timers_max, options_.timers_bytes_max);
  if (timers_->empty()) timers_.reset();
  if (!set) return fail(named(std::move(set.error())));
  return {};
}

void entity_fsm::cancel_timer(std::string_view key) {
  if (timers_ == nullptr) return;
  timers_->cancel(key);
  if (timers_->empty()) timers_.reset();
}

envelope entity_fsm::due_timer(const moment& now) {
  return timers_ == nullptr ? envelope{} : timers_->take_due(now.steady);
}

// Asked once, when its turn comes: a command that was decided stays one, also if it is decided
// again.
bool entity_fsm::is_void(entity_call& call) {
  const auto number = std::exchange(call.timer, 0);
  if (timers_ == nullptr || !timers_->decide(number)) return true;
  if (timers_->empty()) timers_.reset();
  return false;
}

}}}
