#include "drift.hpp"

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

using parts = std::vector<schema_part>;

// A statement is compared word by word.
std::string words(std::string_view sql) {
  std::string made;
  for (char c : sql) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space) made += c;
    if (space && !made.empty() && made.back() != ' ') made += ' ';
  }
  return made;
}

void add_columns(SQLite::Database& db, const std::string& table, parts& into) {
  SQLite::Statement query{
      db, "SELECT name, upper(type), \"notnull\", pk FROM pragma_table_info(?) ORDER BY cid"};
  query.bind(1, table);
  while (query.executeStep()) {
    std::string what = query.getColumn(1).getString();
    if (what.empty()) what = "without a type";
    if (query.getColumn(2).getInt() != 0) what += " NOT NULL";
    if (const auto at = query.getColumn(3).getInt(); at != 0) {
      what += at == 1 ? " PRIMARY KEY" : fmt::format(" PRIMARY KEY (part {})", at);
    }
    into.push_back({table + "." + query.getColumn(0).getString(), table, what});
  }
}

// "(persistence_id, sequence_nr)"
std::string columns_of(SQLite::Database& db, const std::string& index) {
  SQLite::Statement query{
      db,
      "SELECT coalesce(name, 'an expression'), \"desc\", coll FROM pragma_index_xinfo(?) "
      "WHERE key ORDER BY seqno"};
  query.bind(1, index);
  std::string list;
  while (query.executeStep()) {
    list += (list.empty() ? "" : ", ") + query.getColumn(0).getString();
    const auto collation = query.getColumn(2).getString();
    if (collation != "BINARY") list += " COLLATE " + collation;
    if (query.getColumn(1).getInt() != 0) list += " DESC";
  }
  return "(" + list + ")";
}

void add_indexes(SQLite::Database& db, const std::string& table, parts& into) {
  SQLite::Statement query{
      db, "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?) ORDER BY name"};
  query.bind(1, table);
  while (query.executeStep()) {
    const auto name = query.getColumn(0).getString();
    const bool unique = query.getColumn(1).getInt() != 0;
    const auto origin = query.getColumn(2).getString();
    if (origin == "pk") continue;  // the columns say it
    const auto columns = columns_of(db, name);
    if (origin == "u") {
      into.push_back({fmt::format("UNIQUE {} of {}", columns, table), table});
      continue;
    }
    const auto* partial = query.getColumn(3).getInt() != 0 ? " of some rows" : "";
    into.push_back(
        {.name = "index " + name,
         .table = table,
         .what = fmt::format("{}on {} {}{}", unique ? "UNIQUE " : "", table, columns, partial),
         .harmless = !unique});
  }
}

// Those that number changes of states: a journal may have them without choosing them.
bool is_optional_trigger(std::string_view name) {
  return name.ends_with("_state_made") || name.ends_with("_state_changed");
}

void add_triggers(SQLite::Database& db, const std::string& table, parts& into) {
  SQLite::Statement query{
      db, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"};
  query.bind(1, table);
  while (query.executeStep()) {
    into.push_back({.name = "trigger " + query.getColumn(0).getString(),
                    .table = table,
                    .what = words(query.getColumn(1).getString()),
                    .tells = false,
                    .harmless = is_optional_trigger(query.getColumn(0).getString())});
  }
}

parts parts_of(SQLite::Database& db, const std::vector<std::string>& tables) {
  parts found;
  for (const auto& table : tables) {
    const auto before = found.size();
    add_columns(db, table, found);
    if (found.size() == before) continue;  // there is no such table
    found.push_back({table, table});
    add_indexes(db, table, found);
    add_triggers(db, table, found);
  }
  std::ranges::sort(found, {}, &schema_part::name);
  return found;
}

std::vector<std::string> tables_in(SQLite::Database& db) {
  SQLite::Statement query{db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"};
  std::vector<std::string> names;
  while (query.executeStep()) names.push_back(query.getColumn(0).getString());
  return names;
}

SQLite::Database reference(const tables& t) {
  SQLite::Database made{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  made.exec(ddl(t));
  return made;
}

}  // namespace

std::vector<schema_difference> differences(SQLite::Database& db, const tables& t) {
  auto ideal = reference(t);
  const auto names = tables_in(ideal);
  return compare(parts_of(ideal, names), parts_of(db, names));
}

std::vector<std::string> table_names(const tables& t) {
  auto ideal = reference(t);
  return tables_in(ideal);
}

}}}  // namespace nexus::v0::sqlite
