// Between the thread that reads and a worker: decoded batches, at most two of them.
//
// Threads: one feeds, one works, any may stop it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "nexus/detail/projection_core.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// What a worker gets: events, or one that did not decode; and how far everything is handled then.
struct fed {
  std::unique_ptr<projected_batch> batch{};
  std::optional<projection_failure> undecoded{};
  error why{};  // of `undecoded`
  std::vector<position> up_to{};
};

class fed_queue {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::size_t batches_max = 2;

  /// Waits for room. False: stopped.
  bool push(fed one) {
    std::unique_lock guard{lock_};
    changed_.wait(guard, [&] { return stopped_ || waiting_.size() < batches_max; });
    if (stopped_) return false;
    waiting_.push_back(std::move(one));
    changed_.notify_all();
    return true;
  }

  /// No event of the worker's cells is before these positions but those pushed.
  void move_on(const std::vector<position>& up_to) {
    std::lock_guard guard{lock_};
    if (!waiting_.empty()) {
      waiting_.back().up_to = up_to;
      return;
    }
    idle_at_ = up_to;
    if (flush_wanted_) changed_.notify_all();
  }

  /// The next one; none after `until`, or when it is to be stored how far it has come, or stopped.
  std::optional<fed> pop(time_point until) {
    std::unique_lock guard{lock_};
    changed_.wait_until(guard, until, [&] {
      return stopped_ || !waiting_.empty() || (flush_wanted_ && !idle_at_.empty());
    });
    if (stopped_ || waiting_.empty()) return std::nullopt;
    auto one = std::move(waiting_.front());
    waiting_.pop_front();
    idle_at_.clear();
    changed_.notify_all();
    return one;
  }

  /// Where the worker stands without further events, if that was told since the last one.
  std::vector<position> take_idle_at() {
    std::lock_guard guard{lock_};
    return std::exchange(idle_at_, {});
  }

  /// The time of the oldest event that waits.
  [[nodiscard]] std::optional<timestamp> oldest() const {
    std::lock_guard guard{lock_};
    if (waiting_.empty() || !waiting_.front().batch) return std::nullopt;
    return waiting_.front().batch->oldest_from(0);
  }

  void want_flush(bool wanted) {
    std::lock_guard guard{lock_};
    flush_wanted_ = wanted;
    changed_.notify_all();
  }

  void stop() {
    std::lock_guard guard{lock_};
    stopped_ = true;
    changed_.notify_all();
  }

  [[nodiscard]] bool stopped() const {
    std::lock_guard guard{lock_};
    return stopped_;
  }

  /// Sleeps; false: stopped.
  bool pause(std::chrono::nanoseconds length) {
    std::unique_lock guard{lock_};
    changed_.wait_until(guard, later(std::chrono::steady_clock::now(), length),
                        [&] { return stopped_; });
    return !stopped_;
  }

 private:
  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::deque<fed> waiting_;
  std::vector<position> idle_at_;
  bool flush_wanted_ = false;
  bool stopped_ = false;
};

}}}
