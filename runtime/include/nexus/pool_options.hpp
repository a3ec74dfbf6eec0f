// The options, statistics and events of a pool.
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

namespace nexus { inline namespace v0 {

/// Why a session was destroyed.
enum class session_end : std::uint8_t {
  idle,        ///< unused for `idle_ttl`
  lifetime,    ///< it was open for `max_lifetime`
  borrows,     ///< it was lent `max_borrows` times
  broken,      ///< it lost its connection
  poisoned,    ///< its borrower marked it as unusable
  not_valid,   ///< the validation query failed
  not_reset,   ///< what a borrower left open could not be undone
  pool_closed  ///< the pool was closed
};
inline constexpr std::size_t session_ends = 8;
[[nodiscard]] std::string_view to_string(session_end why) noexcept;

struct pool_statistics {
  std::size_t max = 0;       ///< pool_options::max + reserved
  std::size_t reserved = 0;  ///< of those, only for reserved borrowers
  std::size_t total = 0;     ///< idle + in_use + opening; never past `max`
  std::size_t idle = 0;
  std::size_t in_use = 0;   ///< lent, being reset after that, or being closed
  std::size_t opening = 0;  ///< being connected
  std::size_t waiting = 0;  ///< borrowers without a session

  std::uint64_t borrows = 0;    ///< borrowers that got a session
  std::uint64_t waits = 0;      ///< borrowers that had to wait first
  std::uint64_t timeouts = 0;   ///< borrowers that got none in time
  std::uint64_t cancelled = 0;  ///< borrowers that gave up
  std::uint64_t refused = 0;    ///< borrowers that found `max_waiters` in their queue
  std::uint64_t leaks = 0;      ///< sessions held for longer than `leak_after`
  std::uint64_t created = 0;
  std::uint64_t open_failures = 0;
  std::uint64_t callback_failures = 0;  ///< exceptions of `on_event` and of sessions' own functions
  std::array<std::uint64_t, session_ends> destroyed{};  ///< by session_end

  [[nodiscard]] std::uint64_t destroyed_for(session_end why) const noexcept {
    return destroyed[static_cast<std::size_t>(why)];
  }
};

struct pool_event {
  enum class kind : std::uint8_t {
    opened,
    open_failed,  ///< `message` is the error
    waiting,      ///< a borrower has to wait
    borrowed,
    returned,
    timed_out,
    cancelled,
    refused,
    leaked,     ///< once per lease
    destroyed,  ///< for the reason `end`
    closed      ///< the pool has stopped lending
  };
  kind what{};
  std::string_view pool;
  std::string_view borrower{};      ///< its name, or its file and line
  std::string message{};            ///< the text of an error
  std::chrono::nanoseconds took{};  ///< time of waiting, holding or opening
  session_end end{};
};
[[nodiscard]] std::string_view to_string(pool_event::kind what) noexcept;

struct pool_options {
  std::string name = "pool";  ///< in messages and as a label of metrics

  std::size_t max = 16;  ///< sessions lent at a time, including those being opened or closed
  /// Additional sessions for borrow_options::reserved alone: reserved borrowers never wait for the
  /// others, nor the others for them. `max` + `reserved` bounds the sessions. A store sets it to
  /// its `readers`.
  std::size_t reserved = 0;
  std::size_t min_idle = 2;  ///< kept open in the background, within `max`
  std::chrono::milliseconds borrow_timeout{5'000};
  std::chrono::milliseconds idle_ttl{300'000};        ///< beyond `min_idle`; 0: no limit
  std::chrono::milliseconds max_lifetime{1'800'000};  ///< 0: no limit
  double lifetime_jitter = 0.1;   ///< shortens each lifetime by up to this share, to spread them
  std::uint64_t max_borrows = 0;  ///< after so many loans a session is replaced; 0: no limit
  std::chrono::milliseconds leak_after{30'000};  ///< a longer loan is logged; 0: never
  std::size_t max_waiters = 10'000;  ///< of each share; one more gets `pool_exhausted` at once

  bool validate_on_borrow = false;  ///< of a session that was idle
  std::string validation_query{};   ///< empty: the default of the sessions
  bool reset_on_return = true;      ///< after a lease that changed it; open transactions always end
  std::string reset_query{};        ///< empty: the default of the sessions

  unsigned threads = 2;  ///< they open, close, and reset what actors return

  std::shared_ptr<nexus::metrics> metrics{};  ///< where to count; null: statistics only
  /// Called on the thread of the event, with no lock held; must not block or use the pool. An
  /// exception is logged and counted, and has no other effect.
  std::function<void(const pool_event&)> on_event{};

  /// Replaces the pool's threads, as store_options::runs_on. Nothing waits then: a blocking borrow
  /// opens the session it needs, or fails. Timed work happens when `pool::tend` is called.
  std::shared_ptr<executor> runs_on{};
};

/// `invalid_argument`, one line that names the invalid option.
[[nodiscard]] result<void> check(const pool_options& options);

}}  // namespace nexus::v0
