// Reads numbers and times from msgpack without changing a value: a value that does not fit is an
// error.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "nexus/detail/exact_write.hpp"
#include "nexus/detail/msgpack.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Throws msgpack::type_error with the name of the field in question.
struct field_error : msgpack::type_error {
  explicit field_error(std::string w) : what_{std::move(w)} {}
  const char* what() const noexcept override { return what_.c_str(); }
  std::string what_;
};

template <class Number>
[[noreturn]] void does_not_fit(Number value) {
  throw field_error{"holds " + std::to_string(value) + ", which its type cannot hold exactly"};
}

template <class T>
[[nodiscard]] T floating_of(double value) {
  if constexpr (std::is_same_v<T, double>) {
    return value;
  } else {
    constexpr double largest = std::numeric_limits<T>::max();
    const bool in_range = std::abs(value) <= largest;  // converting a larger one would be undefined
    if (!in_range && std::isfinite(value)) does_not_fit(value);
    const auto narrow = static_cast<T>(value);
    if (in_range && static_cast<double>(narrow) != value) does_not_fit(value);
    return narrow;
  }
}

template <class T, class Whole>
[[nodiscard]] T floating_of_whole(Whole value) {
  const auto made = static_cast<T>(value);
  constexpr T end = static_cast<T>(std::numeric_limits<Whole>::max());  // rounds to 2^63 or 2^64
  if (made >= end || static_cast<Whole>(made) != value) does_not_fit(value);
  return made;
}

template <class T>
[[nodiscard]] T read_floating(const msgpack::object& from) {
  switch (from.type) {
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return floating_of<T>(from.via.f64);
    case msgpack::type::POSITIVE_INTEGER:
      return floating_of_whole<T>(from.via.u64);
    case msgpack::type::NEGATIVE_INTEGER:
      return floating_of_whole<T>(from.via.i64);
    default:
      throw msgpack::type_error{};
  }
}

template <class Bits>
[[nodiscard]] Bits load_bits(const char* from) {
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(Bits); ++i) {
    bits = static_cast<Bits>(bits << 8 | static_cast<unsigned char>(from[i]));
  }
  return bits;
}

/// msgpack's timestamp, see write_time.
struct time_parts {
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
};

[[nodiscard]] inline time_parts time_parts_of(const msgpack::object& from) {
  if (from.type != msgpack::type::EXT || from.via.ext.type() != -1) throw msgpack::type_error{};
  const auto* data = from.via.ext.data();
  switch (from.via.ext.size) {
    case 4:
      return {load_bits<std::uint32_t>(data), 0};
    case 8: {
      const auto both = load_bits<std::uint64_t>(data);
      return {static_cast<std::int64_t>(both & 0x3ffffffff), static_cast<std::int64_t>(both >> 34)};
    }
    case 12:
      return {static_cast<std::int64_t>(load_bits<std::uint64_t>(data + 4)),
              load_bits<std::uint32_t>(data)};
    default:
      throw msgpack::type_error{};
  }
}

template <class TimePoint>
void read_time(TimePoint& value, const msgpack::object& from) {
  using t = ticks<TimePoint>;
  auto [seconds, nanoseconds] = time_parts_of(from);
  if (nanoseconds >= t::nanoseconds)
    throw field_error{"is not a time: its nanoseconds exceed a second"};
  if (nanoseconds % t::tick != 0) throw field_error{"is a finer time than its type can hold"};
  auto rest = nanoseconds / t::tick;
  if (seconds < 0) {  // towards zero first: the lowest time must not overflow on the way
    ++seconds;
    rest -= t::in_a_second;
  }
  std::int64_t count = 0;
  if (__builtin_mul_overflow(seconds, t::in_a_second, &count) ||
      __builtin_add_overflow(count, rest, &count) ||
      !std::in_range<typename TimePoint::rep>(count)) {
    throw field_error{"is a time outside the range of its type"};
  }
  value = TimePoint{typename TimePoint::duration{static_cast<typename TimePoint::rep>(count)}};
}

}}}
