// wake_in_actor as an object, for callers that the actor's state may own.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "nexus/detail/collecting.hpp"

namespace nexus { inline namespace v0 {

/// Rings inside an actor: once, at a given time or when it is rung before. A bell that has not rung
/// keeps its actor reachable, but does not keep it alive after it has quit.
class bell {
 public:
  bell() = default;
  bell(caf::scheduled_actor* self, detail::steady_time until, std::function<void()> f) {
    // Only the handler owns the function that wakes the actor, and destroys it.
    auto rung = std::make_shared<std::function<void()>>();
    *rung = detail::wake_in_actor(self, until, [rung, f = std::move(f)] { f(); });
    ring_ = rung;
  }

  /// Any thread may call it; does nothing after the bell has rung.
  void ring() {
    if (auto f = std::exchange(ring_, {}).lock()) (*f)();
  }

  [[nodiscard]] bool waits() const noexcept { return !ring_.expired(); }

 private:
  std::weak_ptr<std::function<void()>> ring_;
};

}}  // namespace nexus::v0
