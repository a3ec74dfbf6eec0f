// The place of one live entity: where to send, and how many commands are on their way.
//
// The gate makes stopping a handshake: a command is counted in before it is sent and out before it
// is answered, and an entity closes its gate only while the count is zero. So a command sent at any
// moment is handled by this incarnation, or its sender finds the gate closed and starts the next one.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "nexus/actor.hpp"
#include "nexus/detail/directory.hpp"

namespace nexus::inline v0::detail {

class entity_directory::slot {
 public:
  enum class entry : std::uint8_t { admitted, full, closed };

  explicit slot(std::string of) : id{std::move(of)} {}

  const std::string id;
  mailbox to;

  // The count never shows a command that is not admitted, not even for a moment: the entity takes
  // "counted and not with me" for "on its way", and would wait for it with an append.
  [[nodiscard]] entry enter(std::uint32_t bytes, const entity_options& bounds,
                            admission by) noexcept {
    const auto bytes_before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
    const bool always = by == admission::always;
    auto refusal = entry::full;
    if (always || bytes_before + bytes <= bounds.mailbox_bytes_max) {
      auto now = count_.load(std::memory_order_relaxed);
      while ((now & closed_bit) == 0 && (always || now < bounds.mailbox_max)) {
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
};

}
