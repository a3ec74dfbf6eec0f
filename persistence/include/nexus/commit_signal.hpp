// How the sessions of a journal tell its watches, within one process, that they have appended. For
// backends:
//
//   auto outcomes = …;                   // of append
//   appended_->notify(outcomes);         // appended_: std::shared_ptr<nexus::commit_signal>
//   …
//   return commit_signal::watch(appended_);  // journal::watch
//
// Threads: any. Notifying takes no lock while no watch waits, and any number of them is one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "nexus/journal.hpp"

namespace nexus::inline v0 {

class commit_signal {
 public:
  /// Something was appended, or may have been.
  void notify() noexcept;

  /// The same if one of the outcomes is `stored`, or `unknown`.
  void notify(std::span<const append_outcome> outcomes) noexcept;

  /// A watch that is told; keeps the signal.
  [[nodiscard]] static std::unique_ptr<journal_watch> watch(std::shared_ptr<commit_signal> of);

 private:
  class watch_of;

  void ring() noexcept;

  std::atomic<std::uint64_t> count_{0};
  std::atomic<unsigned> waiting_{0};
  std::mutex lock_;
  std::condition_variable rung_;
};

}  // namespace nexus::inline v0
