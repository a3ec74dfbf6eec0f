#include "supervision/supervisor_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "caf/caf_bridge.hpp"
#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 {

supervision_group::supervision_group(std::string name, supervision how,
                                     std::shared_ptr<supervision_group> parent,
                                     dead_letters letters, std::uint64_t seed)
    : name_{std::move(name)},
      path_{parent ? parent->path() + "/" + name_ : name_},
      how_{std::move(how)},
      parent_{std::move(parent)},
      letters_{std::move(letters)},
      random_{seed} {}

// -- members ----------------------------------------------------------------------------------

result<void> supervision_group::join_parent() {
  if (parent_ == nullptr) return {};
  std::lock_guard guard{parent_->lock_};
  if (!parent_->status_) return parent_->status_;
  if (!parent_->members_.emplace(name_, member{{}, weak_from_this()}).second) {
    return fail(errc::already_exists, fmt::format("\"{}\" already exists", path_));
  }
  return {};
}

void supervision_group::leave_parent() {
  if (parent_ == nullptr) return;
  std::lock_guard guard{parent_->lock_};
  auto at = parent_->members_.find(name_);
  if (at != parent_->members_.end() && at->second.below.lock().get() == this) {
    parent_->members_.erase(at);
  }
}

void supervision_group::close(error why) {
  std::lock_guard guard{lock_};
  if (status_) status_ = tl::unexpected(std::move(why));
}

result<void> supervision_group::status() const {
  std::lock_guard guard{lock_};
  return status_;
}

result<void> supervision_group::add(const std::string& name,
                                    const std::function<mailbox()>& start) {
  // Under the lock, since the actor may fail before it is registered here.
  std::lock_guard guard{lock_};
  if (!status_) return status_;
  if (members_.contains(name)) {
    return fail(errc::already_exists, fmt::format("\"{}/{}\" already exists", path_, name));
  }
  members_.emplace(name, member{start(), {}});
  return {};
}

void supervision_group::gone(const std::string& name) {
  decltype(members_)::node_type last;  // outlives the lock
  std::lock_guard guard{lock_};
  last = members_.extract(name);
  changed_.notify_all();
}

void supervision_group::lost(const std::string& name, error why) noexcept {
  letters_.publish({fmt::format("{}/{}", path_, name), {}, std::move(why)});
}

std::vector<std::string> supervision_group::children() const {
  std::lock_guard guard{lock_};
  std::vector<std::string> names;
  for (const auto& [name, m] : members_) {
    if (m.to) names.push_back(name);
  }
  return names;
}

std::vector<std::string> supervision_group::remaining() {
  auto names = children();
  for (auto& name : names) name.insert(0, path_ + "/");
  return names;
}

bool supervision_group::empty() const { return children().empty(); }

void supervision_group::wait_until_empty() {
  std::unique_lock guard{lock_};
  changed_.wait(guard, [&] {
    return std::ranges::none_of(members_, [](const auto& m) { return bool{m.second.to}; });
  });
}

// -- failures ---------------------------------------------------------------------------------

measure supervision_group::failed(const std::string& name, const failure& what, time_point now) {
  const auto wanted = decide(how_, what);
  measure m;
  {
    std::lock_guard guard{lock_};
    auto at = members_.find(name);
    if (at == members_.end()) return {};
    auto& record = how_.scope == strategy::all_for_one ? together_ : at->second.record;
    m = record.failed(how_, wanted, now, std::uniform_real_distribution<>{}(random_));
  }
  detail::log().info("{}/{}: {} after \"{}\"", path_, name, to_string(m.what), what.why.message);
  return m.what == directive::escalate ? escalated(name, what, now) : carry_out(m, name);
}

measure supervision_group::escalated(const std::string& name, const failure& what, time_point now) {
  escalations_.fetch_add(1, std::memory_order_relaxed);
  measure m;
  if (parent_ != nullptr) {
    m = parent_->failed(name_, what, now);
  } else {
    detail::log().error("{}/{} failed and there is no parent to decide, {} stops: {}", path_, name,
                        path_, what.why.message);
    if (how_.on_given_up) {
      (void)detail::guarded([&] { how_.on_given_up(what); },
                            [&](const std::string& text) {
                              detail::log().error("{}: on_given_up threw: {}", path_, text);
                            });
    }
  }
  m.all = m.what != directive::resume;
  if (m.all) told({.what = m.what, .all = false});
  return carry_out(m, name);
}

measure supervision_group::carry_out(measure m, const std::string& but) {
  count(m.what, 1);
  if (m.all) tell(m, but);
  return m;
}

// The whole group is told: earlier records do not count any more.
void supervision_group::told(measure m) {
  if (m.what == directive::stop) close({errc::stopped, fmt::format("\"{}\" was stopped", path_)});
  std::lock_guard guard{lock_};
  together_ = {};
  for (auto& [name, one] : members_) one.record = {};
}

void supervision_group::tell(measure m, const std::string& but) {
  std::vector<mailbox> actors;
  std::vector<std::shared_ptr<supervision_group>> groups;
  {
    std::lock_guard guard{lock_};
    for (const auto& [name, one] : members_) {
      if (name == but) continue;
      if (one.to) {
        actors.push_back(one.to);
      } else if (auto below = one.below.lock()) {
        groups.push_back(std::move(below));
      }
    }
  }
  count(m.what, actors.size() + groups.size());
  for (const auto& to : actors) {
    caf_bridge::send_urgent(to, envelope{new supervision_order{m}});
  }
  for (const auto& below : groups) {
    below->told(m);
    below->tell(m, {});
  }
}

void supervision_group::stop_all() {
  told({directive::stop});
  tell({directive::stop}, {});
}

// -- counts -----------------------------------------------------------------------------------

void supervision_group::count(directive d, std::uint64_t n) {
  switch (d) {
    case directive::restart:
      restarts_.fetch_add(n, std::memory_order_relaxed);
      break;
    case directive::resume:
      resumes_.fetch_add(n, std::memory_order_relaxed);
      break;
    case directive::stop:
      stops_.fetch_add(n, std::memory_order_relaxed);
      break;
    case directive::escalate:
      break;
  }
}

supervision_counts supervision_group::counts() const noexcept {
  return {restarts_.load(std::memory_order_relaxed), resumes_.load(std::memory_order_relaxed),
          stops_.load(std::memory_order_relaxed), escalations_.load(std::memory_order_relaxed)};
}

}}  // namespace nexus::v0
