// How a column is compared with a value.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/clock.hpp"
#include "nexus/detail/column_value.hpp"
#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 {

/// Comparisons with NULL are as in C++: `equals` an empty optional finds NULL, and `differs` from a
/// value finds NULL too. The order of texts is the database's.
enum class is : std::uint8_t {
  equals,
  differs,
  less,
  at_most,
  greater,
  at_least,
  one_of,       ///< with a list; an empty one finds nothing
  none_of,      ///< with a list; an empty one finds everything
  null,         ///< without a value
  not_null,     ///< without a value
  starts_with,  ///< of texts, case-sensitive; so are the next two
  ends_with,
  contains
};

enum class direction : std::uint8_t { ascending, descending };

namespace detail {

/// A duration; the column counts in the unit of its field.
struct span_of_time {
  std::int64_t count;
  time_unit unit;
};

/// What a column is compared with, or set to. Times and durations are brought into its form.
struct filter_value {
  using one = std::variant<sql_value, timestamp, span_of_time>;
  std::vector<one> values{};
};

template <class T>
inline constexpr bool is_bytes = kind_of_value<T>() == value_kind::bytes;

/// The value of anything but times and durations.
template <class T>
[[nodiscard]] sql_value plain_value(const T& value) {
  if constexpr (is_optional<T>) {
    return value ? plain_value(*value) : sql_value{};
  } else if constexpr (std::is_enum_v<T>) {
    return plain_value(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (is_bytes<T>) {
    return sql_bytes{{reinterpret_cast<const char*>(value.data()), value.size()}};
  } else {
    return to_sql(value);
  }
}

template <class T>
[[nodiscard]] filter_value::one one_filter_value(const T& value) {
  if constexpr (is_optional<T>) {
    return value ? one_filter_value(*value) : filter_value::one{sql_value{}};
  } else if constexpr (is_time_point<T>) {
    return std::chrono::floor<std::chrono::microseconds>(value);
  } else if constexpr (is_duration<T>) {
    return span_of_time{static_cast<std::int64_t>(value.count()), unit_of<T>()};
  } else {
    return plain_value(value);
  }
}

/// A key: a value, or a tuple of those of several columns.
template <class T>
[[nodiscard]] std::vector<filter_value::one> key_values(const T& key) {
  std::vector<filter_value::one> made;
  if constexpr (is_tuple<T>) {
    std::apply([&](const auto&... one) { (made.push_back(one_filter_value(one)), ...); }, key);
  } else {
    made.push_back(one_filter_value(key));
  }
  return made;
}

template <class... K>
[[nodiscard]] std::array<filter_value::one, sizeof...(K)> key_of_row(const K&... key) {
  return {one_filter_value(key)...};
}

template <class T>
[[nodiscard]] filter_value to_filter(const T& value) {
  filter_value made;
  if constexpr (std::ranges::range<T> && !std::is_convertible_v<const T&, std::string_view> &&
                !is_bytes<T>) {
    for (const auto& one : value) made.values.push_back(one_filter_value(one));
  } else {
    made.values.push_back(one_filter_value(value));
  }
  return made;
}

}

/// "the column compares so with the value"; the column by its own name or its field's.
struct condition {
  condition(std::string column, is how) : column{std::move(column)}, how{how} {}
  template <class T>
  condition(std::string column, is how, const T& value)
      : column{std::move(column)}, how{how}, with{detail::to_filter(value)} {}

  std::string column;
  is how;
  detail::filter_value with{};
};

}}  // namespace nexus::v0
