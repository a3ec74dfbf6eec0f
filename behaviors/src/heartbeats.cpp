#include "heartbeats.hpp"

#include <algorithm>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

bool heartbeats::runs_here(const ulid& writer) const {
  if (writer == own_) return true;
  auto at = writers_.find(writer);
  return at != writers_.end() && at->second.stopped;
}

// Long enough for a value that does not change to be taken for stopped.
void heartbeats::watch(const ulid& who, steady_time now) {
  if (who == own_) return;
  auto& one = known(who, now);
  if (!one.stopped)
    one.wanted_until = later(now, 2 * std::max(times_.stopped_after, times_.look_every));
}

void heartbeats::meet(const ulid& who, steady_time now) {
  auto at = writers_.find(who);
  if (at == writers_.end() || !at->second.goes_on) watch(who, now);
}

bool heartbeats::watches(steady_time now) const {
  return std::any_of(writers_.begin(), writers_.end(), [&](const auto& one) {
    return !one.second.stopped && one.second.wanted_until > now;
  });
}

std::vector<ulid> heartbeats::saw(std::span<const heartbeat> all, steady_time now) {
  std::vector<ulid> old;
  std::map<ulid, bool> stored;
  for (const auto& read : all) {
    if (read.writer == own_) continue;
    stored.emplace(read.writer, true);
    auto& one = known(read.writer, now);
    if (!one.stored || one.value != read.value) {
      one.goes_on = one.stored;
      one.value = read.value;
      one.since = now;
      one.stopped = false;
    }
    one.stored = true;
    if (one.value == ended) stop(one);
    if (later(one.since, times_.forgotten_after) <= now) old.push_back(read.writer);
  }
  for (auto& [id, one] : writers_) {
    const bool removed = !stored.contains(id) && std::exchange(one.stored, false);
    if (removed || later(one.since, times_.stopped_after) <= now) stop(one);
  }
  return old;
}

void heartbeats::stop(writer& one) noexcept {
  if (!std::exchange(one.stopped, true)) found_stopped_ = true;
  one.goes_on = false;
}

heartbeats::writer& heartbeats::known(const ulid& who, steady_time now) {
  auto at = writers_.find(who);
  if (at != writers_.end()) return at->second;
  if (writers_.size() >= times_.writers_max) forget_some(now);
  auto& made = writers_[who];
  made.since = now;
  return made;
}

// Those that are not watched; they are met again if they have alarms.
void heartbeats::forget_some(steady_time now) {
  std::erase_if(writers_, [&](const auto& one) { return one.second.wanted_until <= now; });
  if (writers_.size() >= times_.writers_max) writers_.clear();
}

}}}
