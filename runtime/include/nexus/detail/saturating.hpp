// Arithmetic on times, durations and counts that stays at its bounds instead of overflowing.
//
// A user writes "no limit" as nanoseconds::max(), milliseconds::max() or SIZE_MAX. Every sum,
// product and unit change of a user's bound or duration uses these functions. So "no limit" stays
// "no limit", and a negative duration stays in the past.
//
// Threads: pure functions. Throws: nothing.
#pragma once

#include <chrono>
#include <concepts>
#include <limits>
#include <type_traits>

namespace nexus { inline namespace v0 { namespace detail {

using steady_time = std::chrono::steady_clock::time_point;
inline constexpr auto never = steady_time::max();

/// `a` + `b`.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T saturated_sum(T a, std::type_identity_t<T> b) noexcept {
  constexpr auto most = std::numeric_limits<T>::max();
  return b > most - a ? most : static_cast<T>(a + b);
}

/// `d` in the unit `To`, rounded toward zero as duration_cast does; NaN is zero.
template <class To, class Rep, class Period>
[[nodiscard]] constexpr To saturated(std::chrono::duration<Rep, Period> d) noexcept {
  using from = std::chrono::duration<Rep, Period>;
  static_assert(std::is_integral_v<typename To::rep> && std::is_signed_v<typename To::rep>);
  if constexpr (std::is_floating_point_v<Rep>) {
    using exact = std::chrono::duration<double, typename To::period>;
    constexpr auto least = static_cast<double>(To::min().count());
    const auto count = std::chrono::duration_cast<exact>(d).count();
    // The largest double below 2^63 is far below it: as a double, the bound itself does not fit.
    if (count >= static_cast<double>(To::max().count())) return To::max();
    if (count <= least) return To::min();
    return count > least ? To{static_cast<typename To::rep>(count)} : To::zero();  // else it is NaN
  } else {
    using ratio = std::ratio_divide<Period, typename To::period>;
    static_assert(ratio::num == 1 || ratio::den == 1, "one unit has to be a multiple of the other");
    if constexpr (ratio::den == 1) {  // to the same unit, or a finer one
      constexpr auto most = std::chrono::duration_cast<from>(To::max());
      constexpr auto least = std::chrono::duration_cast<from>(To::min());
      if (d.count() > most.count()) return To::max();
      if (d.count() < least.count()) return To::min();
    }
    return std::chrono::duration_cast<To>(d);
  }
}

/// `a` + `b`.
template <class Rep, class Period>
[[nodiscard]] constexpr auto saturated_sum(
    std::chrono::duration<Rep, Period> a,
    std::type_identity_t<std::chrono::duration<Rep, Period>> b) noexcept {
  using same = std::chrono::duration<Rep, Period>;
  if (b > same::zero() && a > same::max() - b) return same::max();
  if (b < same::zero() && a < same::min() - b) return same::min();
  return a + b;
}

/// `d` times 2 to the power of `n`; `d` is not negative.
template <class Rep, class Period>
[[nodiscard]] constexpr auto doubled(std::chrono::duration<Rep, Period> d, unsigned n) noexcept {
  using same = std::chrono::duration<Rep, Period>;
  for (; n > 0 && d > same::zero(); --n) {
    if (d > same::max() / 2) return same::max();
    d *= 2;
  }
  return d;
}

/// `t` + `by`; `never` if the clock cannot represent that.
template <class Rep, class Period>
[[nodiscard]] constexpr steady_time later(steady_time t,
                                          std::chrono::duration<Rep, Period> by) noexcept {
  using unit = steady_time::duration;
  return steady_time{saturated_sum(t.time_since_epoch(), saturated<unit>(by))};
}

[[nodiscard]] constexpr steady_time later(steady_time t, std::chrono::nanoseconds by) noexcept {
  return steady_time{saturated_sum(t.time_since_epoch(), by)};
}

/// `t` - `by`.
template <class Rep, class Period>
[[nodiscard]] constexpr steady_time earlier(steady_time t,
                                            std::chrono::duration<Rep, Period> by) noexcept {
  using unit = steady_time::duration;
  const auto back = saturated<unit>(by);
  return later(t, back == unit::min() ? unit::max() : -back);
}

/// The time from `from` to `to`.
[[nodiscard]] constexpr steady_time::duration between(steady_time from, steady_time to) noexcept {
  return earlier(to, from.time_since_epoch()).time_since_epoch();
}

/// `t` + `by`, never equal to the default time_point, which means "no deadline" to its users.
[[nodiscard]] constexpr steady_time deadline_at(steady_time t,
                                                std::chrono::nanoseconds by) noexcept {
  const auto at = later(t, by);
  return at == steady_time{} ? steady_time{steady_time::duration{-1}} : at;
}

}}}
