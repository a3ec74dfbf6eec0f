// What a pool is told, what it counts, and what it tells of.
//
// Threads: values.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "nexus/executor.hpp"
#include "nexus/metrics.hpp"
#include "nexus/result.hpp"

namespace nexus::inline v0 {

/// Why a session is no more.
enum class session_end : std::uint8_t {
  idle,        ///< nobody needed it for `idle_ttl`
  lifetime,    ///< it was open for `max_lifetime`
  borrows,     ///< it was lent `max_borrows` times
  broken,      ///< it lost its connection
  poisoned,    ///< whoever had it said so
  not_valid,   ///< it did not pass the validation query
  not_reset,   ///< what was left open in it could not be undone
  pool_closed  ///< the pool was closed
};
inline constexpr std::size_t session_ends = 8;
[[nodiscard]] std::string_view to_string(session_end why) noexcept;

struct pool_statistics {
  std::size_t max = 0;       ///< pool_options::max + reserved
  std::size_t reserved = 0;  ///< of those, for nobody but reserved borrowers
  std::size_t total = 0;     ///< idle + in_use + opening; never past `max`
  std::size_t idle = 0;
  std::size_t in_use = 0;   ///< lent, being reset after that, or being closed
  std::size_t opening = 0;  ///< being connected
  std::size_t waiting = 0;  ///< who wants one and has none

  std::uint64_t borrows = 0;    ///< that got a session
  std::uint64_t waits = 0;      ///< that had to wait first
  std::uint64_t timeouts = 0;   ///< that got none in time
  std::uint64_t cancelled = 0;  ///< that were given up
  std::uint64_t refused = 0;    ///< that found `max_waiters` of their share before them
  std::uint64_t leaks = 0;      ///< held for longer than `leak_after`
  std::uint64_t created = 0;
  std::uint64_t open_failures = 0;
  std::uint64_t callback_failures = 0;  ///< of `on_event` and sessions' own functions, that threw
  std::array<std::uint64_t, session_ends> destroyed{};  ///< by session_end

  [[nodiscard]] std::uint64_t destroyed_for(session_end why) const noexcept {
    return destroyed[static_cast<std::size_t>(why)];
  }
};

struct pool_event {
  enum class kind : std::uint8_t {
    opened,
    open_failed,  ///< `what` says why
    waiting,      ///< somebody has to wait
    borrowed,
    returned,
    timed_out,
    cancelled,
    refused,
    leaked,     ///< once per lease
    destroyed,  ///< for `end`
    closed      ///< the pool lends no more
  };
  kind what_happened{};
  std::string_view pool;
  std::string_view who{};  ///< of borrowers: where in the program, or what they called themselves
  std::string what{};      ///< an error's sentence
  std::chrono::nanoseconds took{};  ///< waiting, holding or opening
  session_end end{};
};
[[nodiscard]] std::string_view to_string(pool_event::kind what) noexcept;

struct pool_options {
  std::string name = "pool";  ///< in messages and as a label of metrics

  std::size_t max = 16;  ///< sessions lent at a time, also while some are being opened or closed
  /// As many again beside, for borrow_options::reserved alone: those never wait for the others, nor the
  /// others for them. `max` + `reserved` bounds the sessions. A store sets this to its `readers`.
  std::size_t reserved = 0;
  std::size_t min_idle = 2;  ///< kept open in the background, within `max`
  std::chrono::milliseconds borrow_timeout{5'000};
  std::chrono::milliseconds idle_ttl{300'000};        ///< past `min_idle`; 0: for ever
  std::chrono::milliseconds max_lifetime{1'800'000};  ///< 0: for ever
  double lifetime_jitter = 0.1;   ///< each lives so much shorter at most, not all end together
  std::uint64_t max_borrows = 0;  ///< of one session, which is replaced then; 0: any number
  std::chrono::milliseconds leak_after{30'000};  ///< held for longer is logged; 0: never
  std::size_t max_waiters = 10'000;  ///< of each share; one more is `pool_exhausted` at once

  bool validate_on_borrow = false;  ///< a session that was idle
  std::string validation_query = "SELECT 1";
  bool reset_on_return = true;  ///< what a lease has touched; open transactions end in any case
  std::string reset_query{};    ///< empty: what the database needs

  unsigned threads = 2;  ///< that open, close, and reset what actors return

  std::shared_ptr<nexus::metrics> metrics{};  ///< where to count; none: statistics only
  /// Called on whichever thread it happens on, with no lock held; must not block nor use the pool. What
  /// it throws is logged and counted, and nothing else comes of it.
  std::function<void(const pool_event&)> on_event{};

  /// Instead of threads of its own: as store_options::runs_on. Nobody waits then: a blocking borrow
  /// opens what it needs or fails. What depends on time happens when `pool::tend` is called.
  std::shared_ptr<executor> runs_on{};
};

/// `invalid_argument`, one line that names the option, if they make no sense.
[[nodiscard]] result<void> check(const pool_options& options);

}  // namespace nexus::inline v0
