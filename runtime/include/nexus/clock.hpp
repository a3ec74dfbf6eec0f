// Time of day as a replaceable value: microseconds of UTC, from one clock per system.
//
// Threads: any may call `now`. Throws: nothing.
#pragma once

#include <atomic>
#include <chrono>

namespace nexus { inline namespace v0 {

/// Microseconds since 1970-01-01 00:00 UTC, as stored in journals.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

class clock {
 public:
  virtual ~clock() = default;
  [[nodiscard]] virtual timestamp now() const noexcept = 0;
};

/// The machine's wall clock. It steps backwards when the machine's clock does.
class wall_clock final : public clock {
 public:
  [[nodiscard]] timestamp now() const noexcept override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
};

/// A clock that moves only when it is set, for tests.
class manual_clock final : public clock {
 public:
  explicit manual_clock(timestamp start = timestamp{}) noexcept : now_{start} {}

  [[nodiscard]] timestamp now() const noexcept override { return now_.load(); }
  void set(timestamp t) noexcept { now_.store(t); }
  void advance(std::chrono::microseconds d) noexcept { now_.store(now_.load() + d); }

 private:
  std::atomic<timestamp> now_;
};

}}  // namespace nexus::v0
