// Deadlines of whoever waits, also for ever.
#pragma once

#include <algorithm>
#include <chrono>

namespace nexus::inline v0 {

/// `within` from now, as far as clocks reach.
[[nodiscard]] inline std::chrono::steady_clock::time_point deadline_after(
    std::chrono::nanoseconds within) {
  constexpr std::chrono::nanoseconds for_ever = std::chrono::hours{24} * 365;
  return std::chrono::steady_clock::now() + std::min(within, for_ever);
}

}  // namespace nexus::inline v0
