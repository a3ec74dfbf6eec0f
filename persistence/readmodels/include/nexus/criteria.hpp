// What models are found by: fields and the values they must have.
//
//   orders.find_by({{"customer", "anna"}, {"paid", true}});
//   orders.find_by({{"id", {"7", "9"}}});
//
// Threads: values.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace nexus { inline namespace v0 {

/// A bool, a number, a text, or a list of ids. An enum is the number that is stored for it.
/// Numbers are compared by value, whatever their types: 5 equals 5.0. A NaN equals nothing.
class field_value {
 public:
  using ids = std::vector<std::string>;
  using variant = std::variant<bool, std::int64_t, std::uint64_t, double, std::string, ids>;

  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T> field_value(T value)
      : value_{number(value)} {}
  template <class T>
  requires std::is_convertible_v<const T&, std::string_view> field_value(const T& text)
      : value_{std::string{std::string_view{text}}} {}
  field_value(std::initializer_list<std::string> of) : value_{ids{of}} {}
  field_value(ids of) : value_{std::move(of)} {}

  [[nodiscard]] const variant& get() const noexcept { return value_; }

 private:
  template <class T>
  static variant number(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value;
    } else if constexpr (std::is_enum_v<T>) {
      return number(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::floating_point<T>) {
      return static_cast<double>(value);
    } else if constexpr (std::signed_integral<T> || sizeof(T) < sizeof(std::int64_t)) {
      return std::int64_t{value};
    } else {
      return std::uint64_t{value};
    }
  }

  variant value_;
};

/// A field that holds a list matches if the list contains the value; an optional one, if it has it.
/// Only the field `id` may be compared with a list of ids, any of which matches.
struct criterion {
  std::string field;
  field_value value;
};

/// All must match.
using criteria = std::vector<criterion>;

}}  // namespace nexus::v0
