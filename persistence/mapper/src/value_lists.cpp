#include "value_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

template <class T>
bool all_are(std::span<const sql_value> values) {
  return std::ranges::all_of(values,
                             [](const sql_value& v) { return std::holds_alternative<T>(v); });
}

bool has_nul(const sql_value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr && text->find('\0') != std::string::npos;
}

// [1,2] for SQLite's json_each, {1,2} for an array of PostgreSQL.
std::string integers(std::span<const sql_value> values, bool is_sqlite) {
  std::string made{is_sqlite ? '[' : '{'};
  for (const auto& value : values) {
    if (made.size() > 1) made += ',';
    made += std::to_string(std::get<std::int64_t>(value));
  }
  return made += is_sqlite ? ']' : '}';
}

std::string texts(std::span<const sql_value> values, bool is_sqlite) {
  if (is_sqlite) {
    std::vector<std::string> all;
    for (const auto& value : values) all.push_back(std::get<std::string>(value));
    return json_of(encode(all));
  }
  std::string made{'{'};
  for (const auto& value : values) {
    made += made.size() > 1 ? ",\"" : "\"";
    for (const char c : std::get<std::string>(value)) {
      if (c == '"' || c == '\\') made += '\\';
      made += c;
    }
    made += '"';
  }
  return made += '}';
}

// None: they have no form as one parameter.
std::optional<std::string> as_one_list(std::span<const sql_value> values, bool is_sqlite) {
  if (all_are<std::int64_t>(values)) return integers(values, is_sqlite);
  if (!all_are<std::string>(values) || std::ranges::any_of(values, has_nul)) return std::nullopt;
  try {
    return texts(values, is_sqlite);
  } catch (const unfit&) {
    return std::nullopt;  // not UTF-8
  }
}

}  // namespace

void in_list(sql_builder& sql, std::string_view quoted_column, std::span<const sql_value> values,
             bool wanted, bool is_sqlite) {
  if (values.empty()) {
    sql.text(wanted ? "1 = 0" : "1 = 1");
    return;
  }
  sql.text(quoted_column);
  if (auto list = as_one_list(values, is_sqlite)) {
    if (is_sqlite) {
      sql.text(wanted ? " IN (SELECT value FROM json_each("
                      : " NOT IN (SELECT value FROM json_each(");
      sql.value(*std::move(list)).text("))");
    } else {
      sql.text(wanted ? " = ANY (" : " <> ALL (").value(*std::move(list)).text(")");
    }
    return;
  }
  sql.text(wanted ? " IN (" : " NOT IN (");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) sql.text(", ");
    sql.value(values[i]);
  }
  sql.text(")");
}

void in_tuples(sql_builder& sql, const std::vector<std::string>& quoted_columns,
               std::span<const sql_value> values, bool is_sqlite) {
  const auto width = quoted_columns.size();
  if (width == 1) return in_list(sql, quoted_columns.front(), values, true, is_sqlite);
  if (values.empty()) {
    sql.text("1 = 0");
    return;
  }
  // PostgreSQL takes parameters within VALUES as text; SQLite has no list of rows.
  sql.text(fmt::format("({}) IN ({}", fmt::join(quoted_columns, ", "), is_sqlite ? "VALUES " : ""));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool begins = i % width == 0;
    sql.text(begins ? (i == 0 ? "(" : "), (") : ", ").value(values[i]);
  }
  sql.text("))");
}

}}}  // namespace nexus::v0::detail
