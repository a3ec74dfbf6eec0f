#include "command_mirror.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nexus::simulation {

// In a step, commands are decided before the refusals of that step are given.
void command_mirror::pass_over_refused(command_id next) {
  while (!waiting_.empty() && waiting_.front() != next) {
    const auto& f = s_.fate_of(waiting_.front());
    if (!f.late_at(s_.time.now()) && !(check_failed_ && f.what.verified)) return;
    passed_over_.push_back(f.id);
    waiting_.pop_front();
  }
}

void command_mirror::decides(command_id id, const state& on) {
  if (closing_) broken("nothing new is decided while closing", fmt::format("command {}", id));
  if (id == 0) {
    ++recovered_decided_;
    return;
  }
  if (id == of_alarm) return;
  pass_over_refused(id);
  if (waiting_.empty() || waiting_.front() != id) {
    broken("commands are decided in order, stashed ones first once their time comes",
           fmt::format("command {} instead of {}", id, waiting_.empty() ? 0 : waiting_.front()));
    return;
  }
  waiting_.pop_front();
  auto& f = s_.fate_of(id);
  if (f.decided != f.stashed + f.again) {
    broken("a command is decided once, but for conflicts", fmt::format("command {}", id));
  }
  if (f.late_at(s_.time.now())) {
    broken("nothing is decided past its deadline", fmt::format("command {}", id));
  }
  if (f.what.verified && on.count < f.stored_before) {
    broken("a verified command sees all that was durable when it was sent",
           fmt::format("command {} on {} events of {}", id, on.count, f.stored_before));
  }
  if (on.count < f.seen_before) {
    broken("what was shown before a command was sent is seen by it",
           fmt::format("command {} on {} events, after {}", id, on.count, f.seen_before));
  }
}

void command_mirror::decided(command_id id, const d::decision& what, std::uint32_t bytes,
                             std::size_t events) {
  if (what.flags.stashes) return stash_.push_back(id);
  undurable_.push_back({id, bytes, events});
  undurable_bytes_ += last_bytes_ = bytes;
}

bool command_mirror::left(command_id id) {
  const auto found = std::find_if(undurable_.begin(), undurable_.end(),
                                  [id](const undurable& u) { return u.id == id; });
  if (found == undurable_.end()) return false;
  undurable_bytes_ -= found->bytes;
  undurable_.erase(found);
  return true;
}

void command_mirror::releases(command_id id, const d::decision& last) {
  if (!undurable_.empty() && undurable_.front().id != id) {
    broken("answers leave in the order of decisions",
           fmt::format("command {} before {}", id, undurable_.front().id));
  }
  if (!left(id)) broken("only what was decided is answered", fmt::format("command {}", id));
  if (last.flags.passivates) passivating_ = may_passivate_ = true;
  if (!last.flags.stops) return;
  stop_due_ = true;
  passivating_ = false;
  unstashes();
}

bool command_mirror::refuses(command_id id) {
  if (left(id)) return true;
  if (auto p = std::find(passed_over_.begin(), passed_over_.end(), id); p != passed_over_.end()) {
    passed_over_.erase(p);
  } else if (auto w = std::find(waiting_.begin(), waiting_.end(), id); w != waiting_.end()) {
    waiting_.erase(w);
  } else if (auto s = std::find(stash_.begin(), stash_.end(), id); s != stash_.end()) {
    stash_.erase(s);
  }
  return false;
}

void command_mirror::unstashes() {
  waiting_.insert(waiting_.begin(), stash_.begin(), stash_.end());
  stash_.clear();
}

bool command_mirror::callers_undurable() const noexcept {
  return std::all_of(undurable_.begin(), undurable_.end(),
                     [](const undurable& u) { return u.of_caller(); });
}

void command_mirror::appends() {
  const auto with_events = std::count_if(undurable_.begin(), undurable_.end(),
                                         [](const undurable& u) { return u.events > 0; });
  if (with_events > 1) s_.reaches(landmark::merged_append);
}

