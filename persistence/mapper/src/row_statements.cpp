#include "row_statements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

sql_builder& sql_builder::parameter() {
  made_.sql += has_numbers_ ? '$' : '?';
  if (has_numbers_) made_.sql += std::to_string(++parameters_);
  return *this;
}

sql_builder& sql_builder::names(const table& of, std::span<const std::size_t> columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) text(", ");
    name(of, columns[i]);
  }
  return *this;
}

sql_builder& sql_builder::where_key(const table& of) {
  for (std::size_t i = 0; i < of.key.size(); ++i) {
    text(i == 0 ? " WHERE " : " AND ").name(of, of.key[i]).text(" = ").parameter();
  }
  return *this;
}

namespace {

void add_key(std::vector<sql_value>& to, const table& of, const row_values& row) {
  for (const auto at : of.key) to.push_back(row[at].value_or(sql_value{}));
}

// Makes the text again only if it differs from the last one.
template <class Write>
void make_text(last_text& last, std::span<const std::size_t> columns, bool flag, bool other,
               Write&& write) {
  if (last.sql.empty() || last.flag != flag || last.other != other ||
      !std::ranges::equal(last.columns, columns)) {
    sql_builder sql;
    write(sql);
    last = {{columns.begin(), columns.end()}, flag, other, sql.done().sql, std::move(last.with)};
  }
}

}  // namespace

namespace {

bool suits(value_kind kind, time_format time, const sql_value& value) {
  if (std::holds_alternative<std::monostate>(value)) return true;
  const bool is_integer = std::holds_alternative<std::int64_t>(value);
  switch (kind) {
    case value_kind::flag:
      return std::holds_alternative<bool>(value) || is_integer;
    case value_kind::integer:
      return is_integer;
    case value_kind::real:
      return is_integer || std::holds_alternative<double>(value);
    case value_kind::text:
    case value_kind::json:
      return std::holds_alternative<std::string>(value);
    case value_kind::bytes:
      return std::holds_alternative<sql_bytes>(value);
    case value_kind::time:
      return time == time_format::text ? std::holds_alternative<std::string>(value) : is_integer;
    case value_kind::converted:
      break;
  }
  return true;
}

// In the unit of the field.
sql_value in_unit(span_of_time span, time_unit field) {
  __extension__ using wide = __int128;
  if (field.den == 0) throw unfit{"is a duration, and the field is none"};
  const wide num = wide{span.count} * span.unit.num * field.den;
  const wide den = wide{span.unit.den} * field.num;
  const wide made = num / den;
  if (made * den != num || made > INT64_MAX || made < INT64_MIN) {
    throw unfit{"is no whole number in the unit of the field"};
  }
  return static_cast<std::int64_t>(made);
}

}  // namespace

sql_value value_for(const table& of, std::size_t at, const filter_value::one& value) {
  const auto& column = of.columns[at];
  try {
    if (const auto* time = std::get_if<timestamp>(&value)) {
      if (column.kind != value_kind::time) throw unfit{"is a time, and the field is none"};
      return time_value(*time, column.time);
    }
    if (const auto* span = std::get_if<span_of_time>(&value)) {
      return in_unit(*span, of.is_field(at) ? of.entity.fields[at].unit : time_unit{});
    }
    const auto& plain = std::get<sql_value>(value);
    if (const auto* number = std::get_if<double>(&plain)) (void)real_value(*number);
    if (!suits(column.kind, column.time, plain)) {
      throw unfit{fmt::format("is not stored as {}", to_string(column.kind))};
    }
    return plain;
  } catch (const unfit& why) {
    throw misfit{at, why.what()};
  }
}

void insert_row(const table& of, const row_values& row, bool returns_key, last_text& last) {
  last.with.clear();
  bool same = !last.sql.empty() && last.flag == returns_key;
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (!row[at] || of.columns[at].of_database) continue;
    const auto place = last.with.size();
    if (same) same = place < last.columns.size() && last.columns[place] == at;
    if (!same) {
      last.sql.clear();
      last.columns.resize(place);
      last.columns.push_back(at);
    }
    last.with.push_back(&*row[at]);
  }
  if (same && last.columns.size() == last.with.size()) return;
  last.columns.resize(last.with.size());
  last.flag = returns_key;
  sql_builder sql;
  sql.text("INSERT INTO ").text(of.quoted);
  if (last.columns.empty()) {
    sql.text(" DEFAULT VALUES");
  } else {
    sql.text(" (").names(of, last.columns).text(") VALUES (");
    for (std::size_t i = 0; i < last.columns.size(); ++i) sql.text(i > 0 ? ", " : "").parameter();
    sql.text(")");
  }
  if (returns_key) sql.text(" RETURNING ").names(of, of.key);
  last.sql = sql.done().sql;
}

void update_row(const table& of, const row_values& row, std::span<const std::size_t> changed,
                const sql_value* version, bool only_unmarked, last_text& last) {
  const bool checks_mark = only_unmarked && of.deleted;
  make_text(last, changed, version != nullptr, checks_mark, [&](sql_builder& sql) {
    sql.text("UPDATE ").text(of.quoted).text(" SET ");
    for (std::size_t i = 0; i < changed.size(); ++i) {
      sql.text(i > 0 ? ", " : "").name(of, changed[i]).text(" = ").parameter();
    }
    sql.where_key(of);
    if (version) sql.text(" AND ").name(of, *of.version).text(" = ").parameter();
    if (checks_mark) sql.text(" AND ").name(of, *of.deleted).text(" IS NULL");
  });
  last.with.clear();
  for (const auto at : changed) last.with.push_back(&*row[at]);
  for (const auto at : of.key) last.with.push_back(&*row[at]);
  if (version != nullptr) last.with.push_back(version);
}

statement delete_row(const table& of, const row_values& row, std::optional<std::int64_t> version) {
  sql_builder sql;
  sql.text("DELETE FROM ").text(of.quoted).where_key(of);
  if (version) sql.text(" AND ").name(of, *of.version).text(" = ").parameter();
  auto made = sql.done();
  add_key(made.with, of, row);
  if (version) made.with.emplace_back(*version);
  return made;
}

statement select_row(const table& of, const row_values& row, std::span<const std::size_t> columns) {
  sql_builder sql;
  sql.text("SELECT ").names(of, columns).text(" FROM ").text(of.quoted).where_key(of);
  auto made = sql.done();
  add_key(made.with, of, row);
  return made;
}

}}}  // namespace nexus::v0::detail
