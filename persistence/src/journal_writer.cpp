#include "journal_writer.hpp"

#include <algorithm>
#include <utility>

#include "nexus/workers.hpp"

namespace nexus::inline v0 {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

void answer(const envelope& job) { job.as<write_job>().reply_to.send(job); }

void answer_not_done(const envelope& job, const error& why) {
  auto& w = job.as<write_job>();
  switch (w.todo) {
    case write_job::step::append:
      w.outcome = failed{why};
      break;
    case write_job::step::settle:
      w.settled = fail(why);
      break;
    case write_job::step::save_snapshot:
      w.saved = fail(why);
      break;
  }
  answer(job);
}

template <class F>
void for_each(const std::vector<envelope>& jobs, write_job::step todo, F f) {
  for (const auto& job : jobs) {
    if (job.as<write_job>().todo == todo) f(job.as<write_job>());
  }
}

}  // namespace

journal_writer::journal_writer(std::unique_ptr<journal_session> session, journal_guard& guard,
                               store_metrics& counts, const store_options& options)
    : options_{options}, session_{std::move(session)}, guard_{guard}, counts_{counts} {
  if (options_.runs_on) {
    waiting_ = true;
    stepped_ = {this, [](journal_writer*) {}};
  } else {
    thread_ = std::thread{[this] { run(); }};
  }
}

journal_writer::~journal_writer() {
  {
    std::lock_guard guard{lock_};
    stopping_ = true;
  }
  if (!options_.runs_on) {
    changed_.notify_one();
    thread_.join();
    return;
  }
  jobs batch;
  while (take(batch)) do_batch(batch);
}

void journal_writer::submit(envelope job) {
  auto& w = job.as<write_job>();
  {
    std::unique_lock guard{lock_};
    const bool full =
        !queue_.empty() && (queue_events_ + w.event_count() > options_.write_queue_max ||
                            queue_bytes_ + w.bytes() > options_.write_queue_bytes_max);
    if (full || stopping_) {
      guard.unlock();
      answer_not_done(job, full ? error{errc::overloaded, "the journal writer's queue is full"}
                                : error{errc::stopped, "the journal is being closed"});
      return;
    }
    queue_events_ += w.event_count();
    queue_bytes_ += w.bytes();
    queue_.push_back(std::move(job));
    if (!std::exchange(waiting_, false)) return;
  }
  wake();
}

// Of one that is stepped: has it take a batch when it is its turn.
void journal_writer::wake() {
  if (!options_.runs_on) return changed_.notify_one();
  options_.runs_on->post(executor::work::write, [of = std::weak_ptr{stepped_}] {
    if (auto self = of.lock()) self->step();
  });
}

void journal_writer::step() {
  jobs batch;
  if (take(batch)) do_batch(batch);
  waiting_ = queue_.empty();
  if (!waiting_) wake();
}

writer_statistics journal_writer::statistics() const noexcept {
  return {commits_.load(), requests_.load(), events_.load()};
}

writer_queue journal_writer::queued() const {
  std::lock_guard guard{lock_};
  return {queue_.size(), queue_events_, queue_bytes_};
}

void journal_writer::run() {
  name_this_thread("nexus.writer");
  jobs batch;
  while (take(batch)) do_batch(batch);
}

void journal_writer::do_batch(jobs& batch) {
  work(batch);
  last_batch_ = batch.size();
  for (const auto& job : batch) answer(job);
  batch.clear();
}

// Moves the next batch out of the queue; false when stopping and nothing is left.
bool journal_writer::take(jobs& batch) {
  std::unique_lock guard{lock_};
  while (queue_.empty()) {
    if (stopping_ || options_.runs_on) return false;
    waiting_ = true;
    changed_.wait(guard, [&] { return !queue_.empty() || stopping_; });
    waiting_ = false;
  }
  linger(guard);
  std::size_t taken = 0;
  std::size_t events = 0;
  std::size_t bytes = 0;
  for (; taken < queue_.size(); ++taken) {
    const auto& w = queue_[taken].as<write_job>();
    if (taken > 0 && (events + w.event_count() > options_.batch_events_max ||
                      bytes + w.bytes() > options_.batch_bytes_max)) {
      break;
    }
    events += w.event_count();
    bytes += w.bytes();
  }
  if (taken == queue_.size()) {
    batch.swap(queue_);
  } else {
    auto end = queue_.begin() + static_cast<std::ptrdiff_t>(taken);
    std::move(queue_.begin(), end, std::back_inserter(batch));
    queue_.erase(queue_.begin(), end);
  }
  queue_events_ -= events;
  queue_bytes_ -= bytes;
  return true;
}

