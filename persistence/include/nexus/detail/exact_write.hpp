// Writes numbers and times to msgpack without changing a value. msgpack-c alone would write -0.0 as
// the integer 0, and divides by zero for clocks finer than a nanosecond. The counterpart of
// exact_read.hpp.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

#include "nexus/detail/msgpack.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Stores `bits` at `to`, the most significant byte first.
template <class Bits>
void store_bits(char* to, Bits bits) {
  for (std::size_t i = sizeof(Bits); i > 0; --i, bits >>= 8) to[i - 1] = static_cast<char>(bits);
}

/// Writes the bits of a float or double after its head.
template <class Packer, class Bits>
void write_bits(Packer& to, unsigned char head, Bits bits) {
  std::array<char, 1 + sizeof(Bits)> bytes{static_cast<char>(head)};
  store_bits(&bytes[1], bits);
  // A body without a head of its own: the packer passes these bytes on unchanged.
  to.pack_str_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

/// `T` is float or double. Writes whole numbers as integers, which are shorter, where they read back as the same value.
template <class Packer, class T>
void write_floating(Packer& to, T value) {
  constexpr T whole_max{std::int64_t{1} << std::numeric_limits<T>::digits};
  if (value >= -whole_max && value <= whole_max) {  // false for NaN
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<T>(whole) == value && (whole != 0 || !std::signbit(value))) {
      to.pack_int64(whole);
      return;
    }
  }
  if constexpr (std::is_same_v<T, float>) {
    write_bits(to, 0xca, std::bit_cast<std::uint32_t>(value));
  } else {
    write_bits(to, 0xcb, std::bit_cast<std::uint64_t>(value));
  }
}

/// How the ticks of a time point divide a second.
template <class TimePoint>
struct ticks {
  using rep = typename TimePoint::rep;
  using per_second = std::ratio_divide<std::ratio<1>, typename TimePoint::period>;

  static constexpr std::int64_t nanoseconds = 1'000'000'000;
  /// Whole seconds or a part of them that nanoseconds can tell, within the range of msgpack.
  static constexpr bool can_be_stored =
      std::is_integral_v<rep> && per_second::den == 1 && nanoseconds % per_second::num == 0 &&
      (sizeof(rep) < sizeof(std::int64_t) || std::is_signed_v<rep>);
  static constexpr std::int64_t in_a_second = per_second::num;
  static constexpr std::int64_t tick = nanoseconds / per_second::num;  ///< in nanoseconds
};

/// Writes msgpack's timestamp: seconds since 1970, rounded down, and nanoseconds.
template <class Packer, class TimePoint>
void write_time(Packer& to, const TimePoint& value) {
  using t = ticks<TimePoint>;
  const auto count = value.time_since_epoch().count();
  auto seconds = static_cast<std::int64_t>(count) / t::in_a_second;
  auto rest = static_cast<std::int64_t>(count) % t::in_a_second;
  if (rest < 0) {
    rest += t::in_a_second;
    --seconds;
  }
  const auto nanoseconds = static_cast<std::uint64_t>(rest * t::tick);
  constexpr std::int8_t timestamp = -1;
  std::array<char, 12> bytes{};
  if ((seconds >> 34) != 0) {
    store_bits(&bytes[0], static_cast<std::uint32_t>(nanoseconds));
    store_bits(&bytes[4], static_cast<std::uint64_t>(seconds));
    to.pack_ext(12, timestamp);
    to.pack_ext_body(bytes.data(), 12);
    return;
  }
  const auto both = nanoseconds << 34 | static_cast<std::uint64_t>(seconds);
  const bool is_short = both >> 32 == 0;
  if (is_short) {
    store_bits(&bytes[0], static_cast<std::uint32_t>(both));
  } else {
    store_bits(&bytes[0], both);
  }
  to.pack_ext(is_short ? 4 : 8, timestamp);
  to.pack_ext_body(bytes.data(), is_short ? 4 : 8);
}

}}}
