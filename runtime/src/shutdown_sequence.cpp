#include "shutdown_sequence.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace nexus::inline v0 {

void shutdown_sequence::join(std::weak_ptr<shutdown_participant> who) {
  std::unique_lock guard{lock_};
  if (begun_) {
    // Before the run can see it, which calls its participants one at a time.
    guard.unlock();
    if (auto late = who.lock(); late && late->of() == stage::work) late->stop_admitting();
    guard.lock();
  }
  if (members_.size() >= purge_at_) {
    std::erase_if(members_, [](const auto& m) { return m->who.expired(); });
    purge_at_ = std::max<std::size_t>(16, 2 * members_.size());
  }
  members_.push_back(std::make_shared<member>(member{std::move(who)}));
}

shutdown_report shutdown_sequence::run(const waiter& wait) {
  std::lock_guard guard{running_};
  std::vector<living> told;
  bool first = false;
  {
    std::lock_guard beginning{lock_};
    first = !std::exchange(begun_, true);
    if (first) told = living_members();
  }
  for (const auto& one : told) {
    if (one.who->of() == stage::work) one.who->stop_admitting();
  }
  told.clear();
  if (first) drained_ = drain(stage::work, wait) && drain(stage::storage, wait);
  stop(stage::work, wait);
  stop(stage::storage, wait);
  shutdown_report made;
  list(stage::work, made.missed);
  list(stage::storage, made.missed);
  made.drained = drained_;
  return made;
}

std::vector<shutdown_sequence::living> shutdown_sequence::living_members() const {
  std::vector<living> all;
  for (const auto& m : members_) {
    if (auto who = m->who.lock()) all.push_back({std::move(who), m});
  }
  return all;
}

std::vector<shutdown_sequence::living> shutdown_sequence::look(stage of) {
  std::vector<living> all;
  {
    std::lock_guard guard{lock_};
    all = living_members();
  }
  std::erase_if(all, [&](const auto& one) { return one.who->of() != of; });
  for (auto& one : all) {
    if (!one.in->name.empty()) continue;
    one.in->name = one.who->name();
    one.in->parent = one.who->parent();
  }
  return all;
}

// One look in which all are quiet is not enough, since they are looked at in turn: work may be done at
// one that is looked at later and have led to work at one that was found quiet before. Between two
// such looks with the same counts, though, nothing was in flight anywhere. Take a piece of work that
// was, at somebody. Had it been admitted before the first look read the count there, it would have
// been in flight when that look asked right afterwards, and not been quiet; had it been admitted
// later, the second look would have read another count. And from nothing in flight nothing comes,
// since none is admitted from outside. (Mattern, Algorithms for distributed termination detection.)
bool shutdown_sequence::drain(stage of, const waiter& wait) {
  std::vector<count> before;
  bool was_quiet = false;
  return wait([&] {
    std::vector<count> now;
    bool is_quiet = true;
    for (const auto& one : look(of)) {
      now.emplace_back(one.who.get(), one.who->admitted());
      is_quiet = is_quiet && one.who->is_quiet();
    }
    const bool is_over = was_quiet && is_quiet && now == before;
    before = std::move(now);
    was_quiet = is_quiet;
    return is_over;
  });
}

void shutdown_sequence::stop(stage of, const waiter& wait) {
  const bool stopped = wait([&] {
    const auto all = look(of);
    while (stop_whose_turn_it_is(all, true)) {
    }
    return std::all_of(all.begin(), all.end(), [](const auto& one) { return one.in->is_over; });
  });
  if (stopped) return;
  const auto all = look(of);
  while (stop_whose_turn_it_is(all, false)) {
  }
}

bool shutdown_sequence::stop_whose_turn_it_is(const std::vector<living>& all,
                                              bool children_must_be_over) {
  std::map<std::string_view, std::string_view> parents;
  for (const auto& one : all) parents.emplace(one.in->name, one.in->parent);
  // Whom `m` keeps from stopping; nobody if it hangs on itself.
  auto parent_of = [&](const member& m) -> std::string_view {
    auto at = parents.find(m.parent);
    for (auto steps = all.size(); at != parents.end() && steps > 0; --steps) {
      if (at->first == m.name) return {};
      at = parents.find(at->second);
    }
    return m.parent;
  };
  std::set<std::string_view> kept;
  for (const auto& one : all) {
    const bool keeps = children_must_be_over ? !one.in->is_over : one.in->turn == 0;
    if (keeps) kept.insert(parent_of(*one.in));
  }
  kept.erase(std::string_view{});
  bool changed = false;
  for (const auto& one : all) {
    if (one.in->turn == 0 && !kept.contains(one.in->name)) {
      tell_stop(one);
      changed = true;
    }
    if (one.in->turn != 0 && !one.in->is_over && one.who->remaining().empty()) {
      one.in->is_over = changed = true;
    }
  }
  return changed;
}

void shutdown_sequence::tell_stop(const living& one) {
  one.in->turn = ++turns_;
  // What stops may still write: only now is nothing more to come.
  if (one.who->of() == stage::storage) one.who->stop_admitting();
  one.who->stop();
}

void shutdown_sequence::list(stage of, std::vector<std::string>& missed) {
  auto all = look(of);
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.in->turn < b.in->turn; });
  std::set<std::string, std::less<>> seen{missed.begin(), missed.end()};
  for (const auto& one : all) {
    for (auto& name : one.who->remaining()) {
      if (seen.insert(name).second) missed.push_back(std::move(name));
    }
  }
}

}  // namespace nexus::inline v0
