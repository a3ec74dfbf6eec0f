// The way to CAF: the only header between Nexus and a version of CAF.
#pragma once

#include <chrono>
#include <memory>

#include "nexus/actor.hpp"

namespace caf {
class actor;
class actor_system;
}

namespace nexus::inline v0 {

class caf_bridge {
 public:
  /// Owns a scheduler of `threads`; 0: one per core but one, for a journal's writer.
  explicit caf_bridge(unsigned threads);
  explicit caf_bridge(caf::actor_system& adopted);

  /// Waits for the actors of an owned scheduler.
  ~caf_bridge();

  mailbox spawn(std::unique_ptr<actor> a);
  caf::actor_system& system() noexcept;

  /// The time that CAF's clock keeps.
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const noexcept;

  static mailbox wrap(const caf::actor& a);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace nexus::inline v0
