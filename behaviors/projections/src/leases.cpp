#include "leases.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 { namespace detail {

bool lease_watch::is_left_behind(const projection_cell& cell, time_point now) {
  auto& last = seen_[cell.cell];
  if (last.owner != cell.owner || last.lease != cell.lease || last.since == time_point{}) {
    last = {cell.owner, cell.lease, now};
    return false;
  }
  return now - last.since >= lease_;
}

lease_watch::plan lease_watch::look_at(const std::vector<projection_cell>& cells, time_point now,
                                       bool shares) {
  plan made;
  for (const auto& one : cells) {
    if (one.owner == owner_) {
      seen_.erase(one.cell);
      (one.wanted_by.empty() || one.wanted_by == owner_ ? made.own : made.give).push_back(one);
    } else if (const bool left = is_left_behind(one, now); left || one.owner.empty()) {
      made.take.push_back(one);
      made.expired = made.expired || left;
    }
  }
  if (shares && made.take.empty()) ask_for_a_share(cells, made);
  return made;
}

void lease_watch::ask_for_a_share(const std::vector<projection_cell>& cells, plan& made) const {
  std::map<std::string, std::vector<projection_cell>> by_owner;
  by_owner[owner_];
  for (const auto& one : cells) {
    if (one.wanted_by == owner_) return;  // asked already
    by_owner[one.owner].push_back(one);
  }
  const auto share = cells.size() / by_owner.size();
  const auto mine = by_owner[owner_].size();
  if (mine >= share) return;
  auto& richest = std::ranges::max_element(by_owner, {}, [](const auto& one) {
                    return one.second.size();
                  })->second;
  if (richest.size() <= share) return;
  const auto spare = std::min(richest.size() - share, share - mine);
  made.ask.assign(richest.end() - static_cast<std::ptrdiff_t>(spare), richest.end());
}

}}}  // namespace nexus::v0::detail
