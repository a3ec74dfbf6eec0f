// ULIDs: 48 bits of milliseconds, 80 bits of randomness, sortable as bytes and as text.
// Format: https://github.com/ulid/spec (Crockford base 32, 26 characters).
//
// Threads: `ulid` is a value; a generator may be used from any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nexus/clock.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// 16 bytes, big endian; all zero means "none".
struct ulid {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const ulid&, const ulid&) = default;

  [[nodiscard]] bool empty() const noexcept { return *this == ulid{}; }

  /// The 26 characters of the canonical form, upper case.
  [[nodiscard]] std::string to_string() const;

  /// Fails with `invalid_argument` unless `text` is 26 characters of the canonical form.
  [[nodiscard]] static result<ulid> parse(std::string_view text);
};

/// Makes ULIDs, each unique. Those made on one thread rise strictly, also within a millisecond and
/// when the clock steps back; those of different threads are ordered by the millisecond, as exactly
/// as the clock. Threads do not wait for each other.
class ulid_generator {
 public:
  explicit ulid_generator(const clock& time);
  ~ulid_generator();
  ulid_generator(const ulid_generator&) = delete;
  ulid_generator& operator=(const ulid_generator&) = delete;

  [[nodiscard]] ulid next();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}}  // namespace nexus::v0
