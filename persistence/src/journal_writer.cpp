#include "journal_writer.hpp"

#include <algorithm>
#include <utility>

#include "nexus/detail/saturating.hpp"
#include "nexus/workers.hpp"

namespace nexus { inline namespace v0 {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using detail::write_job;

void send_back(const envelope& job) { job.as<write_job>().reply_to.send(job); }

template <class F>
void for_each(const std::vector<envelope>& jobs, write_job::step todo, F f) {
  for (const auto& job : jobs) {
    if (job.as<write_job>().todo == todo) f(job.as<write_job>());
  }
}

// After a conflict the numbers are taken for good, and their writer can be read. If it is another
// writer, no event of this one can still come, and nothing is left to settle. Two processes meet
// this often, and settling costs a commit and perhaps a connection.
bool another_was_first(journal_session& s, const write_job& w) {
  if (!std::holds_alternative<conflict>(w.outcome)) return false;
  if (w.of_state) {
    const auto now = s.get_state(w.id);
    return now && *now && (*now)->version == w.state_request().next && (*now)->writer != w.writer;
  }
  bool found = false;
  const auto read = s.replay(w.id, w.expected + 1, w.expected + 1, 1, [&](const record_view& r) {
    found = r.writer != w.writer;
    return true;
  });
  return read && found;
}

}  // namespace

journal_writer::journal_writer(std::unique_ptr<journal_session> session, journal_guard& guard,
                               store_metrics& counts, const store_options& options)
    : options_{options},
      session_{std::move(session)},
      guard_{guard},
      counts_{counts},
      queue_{options} {
  if (options_.runs_on) {
    stepped_ = {this, [](journal_writer*) {}};
    (void)queue_.ready();  // asleep from the start: the first job wakes it
  } else {
    thread_ = std::thread{[this] {
      name_this_thread("nexus.writer");
      run();
    }};
  }
}

journal_writer::~journal_writer() {
  queue_.finish();
  if (thread_.joinable()) thread_.join();
  do_all();
}

void journal_writer::submit(const envelope& job) {
  bool woke = false;
  if (auto why = queue_.push(job, woke)) {
    refuse(job, *why);
  } else if (woke) {
    wake();
  }
}

void journal_writer::refuse(const envelope& job, const error& why) {
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
  send_back(job);
}

void journal_writer::wake() {
  if (!options_.runs_on) return queue_.wake();
  options_.runs_on->post(executor::work::write, [of = std::weak_ptr{stepped_}] {
    if (auto self = of.lock()) self->step();
  });
}

void journal_writer::step() {
  jobs batch;
  queue_.take(batch);
  do_batch(batch);
  if (queue_.ready()) wake();
}

// For a writer without a thread: runs on the calling thread.
void journal_writer::do_all() {
  jobs batch;
  while (queue_.ready()) {
    queue_.take(batch);
    do_batch(batch);
  }
}

bool journal_writer::flush(time_point deadline) {
  if (options_.runs_on) do_all();
  return queue_.wait_for(queue_.accepted(), deadline);
}

void journal_writer::refuse_rest(const error& why) {
  jobs rest;
  while (queue_.ready()) {
    queue_.take(rest);
    for (const auto& job : rest) refuse(job, why);
    queue_.answered(rest.size());
    rest.clear();
  }
}

bool journal_writer::ended() const noexcept {
  return queue_.is_quiet() && (queue_.closed() || options_.runs_on);
}

void journal_writer::close_session() {
  if (thread_.joinable()) thread_.join();
  session_.reset();
}

writer_statistics journal_writer::statistics() const noexcept {
  return {commits_.load(), requests_.load(), events_.load()};
}

writer_backlog journal_writer::queued() const noexcept {
  return {queue_.jobs(), queue_.events(), queue_.bytes()};
}

void journal_writer::run() {
  jobs batch;
  while (take(batch)) do_batch(batch);
}

void journal_writer::do_batch(jobs& batch) {
  work(batch);
  last_batch_ = batch.size();
  for (const auto& job : batch) send_back(job);
  queue_.answered(batch.size());
  batch.clear();
}

// Waits for the next batch; false when there will be none.
bool journal_writer::take(jobs& batch) {
  while (batch.empty()) {
    if (queue_.ready()) {
      linger();
      queue_.take(batch);
    } else if (queue_.closed()) {
      return false;
    } else {
      queue_.wait();
    }
  }
  return true;
}

// Waits while the queue grows toward half of the last batch: callers that got their answers then
// are the most likely to send again. Waiting for all of them would synchronize all entities, and
// the writer would idle while they decide; not waiting lets batches shrink for good. A single
// caller never has to wait.
void journal_writer::linger() {
  if (last_batch_ <= 1 || options_.linger_share <= 0 || options_.runs_on) return;
  const auto budget =
      detail::saturated<std::chrono::nanoseconds>(commit_time_ * options_.linger_share);
  const auto deadline = detail::later(steady::now(), budget);
  const auto step = std::clamp<std::chrono::nanoseconds>(budget / 8, 20us, 500us);
  while (queue_.jobs() < last_batch_ / 2 && queue_.events() < options_.batch_events_max) {
    const auto before = queue_.jobs();
    std::this_thread::sleep_until(std::min(deadline, steady::now() + step));
    if (queue_.jobs() == before || steady::now() >= deadline) return;
  }
}

void journal_writer::work(jobs& batch) {
  const auto begun = steady::now();
  for (const auto& job : batch) counts_.waited(begun - job.as<write_job>().queued);
  settle_all(batch);
  append_all(batch);
  save_all(batch);
}

// Every call to the storage uses this.
template <class Call>
auto journal_writer::through(Call&& call) {
  return guard_.through(*session_, std::forward<Call>(call));
}

void journal_writer::settle_all(const jobs& batch) {
  for_each(batch, write_job::step::settle, [&](write_job& w) {
    w.settled = through([&](journal_session& s) -> result<settlement> {
      if (another_was_first(s, w)) return settlement::not_stored;
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
    // A call refused by the circuit breaker was no commit.
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

// Snapshots share one transaction; a failure is reported and affects nothing else.
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

// Only after the snapshots that replace them are durable.
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

}}  // namespace nexus::v0
