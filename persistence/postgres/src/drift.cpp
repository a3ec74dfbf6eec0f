#include "drift.hpp"

#include <fmt/format.h>

#include <utility>

#include "layout.hpp"
#include "nexus/schema_drift.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

constexpr std::string_view in_schema =
    "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())";

using parts = std::vector<schema_part>;

std::string columns_of(std::string_view columns, bool unique) {
  return fmt::format("{}on ({})", unique ? "unique " : "", columns);
}

parts expected_parts(const schema_choices& chosen, drift which) {
  parts made;
  const auto journal = "table " + chosen.named("nexus_event_journal");
  for (const auto& one : tables()) {
    const auto name = chosen.named(one.name);
    const auto table = "table " + name;
    made.push_back({table, table});
    for (const auto& c : one.columns) {
      made.push_back({fmt::format("column {}.{}", name, c.name), table,
                      fmt::format("{}{}{}", c.type, c.type == "text" ? " COLLATE \"C\"" : "",
                                  c.required ? " NOT NULL" : "")});
    }
    made.push_back({"the primary key of " + name, table, fmt::format("({})", one.primary_key)});
  }
  made.push_back({.name = "trigger " + chosen.named(erased_trigger),
                  .table = journal,
                  .what = erased_body(chosen),
                  .tells = false});
  if (which == drift::of_tables) return made;
  for (const auto& one : indexes(chosen)) {
    made.push_back({"index " + chosen.named(one.name), "table " + chosen.named(one.table),
                    columns_of(one.columns, one.unique)});
  }
  return made;
}

void find_columns(connection& c, const std::string& name, parts& into) {
  const auto found = c.execute(fmt::format(
      "SELECT a.attname, format_type(a.atttypid, a.atttypmod) || "
      "  CASE WHEN co.collname IN ('default') OR co.collname IS NULL THEN '' "
      "       ELSE ' COLLATE \"' || co.collname || '\"' END || "
      "  CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END "
      "FROM pg_attribute a LEFT JOIN pg_collation co ON co.oid = a.attcollation "
      "JOIN pg_class t ON t.oid = a.attrelid "
      "WHERE t.relname = '{}' AND t.relnamespace = {} AND a.attnum > 0 AND NOT a.attisdropped",
      name, in_schema));
  const auto table = "table " + name;
  if (found.size() > 0) into.push_back({table, table});
  for (int i = 0; i < found.size(); ++i) {
    into.push_back({fmt::format("column {}.{}", name, found.bytes(i, 0)), table,
                    std::string{found.bytes(i, 1)}});
  }
}

// All indexes of the schema; foreign ones are no difference.
void find_indexes(connection& c, parts& into) {
  const auto found = c.execute(
      fmt::format("SELECT t.relname, i.relname, x.indisprimary, "
                  "  (SELECT string_agg(coalesce(a.attname, pg_get_indexdef(x.indexrelid, "
                  "            k.n::int4, true)), ', ' ORDER BY k.n) "
                  "     FROM unnest(x.indkey) WITH ORDINALITY AS k (attribute, n) "
                  "     LEFT JOIN pg_attribute a "
                  "       ON a.attrelid = x.indrelid AND a.attnum = k.attribute), "
                  "  x.indisunique, x.indisvalid "
                  "FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
                  "JOIN pg_class t ON t.oid = x.indrelid WHERE t.relnamespace = {}",
                  in_schema));
  for (int i = 0; i < found.size(); ++i) {
    const std::string table{found.bytes(i, 0)};
    const auto columns = found.bytes(i, 3);
    schema_part made{.name = "the primary key of " + table,
                     .table = "table " + table,
                     .what = fmt::format("({})", columns),
                     .harmless = true};
    if (found.bytes(i, 2) != "t") {
      made.name = fmt::format("index {}", found.bytes(i, 1));
      made.what = columns_of(columns, found.bytes(i, 4) == "t");
      if (found.bytes(i, 5) != "t") made.fault = "is not valid: drop it and create it again";
    }
    into.push_back(std::move(made));
  }
}

void find_trigger(connection& c, const schema_choices& chosen, parts& into) {
  const auto name = chosen.named(erased_trigger);
  const auto journal = chosen.named("nexus_event_journal");
  const auto found = c.execute(fmt::format(
      "SELECT g.tgenabled, p.prosrc FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid "
      "JOIN pg_proc p ON p.oid = g.tgfoid "
      "WHERE g.tgname = '{}' AND t.relname = '{}' AND t.relnamespace = {}",
      name, journal, in_schema));
  if (found.size() == 0) return;
  into.push_back({.name = "trigger " + name,
                  .table = "table " + journal,
                  .what = std::string{found.bytes(0, 1)},
                  .tells = false,
                  .fault = found.bytes(0, 0) == "D" ? "is disabled" : ""});
}

}  // namespace

std::vector<std::string> differences(connection& c, const address& where, drift which) {
  parts found;
  for (const auto& one : tables()) find_columns(c, where.tables.named(one.name), found);
  find_indexes(c, found);
  find_trigger(c, where.tables, found);
  std::vector<std::string> lines;
  for (auto& one : compare(expected_parts(where.tables, which), found)) {
    lines.push_back(std::move(one.line));
  }
  return lines;
}

}}}  // namespace nexus::v0::postgres
