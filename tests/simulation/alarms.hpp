// The alarms of the simulated behavior: a plain function of its state.
#pragma once

#include <chrono>
#include <optional>

#include "nexus/clock.hpp"
#include "plan.hpp"

namespace nexus::simulation {

/// A state wants to be woken at `due` to decide a command.
struct wake {
  vtime due = 0;
  vtime from = 0;    ///< its command has its effect from this time on, `due` or a little later
  command before{};  ///< its command until then: refused, without events, or throwing
  command after{};   ///< persists one event

  [[nodiscard]] const command& at(vtime now) const noexcept { return now < from ? before : after; }
};

/// The runs do not reach this time.
inline constexpr vtime distant = 3'600'000'000;

[[nodiscard]] std::optional<vtime> due_of(const plan& p, const state& s);
[[nodiscard]] std::optional<wake> alarm_of(const plan& p, const state& s);

[[nodiscard]] constexpr timestamp time_of(vtime v) noexcept {
  return timestamp{std::chrono::microseconds{v}};
}
[[nodiscard]] constexpr vtime vtime_of(timestamp t) noexcept {
  return static_cast<vtime>(
      std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count());
}

}
