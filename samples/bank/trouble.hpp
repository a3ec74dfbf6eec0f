// Which failures are of the moment.
#pragma once

#include <nexus/result.hpp>

namespace bank {

/// Of the storage or the load: worth asking again, since every command here may come twice. Any
/// other failure is the one entity's, and will be the same next time.
[[nodiscard]] inline bool is_trouble(nexus::errc code) {
  using enum nexus::errc;
  return code == overloaded || code == conflict || code == unavailable || code == outcome_unknown ||
         code == stopped || code == timeout;
}

}  // namespace bank
