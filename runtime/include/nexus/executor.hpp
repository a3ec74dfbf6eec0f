// Where work that blocks runs instead of on threads of its own: one piece after the other, when whoever
// steps says so. See nexus/stepping.hpp.
//
// Threads: all of one that is stepped belongs to the thread that steps. Throws: what a job throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace nexus::inline v0 {

class executor {
 public:
  enum class work : std::uint8_t { write, read };

  executor() = default;
  virtual ~executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  /// Has `job` run later, after those of its kind that came before. Whoever posts bounds how many.
  virtual void post(work kind, std::function<void()> job) = 0;

  /// What such a job takes for the steady time.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const noexcept = 0;

  /// Lets time pass while a job runs, in place of a sleep.
  virtual void pass(std::chrono::nanoseconds d) = 0;

  /// The one whose job the calling thread is running; null outside of such jobs.
  [[nodiscard]] static executor* current() noexcept;
};

}  // namespace nexus::inline v0
