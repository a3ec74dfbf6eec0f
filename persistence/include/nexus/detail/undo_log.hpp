// What objects in memory have to take back when a transaction of their session is rolled back.
//
// The session runs or drops the entries when its transaction ends, however it ends. A savepoint of
// `transactional` runs those that were added since it began; savepoints written by hand are unseen.
//
// Threads: those of its session. Throws: `add`, only when memory runs out.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace nexus { inline namespace v0 { namespace detail {

class undo_log {
 public:
  /// `undo` must not throw, and must not use the session.
  void add(std::function<void()> undo) { entries_.push_back(std::move(undo)); }

  [[nodiscard]] std::size_t mark() const noexcept { return entries_.size(); }

  /// Runs the entries that were added after `mark`, the newest first.
  void undo_to(std::size_t mark) noexcept {
    while (entries_.size() > mark) {
      const auto undo = std::move(entries_.back());
      entries_.pop_back();
      undo();
    }
  }

  /// The transaction is over.
  void end(bool committed) noexcept {
    if (!committed) undo_to(0);
    entries_.clear();
  }

 private:
  std::vector<std::function<void()>> entries_;
};

}}}
