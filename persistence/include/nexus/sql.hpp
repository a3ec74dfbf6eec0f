// The values of SQL statements and rows, the same for every SQL database.
//
// Threads: values.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/detail/shapes.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// Bytes that are not text: BLOB, bytea.
struct sql_bytes {
  std::string data;
  friend bool operator==(const sql_bytes&, const sql_bytes&) = default;
};

/// NULL, or a value. Other types of a database (numeric, date, uuid, …) are text. SQLite has no
/// bool: it stores 0 or 1, read as an integer.
using sql_value = std::variant<std::monostate, bool, std::int64_t, double, std::string, sql_bytes>;

/// What a statement takes for $1, $2 …: values in a row, or pointers to values. It refers to them.
class sql_parameters {
 public:
  sql_parameters() = default;
  template <class Values>
    requires std::convertible_to<const Values&, std::span<const sql_value>>
  sql_parameters(const Values& values) {  // NOLINT(google-explicit-constructor)
    const std::span<const sql_value> all{values};
    values_ = all.data();
    size_ = all.size();
  }
  explicit sql_parameters(std::span<const sql_value* const> each)
      : each_{each.data()}, size_{each.size()} {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// From 0.
  [[nodiscard]] const sql_value& operator[](std::size_t at) const noexcept {
    return each_ != nullptr ? *each_[at] : values_[at];
  }

 private:
  const sql_value* values_ = nullptr;
  const sql_value* const* each_ = nullptr;
  std::size_t size_ = 0;
};

/// The result of a statement.
struct sql_rows {
  std::vector<std::string> columns{};          ///< their names
  std::vector<std::vector<sql_value>> rows{};  ///< each as wide as `columns`
  std::int64_t affected = 0;                   ///< rows that an INSERT, UPDATE or DELETE touched
  std::int64_t rowid = 0;  ///< on SQLite, of an INSERT: that of the last row which it inserted

  [[nodiscard]] std::size_t size() const noexcept { return rows.size(); }
  [[nodiscard]] bool empty() const noexcept { return rows.empty(); }
  [[nodiscard]] const sql_value& at(std::size_t row, std::size_t column) const {
    return rows.at(row).at(column);
  }
};

namespace detail {

// "column 2 (cents) of row 1 is NULL" and the like.
[[nodiscard]] error not_convertible(const sql_rows& from, std::size_t row, std::size_t column,
                                    std::string_view wanted);
[[nodiscard]] error wrong_width(const sql_rows& from, std::size_t wanted);

/// The first word of a statement in capitals, e.g. "SELECT". If it is not a word, the text there.
/// Empty: there is no statement.
[[nodiscard]] std::string first_word(std::string_view sql);

/// What a statement takes as a parameter, or an optional of it.
template <class T>
concept sql_scalar =
    std::same_as<T, sql_value> || std::same_as<T, sql_bytes> || std::is_arithmetic_v<T> ||
    std::same_as<T, std::nullptr_t> || std::same_as<T, std::nullopt_t> ||
    std::is_convertible_v<const T&, std::string_view>;
template <class T>
inline constexpr bool is_sql_parameter = sql_scalar<T>;
template <class T>
inline constexpr bool is_sql_parameter<std::optional<T>> = sql_scalar<T>;
template <class T>
concept sql_parameter = is_sql_parameter<T>;

template <class T>
[[nodiscard]] inline sql_value to_sql(const T& value) {
  if constexpr (is_optional<T>) {
    return value ? to_sql(*value) : sql_value{};
  } else if constexpr (std::same_as<T, sql_value> || std::same_as<T, bool> ||
                       std::same_as<T, sql_bytes>) {
    return value;
  } else if constexpr (std::integral<T>) {
    static_assert(sizeof(T) < 8 || std::is_signed_v<T>, "SQL has no unsigned 64-bit integers");
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::floating_point<T>) {
    return static_cast<double>(value);
  } else if constexpr (std::same_as<T, std::nullptr_t> || std::same_as<T, std::nullopt_t>) {
    return sql_value{};
  } else {
    return std::string{std::string_view{value}};
  }
}

/// Reads `from` as a `T`; none if the type differs. An integer may be read as bool or double if
/// that loses nothing.
template <class T>
[[nodiscard]] std::optional<T> from_sql(const sql_value& from);
template <>
[[nodiscard]] std::optional<bool> from_sql<bool>(const sql_value& from);
template <>
[[nodiscard]] std::optional<std::int64_t> from_sql<std::int64_t>(const sql_value& from);
template <>
[[nodiscard]] std::optional<double> from_sql<double>(const sql_value& from);
template <>
[[nodiscard]] std::optional<std::string> from_sql<std::string>(const sql_value& from);
template <>
[[nodiscard]] std::optional<sql_bytes> from_sql<sql_bytes>(const sql_value& from);

template <class T>
constexpr std::string_view sql_name() {
  if constexpr (std::same_as<T, bool>) return "a bool";
  if constexpr (std::same_as<T, std::int64_t>) return "an integer";
  if constexpr (std::same_as<T, double>) return "a number";
  if constexpr (std::same_as<T, std::string>) return "text";
  return "bytes";
}

template <class T>
[[nodiscard]] bool read_column(const sql_rows& from, std::size_t row, std::size_t column, T& to,
                               std::optional<error>& why) {
  const auto& value = from.at(row, column);
  if constexpr (is_optional<T>) {
    if (std::holds_alternative<std::monostate>(value)) return true;
    typename T::value_type inner{};
    if (!read_column(from, row, column, inner, why)) return false;
    to = std::move(inner);
    return true;
  } else if constexpr (std::same_as<T, sql_value>) {
    to = value;
    return true;
  } else {
    if (auto read = from_sql<T>(value)) {
      to = *std::move(read);
      return true;
    }
    why = not_convertible(from, row, column, sql_name<T>());
    return false;
  }
}

template <class... T>
using sql_row =
    std::conditional_t<sizeof...(T) == 1, std::tuple_element_t<0, std::tuple<T..., int>>,
                       std::tuple<T...>>;

}

/// Every row as a std::tuple of the given types (for one type: as that type): bool, std::int64_t,
/// double, std::string, sql_bytes, sql_value, or a std::optional of one for columns that may be
/// NULL. `corrupt`, naming row and column, if a stored value has another type.
template <class... T>
[[nodiscard]] result<std::vector<detail::sql_row<T...>>> rows_as(const sql_rows& from) {
  if (from.columns.size() != sizeof...(T)) return fail(detail::wrong_width(from, sizeof...(T)));
  std::vector<detail::sql_row<T...>> made;
  made.reserve(from.size());
  std::optional<error> why;
  for (std::size_t row = 0; row < from.size(); ++row) {
    std::tuple<T...> one;
    const bool whole = [&]<std::size_t... i>(std::index_sequence<i...>) {
      return (detail::read_column(from, row, i, std::get<i>(one), why) && ...);
    }(std::index_sequence_for<T...>{});
    if (!whole) return fail(*std::move(why));
    if constexpr (sizeof...(T) == 1) {
      made.push_back(std::get<0>(std::move(one)));
    } else {
      made.push_back(std::move(one));
    }
  }
  return made;
}

}}  // namespace nexus::v0
