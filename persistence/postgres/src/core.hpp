// What all sessions of one opened journal share.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>

#include "address.hpp"
#include "notifier.hpp"
#include "statements.hpp"

namespace nexus::inline v0::postgres {

/// Locks of connections that were lost with something under way. Each connection that writes holds a
/// lock of its own as long as it lives: who gets hold of it knows that the server has done with it.
///
/// Bounds: one per lost connection, until somebody settles.
class doubts {
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
  doubts in_doubt;
  notifier news;
};

}  // namespace nexus::inline v0::postgres
