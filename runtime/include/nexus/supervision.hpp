// What happens after a failure: the strategy as a value, and the record of a child's failures.
//
//   nexus::supervision how{.restarts_max = 3, .restarts_window = 10s};
//   how.decide = [](const nexus::failure& f) {
//     return f.is<std::bad_alloc>() ? nexus::directive::escalate : nexus::directive::restart;
//   };
//
// The terms are those of Akka's supervision
// (https://doc.akka.io/libraries/akka-core/current/general/supervision.html).
//
// Threads: plain values. `decide` may be called on any thread, on several at once, and must not
// block. Failures: an invalid configuration is `invalid_argument`, see `check`.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

enum class directive : std::uint8_t {
  resume,   ///< continue with the next message, as if nothing had happened
  restart,  ///< make a new state, after a pause; the mailbox stays
  stop,     ///< end the child; its links and monitors are told
  escalate  ///< let the parent decide, for the group as a whole
};

/// The enumerator's name, e.g. "restart".
[[nodiscard]] std::string_view to_string(directive d) noexcept;

struct failure {
  error why;                   ///< `actor_failed`, with the exception's text or the exit reason
  std::exception_ptr cause{};  ///< the exception; null: it quit with an error

  /// True if the exception is an `E`.
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
  one_for_one,  ///< only the failed child is restarted or stopped
  all_for_one   ///< all children of the group are, and their restarts are counted together
};

struct supervision {
  static constexpr unsigned unlimited = std::numeric_limits<unsigned>::max();

  std::function<directive(const failure&)> decide{};  ///< none: restart; if it throws: escalate
  strategy scope = strategy::one_for_one;

  unsigned restarts_max = 10;  ///< within `restarts_window`; after one more `when_exceeded` applies
  std::chrono::nanoseconds restarts_window = std::chrono::seconds{60};
  directive when_exceeded = directive::stop;  ///< stop or escalate

  /// The pause before a restart: doubled with each failure in a row, up to `backoff_max`.
  std::chrono::nanoseconds backoff_min = std::chrono::milliseconds{100};
  std::chrono::nanoseconds backoff_max = std::chrono::seconds{10};
  double jitter = 0.2;  ///< up to this share of a pause is added at random; 0 to 1
  /// After this uptime since the last restart the back-off starts again at `backoff_min`.
  std::chrono::nanoseconds quiet_after = std::chrono::seconds{30};

  /// Called when a failure is escalated and there is no parent, after the error was logged. An
  /// exception is logged, and has no other effect.
  std::function<void(const failure&)> on_given_up{};
};

/// `invalid_argument` that names the invalid option.
[[nodiscard]] result<void> check(const supervision& how);

/// The directive of `how.decide`.
[[nodiscard]] directive decide(const supervision& how, const failure& what) noexcept;

/// The measure taken after a failure.
struct measure {
  directive what = directive::stop;
  bool all = false;                  ///< applies to the whole group; only for restart and stop
  std::chrono::nanoseconds after{};  ///< the pause before a restart

  friend bool operator==(const measure&, const measure&) = default;
};

/// The record of a child's failures; under all_for_one, of a group's. It has no clock: callers pass
/// the time. Holds at most `restarts_max` moments.
class failure_record {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Records a failure at `now` for which `decide` returned `wanted`. `chance`, from 0 to 1, places
  /// the pause within its jitter.
  [[nodiscard]] measure failed(const supervision& how, directive wanted, time_point now,
                               double chance);

 private:
  [[nodiscard]] bool may_restart(const supervision& how, time_point now);
  [[nodiscard]] std::chrono::nanoseconds pause(const supervision& how, time_point now,
                                               double chance);

  std::vector<time_point> restarts_;  // those within the window
  time_point last_due_{};             // when the last restart was due
  unsigned in_a_row_ = 0;
};

}}  // namespace nexus::v0
