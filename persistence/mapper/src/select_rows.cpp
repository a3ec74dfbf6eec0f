// Conditions, order and pages as SQL.
#include <fmt/format.h>

#include "row_statements.hpp"
#include "value_lists.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

struct bad_condition {
  std::string why;
};

class selection {
 public:
  selection(const table& of, std::string_view dialect, sql_builder& to)
      : of_{of}, is_sqlite_{dialect == "sqlite"}, sql_{to} {}

  void where(const row_query& wanted) {
    if (of_.deleted && wanted.marked != trashed::with) {
      next().name(of_, *of_.deleted);
      sql_.text(wanted.marked == trashed::only ? " IS NOT NULL" : " IS NULL");
    }
    for (const auto& any : wanted.where) one_of(any);
    if (wanted.among) {
      std::vector<std::string> columns;
      for (const auto& one : wanted.among->columns)
        columns.push_back(of_.columns[column(one)].quoted);
      next();
      in_tuples(sql_, columns, wanted.among->values, is_sqlite_);
    }
  }

  void order(const row_query& wanted) {
    std::string_view join = " ORDER BY ";
    for (const auto& by : wanted.order) {
      const auto at = column(by.column);
      sql_.text(std::exchange(join, ", ")).name(of_, at);
      sql_.text(by.towards == direction::descending ? " DESC" : " ASC");
    }
  }

  void page(const row_query& wanted) {
    if (wanted.limit.value_or(0) < 0 || wanted.offset < 0) {
      throw bad_condition{"limit and offset are not negative"};
    }
    if (wanted.limit) sql_.text(" LIMIT ").value(*wanted.limit);
    if (wanted.offset == 0) return;
    if (!wanted.limit && is_sqlite_) sql_.text(" LIMIT -1");
    sql_.text(" OFFSET ").value(wanted.offset);
  }

 private:
  sql_builder& next() { return sql_.text(std::exchange(joined_, " AND ")); }

  std::size_t column(const std::string& named) const {
    if (const auto at = of_.column_of(named)) return *at;
    throw bad_condition{fmt::format("there is no field or column \"{}\"", named)};
  }

  void one_of(const std::vector<condition>& any) {
    next().text("(");
    if (any.empty()) sql_.text("1 = 0");
    for (std::size_t i = 0; i < any.size(); ++i) {
      if (i > 0) sql_.text(" OR ");
      compare(any[i]);
    }
    sql_.text(")");
  }

  sql_value value_at(std::size_t at, const filter_value::one& one) const {
    return value_for(of_, at, one);
  }

  sql_value only_value(const condition& one, std::size_t at) const {
    if (one.with.values.size() == 1) return value_at(at, one.with.values.front());
    throw bad_condition{fmt::format("the comparison of {} takes one value, and {} were given",
                                    one.column, one.with.values.size())};
  }

  void compare(const condition& one) {
    const auto at = column(one.column);
    switch (one.how) {
      case is::null:
        sql_.name(of_, at).text(" IS NULL");
        break;
      case is::not_null:
        sql_.name(of_, at).text(" IS NOT NULL");
        break;
      case is::one_of:
      case is::none_of:
        list(one, at);
        break;
      case is::starts_with:
      case is::ends_with:
      case is::contains:
        text_part(one, at);
        break;
      default:
        simple(one, at);
    }
  }

  // "IS DISTINCT FROM" costs PostgreSQL its indexes, so a value is compared with = and <>.
  void simple(const condition& one, std::size_t at) {
    auto value = only_value(one, at);
    const bool is_null = std::holds_alternative<std::monostate>(value);
    if (one.how == is::equals && is_null) {
      sql_.name(of_, at).text(" IS NULL");
    } else if (one.how == is::differs && is_null) {
      sql_.name(of_, at).text(" IS NOT NULL");
    } else if (one.how == is::differs) {
      sql_.text("(").name(of_, at).text(" <> ").value(std::move(value));
      sql_.text(" OR ").name(of_, at).text(" IS NULL)");
    } else {
      static constexpr std::string_view signs[]{" = ", " <> ", " < ", " <= ", " > ", " >= "};
      sql_.name(of_, at).text(signs[static_cast<std::size_t>(one.how)]).value(std::move(value));
    }
  }

  // NULL in a list is found as a value is.
  void list(const condition& one, std::size_t at) {
    const bool wanted = one.how == is::one_of;
    bool has_null = false;
    std::vector<sql_value> values;
    for (const auto& each : one.with.values) {
      auto value = value_at(at, each);
      if (std::holds_alternative<std::monostate>(value)) {
        has_null = true;
      } else {
        values.push_back(std::move(value));
      }
    }
    sql_.text("(");
    in_list(sql_, of_.columns[at].quoted, values, wanted, is_sqlite_);
    if (wanted && has_null) sql_.text(" OR ").name(of_, at).text(" IS NULL");
    if (!wanted && has_null) sql_.text(" AND ").name(of_, at).text(" IS NOT NULL");
    if (!wanted && !has_null) sql_.text(" OR ").name(of_, at).text(" IS NULL");
    sql_.text(")");
  }

