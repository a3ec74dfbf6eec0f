#include "write_work.hpp"

#include <utility>

#include "nexus/detail/prefetch.hpp"

namespace nexus { inline namespace v0 {
namespace {

using steady = std::chrono::steady_clock;
using detail::write_job;

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

// The jobs were made on other cores: without this each of them is waited for, several times.
void look_ahead(const std::vector<envelope>& batch, std::size_t i) {
  constexpr std::size_t jobs_ahead = 16;
  constexpr std::size_t events_ahead = 8;
  if (i + jobs_ahead < batch.size()) {
    detail::prefetch(batch[i + jobs_ahead].get(), sizeof(write_job));
  }
  if (i + events_ahead < batch.size()) {
    const auto* events = batch[i + events_ahead].as<write_job>().events.get();
    detail::prefetch(events, sizeof *events);
  }
}

}  // namespace

void send_back(const envelope& job) { job.as<write_job>().reply_to.send(job); }

void refuse_job(const envelope& job, const error& why) {
  auto& w = job.as<write_job>();
  switch (w.todo) {
    case write_job::step::append:
      w.outcome = failed{why};
      break;
    case write_job::step::settle:
      w.settled = fail(why);
      break;
    case write_job::step::save_snapshot:
      w.save->saved = fail(why);
      break;
  }
  send_back(job);
}

std::chrono::nanoseconds write_work::run(const jobs& batch) {
  const auto begun = steady::now();
  waits_.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    look_ahead(batch, i);
    const std::chrono::duration<double> in_queue = begun - batch[i].as<write_job>().queued;
    waits_.push_back(in_queue.count());
  }
  counts_.waited(waits_);
  settle_all(batch);
  const auto took = append_all(batch);
  save_all(batch);
  return took;
}

// Every call to the storage uses this.
template <class Call>
auto write_work::through(Call&& call) {
  return guard_.through(session_, std::forward<Call>(call));
}

void write_work::settle_all(const jobs& batch) {
  for_each(batch, write_job::step::settle, [&](write_job& w) {
    w.settled = through([&](journal_session& s) -> result<settlement> {
      if (another_was_first(s, w)) return settlement::not_stored;
      return w.of_state ? s.settle(w.state_request()) : s.settle(w.request());
    });
    counts_.settled(w.settled);
  });
}

std::chrono::nanoseconds write_work::append_all(const jobs& batch) {
  std::vector<write_job*> of_events;
  std::vector<write_job*> of_states;
  for_each(batch, write_job::step::append,
           [&](write_job& w) { (w.of_state ? of_states : of_events).push_back(&w); });
  if (of_events.empty() && of_states.empty()) return {};
  const auto begun = steady::now();
  write_all<append_request>(of_events, &write_job::request, &journal_session::append);
  write_all<upsert_request>(of_states, &write_job::state_request, &journal_session::upsert);
  return steady::now() - begun;
}

template <class Request>
void write_work::write_all(
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
    if (&s == &session_) counts_.committed(requests.size(), events, steady::now() - begun);
    return done;
  });
  counts_.appended(outcomes);
  for (std::size_t i = 0; i < asked.size(); ++i) asked[i]->outcome = std::move(outcomes[i]);
  written_.commits.fetch_add(1, std::memory_order_relaxed);
  written_.requests.fetch_add(asked.size(), std::memory_order_relaxed);
  written_.events.fetch_add(events, std::memory_order_relaxed);
}

// Snapshots share one transaction; a failure is reported and affects nothing else.
void write_work::save_all(const jobs& batch) {
  std::vector<snapshot_request> requests;
  for_each(batch, write_job::step::save_snapshot, [&](write_job& w) {
    const auto& s = w.save->snapshot;
    requests.push_back(
        {w.id, {s.number, s.type, s.schema_version, s.codec, s.data, s.writer, s.time}});
  });
  if (requests.empty()) return;
  auto saved = through([&](journal_session& s) { return s.save_snapshots(requests); });
  counts_.saved(saved, requests.size());
  for_each(batch, write_job::step::save_snapshot, [&](write_job& w) { w.save->saved = saved; });
  if (saved) prune_all(batch);
}

// Only after the snapshots that replace them are durable.
void write_work::prune_all(const jobs& batch) {
  std::vector<prune_request> requests;
  std::vector<write_job*> asked;
  for_each(batch, write_job::step::save_snapshot, [&](write_job& w) {
    const auto keep = w.save->keep;
    if (keep.snapshots == 0) return;
    auto kept =
        through([&](journal_session& s) { return s.snapshot_numbers(w.id, {}, keep.snapshots); });
    if (!kept) {
      w.save->pruned = fail(std::move(kept.error()));
    } else if (kept->size() == keep.snapshots) {
      requests.push_back({w.id, kept->back(), keep.events ? kept->back() : 0});
      asked.push_back(&w);
    }
  });
  if (requests.empty()) return;
  auto pruned = through([&](journal_session& s) { return s.prune(requests); });
  for (auto* w : asked) w->save->pruned = pruned;
}

}}  // namespace nexus::v0
