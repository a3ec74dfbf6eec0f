// How long an import goes on while the storage keeps it waiting: an outage uses the time up, and every
// posting that gets through gives some of it back. So an import outlives a server that is started again
// and again, and ends when the storage takes nothing, or hardly anything, as with a full disk.
//
// Threads: one. No clock: the caller says what time it is.
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

  /// Of a failure; false: there is no more.
  [[nodiscard]] bool outlasts(time_point now) {
    left_ -= now - since_;
    since_ = now;
    return left_.count() > 0;
  }

 private:
  std::chrono::nanoseconds most_, left_;
  time_point since_;  // the last of either
};

}  // namespace bank
