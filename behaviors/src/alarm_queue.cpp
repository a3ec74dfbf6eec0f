#include "alarm_queue.hpp"

#include <algorithm>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

// -- retries ----------------------------------------------------------------------------------

std::vector<std::string> alarm_queue::next_retries(steady_time now) {
  if (reads_retries_ || !to_retry_.empty()) return {};
  auto ids = retries_.take(now, times_.retry_rows);
  reads_retries_ = !ids.empty();
  return ids;
}

// An alarm that went meanwhile needs no retry.
void alarm_queue::took_retries(std::span<const std::string> asked,
                               std::vector<stored_alarm> found) {
  reads_retries_ = false;
  for (const auto& id : asked) {
    const auto at = std::find_if(found.begin(), found.end(),
                                 [&](const stored_alarm& one) { return one.id.str() == id; });
    if (at == found.end()) {
      retries_.over(id);
    } else {
      to_retry_.push_back(std::move(*at));
      found.erase(at);
    }
  }
}

void alarm_queue::retries_failed(std::span<const std::string> asked, steady_time now) {
  reads_retries_ = false;
  for (const auto& id : asked) retries_.put_back(id, later(now, times_.read_pause_max));
}

// -- what is woken ----------------------------------------------------------------------------

std::optional<stored_alarm> alarm_queue::next(const moment& now, heartbeats& writers,
                                              const live_test& is_live) {
  while (in_flight_.size() < times_.in_flight_max) {
    const auto c = first(now);
    if (!c) return std::nullopt;
    if (!may_run(*c, now, writers)) {
      pass(*c, false);
      continue;
    }
    const bool starts = !is_live(c->row->id);
    if (starts && starts_ >= starts_max_) return std::nullopt;
    auto row = *c->row;
    in_flight_.emplace(row.id.str(), woken{row.due, row.writer, c->from, starts, c->stops});
    if (starts) ++starts_;
    if (c->from == source::retry) ++retried_;
    pass(*c, true);
    return row;
  }
  return std::nullopt;
}

std::optional<alarm_queue::candidate> alarm_queue::first(const moment& now) {
  if (!again_.empty()) return candidate{source::again, &again_.front().row, again_.front().stops};
  const auto* read = retries_.full() ? nullptr : scan_.front(now);
  const bool may_retry = !to_retry_.empty() && retried_ < retried_max();
  if (may_retry && (read == nullptr || retry_first_)) {
    return candidate{source::retry, &to_retry_.front()};
  }
  if (read != nullptr) return candidate{source::scan, read};
  return std::nullopt;
}

void alarm_queue::pass(const candidate& c, bool ran) {
  if (ran) retry_first_ = c.from != source::retry;
  switch (c.from) {
    case source::again:
      again_.pop_front();
      break;
    case source::retry:
      to_retry_.pop_front();
      break;
    case source::scan:
      scan_.pop(ran);
  }
}

// An alarm that is passed over comes again: by its own retry or answer, by the note of its due
// time, or with the next look at everything.
bool alarm_queue::may_run(const candidate& c, const moment& now, heartbeats& writers) {
  const auto& row = *c.row;
  const auto& id = row.id.str();
  if (runs(id)) return false;
  if (c.from == source::scan && retries_.holds(id)) return false;
  const bool is_due = row.due <= now.wall;  // or the clock was set back
  const bool runs_here =
      writers.runs_here(row.writer) ||
      moved(row.due, saturated<std::chrono::microseconds>(times_.overdue_after)) <= now.wall;
  if (is_due && runs_here) return true;
  if (!is_due) note(row.due);
  if (!runs_here) writers.watch(row.writer, now.steady);
  if (c.from != source::scan) retries_.over(id);
  return false;
}

// -- what comes of it -------------------------------------------------------------------------

bool alarm_queue::recovered(const persistence_id& id) {
  const auto at = in_flight_.find(id.str());
  if (at == in_flight_.end() || !std::exchange(at->second.starts, false)) return false;
  --starts_;
  return true;
}

alarm_queue::verdict alarm_queue::answered(const persistence_id& id, const answer& got,
                                           steady_time now, std::uint64_t random) {
  const auto at = in_flight_.find(id.str());
  if (at == in_flight_.end()) return {};
  const auto was = at->second;
  in_flight_.erase(at);
  if (was.starts) --starts_;
  if (was.from == source::retry) --retried_;
  using kind = verdict::kind;
  if (got.known && (!got.due || *got.due > was.due)) {
    retries_.over(id.str());
    if (got.due) note(*got.due);
    return {kind::fired, was.due};
  }
  // The entity passivated before it saw the message. Its next incarnation is asked.
  if (!got.known && got.why == errc::stopped && was.stops < times_.stops_max) {
    again_.push_back({{id, was.due, was.writer}, was.stops + 1});
    return {kind::again, was.due};
  }
  return {kind::failed, was.due, retries_.failed(id.str(), now, random)};
}

std::size_t alarm_queue::overdue() const noexcept {
  return in_flight_.size() + again_.size() + scan_.in_hand() + retries_.size();
}

alarm_scan::wake alarm_queue::next_wake() const noexcept {
  auto made = scan_.next_wake();
  if (!reads_retries_ && to_retry_.empty()) {
    made.steady = std::min(made.steady, retries_.earliest());
  }
  return made;
}

}}}
