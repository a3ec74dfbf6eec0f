// A field of a struct as the value of a column, and back.
//
//   bool, integers, enums, durations   integer (a bool is a boolean on PostgreSQL)
//   float, double                      real
//   std::string                        text
//   bytes                              BLOB, bytea
//   time points                        text or integer: time_format
//   std::optional                      NULL, or its value
//   everything else that the codec knows (structs, containers, variants …)   JSON as text
//
// Threads: any. Throws: unfit, if a value does not fit, in words that follow the name of the field.
#pragma once

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "nexus/clock.hpp"
#include "nexus/codec.hpp"
#include "nexus/detail/shapes.hpp"
#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 {

/// How a time point is stored: as text ("2026-01-31T12:00:00.000000Z", in UTC; for timestamp,
/// timestamptz and text columns), or as a number since 1970. Columns keep microseconds: finer time
/// points are cut off.
enum class time_format : std::uint8_t { text, seconds, milliseconds, microseconds };

namespace detail {

/// What a column has to be able to hold.
enum class value_kind : std::uint8_t { flag, integer, real, text, bytes, time, json, converted };
[[nodiscard]] std::string_view to_string(value_kind kind) noexcept;

struct unfit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What a column's value is. Numbers may be text: PostgreSQL's numeric comes so.
[[nodiscard]] bool flag_of(const sql_value& from);
[[nodiscard]] std::int64_t integer_of(const sql_value& from);
[[nodiscard]] double real_of(const sql_value& from);
[[nodiscard]] const std::string& text_of(const sql_value& from);
[[nodiscard]] const std::string& bytes_of(const sql_value& from);
[[nodiscard]] timestamp time_of(const sql_value& from, time_format in);

[[nodiscard]] sql_value real_value(double number);
[[nodiscard]] sql_value time_value(timestamp time, time_format in);

// JSON of a msgpack value, and back; everything that msgpack has comes back as it was.
[[nodiscard]] std::string json_of(std::string_view msgpack);
[[nodiscard]] std::string msgpack_of(std::string_view json);

[[noreturn]] void not_a_time();
[[noreturn]] void does_not_fit_its_type(std::int64_t number);
[[noreturn]] void too_large_for_float(double number);
[[noreturn]] void too_large_for_sql(std::uint64_t number);
[[noreturn]] void unfit_json(const error& why);

template <class T>
inline constexpr bool is_text = std::is_convertible_v<const T&, std::string_view>;

template <class T>
constexpr value_kind kind_of_value() {
  if constexpr (is_optional<T>) return kind_of_value<typename T::value_type>();
  if constexpr (std::same_as<T, bool>) return value_kind::flag;
  if constexpr (std::is_integral_v<T> || std::is_enum_v<T> || is_duration<T>) {
    return value_kind::integer;
  }
  if constexpr (std::is_floating_point_v<T>) return value_kind::real;
  if constexpr (is_text<T>) return value_kind::text;
  if constexpr (is_time_point<T>) return value_kind::time;
  if constexpr (packed_whole<T> && !std::same_as<T, std::vector<bool>>) return value_kind::bytes;
  return value_kind::json;
}

template <class T>
constexpr bool is_narrow() {
  if constexpr (is_optional<T>) {
    return is_narrow<typename T::value_type>();
  } else {
    return std::is_integral_v<T> && (sizeof(T) < 8 || std::is_unsigned_v<T>);
  }
}

/// Seconds of one tick as a fraction; {0, 0}: no duration.
struct time_unit {
  std::int64_t num = 0, den = 0;
};
template <class T>
constexpr time_unit unit_of() {
  if constexpr (is_optional<T>) {
    return unit_of<typename T::value_type>();
  } else if constexpr (is_duration<T>) {
    return {T::period::num, T::period::den};
  } else {
    return {};
  }
}

template <class T>
[[nodiscard]] std::int64_t integer_value(T number) {
  if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8) {
    if (number > static_cast<T>(std::numeric_limits<std::int64_t>::max())) {
      too_large_for_sql(number);
    }
  }
  return static_cast<std::int64_t>(number);
}

