// Calls that are due later, of all entities of one type: one table, and one timer of the system at
// a time for the call that is due first.
//
// CAF's clock cannot forget a message: a message for each timer of an entity would stay there, and
// keep the actor's memory, until its time has come. Here a call can be forgotten.
//
// Threads: any; calls run on CAF's scheduler, outside the lock. A call must not throw. Bound: by
// the callers; see `at`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "nexus/actor.hpp"
#include "nexus/detail/saturating.hpp"
#include "nexus/system.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class wakeups : public std::enable_shared_from_this<wakeups> {
 public:
  /// `due` is false if these were closed before.
  using call = std::function<void(bool due)>;
  /// When, and its number; the number is never 0.
  using ticket = std::pair<steady_time, std::uint64_t>;

  explicit wakeups(system& sys) : sys_{sys} {}

  enum class refusal : std::uint8_t { none, closed, full };

  /// Calls `f` once at `due`. Refused after `close`, and if `calls_max` calls are due already.
  [[nodiscard]] refusal at(steady_time due, call f, ticket& made, std::size_t calls_max = SIZE_MAX);

  /// Forgets a call, unless it has begun.
  void forget(const ticket& which);

  /// Ends all calls, on a thread of the scheduler. Call it while the system lives, which would wait
  /// for the timer otherwise.
  void close();

 private:
  class ringer;

  void arm();
  void ring(steady_time armed);
  void end();

  system& sys_;
  std::mutex lock_;
  std::map<ticket, call> all_;
  std::set<steady_time> rings_;  // on their way
  mailbox to_;
  std::uint64_t last_ = 0;
  bool is_closed_ = false;
};

/// A call that is forgotten with this object.
class wakeup {
 public:
  wakeup() noexcept = default;
  wakeup(std::shared_ptr<wakeups> in, const wakeups::ticket& which) noexcept
      : in_{std::move(in)}, which_{which} {}
  wakeup(wakeup&& other) noexcept : in_{std::move(other.in_)}, which_{std::move(other.which_)} {}
  wakeup& operator=(wakeup&& other) noexcept {
    std::swap(in_, other.in_);
    std::swap(which_, other.which_);
    return *this;
  }
  ~wakeup() {
    if (in_ != nullptr) in_->forget(which_);
  }

  /// Never, if there is no call.
  [[nodiscard]] steady_time at() const noexcept { return in_ == nullptr ? never : which_.first; }

 private:
  std::shared_ptr<wakeups> in_;
  wakeups::ticket which_{};
};

}}}
