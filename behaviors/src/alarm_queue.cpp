#include "alarm_queue.hpp"

#include <algorithm>
#include <utility>

#include "nexus/journal_errors.hpp"

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
      over(id);
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
  const auto share = starts_max_ > others_start_ ? starts_max_ - others_start_ : 1;
  while (in_flight_.size() < times_.in_flight_max) {
    const auto c = first(now);
    if (!c) return std::nullopt;
    if (!may_run(*c, now, writers)) {
      pass(*c, false);
      continue;
    }
    const bool starts = !is_live(c->row->id);
    if (starts && starts_ >= share) return std::nullopt;
    auto row = *c->row;
    in_flight_.emplace(row.id.str(), woken{row.due, row.writer, c->from, starts});
    if (starts) ++starts_;
    if (c->from == source::retry) ++retried_;
    pass(*c, true);
    return row;
  }
  return std::nullopt;
}

std::optional<alarm_queue::candidate> alarm_queue::first(const moment& now) {
  if (!again_.empty()) return candidate{source::again, &again_.front()};
  const auto* read = scan_.front(now);
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
  if (c.from != source::scan) over(id);
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
    over(id.str());
    if (got.due) note(*got.due);
    return {kind::fired, was.due};
  }
  // The entity passivated before it saw the message. Its next incarnation is asked, but a loaded
  // machine may take a while to end the old one.
  const bool stopped = !got.known && got.why == errc::stopped;
  if (stopped && was.from == source::scan) {
    again_.push_back({id, was.due, was.writer});
    return {kind::again, was.due};
  }
  auto made = fail(id.str(), was.due, got, now, random);
  if (got.busy || (stopped && made.failures < times_.stops_max)) made.what = kind::again;
  return made;
}

// While many have failed, those that fail further are not remembered: each look at everything finds
// them again.
alarm_queue::verdict alarm_queue::fail(const std::string& id, timestamp due, const answer& got,
                                       steady_time now, std::uint64_t random) {
  const bool of_storage = !got.known && (counts_for_breaker(got.why) || got.why == errc::stopped);
  if (retries_.full() && !retries_.holds(id))
    return {verdict::kind::failed, due, 1, false, of_storage};
  const auto failures = retries_.failed(id, now, random, of_storage);
  if (of_storage && scout_.empty()) scout_ = id;
  if (scout_ == id) {
    if (of_storage) {
      retries_.no_later(id, later(now, times_.read_pause_max));
    } else {
      scout_.clear();
    }
  }
  return {verdict::kind::failed, due, failures, true, of_storage};
}

void alarm_queue::over(const std::string& id) {
  retries_.over(id);
  if (scout_ == id) scout_.clear();
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
