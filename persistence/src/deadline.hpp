// Deadlines of whoever waits, also for ever.
#pragma once

#include <chrono>

#include "nexus/detail/saturating.hpp"

namespace nexus::inline v0 {

/// `within` from now, as far as clocks reach.
[[nodiscard]] inline std::chrono::steady_clock::time_point deadline_after(
    std::chrono::nanoseconds within) {
  return detail::later(std::chrono::steady_clock::now(), within);
}

}  // namespace nexus::inline v0
