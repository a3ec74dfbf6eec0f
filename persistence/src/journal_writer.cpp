#include "journal_writer.hpp"

#include <algorithm>

#include "nexus/detail/saturating.hpp"
#include "nexus/workers.hpp"

namespace nexus { inline namespace v0 {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

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
    refuse_job(job, *why);
  } else if (woke) {
    wake();
  }
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
    for (const auto& job : rest) refuse_job(job, why);
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

writer_backlog journal_writer::queued() const noexcept {
  return {queue_.jobs(), queue_.events(), queue_.bytes()};
}

void journal_writer::run() {
  jobs batch;
  while (take(batch)) do_batch(batch);
}

void journal_writer::do_batch(jobs& batch) {
  if (batch.empty()) return;  // a step that was posted before the writer ended
  const auto took = write_work{*session_, guard_, counts_, written_}.run(batch);
  if (took != 0ns) commit_time_ = commit_time_ == 0ns ? took : (commit_time_ * 7 + took) / 8;
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

}}  // namespace nexus::v0
