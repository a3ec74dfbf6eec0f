// Tells the watches of a journal, within one process, that its sessions have appended. For authors
// of backends:
//
//   auto outcomes = …;                   // of append
//   if (any_to_read(requests, outcomes)) // journal_checks.hpp
//     appended_->notify();               // appended_: std::shared_ptr<nexus::commit_signal>
//   …
//   return commit_signal::watch(appended_);  // journal::watch
//
// Threads: any. `notify` takes no lock while no watch waits; several calls count as one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 {

class commit_signal {
 public:
  /// Events were appended, or may have been.
  void notify() noexcept;

  /// The same if one of the outcomes is `stored` or `unknown`. Also tells changes of alarms, which
  /// no reader needs; `any_to_read` leaves them out.
  void notify(std::span<const append_outcome> outcomes) noexcept;

  /// A watch of this signal; it keeps the signal alive.
  [[nodiscard]] static std::unique_ptr<journal_watch> watch(std::shared_ptr<commit_signal> of);

 private:
  class watch_of;

  void ring() noexcept;

  std::atomic<std::uint64_t> count_{0};
  std::atomic<unsigned> waiting_{0};
  std::mutex lock_;
  std::condition_variable rung_;
};

}}  // namespace nexus::v0
