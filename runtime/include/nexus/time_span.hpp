// A duration as a parameter: takes every unit of std::chrono, and none overflows.
//
//   accounts.of("alice").ask(c, 500ms);                          // as ever
//   accounts.of("alice").ask(c, std::chrono::hours::max());      // no limit
//
// The unit is nanoseconds, so the longest is 292 years. A longer one is that, which every function
// takes as "no limit"; a negative one is over at once.
//
// Threads: a value. Throws: nothing.
#pragma once

#include <chrono>

#include "nexus/detail/saturating.hpp"

namespace nexus::inline v0 {

class time_span {
 public:
  constexpr time_span() noexcept = default;
  template <class Rep, class Period>
  constexpr time_span(std::chrono::duration<Rep, Period> d) noexcept  // NOLINT: stands for it
      : length_{detail::saturated<std::chrono::nanoseconds>(d)} {}

  constexpr operator std::chrono::nanoseconds() const noexcept { return length_; }  // NOLINT

 private:
  std::chrono::nanoseconds length_{};
};

}  // namespace nexus::inline v0
