// What a pool keeps: something that is costly to open, and belongs to one at a time.
//
// Threads: one at a time, but for `interrupt`. Throws: nothing.
#pragma once

#include <string>

#include "nexus/result.hpp"

namespace nexus::inline v0 {

class poolable {
 public:
  virtual ~poolable() = default;

  /// It is of no more use: instead of being lent again it is destroyed. Does no I/O.
  [[nodiscard]] virtual bool broken() const noexcept { return false; }

  /// An unfinished transaction has to be undone before it is lent again. Does no I/O.
  [[nodiscard]] virtual bool unfinished() const noexcept { return false; }

  /// Somebody may have left settings, locks and the like behind. Does no I/O.
  [[nodiscard]] virtual bool touched() const noexcept { return false; }

  /// Undoes what `unfinished` tells of; `touched` stays. May block.
  [[nodiscard]] virtual result<void> finish() { return {}; }

  /// Undoes what `touched` tells of by `query`; empty: by what its kind needs. May block.
  [[nodiscard]] virtual result<void> reset(const std::string& query) {
    (void)query;
    return {};
  }

  /// Whether it still works, by `query`. May block.
  [[nodiscard]] virtual result<void> validate(const std::string& query) {
    (void)query;
    return {};
  }

  /// Ends a call that is under way, and makes it and all later ones fail. From any thread, during any
  /// other call, but not while or after it is destroyed. Must not block.
  virtual void interrupt() noexcept {}
};

}  // namespace nexus::inline v0
