#include "constraints.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "table_text.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

using names = std::vector<std::string>;

constexpr std::string_view of_foreign_key = "FOREIGN KEY constraint failed";

constraint_kind kind_of(int extended, std::string_view message) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return constraint_kind::unique;
    case SQLITE_CONSTRAINT_NOTNULL:
      return constraint_kind::not_null;
    case SQLITE_CONSTRAINT_CHECK:
      return constraint_kind::check;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return constraint_kind::foreign_key;
    default:  // ON DELETE RESTRICT is a trigger of SQLite's own
      return message == of_foreign_key ? constraint_kind::foreign_key : constraint_kind::other;
  }
}

struct table {
  std::string name;
  std::vector<declared_constraint> declares;
};

struct finalize {
  void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
};
using prepared = std::unique_ptr<sqlite3_stmt, finalize>;

// Answers from the schema of the journal's file. A question that fails (an interrupt, no memory) has
// an empty answer: the error at hand is told in any case.
class schema {
 public:
  explicit schema(sqlite3* db) : db_{db} {}

  // Rows of texts; NULL is the empty one.
  [[nodiscard]] std::vector<names> rows(const char* sql, const names& with) const {
    std::vector<names> all;
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db_, sql, -1, &raw, nullptr) != SQLITE_OK) return all;
    const prepared query{raw};
    for (std::size_t i = 0; i < with.size(); ++i) {
      sqlite3_bind_text64(raw, static_cast<int>(i + 1), with[i].data(), with[i].size(),
                          SQLITE_STATIC, SQLITE_UTF8);
    }
    while (sqlite3_step(raw) == SQLITE_ROW) {
      auto& row = all.emplace_back();
      for (int i = 0; i < sqlite3_column_count(raw); ++i) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, i));
        row.emplace_back(text == nullptr ? "" : text);
      }
    }
    return all;
  }
  [[nodiscard]] names column(const char* sql, const names& with) const {
    names all;
    for (auto& row : rows(sql, with)) all.push_back(std::move(row.at(0)));
    return all;
  }

  // Whose name and a dot begin `text`: names may have dots.
  [[nodiscard]] std::vector<table> tables_before(const std::string& text) const {
    return read(
        rows("SELECT name, sql FROM main.sqlite_master WHERE type = 'table' "
             "AND substr(?1, 1, length(name) + 1) = name || '.'",
             {text}));
  }
  [[nodiscard]] std::vector<table> tables(const std::string& name) const {
    return read(
        rows("SELECT name, sql FROM main.sqlite_master WHERE type = 'table' "
             "AND name = ?1 COLLATE NOCASE",
             {name}));
  }

 private:
  static std::vector<table> read(const std::vector<names>& found) {
    std::vector<table> all;
    for (const auto& row : found) all.push_back({row[0], declared_constraints(row[1])});
    return all;
  }

  sqlite3* db_;
};

constexpr const char* columns_of_index =
    "SELECT name FROM pragma_index_xinfo(?1, 'main') WHERE key AND name IS NOT NULL ORDER BY seqno";

// "t.a, t.b": as SQLite names the columns of a key.
std::string told(const std::string& table, const names& columns) {
  std::string all;
  for (const auto& one : columns) {
    if (!all.empty()) all += ", ";
    all += table;
    all += '.';
    all += one;
  }
  return all;
}

std::string declared_name(const table& in, constraint_kind kind, const names& columns) {
  for (const auto& one : in.declares) {
    if (one.kind == kind && !one.name.empty() && same_names(one.columns, columns)) return one.name;
  }
  return {};
}

