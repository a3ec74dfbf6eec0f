#include "row_statements.hpp"

#include <algorithm>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

sql_builder& sql_builder::value(sql_value value) {
  made_.with.push_back(std::move(value));
  made_.sql += '$';
  made_.sql += std::to_string(made_.with.size());
  return *this;
}

sql_builder& sql_builder::names(const table& of, std::span<const std::size_t> columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) text(", ");
    name(of, columns[i]);
  }
  return *this;
}

sql_builder& sql_builder::where_key(const table& of, const row_values& row) {
  text(" WHERE ");
  for (std::size_t i = 0; i < of.key.size(); ++i) {
    if (i > 0) text(" AND ");
    name(of, of.key[i]).text(" = ").value(row[of.key[i]].value_or(sql_value{}));
  }
  return *this;
}

statement insert_row(const table& of, const row_values& row) {
  std::vector<std::size_t> given;
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (row[at] && !of.columns[at].of_database) given.push_back(at);
  }
  sql_builder sql;
  sql.text("INSERT INTO ").text(of.quoted);
  if (given.empty()) {
    sql.text(" DEFAULT VALUES");
  } else {
    sql.text(" (").names(of, given).text(") VALUES (");
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (i > 0) sql.text(", ");
      sql.value(*row[given[i]]);
    }
    sql.text(")");
  }
  if (of.generated && !row[of.key.front()]) sql.text(" RETURNING ").names(of, of.key);
  return sql.done();
}

namespace {

void and_version(sql_builder& sql, const table& of, std::optional<std::int64_t> version) {
  if (version) sql.text(" AND ").name(of, *of.version).text(" = ").value(*version);
}

}  // namespace

statement update_row(const table& of, const row_values& row, std::span<const std::size_t> changed,
                     std::optional<std::int64_t> version, bool only_unmarked) {
  sql_builder sql;
  sql.text("UPDATE ").text(of.quoted).text(" SET ");
  for (std::size_t i = 0; i < changed.size(); ++i) {
    if (i > 0) sql.text(", ");
    sql.name(of, changed[i]).text(" = ").value(*row[changed[i]]);
  }
  sql.where_key(of, row);
  and_version(sql, of, version);
  if (only_unmarked && of.deleted) sql.text(" AND ").name(of, *of.deleted).text(" IS NULL");
  return sql.done();
}

statement delete_row(const table& of, const row_values& row, std::optional<std::int64_t> version) {
  sql_builder sql;
  sql.text("DELETE FROM ").text(of.quoted).where_key(of, row);
  and_version(sql, of, version);
  return sql.done();
}

statement select_row(const table& of, const row_values& row, std::span<const std::size_t> columns) {
  sql_builder sql;
  sql.text("SELECT ").names(of, columns).text(" FROM ").text(of.quoted).where_key(of, row);
  return sql.done();
}

}}}  // namespace nexus::v0::detail
