// Parameters of a prepared statement in PostgreSQL's binary form.
//
// Formats: https://www.postgresql.org/docs/15/protocol-message-formats.html; an array is its number
// of dimensions, a flag for NULLs, the element's type, length, lower bound, then each element after
// its length. All big endian.
//
// Threads: values.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/clock.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

/// Writes a number in network order; returns the position after it.
template <class Number>
char* put(char* to, Number value) {
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(Number) == 8) {
    const auto swapped = __builtin_bswap64(static_cast<std::uint64_t>(value));
    std::memcpy(to, &swapped, sizeof swapped);
  } else {
    static_assert(sizeof(Number) == 4);
    const auto swapped = __builtin_bswap32(static_cast<std::uint32_t>(value));
    std::memcpy(to, &swapped, sizeof swapped);
  }
  return to + sizeof(Number);
}

/// Microseconds since 2000-01-01, as a timestamptz is stored.
inline constexpr std::int64_t postgres_epoch_micros = 946'684'800'000'000;

/// The object ids of the bound types, fixed by PostgreSQL's catalogue.
enum class element : std::uint32_t {
  bytea = 17,
  int8 = 20,
  int4 = 23,
  text = 25,
  timestamptz = 1184
};

/// One array. `begin` reuses its memory.
class array {
 public:
  explicit array(element type) : type_{type} { grow(header_bytes); }

  void clear() noexcept {
    used_ = header_bytes;
    size_ = 0;
    nulls_ = false;
  }
  void int8(std::int64_t value) { put(put(room(4 + 8), std::int32_t{8}), value); }
  void int4(std::int32_t value) { put(put(room(4 + 4), std::int32_t{4}), value); }
  void time(timestamp t) { int8(t.time_since_epoch().count() - postgres_epoch_micros); }
  /// An element of text or bytea.
  void bytes(std::string_view value) {
    auto* to = put(room(4 + value.size()), static_cast<std::int32_t>(value.size()));
    if (!value.empty()) std::memcpy(to, value.data(), value.size());
  }
  void null() {
    put(room(4), std::int32_t{-1});
    nulls_ = true;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Valid until the array is changed.
  [[nodiscard]] std::string_view encoded();

 private:
  static constexpr std::size_t header_bytes = 20;  // of an array with one dimension

  // Room for one more element. (A std::string would check its capacity three times per element.)
  char* room(std::size_t bytes) {
    if (used_ + bytes > capacity_) grow(used_ + bytes);
    auto* to = bytes_.get() + used_;
    used_ += bytes;
    ++size_;
    return to;
  }
  void grow(std::size_t needed);

  element type_;
  std::unique_ptr<char[]> bytes_;  // NOLINT(modernize-avoid-c-arrays)
  std::size_t capacity_ = 0;
  std::size_t used_ = header_bytes;
  std::size_t size_ = 0;
  bool nulls_ = false;
};

/// The values of $1, $2 …, in that order. Views must outlive the sending.
class parameters {
 public:
  parameters() = default;
  ~parameters() = default;
  parameters(parameters&&) = default;
  parameters& operator=(parameters&&) = default;
  parameters(const parameters&) = delete;  // the values point into owned memory
  parameters& operator=(const parameters&) = delete;

  parameters& text(std::string_view value) { return add(value); }
  parameters& bytes(std::string_view value) { return add(value); }
  parameters& int8(std::int64_t value);
  parameters& null();
  parameters& all(array& values) { return add(values.encoded()); }

  [[nodiscard]] int count() const noexcept { return static_cast<int>(values_.size()); }
  [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }
  [[nodiscard]] const int* lengths() const noexcept { return lengths_.data(); }
  [[nodiscard]] const int* formats() const noexcept { return formats_.data(); }

 private:
  parameters& add(std::string_view value);

  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::deque<std::array<char, 8>> owned_;  // a deque, so that elements do not move
};

}}}  // namespace nexus::v0::postgres
