#include "sql_values.hpp"

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>

#include <algorithm>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

int bind(sqlite3_stmt* s, int at, const sql_value& value) {
  // Bound without copying: the values outlive the statement. A null pointer would be NULL.
  struct binder {
    sqlite3_stmt* s;
    int at;
    int operator()(std::monostate) const { return sqlite3_bind_null(s, at); }
    int operator()(bool v) const { return sqlite3_bind_int64(s, at, v ? 1 : 0); }
    int operator()(std::int64_t v) const { return sqlite3_bind_int64(s, at, v); }
    int operator()(double v) const { return sqlite3_bind_double(s, at, v); }
    int operator()(const std::string& v) const {
      return sqlite3_bind_text64(s, at, v.c_str(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(const sql_bytes& v) const {
      return sqlite3_bind_blob64(s, at, v.data.c_str(), v.data.size(), SQLITE_STATIC);
    }
  };
  return std::visit(binder{s, at}, value);
}

}  // namespace

result<void> bind_all(own_statement& to, sql_parameters with, const std::string& name) {
  const auto bad = [&](std::string why) {
    return fail(errc::query_failed, fmt::format("{}: {}", name, why));
  };
  auto* s = to.handle.get();
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < to.parameters.size(); ++i) {
    const auto number = to.parameters[i];
    const auto at = static_cast<int>(i) + 1;
    if (number == 0) {
      return bad(fmt::format("the parameter {} is not written as $1, $2 …",
                             sqlite3_bind_parameter_name(s, at)));
    }
    wanted = std::max(wanted, number);
    if (number > with.size()) continue;
    const auto& value = with[number - 1];
    int code = SQLITE_OK;
    if (const auto* most = std::get_if<std::int64_t>(&value)) {  // most are integers
      code = sqlite3_bind_int64(s, at, *most);
    } else {
      to.borrows |=
          std::holds_alternative<std::string>(value) || std::holds_alternative<sql_bytes>(value);
      code = bind(s, at, value);
    }
    if (code != SQLITE_OK) throw SQLite::Exception(sqlite3_db_handle(s), code);
  }
  if (wanted == with.size()) return {};
  return bad(
      fmt::format("the statement has {} parameters, and {} were given", wanted, with.size()));
}

namespace {

// Functions of values take no mutex, those of columns do; the connection has one thread at a time.
// A text keeps the memory of the one before.
void read_value(sqlite3_value* from, sql_value& to) {
  const auto bytes = [&](const void* data) {
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(from));
    return std::string_view{data == nullptr ? "" : static_cast<const char*>(data), size};
  };
  switch (sqlite3_value_type(from)) {
    case SQLITE_INTEGER:
      if (auto* before = std::get_if<std::int64_t>(&to)) {
        *before = sqlite3_value_int64(from);
      } else {
        to.emplace<std::int64_t>(sqlite3_value_int64(from));
      }
      break;
    case SQLITE_FLOAT:
      to.emplace<double>(sqlite3_value_double(from));
      break;
    case SQLITE_TEXT: {
      const auto text = bytes(sqlite3_value_text(from));
      if (auto* before = std::get_if<std::string>(&to)) {
        before->assign(text);
      } else {
        to.emplace<std::string>(text);
      }
      break;
    }
    case SQLITE_BLOB:
      to = sql_bytes{std::string{bytes(sqlite3_value_blob(from))}};
      break;
    default:
      to.emplace<std::monostate>();
  }
}

}  // namespace

void step_all(sqlite3* db, own_statement& of, bool writes, sql_row_sink* to, sql_rows& rows) {
  auto* s = of.handle.get();
  const auto before = writes ? sqlite3_total_changes64(db) : 0;
  int code = sqlite3_step(s);
  // After the first step, which prepares the statement again if the schema has changed.
  const int columns = sqlite3_column_count(s);
  const auto fill = [&](std::vector<sql_value>& row) {
    row.resize(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      read_value(sqlite3_column_value(s, i), row[static_cast<std::size_t>(i)]);
    }
  };
  if (to != nullptr) {
    bool goes_on = true;
    for (; code == SQLITE_ROW && goes_on; code = goes_on ? sqlite3_step(s) : SQLITE_DONE) {
      fill(of.row);
      goes_on = to->take(of.row);
    }
  } else {
    rows.columns.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) rows.columns.emplace_back(sqlite3_column_name(s, i));
    for (; code == SQLITE_ROW; code = sqlite3_step(s)) fill(rows.rows.emplace_back());
  }
  if (code != SQLITE_DONE) throw SQLite::Exception(db, code);
  // The number of changes keeps its old value after a statement that changes nothing.
  if (writes && sqlite3_total_changes64(db) != before) {
    rows.affected = sqlite3_changes64(db);
    rows.rowid = sqlite3_last_insert_rowid(db);
  }
}

}}}  // namespace nexus::v0::sqlite
