// Deadlines for waiting, also without a limit.
#pragma once

#include <chrono>

#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 {

/// `within` from now, at most the clock's maximum.
[[nodiscard]] inline std::chrono::steady_clock::time_point deadline_after(
    std::chrono::nanoseconds within) {
  return detail::later(std::chrono::steady_clock::now(), within);
}

}}  // namespace nexus::v0
