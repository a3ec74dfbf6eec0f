// Threads for blocking calls, so that CAF's scheduler never blocks.
//
// Threads: any may call every member, jobs may call `submit` too; submitting takes no lock. Bound:
// `queue_max` jobs; one more is refused. An exception of a job is logged and counted, and the
// thread goes on with the next job.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "nexus/executor.hpp"

namespace nexus { inline namespace v0 {

/// A thread takes up to `most` jobs at once, fewer if other threads could share them, and passes them
/// to `around`, which must call `run` once: that runs them, one after another.
struct job_batches {
  using surrounding =
      std::function<void(unsigned thread, std::size_t count, const std::function<void()>& run)>;
  std::size_t most = 1;
  surrounding around{};
};

class workers {
 public:
  /// A job gets the index of its thread, 0 … threads - 1, to use what that thread owns.
  using job = std::function<void(unsigned thread)>;

  /// `name` shows in debuggers, up to 15 bytes.
  workers(const std::string& name, unsigned threads, std::size_t queue_max, job_batches by = {});

  /// Without threads: every job runs as a job of `on`, as thread 0.
  workers(std::shared_ptr<executor> on, std::size_t queue_max, job_batches by = {});

  /// Drops the jobs that have not started and waits for the others.
  ~workers();
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;

  /// Queues a job, first come first served. False if the queue is full or finished.
  [[nodiscard]] bool submit(job j);

  /// The number of jobs that wait now.
  [[nodiscard]] std::size_t queued() const noexcept;

  /// Ends submission: the threads end when the jobs queued before are done.
  void finish();

  /// Waits for that; false if the deadline passed first. Without threads it runs the jobs itself.
  [[nodiscard]] bool wait_until_ended(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] bool ended() const;

  /// After `finish`: runs queued jobs on this thread, as thread 0, beside the other threads.
  void run_here();

  /// The number of jobs accepted so far.
  [[nodiscard]] std::uint64_t accepted() const noexcept;
  /// The number of jobs that threw.
  [[nodiscard]] std::uint64_t failed() const noexcept;
  /// True when all jobs are done.
  [[nodiscard]] bool is_quiet() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

/// Names the calling thread for debuggers and `top`.
void name_this_thread(const std::string& name);

}}  // namespace nexus::v0
