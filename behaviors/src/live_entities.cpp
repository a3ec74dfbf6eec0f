#include "live_entities.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 { namespace detail {

live_entities::slot_ref live_entities::find(std::string_view id) const {
  auto& s = shard_of(id);
  std::lock_guard guard{s.lock};
  auto at = s.slots.find(id);
  return at == s.slots.end() ? nullptr : at->second;
}

void live_entities::erase(shard& s, std::unordered_map<std::string_view, slot_ref>::iterator at) {
  const auto kept = std::move(at->second);  // its slot holds the key
  s.order.remove(*kept);
  s.slots.erase(at);
}

void live_entities::remove(const slot& gone) {
  auto& s = shard_of(gone.id.id());
  std::lock_guard guard{s.lock};
  auto at = s.slots.find(gone.id.id());
  if (at != s.slots.end() && at->second.get() == &gone) erase(s, at);
}

std::vector<live_entities::slot_ref> live_entities::all() const {
  std::vector<slot_ref> found;
  for (auto& s : shards_) {
    std::lock_guard guard{s.lock};
    for (const auto& [id, one] : s.slots) found.push_back(one);
  }
  return found;
}

void live_entities::each(const std::function<void(slot&)>& f) const {
  for (auto& s : shards_) {
    std::lock_guard guard{s.lock};
    for (const auto& [id, one] : s.slots) f(*one);
  }
}

bool live_entities::every(const std::function<bool(const slot&)>& f) const {
  return std::all_of(shards_.begin(), shards_.end(), [&](auto& s) {
    std::lock_guard guard{s.lock};
    return std::all_of(s.slots.begin(), s.slots.end(),
                       [&](const auto& one) { return f(*one.second); });
  });
}

// Updates the top: true if it is idle and was not used since. A busy one counts as used now; if a
// busy one that was already updated here comes up, all are busy.
bool live_entities::refresh(shard& s, steady_time now) {
  auto& order = s.order;
  const auto begun = order.renewals();
  while (!order.empty()) {
    const auto used = order.oldest().last_used();
    if (!order.oldest().idle()) {
      if (order.oldest_renewal() >= begun) return false;
      order.renew_oldest(now);
    } else if (used > order.oldest_known()) {
      order.renew_oldest(used);
    } else {
      return true;
    }
  }
  return false;
}

live_entities::unused live_entities::unused_since(steady_time cutoff, steady_time now) {
  unused made;
  for (auto& s : shards_) {
    std::lock_guard guard{s.lock};
    while (refresh(s, now) && s.order.oldest_known() <= cutoff) {
      made.found.push_back(take(s, now));
    }
    if (!s.order.empty()) made.next = std::min(made.next, s.order.oldest_known());
  }
  return made;
}

live_entities::slot_ref live_entities::least_recently_used(steady_time now) {
  shard* oldest = nullptr;
  auto at = steady_time::max();
  for (auto& s : shards_) {
    std::lock_guard guard{s.lock};
    if (!refresh(s, now) || s.order.oldest_known() >= at) continue;
    at = s.order.oldest_known();
    oldest = &s;
  }
  if (oldest == nullptr) return nullptr;
  std::lock_guard guard{oldest->lock};
  return refresh(*oldest, now) ? take(*oldest, now) : nullptr;
}

live_entities::slot_ref live_entities::take(shard& s, steady_time now) {
  auto found = s.slots.find(s.order.oldest().id.id())->second;
  found->asked_to_leave(true);
  s.order.renew_oldest(now);
  return found;
}

}}}
