#include "shutdown_sequence.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace nexus { inline namespace v0 {

void shutdown_sequence::join(std::weak_ptr<shutdown_participant> who) {
  std::unique_lock guard{lock_};
  if (begun_) {
    // Before the run can see it: a run calls its participants one at a time.
    guard.unlock();
    if (auto late = who.lock(); late && late->of() == stage::work) late->stop_admitting();
    guard.lock();
  }
  if (members_.size() >= purge_at_) {
    std::erase_if(members_, [](const auto& m) { return m->who.expired(); });
    purge_at_ = std::max<std::size_t>(16, 2 * members_.size());
  }
  const auto same = [&](const auto& m) {
    return !m->who.owner_before(who) && !who.owner_before(m->who);
  };
  if (std::any_of(members_.begin(), members_.end(), same)) return;  // e.g. a store of two types
  members_.push_back(std::make_shared<member>(member{std::move(who)}));
}

shutdown_report shutdown_sequence::run(const waiter& wait, const draining::clock& now) {
  std::lock_guard guard{running_};
  if (stop_admitting())
    drained_ = drain(stage::work, wait, now) && drain(stage::storage, wait, now);
  stop(stage::work, wait);
  stop(stage::storage, wait);
  shutdown_report made;
  list(stage::work, made.missed);
  list(stage::storage, made.missed);
  made.drained = drained_;
  return made;
}

std::vector<std::string> shutdown_sequence::end_work(const waiter& wait,
                                                     const draining::clock& now) {
  std::lock_guard guard{running_};
  if (stop_admitting()) (void)drain(stage::work, wait, now);
  stop(stage::work, wait);
  return left();
}

std::vector<std::string> shutdown_sequence::left() {
  std::vector<std::string> names;
  list(stage::work, names);
  return names;
}

// False if that was done before.
bool shutdown_sequence::stop_admitting() {
  std::vector<living> told;
  {
    std::lock_guard beginning{lock_};
    if (std::exchange(begun_, true)) return false;
    told = living_members();
  }
  for (const auto& one : told) {
    if (one.who->of() == stage::work) one.who->stop_admitting();
  }
  return true;
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

bool shutdown_sequence::drain(stage of, const waiter& wait, const draining::clock& now) {
  draining work{now};
  auto is = draining::verdict::goes_on;
  (void)wait([&] {
    draining::participants all;
    for (auto& one : look(of)) all.push_back(std::move(one.who));
    is = work.look(all, [&] { return of == stage::storage || storage_is_quiet(); });
    return is != draining::verdict::goes_on;
  });
  return is == draining::verdict::over;
}

bool shutdown_sequence::storage_is_quiet() {
  const auto all = look(stage::storage);
  return std::all_of(all.begin(), all.end(), [](const auto& one) { return one.who->is_quiet(); });
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
  // The participant that `m` keeps from stopping; none if it is its own ancestor.
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
  // Work that is stopping may still write; only now nothing more can come.
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

}}  // namespace nexus::v0