bool is_key(const schema& known, const table& in, const std::string& text,
            broken_constraint& what) {
  const auto found = [&](names columns, std::string index) {
    if (told(in.name, columns) != text) return false;
    auto name = declared_name(in, constraint_kind::unique, columns);
    what.name = name.empty() ? std::move(index) : std::move(name);
    what.table = in.name;
    what.columns = std::move(columns);
    return true;
  };
  // SQLite names the columns of a key only if it has no expression.
  const auto* indexes =
      "SELECT i.name FROM pragma_index_list(?1, 'main') i WHERE i.\"unique\" AND NOT EXISTS "
      "(SELECT 1 FROM pragma_index_xinfo(i.name, 'main') x WHERE x.key AND x.name IS NULL) "
      "ORDER BY i.seq DESC";
  for (const auto& index : known.column(indexes, {in.name})) {
    if (found(known.column(columns_of_index, {index}), index)) return true;
  }
  // An INTEGER PRIMARY KEY has no index.
  const auto* primary = "SELECT name FROM pragma_table_info(?1, 'main') WHERE pk > 0 ORDER BY pk";
  return found(known.column(primary, {in.name}), "") || found({"rowid"}, "");
}

void explain_unique(const schema& known, const std::string& text, broken_constraint& what) {
  constexpr std::string_view of_index = "index '";
  for (const auto& one : known.tables_before(text)) {
    if (is_key(known, one, text, what)) return;
  }
  if (!text.starts_with(of_index)) return;
  // Has an expression. SQLite doubles the quotes in its name.
  const auto found = known.rows(
      "SELECT name, tbl_name FROM main.sqlite_master WHERE type = 'index' "
      "AND 'index ' || quote(name) = ?1",
      {text});
  if (found.empty()) return;
  what.name = found[0][0];
  what.table = found[0][1];
  what.columns = known.column(columns_of_index, {what.name});
}

void explain_not_null(const schema& known, const std::string& text, broken_constraint& what) {
  for (const auto& one : known.tables_before(text)) {
    const auto column = text.substr(one.name.size() + 1);
    const auto* sql = "SELECT name FROM pragma_table_info(?1, 'main') WHERE name = ?2";
    if (known.rows(sql, {one.name, column}).empty()) continue;
    what.table = one.name;
    what.columns = {column};
    return;
  }
}

// Of a table that is not in the journal's file: by its dots, so without any in the names.
void split(const std::string& text, broken_constraint& what) {
  const auto dot = text.find('.');
  if (dot == std::string::npos || text.find('\'') != std::string::npos) return;
  names columns;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(", ", at), text.size());
    const auto one = text.substr(at, end - at);
    if (one.find('.') != dot || one.substr(0, dot) != text.substr(0, dot)) return;
    columns.push_back(one.substr(dot + 1));
    at = end + 2;
  }
  what.table = text.substr(0, dot);
  what.columns = std::move(columns);
}

// The text is the name of the constraint, or its expression.
void explain_check(const schema& known, const std::string& text,
                   const std::vector<sql_guard::write>& writes, broken_constraint& what) {
  std::set<std::string> seen;
  for (const auto& write : writes) {
    if (!seen.insert(write.table).second) continue;
    for (const auto& in : known.tables(write.table)) {
      for (const auto& one : in.declares) {
        if (one.kind != constraint_kind::check) continue;
        if (text != (one.name.empty() ? one.expression : one.name)) continue;
        what.name = one.name;
        what.table = in.name;
        what.columns = one.columns;
        return;
      }
    }
  }
}

struct foreign_key {
  std::string table;
  names columns{};
  std::string parent;
  names parent_columns{};
  std::string on_update, on_delete;
};

std::vector<foreign_key> foreign_keys(const schema& known, const char* where,
                                      const std::string& table) {
  const auto sql =
      std::string{
          "SELECT m.name, f.id, f.\"from\", f.\"table\", f.\"to\", f.on_update, f.on_delete "
          "FROM main.sqlite_master m, pragma_foreign_key_list(m.name, 'main') f "
          "WHERE m.type = 'table' AND "} +
      where + " = ?1 COLLATE NOCASE ORDER BY m.name, f.id, f.seq";
  std::vector<foreign_key> all;
  std::string last;
  for (auto& row : known.rows(sql.c_str(), {table})) {
    if (all.empty() || all.back().table != row[0] || last != row[1]) {
      all.push_back({.table = row[0], .parent = row[3], .on_update = row[5], .on_delete = row[6]});
      last = row[1];
    }
    all.back().columns.push_back(row[2]);
    if (!row[4].empty()) all.back().parent_columns.push_back(row[4]);
  }
  return all;
}

