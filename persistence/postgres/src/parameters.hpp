// Parameters of a prepared statement in PostgreSQL's binary form.
//
// Formats: https://www.postgresql.org/docs/15/protocol-message-formats.html; an array is its number of
// dimensions, a flag for NULLs, the element's type, length, lower bound, then each element behind its
// length. All big endian.
//
// Threads: values.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/clock.hpp"

namespace nexus::inline v0::postgres {

/// Appends a number in network order.
template <class Number>
void put(std::string& to, Number value) {
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(Number) == 8) {
    const auto swapped = __builtin_bswap64(static_cast<std::uint64_t>(value));
    to.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
  } else {
    static_assert(sizeof(Number) == 4);
    const auto swapped = __builtin_bswap32(static_cast<std::uint32_t>(value));
    to.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
  }
}

/// Microseconds since 2000-01-01, as a timestamptz is stored.
inline constexpr std::int64_t postgres_epoch_micros = 946'684'800'000'000;

/// The object ids of the types we bind, fixed for ever by PostgreSQL's catalogue.
enum class element : std::uint32_t {
  bytea = 17,
  int8 = 20,
  int4 = 23,
  text = 25,
  timestamptz = 1184
};

/// One array. Its memory is kept when it is begun anew.
class array {
 public:
  explicit array(element type) : type_{type} { clear(); }

  void clear();
  void int8(std::int64_t value) {
    put(bytes_, std::int32_t{8});
    put(bytes_, value);
    ++size_;
  }
  void int4(std::int32_t value) {
    put(bytes_, std::int32_t{4});
    put(bytes_, value);
    ++size_;
  }
  void time(timestamp t) { int8(t.time_since_epoch().count() - postgres_epoch_micros); }
  /// Of text and bytea.
  void bytes(std::string_view value) {
    put(bytes_, static_cast<std::int32_t>(value.size()));
    bytes_.append(value);
    ++size_;
  }
  void null() {
    put(bytes_, std::int32_t{-1});
    nulls_ = true;
    ++size_;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Valid until the array is changed.
  [[nodiscard]] std::string_view encoded();

 private:
  element type_;
  std::string bytes_;
  std::size_t size_ = 0;
  bool nulls_ = false;
};

/// The values of $1, $2 …, in that order. What is given as a view must outlive the sending.
class parameters {
 public:
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
  std::deque<std::string> owned_;  // a deque, so that they stay where they are
};

}  // namespace nexus::inline v0::postgres
