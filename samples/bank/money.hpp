// Amounts: exact integers of hundredths, never floating point.
//
// Threads: pure functions. Failures: `invalid_argument`, which names the text and what is wrong
// with it.
#pragma once

#include <cstdint>
#include <nexus/result.hpp>
#include <string>
#include <string_view>

namespace bank {

/// Reads "12", "-12.3" or "+12.34": an optional sign, digits, and at most two decimals.
[[nodiscard]] nexus::result<std::int64_t> parse_hundredths(std::string_view text);

/// Writes "12.34", "-0.05".
[[nodiscard]] std::string format_hundredths(std::int64_t amount);

/// The sum, or false (and `sum` is unchanged) if it does not fit 64 bits.
[[nodiscard]] inline bool add_checked(std::int64_t a, std::int64_t b, std::int64_t& sum) {
  std::int64_t wide = 0;
  if (__builtin_add_overflow(a, b, &wide)) return false;
  sum = wide;
  return true;
}

}  // namespace bank