bool contains(const names& all, const std::string& one) {
  return std::ranges::any_of(all, [&](const auto& name) { return same_name(name, one); });
}

// True if the rows that reference the changed one are left as they are.
bool refuses(const std::string& action) { return action != "CASCADE" && action != "SET NULL"; }

std::vector<foreign_key> breakable(const schema& known, const sql_guard::write& write,
                                   bool replaces) {
  auto children = foreign_keys(known, "m.name", write.table);
  auto parents = foreign_keys(known, "f.\"table\"", write.table);
  const bool updates = write.action == SQLITE_UPDATE;
  const bool deletes = write.action == SQLITE_DELETE || (replaces && !updates);
  std::erase_if(children, [&](const foreign_key& one) {
    return write.action == SQLITE_DELETE || (updates && !contains(one.columns, write.column));
  });
  std::erase_if(parents, [&](const foreign_key& one) {
    if (deletes) return !refuses(one.on_delete);
    // Without columns it references the primary key.
    return !updates || !refuses(one.on_update) ||
           !(one.parent_columns.empty() || contains(one.parent_columns, write.column));
  });
  children.insert(children.end(), parents.begin(), parents.end());
  return children;
}

// It was the only one that the statement could break; SQLite does not say which one it was.
void explain_foreign_key(const schema& known, std::string_view sql,
                         const std::vector<sql_guard::write>& writes, broken_constraint& what) {
  std::string capitals{sql};
  for (auto& c : capitals) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  const bool replaces = capitals.find("REPLACE") != std::string::npos;
  std::optional<foreign_key> only;
  bool one_table = true;
  bool several = false;
  for (const auto& write : writes) {
    for (auto& one : breakable(known, write, replaces)) {
      if (only) {
        one_table = one_table && only->table == one.table;
        several = several || only->table != one.table || only->columns != one.columns ||
                  only->parent != one.parent;
      }
      only = std::move(one);
    }
  }
  if (!only || !one_table) return;
  what.table = only->table;
  if (several) return;
  for (const auto& in : known.tables(only->table)) {
    for (const auto& one : in.declares) {
      if (one.kind == constraint_kind::foreign_key && same_name(one.parent, only->parent) &&
          same_names(one.columns, only->columns)) {
        what.name = one.name;
      }
    }
  }
  what.columns = std::move(only->columns);
}

// What the statement may write, by preparing it again.
std::vector<sql_guard::write> writes_of(sqlite3* db, std::string_view sql, sql_guard& guard) {
  std::vector<sql_guard::write> writes;
  guard.record_writes(&writes);
  sqlite3_stmt* raw = nullptr;
  sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  sqlite3_finalize(raw);
  guard.record_writes(nullptr);
  return writes;
}

}  // namespace

broken_constraint broken_by(sqlite3* db, const SQLite::Exception& why, std::string_view sql,
                            sql_guard& guard) {
  const std::string message{why.what()};
  broken_constraint what{.kind = kind_of(why.getExtendedErrorCode(), message)};
  if (what.kind == constraint_kind::other) return what;
  const auto colon = message.find(": ");
  const auto text = colon == std::string::npos ? std::string{} : message.substr(colon + 2);
  const sql_guard::trusted_scope ours{guard};
  const schema known{db};
  switch (what.kind) {
    case constraint_kind::unique:
      explain_unique(known, text, what);
      break;
    case constraint_kind::not_null:
      explain_not_null(known, text, what);
      break;
    case constraint_kind::check:
      explain_check(known, text, writes_of(db, sql, guard), what);
      break;
    default:
      explain_foreign_key(known, sql, writes_of(db, sql, guard), what);
      break;
  }
  const bool names_columns =
      what.kind == constraint_kind::unique || what.kind == constraint_kind::not_null;
  if (names_columns && what.table.empty()) split(text, what);
  return what;
}

}}}  // namespace nexus::v0::sqlite
