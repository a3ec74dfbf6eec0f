// Group commit: one thread with one session takes the queued jobs, appends them in one call,
// answers them, and takes the jobs queued meanwhile. The batch grows with the load.
//
// Lingering: on few cores small batches can be a stable bad state, since every commit costs
// processor time that the entities need to fill the next batch. So while the queue still grows, and
// was longer last time, the writer waits for up to a share of a commit's time.
#pragma once

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "journal_guard.hpp"
#include "nexus/store.hpp"
#include "store_metrics.hpp"
#include "write_queue.hpp"
#include "write_work.hpp"

namespace nexus { inline namespace v0 {

/// The jobs waiting for a writer.
struct writer_backlog {
  std::size_t jobs = 0;
  std::size_t events = 0;
  std::size_t bytes = 0;
};

class journal_writer {
 public:
  journal_writer(std::unique_ptr<journal_session> session, journal_guard& guard,
                 store_metrics& counts, const store_options& options);

  /// Finishes the queued jobs, then ends the thread if it has one (store_options::runs_on).
  ~journal_writer();

  /// Any thread. A job that is not accepted is answered at once.
  void submit(const envelope& job);

  using time_point = std::chrono::steady_clock::time_point;

  /// Waits until the jobs submitted before are answered; false if the time is up first.
  [[nodiscard]] bool flush(time_point deadline);

  /// The thread ends when the queued jobs are answered.
  void finish() noexcept { queue_.finish(); }
  /// Answers queued jobs that have not started with `why`.
  void refuse_rest(const error& why);

  [[nodiscard]] bool is_quiet() const noexcept { return queue_.is_quiet(); }
  [[nodiscard]] std::uint64_t accepted() const noexcept { return queue_.accepted(); }
  /// After `finish`.
  [[nodiscard]] bool ended() const noexcept;
  /// After it has ended.
  void close_session();

  [[nodiscard]] writer_statistics statistics() const noexcept { return written_.read(); }
  [[nodiscard]] writer_backlog queued() const noexcept;

 private:
  using jobs = std::vector<envelope>;

  void run();
  void wake();
  void step();
  void do_all();
  void do_batch(jobs& batch);
  bool take(jobs& batch);
  void linger();

  const store_options options_;
  std::unique_ptr<journal_session> session_;
  journal_guard& guard_;
  store_metrics& counts_;

  write_queue queue_;

  // Used by the writer's thread alone:
  std::chrono::nanoseconds commit_time_{};  // a moving average
  std::size_t last_batch_ = 0;              // jobs

  write_counts written_;

  std::shared_ptr<journal_writer>
      stepped_;         // owns nothing: tells posted jobs whether the writer still exists
  std::thread thread_;  // last: it uses the other members
};

}}  // namespace nexus::v0
