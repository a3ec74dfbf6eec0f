#include "drift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "layout.hpp"

namespace nexus::inline v0::postgres {
namespace {

constexpr std::string_view in_schema =
    "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())";

std::string text_of(const column& c) {
  return fmt::format("{}{}{}", c.type, c.type == "text" ? " COLLATE \"C\"" : "",
                     c.required ? " NOT NULL" : "");
}

void compare_columns(connection& c, const table& wanted, const std::string& name,
                     std::vector<std::string>& out) {
  const auto found = c.execute(fmt::format(
      "SELECT a.attname, format_type(a.atttypid, a.atttypmod) || "
      "  CASE WHEN co.collname IN ('default') OR co.collname IS NULL THEN '' "
      "       ELSE ' COLLATE \"' || co.collname || '\"' END || "
      "  CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END "
      "FROM pg_attribute a LEFT JOIN pg_collation co ON co.oid = a.attcollation "
      "JOIN pg_class t ON t.oid = a.attrelid "
      "WHERE t.relname = '{}' AND t.relnamespace = {} AND a.attnum > 0 AND NOT a.attisdropped",
      name, in_schema));
  if (found.size() == 0) {
    out.push_back(fmt::format("table {} is missing", name));
    return;
  }
  std::map<std::string, std::string> there;
  for (int i = 0; i < found.size(); ++i) there.emplace(found.bytes(i, 0), found.bytes(i, 1));
  for (const auto& one : wanted.columns) {
    const auto at = there.find(std::string{one.name});
    if (at == there.end()) {
      out.push_back(fmt::format("column {}.{} is missing", name, one.name));
      continue;
    }
    if (at->second != text_of(one)) {
      out.push_back(
          fmt::format("column {}.{} is {}, not {}", name, one.name, at->second, text_of(one)));
    }
    there.erase(at);
  }
  for (const auto& [extra, type] : there) {
    out.push_back(fmt::format("column {}.{} ({}) is not a column of a journal", name, extra, type));
  }
}

struct found_index {
  std::string columns;
  bool unique = false;
  bool valid = false;
};

// By name; a primary key has its table's name, with a space that no index name has.
std::map<std::string, found_index> read_indexes(connection& c) {
  const auto found = c.execute(fmt::format(
      "SELECT CASE WHEN x.indisprimary THEN 'key ' || t.relname ELSE i.relname END, "
      "  (SELECT string_agg(a.attname, ', ' ORDER BY k.n) "
      "     FROM unnest(x.indkey) WITH ORDINALITY AS k (attribute, n) "
      "     JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attribute), "
      "  x.indisunique, x.indisvalid "
      "FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
      "JOIN pg_class t ON t.oid = x.indrelid WHERE t.relnamespace = {}",
      in_schema));
  std::map<std::string, found_index> made;
  for (int i = 0; i < found.size(); ++i) {
    made[std::string{found.bytes(i, 0)}] = {std::string{found.bytes(i, 1)},
                                            found.bytes(i, 2) == "t", found.bytes(i, 3) == "t"};
  }
  return made;
}

void compare_indexes(const std::map<std::string, found_index>& there, const address& where,
                     std::vector<std::string>& out) {
  for (const auto& wanted : indexes(where.tables)) {
    const auto name = where.tables.named(wanted.name);
    const auto at = there.find(name);
    if (at == there.end()) {
      out.push_back(fmt::format("index {} is missing", name));
    } else if (at->second.columns != wanted.columns || at->second.unique != wanted.unique) {
      out.push_back(fmt::format("index {} is {}on ({}), not {}on ({})", name,
                                at->second.unique ? "unique " : "", at->second.columns,
                                wanted.unique ? "unique " : "", wanted.columns));
    } else if (!at->second.valid) {
      out.push_back(fmt::format("index {} is not valid: drop it and create it again", name));
    }
  }
}

void compare_trigger(connection& c, const address& where, std::vector<std::string>& out) {
  const auto name = where.tables.named(erased_trigger);
  const auto found = c.execute(fmt::format(
      "SELECT g.tgenabled, p.prosrc FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid "
      "JOIN pg_proc p ON p.oid = g.tgfoid "
      "WHERE g.tgname = '{}' AND t.relname = '{}' AND t.relnamespace = {}",
      name, where.tables.named("nexus_event_journal"), in_schema));
  if (found.size() == 0) {
    out.push_back(fmt::format("trigger {} is missing", name));
  } else if (found.bytes(0, 0) == "D") {
    out.push_back(fmt::format("trigger {} is disabled", name));
  } else if (found.bytes(0, 1) != erased_body(where.tables)) {
    out.push_back(
        fmt::format("function {} has a different text", where.tables.named(erased_function)));
  }
}

}  // namespace

std::vector<std::string> differences(connection& c, const address& where, drift which) {
  std::vector<std::string> out;
  const auto there = read_indexes(c);
  for (const auto& one : tables()) {
    const auto name = where.tables.named(one.name);
    const auto before = out.size();
    compare_columns(c, one, name, out);
    if (out.size() > before && out.back() == fmt::format("table {} is missing", name)) continue;
    const auto key = there.find("key " + name);
    if (key == there.end() || key->second.columns != one.primary_key) {
      out.push_back(fmt::format("the primary key of {} is not ({})", name, one.primary_key));
    }
  }
  compare_trigger(c, where, out);
  if (which == drift::of_anything) compare_indexes(there, where, out);
  return out;
}

}  // namespace nexus::inline v0::postgres
