// A CAF actor made from a function. CAF 0.17's own spawn of functions trips checks of libstdc++.
#pragma once

#include <caf/all.hpp>
#include <functional>
#include <utility>

namespace nexus::test {

class acting final : public caf::event_based_actor {
 public:
  using maker = std::function<caf::behavior(caf::event_based_actor*)>;

  acting(caf::actor_config& config, maker make)
      : caf::event_based_actor{config}, make_{std::move(make)} {}

  caf::behavior make_behavior() override { return std::exchange(make_, nullptr)(this); }

 private:
  maker make_;
};

inline caf::actor spawn(caf::actor_system& on, acting::maker make) {
  return on.spawn<acting>(std::move(make));
}

}  // namespace nexus::test
