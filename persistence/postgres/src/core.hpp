// The state shared by all sessions of one open journal.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>

#include "address.hpp"
#include "notifier.hpp"
#include "statements.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

/// The locks of lost connections that had a write under way. Each writing connection holds its own
/// lock as long as it lives: a session that gets the lock knows that the server is done with the
/// lost connection.
///
/// Bounds: one per lost connection, until a settle.
class unresolved_locks {
 public:
  void add(std::int64_t lock) {
    const std::lock_guard guard{mutex_};
    locks_.insert(lock);
  }
  void remove(std::int64_t lock) {
    const std::lock_guard guard{mutex_};
    locks_.erase(lock);
  }
  [[nodiscard]] std::set<std::int64_t> all() const {
    const std::lock_guard guard{mutex_};
    return locks_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::int64_t> locks_;
};

struct core {
  explicit core(address a) : where{std::move(a)}, sql{where.tables}, news{where} {}

  const address where;
  const statements sql;
  unresolved_locks unresolved;
  notifier news;
};

}}}  // namespace nexus::v0::postgres
