#include "table_shape.hpp"

#include <algorithm>
#include <map>

#include "nexus/detail/table.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

result<void> add_unique(session& on, const std::string& sql, const std::string& table,
                        table_shape& to) {
  auto found = on.query<std::string, std::string>(sql, table);
  if (!found) return fail(std::move(found.error()));
  std::map<std::string, std::set<std::string>> indexes;
  for (const auto& [index, column] : *found) indexes[index].insert(column);
  for (auto& [index, columns] : indexes) to.unique.push_back(std::move(columns));
  return {};
}

// The table's rows name expressions in an index as NULL: such an index says nothing of columns.
constexpr const char* sqlite_unique =
    "SELECT l.name, i.name FROM pragma_index_list($1) l, pragma_index_info(l.name) i "
    "WHERE l.\"unique\" = 1 AND l.partial = 0 AND NOT EXISTS "
    "(SELECT 1 FROM pragma_index_info(l.name) e WHERE e.name IS NULL)";

result<table_shape> sqlite_shape(session& on, const std::string& table) {
  const auto dot = table.find('.');
  const auto name = dot == std::string::npos ? table : table.substr(dot + 1);
  auto found = on.query<std::string, std::string, std::int64_t, bool, std::int64_t, std::int64_t>(
      "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden "
      "FROM pragma_table_xinfo($1)",
      name);
  if (!found) return fail(std::move(found.error()));
  table_shape made;
  std::set<std::string> key;
  for (const auto& [column, type, not_null, has_default, pk, hidden] : *found) {
    if (pk > 0) key.insert(column);
    made.columns.push_back({.name = column,
                            .type = type,
                            .may_be_null = not_null == 0 && pk == 0,
                            .has_default = has_default,
                            .is_computed = hidden == 2 || hidden == 3});
  }
  // Another primary key has an index; so has that of a table without rowid.
  auto indexed = on.query<bool>(
      "SELECT EXISTS (SELECT 1 FROM pragma_index_list($1) WHERE origin = 'pk')", name);
  if (!indexed) return fail(std::move(indexed.error()));
  if (key.size() == 1 && !indexed->front()) {
    made.rowid = *key.begin();
    std::ranges::find(made.columns, made.rowid, &column_shape::name)->has_default = true;
  }
  if (!key.empty()) made.unique.push_back(std::move(key));
  if (auto done = add_unique(on, sqlite_unique, name, made); !done) return fail(done.error());
  return made;
}

constexpr const char* postgres_columns =
    "SELECT a.attname::text, format_type(a.atttypid, NULL), NOT a.attnotnull, "
    "a.atthasdef OR a.attidentity <> '', a.attgenerated <> '', t.typtype = 'e' "
    "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
    "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped "
    "ORDER BY a.attnum";

constexpr const char* postgres_unique =
    "SELECT i.indexrelid::text, a.attname::text FROM pg_index i JOIN pg_attribute a "
    "ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) "
    "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid "
    "AND i.indpred IS NULL AND i.indexprs IS NULL";

result<table_shape> postgres_shape(session& on, const std::string& table) {
  const auto name = quoted_table(table);
  auto found = on.query<std::string, std::string, bool, bool, bool, bool>(postgres_columns, name);
  if (!found) return fail(std::move(found.error()));
  table_shape made;
  for (const auto& [column, type, may_be_null, has_default, computed, is_enum] : *found) {
    made.columns.push_back({column, type, may_be_null, has_default, computed, is_enum});
  }
  if (auto done = add_unique(on, postgres_unique, name, made); !done) return fail(done.error());
  return made;
}

}  // namespace

result<table_shape> shape_of(session& on, const std::string& table) {
  if (on.dialect() == "sqlite") return sqlite_shape(on, table);
  if (on.dialect() == "postgresql") return postgres_shape(on, table);
  return fail(errc::invalid_argument, "the mapper knows SQLite and PostgreSQL, and no other SQL");
}

}}}  // namespace nexus::v0::detail
