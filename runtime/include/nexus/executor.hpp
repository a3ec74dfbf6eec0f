// Runs blocking work in place of threads: one job after the other, when the owner steps. See
// nexus/stepping.hpp.
//
// Threads: a stepped executor belongs to the thread that steps. Throws: what a job throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace nexus { inline namespace v0 {

class executor {
 public:
  enum class work : std::uint8_t { write, read };

  executor() = default;
  virtual ~executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  /// Queues `job` behind earlier jobs of the same kind. The caller bounds the number of queued
  /// jobs.
  virtual void post(work kind, std::function<void()> job) = 0;

  /// The steady time, as such a job sees it.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const noexcept = 0;

  /// Lets time pass while a job runs, in place of a sleep.
  virtual void pass(std::chrono::nanoseconds d) = 0;

  /// The executor whose job the calling thread runs; null outside of such jobs.
  [[nodiscard]] static executor* current() noexcept;
};

}}  // namespace nexus::v0
