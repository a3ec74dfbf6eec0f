#include "alarm_sweep.hpp"

#include <algorithm>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

alarm_sweep::todo alarm_sweep::next(steady_time now) {
  if (busy_ || over() || now < paused_until_) return todo::nothing;
  const auto begin = [&](todo what) {
    busy_ = true;
    return what;
  };
  switch (phase_) {
    case phase::unknown:
      return begin(todo::load);
    case phase::elsewhere:
      return look_at_ <= now ? begin(todo::load) : todo::nothing;
    case phase::begins:
    case phase::ends:
      return begin(todo::save);
    case phase::sweeps:
    case phase::over:
      break;
  }
  if (page_is_done()) {
    if (failing_.size() == 0) passed_ = after_;
    if (is_last_ && failing_.size() == 0) {
      phase_ = phase::ends;
      return begin(todo::save);
    }
    if (passed_ != stored_.after) return begin(todo::save);
    is_read_ = is_last_;
  }
  return is_read_ || failing_.full() ? todo::nothing : begin(todo::page);
}

sweep_progress alarm_sweep::wanted() const {
  if (phase_ == phase::ends) return {version_, {}, true, own_};
  return {version_, passed_, false, own_};
}

// A sweep of this version goes on where it was left, one of an earlier version begins from the start.
void alarm_sweep::loaded(sweep_progress found, steady_time now, heartbeats& writers) {
  busy_ = false;
  failures_ = 0;
  stored_ = std::move(found);
  if (stored_.version > version_ || (stored_.version == version_ && stored_.done)) {
    phase_ = phase::over;
    return;
  }
  const bool begun = stored_.version == version_;
  if (begun && !writers.runs_here(stored_.writer)) {
    writers.watch(stored_.writer, now);
    phase_ = phase::elsewhere;
    look_at_ = later(now, times_.look_every);
    return;
  }
  phase_ = phase::begins;
  after_ = passed_ = begun ? stored_.after : std::string{};
  is_read_ = is_last_ = false;
  ids_.clear();
}

void alarm_sweep::saved() {
  busy_ = false;
  failures_ = 0;
  stored_ = wanted();
  phase_ = phase_ == phase::ends ? phase::over : phase::sweeps;
}

void alarm_sweep::took(std::vector<persistence_id> ids) {
  busy_ = false;
  failures_ = 0;
  is_read_ = true;
  is_last_ = ids.size() < times_.sweep_rows;
  if (!ids.empty()) after_ = ids.back().id();
  ids_.assign(std::make_move_iterator(ids.begin()), std::make_move_iterator(ids.end()));
}

void alarm_sweep::failed(steady_time now, std::uint64_t random) {
  busy_ = false;
  if (phase_ == phase::ends) phase_ = phase::sweeps;
  failures_ = saturated_sum(failures_, 1);
  paused_until_ =
      later(now, growing_pause_of(times_.read_pause_min, times_.read_pause_max, failures_, random));
}

std::optional<persistence_id> alarm_sweep::next_id(steady_time now) {
  if (phase_ != phase::sweeps || in_flight_.size() >= in_flight_max_) return std::nullopt;
  std::optional<persistence_id> made;
  if (auto again = failing_.take(now, 1); !again.empty()) {
    if (auto id = persistence_id::parse(again.front())) made = *std::move(id);
  } else if (!ids_.empty()) {
    made = std::move(ids_.front());
    ids_.pop_front();
  }
  if (made) in_flight_.insert(made->str());
  return made;
}

unsigned alarm_sweep::answered(const persistence_id& id, bool done, steady_time now,
                               std::uint64_t random, bool of_storage) {
  in_flight_.erase(id.str());
  if (!done) return failing_.failed(id.str(), now, random, of_storage);
  failing_.over(id.str());
  return 0;
}

steady_time alarm_sweep::next_wake() const noexcept {
  if (busy_ || over()) return never;
  switch (phase_) {
    case phase::elsewhere:
      return std::max(look_at_, paused_until_);
    case phase::sweeps:
      if (page_is_done() && !(is_last_ && failing_.size() != 0) && !failing_.full()) {
        return paused_until_;
      }
      if (!is_read_ && !failing_.full()) return paused_until_;
      return failing_.earliest();
    default:
      return paused_until_;
  }
}

}}}
