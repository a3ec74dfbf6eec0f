// What a pool lends: an object that is costly to open, and has one user at a time.
//
// Threads: one at a time, except for `interrupt`. Throws: nothing.
#pragma once

#include <string>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

class poolable {
 public:
  virtual ~poolable() = default;

  /// True if it is unusable: it is destroyed instead of lent again. Does no I/O.
  [[nodiscard]] virtual bool broken() const noexcept { return false; }

  /// True if an open transaction has to be rolled back before the next loan. Does no I/O.
  [[nodiscard]] virtual bool unfinished() const noexcept { return false; }

  /// True if the borrower may have left settings, locks and the like behind. Does no I/O.
  [[nodiscard]] virtual bool touched() const noexcept { return false; }

  /// Undoes what `unfinished` reports; `touched` stays. May block.
  [[nodiscard]] virtual result<void> finish() { return {}; }

  /// Undoes what `touched` reports, with `query`; empty: with the default of its kind. May block.
  [[nodiscard]] virtual result<void> reset(const std::string& query) {
    (void)query;
    return {};
  }

  /// Checks that it still works, with `query`; empty: with the default of its kind. May block.
  [[nodiscard]] virtual result<void> validate(const std::string& query) {
    (void)query;
    return {};
  }

  /// Aborts a running call, and makes this call and all later ones fail. Any thread may call it
  /// during any other call, but not during or after destruction. Must not block.
  virtual void interrupt() noexcept {}
};

}}  // namespace nexus::v0
