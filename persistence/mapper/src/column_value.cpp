#include "nexus/detail/column_value.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "time_text.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr std::int64_t largest_time = std::int64_t{1} << 62;  // of microseconds

std::string_view what_it_is(const sql_value& value) {
  static constexpr std::string_view names[]{"NULL",     "a bool", "an integer",
                                            "a number", "text",   "bytes"};
  return names[value.index()];
}

[[noreturn]] void is_not(const sql_value& value, std::string_view wanted) {
  throw unfit{fmt::format("is {}, not {}", what_it_is(value), wanted)};
}

// PostgreSQL's numeric is text.
template <class Number>
std::optional<Number> number_in(const sql_value& from) {
  const auto* text = std::get_if<std::string>(&from);
  if (text == nullptr) return std::nullopt;
  Number made{};
  const auto* end = text->data() + text->size();
  const auto [read_to, bad] = std::from_chars(text->data(), end, made);
  if (bad != std::errc{} || read_to != end) return std::nullopt;
  return made;
}

}  // namespace

std::string_view to_string(value_kind kind) noexcept {
  static constexpr std::string_view names[]{"bool",  "integer", "number", "text",
                                            "bytes", "time",    "JSON",   "converted value"};
  return names[static_cast<std::size_t>(kind)];
}

bool flag_of(const sql_value& from) {
  if (auto flag = from_sql<bool>(from)) return *flag;
  is_not(from, "a bool");
}

std::int64_t integer_of(const sql_value& from) {
  if (const auto* number = std::get_if<std::int64_t>(&from)) return *number;
  if (const auto number = number_in<std::int64_t>(from)) return *number;
  is_not(from, "an integer");
}

double real_of(const sql_value& from) {
  if (const auto number = from_sql<double>(from)) return *number;
  if (const auto number = number_in<double>(from)) return *number;
  is_not(from, "a number");
}

const std::string& text_of(const sql_value& from) {
  if (const auto* text = std::get_if<std::string>(&from)) return *text;
  is_not(from, "text");
}

const std::string& bytes_of(const sql_value& from) {
  if (const auto* bytes = std::get_if<sql_bytes>(&from)) return bytes->data;
  is_not(from, "bytes");
}

sql_value real_value(double number) {
  if (std::isnan(number)) throw unfit{"is not a number (NaN), which SQLite would store as NULL"};
  return number;
}

timestamp time_of(const sql_value& from, time_format in) {
  if (in == time_format::text) {
    const auto read = time_in(text_of(from));
    if (!read) throw unfit{fmt::format("is not a time: \"{}\"", text_of(from))};
    return *read;
  }
  using namespace std::chrono;
  const auto number = integer_of(from);
  const std::int64_t factor =
      in == time_format::seconds ? 1'000'000 : (in == time_format::milliseconds ? 1'000 : 1);
  if (number > largest_time / factor || number < -largest_time / factor) {
    throw unfit{fmt::format("is {}, which is no time", number)};
  }
  return timestamp{microseconds{number * factor}};
}

sql_value time_value(timestamp time, time_format in) {
  using namespace std::chrono;
  // What is written can be read again, also by PostgreSQL.
  constexpr timestamp first = sys_days{year{1} / 1 / 1};
  constexpr timestamp end = sys_days{year{10'000} / 1 / 1};
  if (in == time_format::text && (time < first || time >= end)) not_a_time();
  const auto ticks = time.time_since_epoch().count();
  if (ticks > largest_time || ticks < -largest_time) not_a_time();
  switch (in) {
    case time_format::text:
      return text_of(time);
    case time_format::seconds:
      return std::int64_t{floor<seconds>(time).time_since_epoch().count()};
    case time_format::milliseconds:
      return std::int64_t{floor<milliseconds>(time).time_since_epoch().count()};
    case time_format::microseconds:
      break;
  }
  return std::int64_t{time.time_since_epoch().count()};
}

void not_a_time() {
  throw unfit{"is a time that cannot be stored so: texts have the years 1 to 9999"};
}

void too_large_for_float(double number) {
  throw unfit{fmt::format("is {}, which a float cannot hold", number)};
}

void does_not_fit_its_type(std::int64_t number) {
  throw unfit{fmt::format("is {}, which its type cannot hold", number)};
}

void too_large_for_sql(std::uint64_t number) {
  throw unfit{fmt::format("is {}, and SQL has no integers above 2^63 - 1", number)};
}

void unfit_json(const error& why) {
  throw unfit{fmt::format("is JSON that does not fit: {}", why.message)};
}

}}}  // namespace nexus::v0::detail
