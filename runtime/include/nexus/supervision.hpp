// What becomes of those that fail: a strategy as a value, and what it remembers of a child.
//
//   nexus::supervision how{.restarts_max = 3, .restarts_window = 10s};
//   how.decide = [](const nexus::failure& f) {
//     return f.is<std::bad_alloc>() ? nexus::directive::escalate : nexus::directive::restart;
//   };
//
// The words are those of Akka's supervision (https://doc.akka.io/libraries/akka-core/current/general/supervision.html).
//
// Threads: plain values. `decide` may be called on any thread, also at the same time; it must not
// block. Failures: a configuration that makes no sense is `invalid_argument`, see `check`.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

#include "nexus/result.hpp"

namespace nexus::inline v0 {

enum class directive : std::uint8_t {
  resume,   ///< go on with the next message, as if nothing had been
  restart,  ///< begin anew with the same mailbox, after a pause
  stop,     ///< end, so that whoever watches hears
  escalate  ///< it is the parent's to decide, about the group as a whole
};

/// As it is spelled in C++, e.g. "restart".
[[nodiscard]] std::string_view to_string(directive d) noexcept;

struct failure {
  error why;                   ///< `actor_failed`, with what was thrown or the reason of the exit
  std::exception_ptr cause{};  ///< what was thrown; none: it quit with an error

  /// What was thrown is an `E`.
  template <class E>
  [[nodiscard]] bool is() const {
    if (cause == nullptr) return false;
    try {
      std::rethrow_exception(cause);
    } catch (const E&) {
      return true;
    } catch (...) {
      return false;
    }
  }
};

enum class strategy : std::uint8_t {
  one_for_one,  ///< only the child that failed is restarted or stopped
  all_for_one   ///< all of its group are, and count their restarts together
};

struct supervision {
  static constexpr unsigned unlimited = std::numeric_limits<unsigned>::max();

  std::function<directive(const failure&)> decide{};  ///< none: restart; if it throws: escalate
  strategy who = strategy::one_for_one;

  unsigned restarts_max = 10;  ///< within `restarts_window`; one more is `when_exceeded`
  std::chrono::nanoseconds restarts_window = std::chrono::seconds{60};
  directive when_exceeded = directive::stop;  ///< stop or escalate

  /// The pause before a restart: doubled with each failure in a row, up to `backoff_max`.
  std::chrono::nanoseconds backoff_min = std::chrono::milliseconds{100};
  std::chrono::nanoseconds backoff_max = std::chrono::seconds{10};
  double jitter = 0.2;  ///< up to this share of a pause is added at random; 0 to 1
  /// After this uptime since the last restart the back-off starts again at `backoff_min`.
  std::chrono::nanoseconds quiet_after = std::chrono::seconds{30};

  /// Called when a failure is escalated and there is no parent, after the error was logged. What it throws
  /// is logged, and nothing else comes of it.
  std::function<void(const failure&)> on_given_up{};
};

/// `invalid_argument` with what is wrong.
[[nodiscard]] result<void> check(const supervision& how);

/// What `how.decide` says.
[[nodiscard]] directive decide(const supervision& how, const failure& what) noexcept;

/// What is to be done about a failure.
struct measure {
  directive what = directive::stop;
  bool all = false;                  ///< about the whole group: of restart and stop only
  std::chrono::nanoseconds after{};  ///< the pause before a restart

  friend bool operator==(const measure&, const measure&) = default;
};

/// What is remembered of a child that failed; under all_for_one of a group. Knows no clock: time is
/// told. Never larger than `restarts_max` moments.
class failure_record {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// It failed at `now`, and `decide` said `wanted`. `chance`, from 0 to 1, places the pause within
  /// its jitter.
  [[nodiscard]] measure failed(const supervision& how, directive wanted, time_point now,
                               double chance);

 private:
  [[nodiscard]] bool may_restart(const supervision& how, time_point now);
  [[nodiscard]] std::chrono::nanoseconds pause(const supervision& how, time_point now,
                                               double chance);

  std::vector<time_point> restarts_;  // those within the window
  time_point last_due_{};             // when the last restart was to begin
  unsigned in_a_row_ = 0;
};

}  // namespace nexus::inline v0
