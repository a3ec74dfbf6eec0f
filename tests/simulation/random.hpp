// Every choice of a simulation comes from here, so the seed determines the run.
//
// splitmix64 (Steele, Lea, Flood 2014): a stream may be made from any combination of numbers, so
// each choice has its own stream, and removing one leaves the others unchanged.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace nexus::simulation {

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

class random {
 public:
  /// The stream named by these numbers.
  template <class... Names>
  explicit constexpr random(std::uint64_t seed, Names... names) noexcept : state_{mix(seed)} {
    ((state_ = mix(state_ ^ static_cast<std::uint64_t>(names))), ...);
  }

  constexpr std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15U;
    return mix(state_);
  }

  /// 0 … n-1.
  constexpr std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }

  /// low … high, both included.
  constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
    return low + below(high - low + 1);
  }

  constexpr bool chance(std::uint64_t permille) noexcept { return below(1000) < permille; }

  template <class T>
  constexpr T pick(std::initializer_list<T> from) noexcept {
    return *(from.begin() + below(from.size()));
  }

 private:
  std::uint64_t state_;
};

}
