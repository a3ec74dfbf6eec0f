// Threads for calls that block, so that CAF's scheduler never does.
//
// Threads: `submit` may be called from any, jobs included. Bound: `queue_max` jobs; one more is
// refused.
#pragma once

#include <cstddef>
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

  /// Queues a job, first come first served; false when the queue is full.
  [[nodiscard]] bool submit(job j);

  /// How many jobs wait now.
  [[nodiscard]] std::size_t queued() const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

/// Names the calling thread for debuggers and `top`.
void name_this_thread(const std::string& name);

}  // namespace nexus::inline v0
