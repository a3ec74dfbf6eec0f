// Turns to recover: a bounded number at a time, the others wait in order. It also watches running
// turns, so that a storage that never answers is noticed.
//
// Threads: any. Only an entity that must wait takes a common lock. Bound: one ticket per started
// entity.
#pragma once

#include <functional>
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
    ticket(ticket&& other) noexcept
        : of_{std::exchange(other.of_, nullptr)}, at_{other.at_}, waited_{other.waited_} {}
    ticket& operator=(ticket&& other) noexcept {
      std::swap(of_, other.of_);
      std::swap(at_, other.at_);
      std::swap(waited_, other.waited_);
      return *this;
    }
    ~ticket();

    /// Whether its turn has come.
    [[nodiscard]] bool called() const;

    /// Whether its turn did not come at once, so that `begin` is called.
    [[nodiscard]] bool waited() const { return waited_; }

   private:
    friend class state;
    std::shared_ptr<state> of_;
    std::list<holder>::iterator at_{};
    bool waited_ = false;
  };

  /// `who` waits as the entity `id`. If its turn has not come yet, `begin` is called when it does:
  /// once, on any thread, also while the ticket ends. It must neither throw nor use this object.
  [[nodiscard]] ticket ask(const mailbox& who, std::string_view id, std::function<void()> begin);

  /// The number of waiting tickets.
  [[nodiscard]] std::size_t waiting() const;

  /// Ends the watch; called when no entity is left.
  void close();

 private:
  std::shared_ptr<state> state_;
};

}}}
