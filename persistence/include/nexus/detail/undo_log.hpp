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
  void add(std::function<void()> undo, const void* owner = nullptr) {
    entries_.push_back(std::move(undo));
    newest_of_ = owner;
  }
  /// Whether the newest entry is the owner's, so that it can take back what follows as well.
  [[nodiscard]] bool newest_is_of(const void* owner) const noexcept { return newest_of_ == owner; }

  [[nodiscard]] std::size_t mark() noexcept {
    newest_of_ = nullptr;
    return entries_.size();
  }

  /// Runs the entries that were added after `mark`, the newest first.
  void undo_to(std::size_t mark) noexcept {
    while (entries_.size() > mark) {
      const auto undo = std::move(entries_.back());
      entries_.pop_back();
      newest_of_ = nullptr;
      undo();
    }
  }

  /// The transaction is over.
  void end(bool committed) noexcept {
    if (!committed) undo_to(0);
    entries_.clear();
    newest_of_ = nullptr;
  }

 private:
  std::vector<std::function<void()>> entries_;
  const void* newest_of_ = nullptr;
};

}}}
