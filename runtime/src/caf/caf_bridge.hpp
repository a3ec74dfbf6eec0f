// The bridge to CAF: the only header between Nexus and a version of CAF.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "nexus/actor.hpp"

namespace caf {
class actor;
class actor_system;
}

namespace nexus { inline namespace v0 {

class caf_bridge {
 public:
  /// Owns a scheduler of `threads`; 0: the number of cores minus one, which is left for a journal's
  /// writer.
  explicit caf_bridge(unsigned threads);
  explicit caf_bridge(caf::actor_system& adopted);

  /// Owns a scheduler without threads, which the calls below step.
  struct by_hand {};
  explicit caf_bridge(by_hand);

  /// Waits for the actors of an owned scheduler; without threads it does not wait.
  ~caf_bridge();

  /// After the end, a mailbox without an actor.
  mailbox spawn(std::unique_ptr<actor> a);

  [[nodiscard]] bool owns_a_scheduler() const noexcept;

  /// The number of actors of an owned scheduler that have not ended.
  [[nodiscard]] std::size_t running() const;

  /// Does the work of the destructor; afterwards only `spawn`, `set_now` and the mailboxes may be
  /// used.
  void end();
  caf::actor_system& system() noexcept;

  /// The time of CAF's clock.
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const noexcept;

  static mailbox wrap(const caf::actor& a);

  /// Sends `m` ahead of the queued messages.
  static void send_urgent(const mailbox& to, envelope m);

  // For a scheduler without threads:
  using time_point = std::chrono::steady_clock::time_point;

  /// The number of actors with something to do; number 0 has waited longest.
  [[nodiscard]] std::size_t runnable() const;
  /// The number of their messages; an actor that only starts counts one.
  [[nodiscard]] std::size_t messages() const;
  [[nodiscard]] std::string name_of(std::size_t which) const;
  /// Lets the actor handle one message, and moves it to the end of the line if it has more.
  void run(std::size_t which);

  void set_now(time_point t);
  [[nodiscard]] std::optional<time_point> next_timer() const;
  /// Lets the next timer send its message.
  void fire_timer();
  void forget_timers();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}}  // namespace nexus::v0