// Waits while the queue grows toward half of the last batch: those who got their answers then are the
// ones most likely to come again. Waiting for all of them would bring every entity into step, and the
// writer would idle while they decide; waiting for none lets batches shrink for good. A lone caller
// is never made to wait.
void journal_writer::linger(std::unique_lock<std::mutex>& guard) {
  if (last_batch_ <= 1 || options_.linger_share <= 0 || options_.runs_on) return;
  const auto budget =
      std::chrono::duration_cast<std::chrono::nanoseconds>(commit_time_ * options_.linger_share);
  const auto deadline = steady::now() + budget;
  const auto step = std::clamp<std::chrono::nanoseconds>(budget / 8, 20us, 500us);
  while (!stopping_ && queue_.size() < last_batch_ / 2 &&
         queue_events_ < options_.batch_events_max) {
    const auto before = queue_.size();
    const auto until = std::min(deadline, steady::now() + step);
    changed_.wait_until(guard, until, [&] { return stopping_; });
    if (queue_.size() == before || steady::now() >= deadline) return;
  }
}

void journal_writer::work(jobs& batch) {
  const auto begun = steady::now();
  for (const auto& job : batch) counts_.waited(begun - job.as<write_job>().queued);
  settle_all(batch);
  append_all(batch);
  save_all(batch);
}

// Every call to the storage goes through here.
template <class Call>
auto journal_writer::through(Call&& call) {
  return guard_.through(*session_, std::forward<Call>(call));
}

void journal_writer::settle_all(const jobs& batch) {
  for_each(batch, write_job::step::settle, [&](write_job& w) {
    w.settled = through([&](journal_session& s) {
      return w.of_state ? s.settle(w.state_request()) : s.settle(w.request());
    });
    counts_.settled(w.settled);
  });
}

void journal_writer::append_all(const jobs& batch) {
  std::vector<write_job*> of_events;
  std::vector<write_job*> of_states;
  for_each(batch, write_job::step::append,
           [&](write_job& w) { (w.of_state ? of_states : of_events).push_back(&w); });
  if (of_events.empty() && of_states.empty()) return;
  const auto begun = steady::now();
  write_all<append_request>(of_events, &write_job::request, &journal_session::append);
  write_all<upsert_request>(of_states, &write_job::state_request, &journal_session::upsert);
  const auto took = steady::now() - begun;
  commit_time_ = commit_time_ == 0ns ? took : (commit_time_ * 7 + took) / 8;
}

template <class Request>
void journal_writer::write_all(
    const std::vector<write_job*>& asked, Request (write_job::*request)() const,
    std::vector<append_outcome> (journal_session::*write)(std::span<const Request>)) {
  if (asked.empty()) return;
  std::vector<Request> requests;
  requests.reserve(asked.size());
  std::size_t events = 0;
  for (const auto* w : asked) {
    requests.push_back((w->*request)());
    events += w->event_count();
  }
  auto outcomes = through([&](journal_session& s) {
    const auto begun = steady::now();
    auto done = (s.*write)(requests);
    // What the circuit breaker refused was no commit.
    if (&s == session_.get()) counts_.committed(requests.size(), events, steady::now() - begun);
    return done;
  });
  for (std::size_t i = 0; i < asked.size(); ++i) {
    counts_.appended(outcomes[i]);
    asked[i]->outcome = std::move(outcomes[i]);
  }
  commits_.fetch_add(1, std::memory_order_relaxed);
  requests_.fetch_add(asked.size(), std::memory_order_relaxed);
  events_.fetch_add(events, std::memory_order_relaxed);
}

// Snapshots share one transaction; their failure is told and harms nobody.
void journal_writer::save_all(const jobs& batch) {
  std::vector<snapshot_request> requests;
  for_each(batch, write_job::step::save_snapshot, [&](write_job& w) {
    const auto& s = w.snapshot;
    requests.push_back(
        {w.id, {s.number, s.type, s.schema_version, s.codec, s.data, s.writer, s.time}});
  });
  if (requests.empty()) return;
  auto saved = through([&](journal_session& s) { return s.save_snapshots(requests); });
  counts_.saved(saved, requests.size());
  for_each(batch, write_job::step::save_snapshot, [&](write_job& w) { w.saved = saved; });
  if (saved) prune_all(batch);
}

// Only now that what replaces them is durable.
void journal_writer::prune_all(const jobs& batch) {
  std::vector<prune_request> requests;
  std::vector<write_job*> asked;
  for_each(batch, write_job::step::save_snapshot, [&](write_job& w) {
    if (w.keep.snapshots == 0) return;
    auto kept =
        through([&](journal_session& s) { return s.snapshot_numbers(w.id, {}, w.keep.snapshots); });
    if (!kept) {
      w.pruned = fail(std::move(kept.error()));
    } else if (kept->size() == w.keep.snapshots) {
      requests.push_back({w.id, kept->back(), w.keep.events ? kept->back() : 0});
      asked.push_back(&w);
    }
  });
  if (requests.empty()) return;
  auto pruned = through([&](journal_session& s) { return s.prune(requests); });
  for (auto* w : asked) w->pruned = pruned;
}

}  // namespace nexus::inline v0
