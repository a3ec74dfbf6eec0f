// A duration as a parameter: takes every unit of std::chrono and never overflows.
//
//   accounts.of("alice").ask(c, 500ms);                          // as ever
//   accounts.of("alice").ask(c, std::chrono::hours::max());      // no limit
//
// The unit is nanoseconds, so the longest is 292 years. Longer durations become that, which every
// function takes as "no limit"; negative durations are over at once.
//
// Threads: a value. Throws: nothing.
#pragma once

#include <chrono>

#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 {

class time_span {
 public:
  constexpr time_span() noexcept = default;
  template <class Rep, class Period>
  constexpr time_span(std::chrono::duration<Rep, Period> d) noexcept  // NOLINT: implicit on purpose
      : length_{detail::saturated<std::chrono::nanoseconds>(d)} {}

  constexpr operator std::chrono::nanoseconds() const noexcept { return length_; }  // NOLINT

 private:
  std::chrono::nanoseconds length_{};
};

}}  // namespace nexus::v0
