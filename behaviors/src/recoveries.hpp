// Turns to recover: a bounded number at a time, the others wait in order. It also watches running
// turns, so that a storage that never answers is noticed.
//
// Threads: any. Only an entity that must wait takes a common lock. Bound: one ticket per started
// entity.
#pragma once

#include <list>
#include <memory>
#include <string_view>
#include <utility>

#include "nexus/entity_options.hpp"
#include "nexus/system.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class recoveries {
 public:
  /// At most `options.recoveries_max` turns at a time, checked every `options.recovery_timeout`.
  recoveries(system& sys, const entity_options& options);

  class state;
  struct holder;

  /// A place in the queue, then a turn; ends with this object.
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

  /// `who` waits as the entity `id`.
  [[nodiscard]] ticket ask(const mailbox& who, std::string_view id);

  /// The number of waiting tickets.
  [[nodiscard]] std::size_t waiting() const;

  /// Ends the watch; called when no entity is left.
  void close();

 private:
  std::shared_ptr<state> state_;
};

}}}
