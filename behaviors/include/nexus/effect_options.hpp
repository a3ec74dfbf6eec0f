// The options of the links of an effect that have to do with time: timers and questions.
//
//   .then_after("poll", 5s, poll{}, {.lets_passivate = true})
//   .then_ask<kitchen>("main", kitchen::cook{"soup"}, f, {.after = 200ms, .within = 5s})
//
// Durations may be as long as their type: that means no limit. Negative durations are over at once.
//
// Threads: values and pure functions. Throws: nothing.
#pragma once

#include <chrono>

#include "nexus/detail/saturating.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 {

/// Of then_after, then_when_idle and their short forms.
struct timer_options {
  /// The entity may passivate although the timer is set; the timer is gone then. By default an
  /// entity with a timer does not passivate for idleness or for live_max.
  bool lets_passivate = false;
};

/// Of ask and then_ask.
struct ask_options {
  /// How long to wait before asking. Meanwhile the entity may passivate, and a shutdown does not
  /// wait: the question is then not asked.
  time_span after{};

  /// How long to wait for the answer, from the moment of asking. After that the answer is
  /// `errc::timeout`, and a late answer is dropped.
  time_span within = std::chrono::nanoseconds::max();
};

/// The pause before the next attempt after `failures` failures in a row: nothing after none,
/// `first` after the first one, doubled with each further one, at most `longest`.
[[nodiscard]] constexpr std::chrono::nanoseconds growing_pause(
    unsigned failures, time_span first = std::chrono::milliseconds{100},
    time_span longest = std::chrono::seconds{10}) noexcept {
  if (failures == 0) return {};
  const std::chrono::nanoseconds shortest = first;
  const std::chrono::nanoseconds most = longest;
  const auto grown = detail::doubled(shortest, failures - 1);
  return grown < most ? grown : most;
}

}}  // namespace nexus::v0
