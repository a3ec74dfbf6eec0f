// The time of a piece of work: wall time, and processor time of the process and of its threads.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace bench {

using seconds = std::chrono::duration<double>;

using times_by_thread = std::map<std::string, seconds>;

/// Processor time by thread name, of the threads alive now, minus `before`.
[[nodiscard]] times_by_thread thread_times(const times_by_thread& before = {});

struct usage {
  seconds wall{};
  seconds cpu{};  ///< user and system, all threads
};

class stopwatch {
 public:
  stopwatch();
  [[nodiscard]] usage read() const;

 private:
  std::chrono::steady_clock::time_point wall_;
  seconds cpu_;
};

}  // namespace bench
