#include "nexus/sql.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

std::string_view kind_of(const sql_value& value) {
  static constexpr std::array<std::string_view, std::variant_size_v<sql_value>> names{
      "NULL", "a bool", "an integer", "a number", "text", "bytes"};
  return names.at(value.index());
}

// Skips white space, comments and semicolons. PostgreSQL's comments nest, SQLite's do not.
std::string_view past_blanks(std::string_view sql) {
  for (;;) {
    const auto begin = sql.find_first_not_of(" \t\r\n\f\v;");
    if (begin == std::string_view::npos) return {};
    sql.remove_prefix(begin);
    std::string_view end;
    if (sql.starts_with("--")) {
      end = "\n";
    } else if (sql.starts_with("/*")) {
      end = "*/";
    } else {
      return sql;
    }
    const auto at = sql.find(end, 2);
    if (at == std::string_view::npos) return {};
    sql.remove_prefix(at + end.size());
  }
}

}  // namespace

std::string first_word(std::string_view sql) {
  sql = past_blanks(sql);
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto end = std::ranges::find_if_not(sql, is_letter);
  std::string word{sql.begin(), end == sql.begin() && !sql.empty() ? end + 1 : end};
  for (auto& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return word;
}

error not_convertible(const sql_rows& from, std::size_t row, std::size_t column,
                      std::string_view wanted) {
  return {errc::corrupt,
          fmt::format("column {} ({}) of row {} is {}, not {}", column + 1, from.columns.at(column),
                      row + 1, kind_of(from.at(row, column)), wanted)};
}

error wrong_width(const sql_rows& from, std::size_t wanted) {
  return {errc::invalid_argument,
          fmt::format("rows of {} columns ({}) cannot be read as {}", from.columns.size(),
                      fmt::join(from.columns, ", "), wanted)};
}

template <>
std::optional<bool> from_sql<bool>(const sql_value& from) {
  if (const auto* is = std::get_if<bool>(&from)) return *is;
  const auto* number = std::get_if<std::int64_t>(&from);
  if (number == nullptr || (*number != 0 && *number != 1)) return std::nullopt;
  return *number == 1;
}

template <>
std::optional<std::int64_t> from_sql<std::int64_t>(const sql_value& from) {
  const auto* number = std::get_if<std::int64_t>(&from);
  return number == nullptr ? std::nullopt : std::optional{*number};
}

template <>
std::optional<double> from_sql<double>(const sql_value& from) {
  if (const auto* is = std::get_if<double>(&from)) return *is;
  const auto* number = std::get_if<std::int64_t>(&from);
  if (number == nullptr) return std::nullopt;
  constexpr std::int64_t exact_max = std::int64_t{1} << 53;  // beyond it a double skips integers
  if (*number < -exact_max || *number > exact_max) return std::nullopt;
  return static_cast<double>(*number);
}

template <>
std::optional<std::string> from_sql<std::string>(const sql_value& from) {
  const auto* text = std::get_if<std::string>(&from);
  return text == nullptr ? std::nullopt : std::optional{*text};
}

template <>
std::optional<sql_bytes> from_sql<sql_bytes>(const sql_value& from) {
  const auto* bytes = std::get_if<sql_bytes>(&from);
  return bytes == nullptr ? std::nullopt : std::optional{*bytes};
}

}}}  // namespace nexus::v0::detail
