// Group commit: one thread with one session takes what has queued up, appends it in one call, answers
// everyone, and takes what queued up meanwhile. The batch grows with the load.
//
// Lingering: on few cores small batches can be a stable bad state, since every commit costs processor
// time that the entities need to fill the next one. So while the queue still grows, and was longer
// last time, the writer waits for up to a share of what a commit takes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "journal_guard.hpp"
#include "nexus/store.hpp"
#include "store_metrics.hpp"

namespace nexus::inline v0 {

/// What waits for a writer.
struct writer_queue {
  std::size_t jobs = 0;
  std::size_t events = 0;
  std::size_t bytes = 0;
};

class journal_writer {
 public:
  journal_writer(std::unique_ptr<journal_session> session, journal_guard& guard,
                 store_metrics& counts, const store_options& options);

  /// Finishes what is queued, then ends the thread if it has one (store_options::runs_on).
  ~journal_writer();

  /// Any thread. A job that is not taken is answered at once.
  void submit(envelope job);

  [[nodiscard]] writer_statistics statistics() const noexcept;
  [[nodiscard]] writer_queue queued() const;

 private:
  using jobs = std::vector<envelope>;

  void run();
  void wake();
  void step();
  void do_batch(jobs& batch);
  bool take(jobs& batch);
  void linger(std::unique_lock<std::mutex>& guard);
  void work(jobs& batch);
  void settle_all(const jobs& batch);
  void append_all(const jobs& batch);
  template <class Request>
  void write_all(const std::vector<write_job*>& asked, Request (write_job::*request)() const,
                 std::vector<append_outcome> (journal_session::*write)(std::span<const Request>));
  void save_all(const jobs& batch);
  void prune_all(const jobs& batch);
  template <class Call>
  auto through(Call&& call);

  const store_options options_;
  const std::unique_ptr<journal_session> session_;
  journal_guard& guard_;
  store_metrics& counts_;

  mutable std::mutex lock_;
  std::condition_variable changed_;
  jobs queue_;
  std::size_t queue_events_ = 0;
  std::size_t queue_bytes_ = 0;
  bool waiting_ = false;  // for somebody to wake it, or to step it
  bool stopping_ = false;

  // Of the writer's thread alone:
  std::chrono::nanoseconds commit_time_{};  // a moving average
  std::size_t last_batch_ = 0;              // jobs

  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> events_{0};

  std::shared_ptr<journal_writer>
      stepped_;         // owns nothing: tells what is posted whether it is there
  std::thread thread_;  // last: it uses the rest
};

}  // namespace nexus::inline v0