void command_mirror::checks() {
  if (closing_) broken("what closes reads nothing");
  if (!undurable_.empty()) broken("the highest number is read once all is durable");
  const bool wanted = std::any_of(waiting_.begin(), waiting_.end(),
                                  [&](command_id id) { return s_.fate_of(id).what.verified; });
  if (!wanted) broken("the highest number is read for a verified command");
}

void command_mirror::loses(bool to_another) {
  if (!stash_.empty()) s_.reaches(landmark::lost_with_a_stash);
  unstashes();
  if (to_another && !closing_) decides_again();
}

// Each a bounded number of times, before waiting commands, in the order of the void decisions.
void command_mirror::decides_again() {
  std::vector<undurable> refused;
  auto at = waiting_.begin();
  for (const auto& u : std::exchange(undurable_, {})) {
    if (!u.of_caller() || s_.fate_of(u.id).again >= s_.planned.machine.conflict_retries_max) {
      refused.push_back(u);
      continue;
    }
    undurable_bytes_ -= u.bytes;
    ++s_.fate_of(u.id).again;
    at = waiting_.insert(at, u.id) + 1;
    s_.reaches(landmark::decided_again);
  }
  undurable_ = std::move(refused);
}

void command_mirror::recovers() {
  ++recoveries_;
  stop_due_ = false;
}

void command_mirror::recovery_fails(bool passes) {
  stop_due_ = !passes || !is_process();
  if (stop_due_) passivating_ = false;
}

void command_mirror::stops(bool saving) {
  if (!std::exchange(may_passivate_, false) && !asked_now_ && !stop_due_ && !closing_)
    broken("an entity stops for a reason");
  if (asked_now_ && !stop_due_ && !closing_) {
    if (saving) broken("an entity that saves a snapshot does not passivate");
    if (!waiting_.empty() || !undurable_.empty() || !stash_.empty()) {
      broken("an entity that holds commands does not passivate");
    }
  }
  if (passivating_ && !stop_due_ && !closing_) {
    s_.reaches(landmark::passivated);
    if (saving) broken("an entity that saves a snapshot does not passivate");
  }
  passivating_ = false;
}

void command_mirror::check_bounds() const {
  const auto& bounds = s_.planned.machine;
  if (stash_.size() > bounds.stash_max) {
    s_.judge.broken("the stash has a bound", fmt::format("{} commands", stash_.size()));
  }
  if (undurable_.size() > bounds.undurable_max) {
    s_.judge.broken("undurable commands are bounded", fmt::format("{}", undurable_.size()));
  }
  if (!undurable_.empty() && undurable_bytes_ - last_bytes_ >= bounds.undurable_bytes_max) {
    s_.judge.broken("undurable commands are bounded by bytes", fmt::format("{}", undurable_bytes_));
  }
}

void command_mirror::at_rest(const rest& r) {
  check_bounds();
  asked_now_ = check_failed_ = false;
  if (!passed_over_.empty()) broken("commands are decided in order, or refused");
  auto all = waiting_.size() + stash_.size() + undurable_.size();
  bool events = false;
  for (const auto& u : undurable_) {
    if (!u.of_caller()) --all;
    events = events || u.events > 0;
  }
  if (all != r.held) {
    broken("the machine holds what came and was not answered",
           fmt::format("{} commands, not {}", r.held, all));
  }
  const auto expected = s_.planned.recovered == on_recovered::nothing ? 0 : recoveries_;
  if (recovered_decided_ != expected) {
    broken("on_recovered comes once after each recovery",
           fmt::format("{} times after {} recoveries", recovered_decided_, expected));
  }
  if (r.fresh && all != 0) broken("a machine that holds commands works on them");
  if (!r.running || r.writing) return;
  if (events && (r.drained || r.after_append || closing_ || !waiting_.empty())) {
    broken("what waits for nothing more is appended");
  }
  if (passivating_ && r.drained && !r.saving && all == 0 && undurable_.empty()) {
    broken("an idle entity that was asked to passivates");
  }
}

}
