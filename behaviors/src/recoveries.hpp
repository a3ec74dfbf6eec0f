// Turns to recover: so many at a time, the others wait in order. And a watch over those whose turn it
// is, so that a storage that never answers is noticed.
//
// Threads: any. Only who must wait takes a lock that all share. Bound: one ticket per entity that was
// started.
#pragma once

#include <list>
#include <memory>
#include <string_view>
#include <utility>

#include "nexus/entity_options.hpp"
#include "nexus/system.hpp"

namespace nexus::inline v0::detail {

class recoveries {
 public:
  /// At most `options.recoveries_max` turns at a time, looked at every `options.recovery_timeout`.
  recoveries(system& sys, const entity_options& options);

  class state;
  struct holder;

  /// A place in the queue, and then a turn; ends when it goes.
  class ticket {
   public:
    ticket() = default;
    ticket(ticket&& other) noexcept : of_{std::exchange(other.of_, nullptr)}, at_{other.at_} {}
    ticket& operator=(ticket&& other) noexcept {
      std::swap(of_, other.of_);
      std::swap(at_, other.at_);
      return *this;
    }
    ~ticket();

    /// Whether its turn has come.
    [[nodiscard]] bool called() const;

   private:
    friend class state;
    std::shared_ptr<state> of_;
    std::list<holder>::iterator at_{};
  };

  /// `who` waits as the entity named `id`.
  [[nodiscard]] ticket ask(const mailbox& who, std::string_view id);

  /// How many wait for their turn.
  [[nodiscard]] std::size_t waiting() const;

  /// Ends the watch; called when no entity is left.
  void close();

 private:
  std::shared_ptr<state> state_;
};

}