  // Not LIKE: its wildcards would need escapes, and SQLite's ignores case.
  void text_part(const condition& one, std::size_t at) {
    auto value = only_value(one, at);
    if (!std::holds_alternative<std::string>(value)) {
      throw bad_condition{fmt::format("{} is compared with a part of a text", one.column)};
    }
    const auto& part = std::get<std::string>(value);
    if (one.how == is::contains) {
      sql_.text(is_sqlite_ ? "instr(" : "strpos(").name(of_, at).text(", ");
      sql_.value(part).text(") > 0");
      return;
    }
    std::int64_t length = 0;  // in characters
    for (const char c : part) length += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    if (length == 0) {
      sql_.name(of_, at).text(" IS NOT NULL");
    } else if (one.how == is::starts_with) {
      sql_.text("substr(").name(of_, at).text(fmt::format(", 1, {}) = ", length)).value(part);
    } else {
      sql_.text(is_sqlite_ ? "substr(" : "right(").name(of_, at);
      sql_.text(fmt::format(", {}) = ", is_sqlite_ ? -length : length)).value(part);
    }
  }

  const table& of_;
  bool is_sqlite_;
  sql_builder& sql_;
  std::string_view joined_ = " WHERE ";
};

}  // namespace

result<statement> select_rows(const table& of, const row_query& wanted, std::string select,
                              std::string_view dialect) {
  try {
    sql_builder sql;
    sql.text(select);
    selection rows{of, dialect, sql};
    rows.where(wanted);
    rows.order(wanted);
    rows.page(wanted);
    return sql.done();
  } catch (const bad_condition& why) {
    return fail(errc::invalid_argument, fmt::format("table {}: {}", of.name, why.why));
  } catch (const misfit& why) {
    return fail(misfit_error(of, why, errc::invalid_argument, "compare"));
  }
}

result<statement> update_rows(const table& of, const row_query& wanted,
                              const std::vector<std::pair<std::size_t, sql_value>>& changes,
                              std::string_view dialect) {
  try {
    sql_builder sql;
    sql.text("UPDATE ").text(of.quoted).text(" SET ");
    std::string_view join;
    for (const auto& [at, value] : changes) {
      sql.text(std::exchange(join, ", ")).name(of, at).text(" = ").value(value);
    }
    if (of.version) {
      sql.text(join).name(of, *of.version).text(" = ").name(of, *of.version).text(" + 1");
    }
    selection{of, dialect, sql}.where(wanted);
    return sql.done();
  } catch (const bad_condition& why) {
    return fail(errc::invalid_argument, fmt::format("table {}: {}", of.name, why.why));
  } catch (const misfit& why) {
    return fail(misfit_error(of, why, errc::invalid_argument, "compare"));
  }
}

namespace {

std::vector<std::string> quoted_names(const std::vector<std::string>& names) {
  std::vector<std::string> made;
  for (const auto& name : names) made.push_back(quoted_name(name));
  return made;
}

std::string list_of(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

namespace {

// The rows that reading would return, in any order.
result<row_query> countable(const table& of, std::span<const std::string> columns,
                            std::span<const sql_value> keys) {
  row_query wanted;
  if (!columns.empty()) {
    wanted.among = row_query::tuples{{columns.begin(), columns.end()}, {keys.begin(), keys.end()}};
  }
  auto scoped = with_scopes(of, wanted);
  if (!scoped) return scoped;
  scoped->order.clear();
  if (!scoped->limit && scoped->offset == 0) return scoped;
  return fail(errc::invalid_argument,
              fmt::format("table {}: related rows cannot be counted, as a global scope has a limit",
                          of.name));
}

}  // namespace

result<statement> count_rows(const table& of, const std::vector<std::string>& columns,
                             std::span<const sql_value> keys, std::string_view dialect) {
  auto wanted = countable(of, columns, keys);
  if (!wanted) return fail(std::move(wanted.error()));
  const auto names = list_of(quoted_names(columns));
  auto made = select_rows(of, *wanted, "SELECT " + names + ", count(*) FROM " + of.quoted, dialect);
  if (made) made->sql += " GROUP BY " + names;
  return made;
}

result<statement> count_links(const link_table& by, const table& of,
                              std::span<const sql_value> keys, std::string_view dialect) {
  auto wanted = countable(of, {}, {});
  if (!wanted) return fail(std::move(wanted.error()));
  std::vector<std::string> key;
  for (const auto at : of.key) key.push_back(of.columns[at].quoted);
  auto made = select_rows(of, *wanted, "SELECT " + list_of(key) + " FROM " + of.quoted, dialect);
  if (!made) return made;
  const auto own = quoted_names(by.own);
  sql_builder sql{*std::move(made)};
  auto related = sql.take_text();
  sql.text(fmt::format("SELECT {0}, count(*) FROM {1} WHERE ({2}) IN ({3}) AND ", list_of(own),
                       quoted_table(by.table), list_of(quoted_names(by.related)), related));
  in_tuples(sql, own, keys, dialect == "sqlite");
  sql.text(" GROUP BY " + list_of(own));
  return sql.done();
}

statement select_links(const link_table& of, std::span<const sql_value> keys,
                       std::string_view dialect) {
  const auto own = quoted_names(of.own);
  sql_builder sql;
  sql.text("SELECT ").text(list_of(own)).text(", ").text(list_of(quoted_names(of.related)));
  sql.text(" FROM ").text(quoted_table(of.table)).text(" WHERE ");
  in_tuples(sql, own, keys, dialect == "sqlite");
  return sql.done();
}

}}}  // namespace nexus::v0::detail
