// A CAF actor that only runs the code of a test.
#pragma once

#include <caf/all.hpp>
#include <functional>
#include <future>
#include <stdexcept>
#include <utility>

namespace nexus::test {

/// Runs `body` when it starts, and lives until `body` or an answer quits it.
class scripted_actor final : public caf::event_based_actor {
 public:
  using body = std::function<void(caf::event_based_actor*)>;
  scripted_actor(caf::actor_config& config, body b)
      : caf::event_based_actor{config}, body_{std::move(b)} {}

  caf::behavior make_behavior() override {
    body_(this);
    return {[](int) {}};
  }

 private:
  body body_;
};

inline void wait_for_end(caf::actor_system& in, const caf::actor& a) {
  caf::scoped_actor self{in};
  self->wait_for(a);
}

/// Passes values from an actor to a test.
template <class T>
T heard(std::promise<T>& p) {
  auto f = p.get_future();
  if (f.wait_for(std::chrono::seconds{20}) != std::future_status::ready) {
    throw std::runtime_error{"heard nothing"};
  }
  return f.get();
}

}
