// The state shared by all sessions of one open journal.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "address.hpp"
#include "constraints.hpp"
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

/// Statements made from filters, by their text. A connection keeps those that it has prepared.
///
/// Bound: the combinations of conditions, a few thousand.
class made_statements {
 public:
  const statement& of(const std::string& sql) {
    const std::lock_guard guard{mutex_};
    auto& made = all_[sql];
    if (made.name.empty()) made = {"query_" + std::to_string(all_.size()), sql};
    return made;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, statement> all_;
};

struct core {
  core(address a, std::uint64_t numbering)
      : where{std::move(a)}, epoch{numbering}, sql{where.tables}, news{where} {}

  const address where;
  const std::uint64_t epoch;  // of the journal's positions
  const statements sql;
  made_statements queries;
  constraint_catalog constraints;
  std::atomic<std::int64_t> page_rows{0};  ///< see paging.hpp
  unresolved_locks unresolved;
  notifier news;
};

}}}  // namespace nexus::v0::postgres
