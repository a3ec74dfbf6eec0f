// Wakes the entities of a system whose alarms are due.
//
// Threads: any may call `stored`.
#pragma once

#include <memory>

#include "nexus/clock.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class waker {
 public:
  virtual ~waker() = default;

  /// An alarm that is due at `due` has become durable.
  virtual void stored(timestamp due) noexcept = 0;
};

}}}
