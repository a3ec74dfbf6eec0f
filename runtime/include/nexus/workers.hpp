// Threads for calls that block, so that CAF's scheduler never does.
//
// Threads: every member may be called from any, `submit` also by jobs; submitting takes no lock.
// Bound: `queue_max` jobs; one more is refused. What a job throws is logged and counted, and the thread
// goes on with the next.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "nexus/executor.hpp"

namespace nexus::inline v0 {

class workers {
 public:
  /// A job learns which of the `threads` it runs on, 0 … threads - 1, to use what that thread owns.
  using job = std::function<void(unsigned thread)>;

  /// `name` shows in debuggers (15 bytes at most are kept).
  workers(const std::string& name, unsigned threads, std::size_t queue_max);

  /// No threads: each job is one of `on`, and thread 0's.
  workers(std::shared_ptr<executor> on, std::size_t queue_max);

  /// Drops the jobs that have not begun and waits for those that have.
  ~workers();
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;

  /// Queues a job, first come first served; false when the queue is full, or finished.
  [[nodiscard]] bool submit(job j);

  /// How many jobs wait now.
  [[nodiscard]] std::size_t queued() const noexcept;

  /// The last thing to submit: the threads end when they have done what was queued before.
  void finish();

  /// Waits for that; false when the deadline passed first. Without threads it does the jobs itself.
  [[nodiscard]] bool wait_until_ended(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] bool ended() const;

  /// After `finish`: does what is queued on this thread, as thread 0, beside whatever the others do.
  void run_here();

  /// How many jobs were ever taken.
  [[nodiscard]] std::uint64_t accepted() const noexcept;
  /// How many of them threw.
  [[nodiscard]] std::uint64_t failed() const noexcept;
  /// All of them are done.
  [[nodiscard]] bool is_quiet() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

/// Names the calling thread for debuggers and `top`.
void name_this_thread(const std::string& name);

}  // namespace nexus::inline v0