/// Throws unfit for a time that a timestamp cannot hold.
template <class T>
[[nodiscard]] timestamp as_timestamp(const T& time) {
  using ticks = typename T::duration;
  using std::chrono::microseconds;
  if constexpr (std::ratio_greater_v<typename ticks::period, std::micro>) {
    const auto since = time.time_since_epoch();
    const auto most = std::chrono::duration_cast<ticks>(microseconds::max());
    if (since > most || since < -most) not_a_time();
  }
  return std::chrono::floor<microseconds>(time);
}

template <class T>
void write_value(sql_value& to, const T& field, time_format in) {
  if constexpr (is_optional<T>) {
    if (field) return write_value(to, *field, in);
    to.emplace<std::monostate>();
  } else if constexpr (std::same_as<T, bool>) {
    to.emplace<bool>(field);
  } else if constexpr (std::is_enum_v<T>) {
    to.emplace<std::int64_t>(integer_value(static_cast<std::underlying_type_t<T>>(field)));
  } else if constexpr (std::is_integral_v<T>) {
    to.emplace<std::int64_t>(integer_value(field));
  } else if constexpr (is_duration<T>) {
    write_value(to, field.count(), in);
  } else if constexpr (std::is_floating_point_v<T>) {
    to = real_value(static_cast<double>(field));
  } else if constexpr (is_text<T>) {
    to.emplace<std::string>(std::string_view{field});
  } else if constexpr (is_time_point<T>) {
    to = time_value(as_timestamp(field), in);
  } else if constexpr (kind_of_value<T>() == value_kind::bytes) {
    to = sql_bytes{{reinterpret_cast<const char*>(field.data()), field.size()}};
  } else {
    to = json_of(encode(field));
  }
}

/// Whether `write_value` would give this.
template <class T>
[[nodiscard]] bool equals(const T& field, const sql_value& written, time_format in) {
  if constexpr (is_optional<T>) {
    return field ? equals(*field, written, in) : std::holds_alternative<std::monostate>(written);
  } else if constexpr (std::is_integral_v<T> && !std::same_as<T, bool>) {
    const auto* number = std::get_if<std::int64_t>(&written);
    return number != nullptr && std::in_range<T>(*number) && static_cast<T>(*number) == field;
  } else if constexpr (is_text<T>) {
    const auto* text = std::get_if<std::string>(&written);
    return text != nullptr && *text == std::string_view{field};
  } else {
    sql_value value;
    write_value(value, field, in);
    return value == written;
  }
}

template <class T>
[[nodiscard]] T narrowed(std::int64_t number) {
  if (!std::in_range<T>(number)) does_not_fit_its_type(number);
  return static_cast<T>(number);
}

template <class T>
void read_bytes(T& field, const std::string& from) {
  if constexpr (is_array<T>) {
    if (from.size() != field.size()) throw unfit{"has another number of bytes"};
  } else {
    field.resize(from.size());
  }
  std::copy(from.begin(), from.end(), reinterpret_cast<char*>(field.data()));
}

template <class T>
void read_into(T& field, const sql_value& from, time_format in) {
  if constexpr (is_optional<T>) {
    if (std::holds_alternative<std::monostate>(from)) return field.reset();
    read_into(field.emplace(), from, in);
  } else if constexpr (std::same_as<T, bool>) {
    field = flag_of(from);
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number{};
    read_into(number, from, in);
    field = static_cast<T>(number);
  } else if constexpr (std::is_integral_v<T>) {
    field = narrowed<T>(integer_of(from));
  } else if constexpr (is_duration<T>) {
    typename T::rep count{};
    read_into(count, from, in);
    field = T{count};
  } else if constexpr (std::is_floating_point_v<T>) {
    field = static_cast<T>(real_of(from));
    if (!std::isfinite(field) && std::isfinite(real_of(from))) too_large_for_float(real_of(from));
  } else if constexpr (is_text<T>) {
    field = text_of(from);
  } else if constexpr (is_time_point<T>) {
    field = std::chrono::floor<typename T::duration>(time_of(from, in));
  } else if constexpr (kind_of_value<T>() == value_kind::bytes) {
    read_bytes(field, bytes_of(from));
  } else {
    if (auto done = decode(msgpack_of(text_of(from)), field); !done) unfit_json(done.error());
  }
}

}
}}  // namespace nexus::v0
