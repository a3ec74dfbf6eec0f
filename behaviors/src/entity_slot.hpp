// The slot of a live entity: its address, and the number of commands on their way.
//
// The gate makes stopping a handshake: a command is counted in before it is sent and out before it
// is answered, and an entity closes its gate only while the count is zero. So a command sent at any
// moment is either handled by this actor, or its sender finds the gate closed and starts the next
// one.
//
// Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

#include "nexus/actor.hpp"
#include "nexus/detail/directory.hpp"

namespace nexus { inline namespace v0 { namespace detail {

using steady_time = std::chrono::steady_clock::time_point;

class entity_directory::slot {
 public:
  enum class entry : std::uint8_t {
    admitted,
    full,
    barred,  ///< for this kind of sender, see `bar`
    closed
  };

  slot(persistence_id of, steady_time now) : id{std::move(of)}, used_{now} {}

  const persistence_id id;
  mailbox to;
  std::uint32_t place_in_order = 0;  // in the shard's use_order, under its lock

  /// Its entity handled a message at `now`.
  void used(steady_time now) noexcept { used_.store(now, std::memory_order_relaxed); }
  [[nodiscard]] steady_time last_used() const noexcept {
    return used_.load(std::memory_order_relaxed);
  }

  /// True if its entity must not passivate although no command is on its way.
  void keep(bool k) noexcept { kept_.store(k, std::memory_order_relaxed); }
  /// True while it was asked to passivate and has not answered yet.
  void asked_to_leave(bool a) noexcept { leaving_.store(a, std::memory_order_relaxed); }
  [[nodiscard]] bool idle() const noexcept {
    return count() == 0 && !kept_.load(std::memory_order_relaxed) &&
           !leaving_.load(std::memory_order_relaxed);
  }

  /// The number of commands that may be in at once. With drop_oldest the newest ones past the bound
  /// wait until the oldest are dropped.
  [[nodiscard]] static std::uint64_t entry_max(const entity_options& bounds) noexcept {
    const std::uint64_t max = bounds.mailbox_max;
    return bounds.when_full == overflow::drop_oldest ? 2 * max : max;
  }

  /// Refuses commands of the kind `from` from now on. A bit of the gate's word, so that late
  /// commands are never counted.
  void bar(admission from) noexcept { count_.fetch_or(bar_of(from), std::memory_order_acq_rel); }

  // The count never includes a command that is not admitted, not even for a moment: the entity
  // takes "counted and not with me" for "on its way", and would delay an append for it.
  [[nodiscard]] entry enter(std::uint32_t bytes, const entity_options& bounds,
                            admission by) noexcept {
    const auto bytes_before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
    const bool always = by == admission::always;
    const auto shut = closed_bit | bar_of(by);
    auto refusal = entry::full;
    if (always || bytes_before + bytes <= bounds.mailbox_bytes_max) {
      auto now = count_.load(std::memory_order_relaxed);
      while ((now & shut) == 0 && (always || (now & ~bars) < entry_max(bounds))) {
        if (count_.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) {
          return entry::admitted;
        }
      }
      if ((now & closed_bit) != 0) {
        refusal = entry::closed;
      } else if ((now & shut) != 0) {
        refusal = entry::barred;
      }
    }
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return refusal;
  }

  void leave(std::uint32_t bytes) noexcept {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    count_.fetch_sub(1, std::memory_order_release);
  }

  /// Commands sent and not yet answered.
  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load(std::memory_order_acquire) & ~(closed_bit | bars);
  }

  /// Closes the gate if no command is on its way.
  [[nodiscard]] bool try_close() noexcept {
    auto now = count_.load(std::memory_order_acquire);
    while ((now & ~bars) == 0) {
      if (count_.compare_exchange_weak(now, now | closed_bit, std::memory_order_acq_rel))
        return true;
    }
    return false;
  }

  /// The number of stashed commands while the entity is at rest: zero before it handles a message,
  /// and that number after the message if it has nothing else to do or to wait for.
  void park(std::uint32_t stashed) noexcept { parked_.store(stashed, std::memory_order_release); }

  /// True if its entity is at rest, and nothing is on its way.
  [[nodiscard]] bool is_quiet() const noexcept {
    const auto now = count();
    return now == parked_.load(std::memory_order_acquire);
  }

  /// True while its entity waits for a timer, such as the next retry of a failing storage.
  void pause(bool p) noexcept { paused_.store(p, std::memory_order_relaxed); }
  [[nodiscard]] bool is_paused() const noexcept { return paused_.load(std::memory_order_relaxed); }

  /// Closes the gate although commands may be on their way; these are dropped, and so answered
  /// `stopped`.
  void close() noexcept { count_.fetch_or(closed_bit, std::memory_order_acq_rel); }

 private:
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t bars = std::uint64_t{3} << 61;

  [[nodiscard]] static constexpr std::uint64_t bar_of(admission from) noexcept {
    if (from == admission::outside) return std::uint64_t{1} << 61;
    return from == admission::inside ? std::uint64_t{1} << 62 : 0;
  }

  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<steady_time> used_;
  std::atomic<bool> kept_{false};
  std::atomic<bool> leaving_{false};
  std::atomic<bool> paused_{false};
  std::atomic<std::uint32_t> parked_{0};
};

}}}
