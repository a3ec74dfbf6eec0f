// FNV-1a, 64 bits: a fingerprint that is the same on every machine and in every version.
// Source: http://www.isthe.com/chongo/tech/comp/fnv/. Does not protect against forgery.
#pragma once

#include <cstdint>
#include <string_view>

namespace bank {

class digest {
 public:
  constexpr digest() = default;
  /// Continues from an earlier value.
  constexpr explicit digest(std::uint64_t value) : value_{value} {}

  /// Adds the length too, so that ("ab", "c") and ("a", "bc") differ.
  constexpr digest& add(std::string_view text) {
    for (char c : text) byte(static_cast<unsigned char>(c));
    return add(std::uint64_t{text.size()});
  }
  constexpr digest& add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) byte((number >> shift) & 0xff);
    return *this;
  }
  constexpr digest& add(std::int64_t number) { return add(static_cast<std::uint64_t>(number)); }

  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }

 private:
  constexpr void byte(std::uint64_t b) { value_ = (value_ ^ b) * 1099511628211u; }

  std::uint64_t value_ = 14695981039346656037u;
};

}  // namespace bank
