#include "draining.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 {

// One look that finds all participants quiet is not enough, since it checks them in turn: work may
// finish at a participant checked later, after it led to work at one that was found quiet before.
// Between two such looks with equal counts, however, nothing was in flight anywhere. Proof: take a
// piece of work in flight at a participant. If it was admitted before the first look read the count
// there, it was in flight when that look asked right afterwards, so the participant was not quiet.
// If it was admitted later, the second look read a different count. Nothing in flight leads to
// nothing, since no work is admitted from outside. (Mattern, Algorithms for distributed termination
// detection.)
draining::verdict draining::look(const participants& all,
                                 const std::function<bool()>& storage_is_quiet) {
  std::vector<seen> now;
  participants busy;
  for (const auto& one : all) {
    now.push_back({one.get(), one->admitted(), one->advanced()});
    if (!one->is_quiet()) busy.push_back(one);
  }
  const auto same = [](const seen& a, const seen& b) {
    return a.who == b.who && a.admitted == b.admitted;
  };
  const bool is_over = was_quiet_ && busy.empty() &&
                       std::equal(now.begin(), now.end(), before_.begin(), before_.end(), same);
  was_quiet_ = busy.empty();
  const bool stuck = !is_over && is_stuck(busy, now, storage_is_quiet);
  before_ = std::move(now);
  if (is_over) return verdict::over;
  return stuck ? verdict::stuck : verdict::goes_on;
}

// Checked once per window without progress. Work that makes no progress belongs to participants
// that were asked by others in the window, and so go in circles, or are held up. Work that is only
// slow is neither.
bool draining::is_stuck(const participants& busy, const std::vector<seen>& now,
                        const std::function<bool()>& storage_is_quiet) {
  if (!now_) return false;
  const auto time = now_();
  const auto same = [](const seen& a, const seen& b) {
    return a.who == b.who && a.advanced == b.advanced;
  };
  if (!window_ ||
      !std::equal(now.begin(), now.end(), window_->then.begin(), window_->then.end(), same)) {
    window_ = window{time, now};
    return false;
  }
  if (time - window_->begun < shutdown_patience || busy.empty()) return false;
  const auto gets_nowhere = [&](const auto& one) {
    const auto is_it = [&](const seen& s) { return s.who == one.get(); };
    const auto then = std::find_if(window_->then.begin(), window_->then.end(), is_it);
    const auto at = std::find_if(now.begin(), now.end(), is_it);
    return then->admitted != at->admitted || one->is_held_up();
  };
  if (!std::all_of(busy.begin(), busy.end(), gets_nowhere)) {
    window_ = window{time, now};
    return false;
  }
  return storage_is_quiet();
}

}}  // namespace nexus::v0
