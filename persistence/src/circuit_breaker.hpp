// Stops calls to a storage that is down, so that callers get an error at once and the storage can
// recover. Closed: calls go through, and failures in a row are counted. Open: no call goes through.
// Half-open, after some time: one call goes through; its result closes or opens the breaker. After
// M. Nygard (Release It!).
//
// Time comes in as an argument. Threads: any. Throws: only when memory runs out.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "nexus/detail/saturating.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 {

class circuit_breaker {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// A call that went through; its result counts unless the breaker has changed since.
  struct ticket {
    std::uint64_t epoch = 0;
  };
  /// The effect of a result, for the log: a failed probe is not reported.
  enum class change : std::uint8_t { none, opened, closed };

  /// Opens after `failures_max` failures in a row (0: never) for at least `reset`.
  circuit_breaker(unsigned failures_max, std::chrono::milliseconds reset)
      : failures_max_{failures_max}, reset_{detail::saturated<std::chrono::nanoseconds>(reset)} {}

  /// Why a call would be refused now, if so. Changes nothing, and takes no lock while the circuit
  /// is closed: every recovering entity asks.
  [[nodiscard]] std::optional<error> refusal(time_point now) const;

  /// Lets a call through, or returns why not (`unavailable`). Its result must be reported.
  [[nodiscard]] result<ticket> enter(time_point now);

  change succeeded(ticket of);
  change failed(ticket of, time_point now, const error& why);

  [[nodiscard]] breaker_status status() const;

 private:
  [[nodiscard]] bool lets_through(time_point now) const;
  [[nodiscard]] error why_open() const;
  void move_to(circuit next);

  const unsigned failures_max_;
  const std::chrono::nanoseconds reset_;

  mutable std::mutex lock_;
  circuit now_ = circuit::closed;
  std::atomic<bool> closed_{true};  // follows now_
  std::uint64_t epoch_ = 0;
  unsigned failures_ = 0;  // in a row
  std::uint64_t openings_ = 0;
  time_point opened_{};
  std::string last_failure_;
};

}}  // namespace nexus::v0
