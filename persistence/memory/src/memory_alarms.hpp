// The alarms of the memory backend: by id, and by type in the order of their due times.
//
// Threads: the holder of the store's lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "nexus/journal_checks.hpp"

namespace nexus { inline namespace v0 { namespace memory {

class kept_alarms {
 public:
  void change(const persistence_id& id, const due_change& to, const ulid& writer) {
    if (!to) return;
    remove(id);
    if (to.what != due_change::kind::set) return;
    const stored_alarm made{id, to.at, writer};
    by_id_.emplace(id, made);
    by_due_[std::string{id.type()}].insert(made);
  }

  void remove(const persistence_id& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    const auto type = by_due_.find(id.type());
    type->second.erase(found->second);
    if (type->second.empty()) by_due_.erase(type);
    by_id_.erase(found);
  }

  [[nodiscard]] std::optional<stored_alarm> of(const persistence_id& id) const {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return std::nullopt;
    return found->second;
  }

  [[nodiscard]] std::vector<stored_alarm> due(const due_filter& which, std::size_t max) const {
    std::vector<stored_alarm> found;
    for (auto type : types_of(which)) {
      const auto of_type = by_due_.find(type);
      if (of_type == by_due_.end()) continue;
      const auto& all = of_type->second;
      auto at = which.after == nullptr ? all.begin() : all.upper_bound(*which.after);
      const auto first = static_cast<std::ptrdiff_t>(found.size());
      for (std::size_t n = 0; n < max && at != all.end() && at->due <= which.until; ++n, ++at) {
        found.push_back(*at);
      }
      std::inplace_merge(found.begin(), found.begin() + first, found.end(), listed_before);
      if (found.size() > max)
        found.erase(found.begin() + static_cast<std::ptrdiff_t>(max), found.end());
    }
    return found;
  }

  [[nodiscard]] std::vector<due_type> types(timestamp until, std::uint64_t count_max) const {
    std::vector<due_type> found;
    for (const auto& [type, all] : by_due_) {
      const auto first = all.begin()->due;
      if (first > until) continue;
      auto& made = found.emplace_back(due_type{type, 0, first});
      for (auto at = all.begin(); at != all.end() && at->due <= until; ++at) {
        if (made.count == count_max) break;
        ++made.count;
      }
    }
    return found;
  }

 private:
  struct in_order {
    bool operator()(const stored_alarm& a, const stored_alarm& b) const {
      return listed_before(a, b);
    }
  };

  std::map<persistence_id, stored_alarm> by_id_;
  std::map<std::string, std::set<stored_alarm, in_order>, std::less<>> by_due_;  // none is empty
};

}}}  // namespace nexus::v0::memory
