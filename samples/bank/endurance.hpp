// How long an import waits for a failing storage: an outage uses the time up, and every posting
// that gets through gives some of it back. So an import survives a server that restarts again and
// again, and ends when the storage accepts nothing, or hardly anything, as with a full disk.
//
// Threads: one. No clock: the caller passes the time.
#pragma once

#include <algorithm>
#include <chrono>

namespace bank {

class endurance {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds per_posting{10};

  endurance(std::chrono::seconds most, time_point now) : most_{most}, left_{most}, since_{now} {}

  void got_through(time_point now) {
    left_ = std::min(most_, left_ + per_posting);
    since_ = now;
  }

  /// Reports a failure; false: the time is used up.
  [[nodiscard]] bool outlasts(time_point now) {
    left_ -= now - since_;
    since_ = now;
    return left_.count() > 0;
  }

 private:
  std::chrono::nanoseconds most_, left_;
  time_point since_;  // the last failure or posting
};

}  // namespace bank
