// The time by both clocks of a system.
//
// Threads: a value.
#pragma once

#include <chrono>

#include "nexus/clock.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct moment {
  moment(timestamp w, std::chrono::steady_clock::time_point s = {})
      : wall{w}, steady{s} {}  // NOLINT

  timestamp wall;                                ///< the timestamp of new events
  std::chrono::steady_clock::time_point steady;  ///< checked against deadlines
};

}}}
