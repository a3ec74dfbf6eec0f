// The place of one live entity: where to send, and how many commands are on their way.
//
// The gate makes stopping a handshake: a command is counted in before it is sent and out before it
// is answered, and an entity closes its gate only while the count is zero. So a command sent at any
// moment is handled by this incarnation, or its sender finds the gate closed and starts the next one.
//
// Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

#include "nexus/actor.hpp"
#include "nexus/detail/directory.hpp"

namespace nexus::inline v0::detail {

using steady_time = std::chrono::steady_clock::time_point;

class entity_directory::slot {
 public:
  enum class entry : std::uint8_t { admitted, full, closed };

  slot(persistence_id of, steady_time now) : id{std::move(of)}, used_{now} {}

  const persistence_id id;
  mailbox to;
  std::uint32_t place_in_order = 0;  // in the shard's use_order, under its lock

  /// Its entity handled a message at `now`.
  void used(steady_time now) noexcept { used_.store(now, std::memory_order_relaxed); }
  [[nodiscard]] steady_time last_used() const noexcept {
    return used_.load(std::memory_order_relaxed);
  }

  /// Whether its entity must not passivate though no command is on its way.
  void keep(bool k) noexcept { kept_.store(k, std::memory_order_relaxed); }
  /// It was asked to passivate and has not answered yet.
  void asked_to_leave(bool a) noexcept { leaving_.store(a, std::memory_order_relaxed); }
  [[nodiscard]] bool idle() const noexcept {
    return count() == 0 && !kept_.load(std::memory_order_relaxed) &&
           !leaving_.load(std::memory_order_relaxed);
  }

  /// How many may be in at once: the newest of those past the bound wait for the oldest to be dropped.
  [[nodiscard]] static std::uint64_t entry_max(const entity_options& bounds) noexcept {
    const std::uint64_t max = bounds.mailbox_max;
    return bounds.when_full == overflow::drop_oldest ? 2 * max : max;
  }

  // The count never shows a command that is not admitted, not even for a moment: the entity takes
  // "counted and not with me" for "on its way", and would wait for it with an append.
  [[nodiscard]] entry enter(std::uint32_t bytes, const entity_options& bounds,
                            admission by) noexcept {
    const auto bytes_before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
    const bool always = by == admission::always;
    auto refusal = entry::full;
    if (always || bytes_before + bytes <= bounds.mailbox_bytes_max) {
      auto now = count_.load(std::memory_order_relaxed);
      while ((now & closed_bit) == 0 && (always || now < entry_max(bounds))) {
        if (count_.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) {
          return entry::admitted;
        }
      }
      if ((now & closed_bit) != 0) refusal = entry::closed;
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
    return count_.load(std::memory_order_acquire) & ~closed_bit;
  }

  /// Closes the gate if no command is on its way.
  [[nodiscard]] bool try_close() noexcept {
    std::uint64_t none = 0;
    return count_.compare_exchange_strong(none, closed_bit, std::memory_order_acq_rel);
  }

  /// Closes it whatever is on its way; what is, will be dropped and so answered `stopped`.
  void close() noexcept { count_.fetch_or(closed_bit, std::memory_order_acq_rel); }

 private:
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;

  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<steady_time> used_;
  std::atomic<bool> kept_{false};
  std::atomic<bool> leaving_{false};
};

}
