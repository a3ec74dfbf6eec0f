#include "passivation.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 { namespace detail {

void passivation::open() {
  if (idle_.count() <= 0) return;
  ticker_ = std::make_unique<ticker>(
      sys_, [weak = weak_from_this()]() -> std::optional<std::chrono::microseconds> {
        auto self = weak.lock();
        return self ? self->look() : std::nullopt;
      });
}

void passivation::started() {
  if (over_cap() && !keep_cap()) cap_exceeded_.add();
  if (ticker_ != nullptr) ticker_->begin(idle_);
}

// False if no entity could go.
bool passivation::keep_cap() {
  while (over_cap()) {
    auto oldest = entities.least_recently_used(sys_.steady());
    if (oldest == nullptr) return false;
    ask(oldest, reason::cap, steady_time::max());
  }
  return true;
}

void passivation::ask(const slot_ref& who, reason why, steady_time unused) {
  leaving_.fetch_add(1);
  who->to.send(envelope{new request{why, shared_from_this(), unused}});
}

// Asks the entities whose time is over, and returns the time to the next look: frequent enough for
// short times, and rare enough to cost little.
std::optional<std::chrono::microseconds> passivation::look() {
  using namespace std::chrono_literals;
  const auto now = sys_.steady();
  const auto cutoff = earlier(now, idle_);
  const auto unused = entities.unused_since(cutoff, now);
  for (const auto& one : unused.found) ask(one, reason::idle, cutoff);
  if (live_.load() == 0) return std::nullopt;
  const auto shortest = std::clamp<std::chrono::microseconds>(idle_ / 16, 1ms, 1s);
  if (unused.next == steady_time::max()) return std::max(idle_, shortest);
  const auto left =
      std::chrono::ceil<std::chrono::microseconds>(between(now, later(unused.next, idle_)));
  return std::clamp(left, shortest, std::max(idle_, shortest));
}

}}}
