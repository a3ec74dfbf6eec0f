// The timers of one entity that need not survive, as a value: keyed commands that are decided
// later. Callers pass the time.
//
// A timer is set, then due and taken, then decided. Until it is decided, setting its key again or
// cancelling it makes its command void, wherever the command waits: it carries the timer's number,
// which no other timer of the process has.
//
// Threads: one at a time. Bound: see `set`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/entity_model.hpp"
#include "nexus/detail/timer_table.hpp"
#include "wakeups.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class entity_timers {
 public:
  /// Replaces a timer of the same key. An error changes nothing: there are `timers_max` timers
  /// already, or their commands have more than `bytes_max` bytes.
  [[nodiscard]] result<void> set(steady_time now, timer_wish wish, std::size_t timers_max,
                                 std::size_t bytes_max);
  void cancel(std::string_view key);

  /// A command came that no timer brought: the delays of timers set when_idle begin again.
  void heard(steady_time now) noexcept { heard_ = now; }

  /// The command of a timer that is due, and has to be decided; empty if there is none.
  [[nodiscard]] envelope take_due(steady_time now);

  /// The command of the taken timer `number` is about to be decided. False if it is void.
  [[nodiscard]] bool decide(std::uint64_t number);

  /// When to look for a timer that is due. May be early: timers set when_idle are due later if a
  /// command comes.
  [[nodiscard]] std::optional<steady_time> next() const { return set_.next(); }

  [[nodiscard]] bool empty() const noexcept { return set_.empty() && taken_.empty(); }

  /// True if a timer is set that does not let the entity passivate.
  [[nodiscard]] bool keeps_live() const noexcept { return keeping_ != 0; }

  wakeup armed;  ///< for the driver: the look that is on its way

 private:
  struct timer {
    std::uint64_t number;
    envelope command;
    std::chrono::nanoseconds delay;
    bool when_idle;
    bool lets_passivate;
  };
  struct taken {
    std::uint64_t number;
    std::string key;
  };

  void count_out(const timer& t);

  timer_table<timer> set_;
  std::vector<taken> taken_;  // and not decided
  steady_time heard_ = steady_time::min();
  std::size_t bytes_ = 0;
  std::size_t keeping_ = 0;
};

}}}
