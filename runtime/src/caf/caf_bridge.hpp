// The way to CAF: the only header between Nexus and a version of CAF.
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

namespace nexus::inline v0 {

class caf_bridge {
 public:
  /// Owns a scheduler of `threads`; 0: one per core but one, for a journal's writer.
  explicit caf_bridge(unsigned threads);
  explicit caf_bridge(caf::actor_system& adopted);

  /// Owns a scheduler without threads, which does what the calls below say.
  struct by_hand {};
  explicit caf_bridge(by_hand);

  /// Waits for the actors of an owned scheduler; without threads it waits for nobody.
  ~caf_bridge();

  /// Nobody's mailbox after the end.
  mailbox spawn(std::unique_ptr<actor> a);

  [[nodiscard]] bool owns_a_scheduler() const noexcept;

  /// How many actors of an owned scheduler have not ended.
  [[nodiscard]] std::size_t running() const;

  /// What the destructor does; only `spawn`, `set_now` and the mailboxes may be used then.
  void end();
  caf::actor_system& system() noexcept;

  /// The time that CAF's clock keeps.
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const noexcept;

  static mailbox wrap(const caf::actor& a);

  /// Sends `m` ahead of what is in the mailbox.
  static void send_urgent(const mailbox& to, envelope m);

  // Of a scheduler without threads:
  using time_point = std::chrono::steady_clock::time_point;

  /// How many actors have something to do; the one that has waited longest is number 0.
  [[nodiscard]] std::size_t runnable() const;
  /// How many messages they have, or one that only begins.
  [[nodiscard]] std::size_t messages() const;
  [[nodiscard]] std::string name_of(std::size_t which) const;
  /// Has it handle one message, and sends it to the end of the line if there are more.
  void run(std::size_t which);

  void set_now(time_point t);
  [[nodiscard]] std::optional<time_point> next_timer() const;
  /// Has the next timer send its message.
  void fire_timer();
  void forget_timers();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace nexus::inline v0
