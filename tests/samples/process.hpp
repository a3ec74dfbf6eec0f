// A child process with its output on pipes; nothing here sleeps or waits without a deadline.
//
// Threads: one. If the operating system fails, a test's assertion fails.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace samples {

using command_line = std::vector<std::string>;

/// Root may write without permission; a child without that capability may not.
enum class privileges : bool { kept, dropped };

class process {
 public:
  /// Starts a program; its standard output and error go to one pipe each.
  explicit process(const command_line& line, const std::string& directory = ".",
                   privileges p = privileges::kept);
  /// Kills the process if it still runs.
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// Reads until both pipes are closed, for at most `limit`; returns whether they are.
  bool read_for(std::chrono::microseconds limit) {
    return read_until([] { return false; }, limit);
  }
  /// The same, but ends early, with false, when `enough` returns true for the text so far.
  bool read_until(const std::function<bool()>& enough, std::chrono::microseconds limit);

  /// Sends SIGKILL; returns whether it was still running.
  bool kill();
  /// Sends another signal; returns whether it was still running.
  bool signal(int which);
  /// Whether all its threads have stopped. A thread that was in a system call when the signal came
  /// finishes the call first, and may get a lock by it.
  [[nodiscard]] bool has_stopped() const;

  /// The exit code once all output is read; -1 when a signal ended it.
  int wait();

  [[nodiscard]] const std::string& out() const { return text_[0]; }
  [[nodiscard]] const std::string& err() const { return text_[1]; }

 private:
  void reap();

  pid_t pid_ = 0;
  int pipe_[2] = {-1, -1};
  std::string text_[2];
  bool reaped_ = false;
  int status_ = 0;
};

struct finished {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs a program to its end, which it must reach within 60 s (a kill and exit code -1 otherwise).
[[nodiscard]] finished run(const command_line& line, const std::string& directory = ".",
                           privileges p = privileges::kept);

}  // namespace samples
