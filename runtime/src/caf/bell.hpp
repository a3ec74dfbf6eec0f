// wake_in_actor for those that an actor's state may own.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "nexus/detail/collecting.hpp"

namespace nexus::inline v0 {

/// Rings inside an actor: once, at a time or when it is rung before. A bell that is not rung keeps its
/// actor from becoming unreachable, but not from going after it has quit.
class bell {
 public:
  bell() = default;
  bell(caf::scheduled_actor* self, detail::steady_time until, std::function<void()> f) {
    // Only the handler owns the way back to the actor, and goes with it.
    auto rung = std::make_shared<std::function<void()>>();
    *rung = detail::wake_in_actor(self, until, [rung, f = std::move(f)] { f(); });
    ring_ = rung;
  }

  /// On any thread; does nothing if it has rung.
  void ring() {
    if (auto f = std::exchange(ring_, {}).lock()) (*f)();
  }

  [[nodiscard]] bool waits() const noexcept { return !ring_.expired(); }

 private:
  std::weak_ptr<std::function<void()>> ring_;
};

}  // namespace nexus::inline v0
