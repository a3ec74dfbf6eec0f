// Temporary failures.
#pragma once

#include <nexus/result.hpp>

namespace bank {

/// Failures of the storage or of load: worth a retry, since every command here may come twice. Any
/// other failure is the entity's own, and will come again.
[[nodiscard]] inline bool is_trouble(nexus::errc code) {
  using enum nexus::errc;
  return code == overloaded || code == conflict || code == unavailable || code == outcome_unknown ||
         code == stopped || code == timeout;
}

}  // namespace bank
