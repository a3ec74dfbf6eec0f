#include "nexus/detail/bulk_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "value_text.hpp"
#include "write_run.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

// SQLite takes 32,766 parameters.
constexpr std::size_t parameters_max = 30'000;

std::vector<std::size_t> given_columns(const table& of, const row_values& row) {
  std::vector<std::size_t> given;
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (row[at] && !of.columns[at].of_database) given.push_back(at);
  }
  return given;
}

// One INSERT of rows that have the same columns. `conflict` follows the values.
statement insert_rows(const table& of, std::span<const row_values> rows,
                      const std::vector<std::size_t>& given, std::string_view conflict,
                      std::string_view dialect) {
  sql_builder sql;
  if (dialect == "sqlite") sql.without_numbers();
  if (given.empty()) return sql.text("INSERT INTO " + of.quoted + " DEFAULT VALUES").done();
  sql.text("INSERT INTO ").text(of.quoted).text(" AS existing (").names(of, given);
  sql.text(") VALUES ");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    sql.text(i > 0 ? ", (" : "(");
    for (std::size_t c = 0; c < given.size(); ++c) {
      if (c > 0) sql.text(", ");
      sql.value(*rows[i][given[c]]);
    }
    sql.text(")");
  }
  sql.text(conflict);
  return sql.done();
}

class bulk_writing {
 public:
  bulk_writing(row_mapper& in, const write_choices& how)
      : in_{in}, whole_{in.on()}, run_{in, &whole_, how} {}

  result<void> prepare(std::span<void* const> entities) {
    if (const auto& ready = in_.of().finish(); !ready) return ready;
    for (auto* entity : entities) {
      row_values row;
      store_item item;
      auto goes_on = run_.prepare_insert(entity, row, item);
      if (!goes_on) return fail(std::move(goes_on.error()));
      if (!*goes_on) continue;
      entities_.push_back(entity);
      rows_.push_back(std::move(row));
    }
    return {};
  }

  /// No two rows of a statement may be one row of the table.
  result<void> check_distinct(const std::vector<std::size_t>& columns) const {
    std::set<std::string> seen;
    for (const auto& row : rows_) {
      std::vector<sql_value> key;
      for (const auto at : columns) key.push_back(row[at].value_or(sql_value{}));
      const auto is_null = [](const sql_value& v) { return v.index() == 0; };
      if (std::ranges::any_of(key, is_null)) continue;  // different from every other row
      if (seen.insert(memory_key(key)).second) continue;
      return fail(errc::invalid_argument,
                  fmt::format("{}: two of the entities are the same row", in_.of().name));
    }
    return {};
  }

  result<std::int64_t> write(std::string_view conflict) {
    auto done = guarded_writes(conflict);
    if (done) {
      if (auto committed = whole_.commit(); !committed) done = fail(std::move(committed.error()));
    }
    if (!done) {
      run_.put_back();
      return done;
    }
    if (!conflict.empty()) return done;
    for (auto* entity : entities_) run_.after_insert(entity);
    return done;
  }

 private:
  result<std::int64_t> guarded_writes(std::string_view conflict) {
    try {
      return write_all(conflict);
    } catch (const misfit& why) {
      return fail(errc::corrupt,
                  fmt::format("{}: the value {}", in_.of().place(why.field), why.why));
    }
  }

  result<std::int64_t> write_all(std::string_view conflict) {
    std::int64_t affected = 0;
    for (std::size_t begin = 0; begin < rows_.size();) {
      const auto given = given_columns(in_.of(), rows_[begin]);
      const auto most =
          std::max<std::size_t>(1, parameters_max / std::max<std::size_t>(1, given.size()));
      auto end = begin + 1;
      while (end < rows_.size() && end - begin < most &&
             given_columns(in_.of(), rows_[end]) == given) {
        ++end;
      }
      if (given.empty()) end = begin + 1;
      const std::span<const row_values> piece{rows_.data() + begin, end - begin};
      const auto made = insert_rows(in_.of(), piece, given, conflict, in_.on().dialect());
      auto done = run_.send(made.sql, made.with);
      if (!done) return fail(std::move(done.error()));
      affected += done->affected;
      for (auto i = begin; conflict.empty() && i < end; ++i) {
        run_.set_stamps(entities_[i], rows_[i]);
      }
      begin = end;
    }
    return affected;
  }

  row_mapper& in_;
  lazy_transaction whole_;
  write_run run_;
  std::vector<void*> entities_;
  std::vector<row_values> rows_;
};

result<std::vector<std::size_t>> columns_of(const table& of,
                                            const std::vector<std::string>& names) {
  std::vector<std::size_t> made;
  for (const auto& name : names) {
    const auto at = of.column_of(name);
    if (!at) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: there is no field or column \"{}\"", of.name, name));
    }
    made.push_back(*at);
  }
  return made;
}

// Columns that only the mapper or the database sets.
bool is_maintained(const table& of, std::size_t at) {
  return of.version == at || of.created == at || of.columns[at].of_database ||
         std::ranges::count(of.key, at) > 0;
}

std::string conflict_clause(const table& of, const std::vector<std::size_t>& unique,
                            std::vector<std::size_t> update) {
  sql_builder sql;
  sql.text(" ON CONFLICT (").names(of, unique).text(")");
  if (update.empty()) return sql.text(" DO NOTHING").done().sql;
  if (of.updated && std::ranges::count(update, *of.updated) == 0) update.push_back(*of.updated);
  sql.text(" DO UPDATE SET ");
  std::string_view join;
  for (const auto at : update) {
    sql.text(std::exchange(join, ", ")).name(of, at).text(" = excluded.").name(of, at);
  }
  if (of.version) {
    sql.text(", ").name(of, *of.version).text(" = existing.").name(of, *of.version).text(" + 1");
  }
  return sql.done().sql;
}

using changed_values = std::vector<std::pair<std::size_t, sql_value>>;

result<changed_values> values_of(const table& of, const std::vector<column_change>& changes) {
  changed_values made;
  for (const auto& change : changes) {
    auto at = columns_of(of, {change.column});
    if (!at) return fail(std::move(at.error()));
    const auto column = at->front();
    if (is_maintained(of, column) || change.value.values.size() != 1) {
      return fail(errc::invalid_argument,
                  fmt::format("{}: a bulk update sets one value, and no key, version, time of "
                              "creation or column of the database",
                              of.place(column)));
    }
    try {
      made.emplace_back(column, value_for(of, column, change.value.values.front()));
    } catch (const misfit& why) {
      return fail(misfit_error(of, why, errc::invalid_argument, "write"));
    }
  }
  if (made.empty()) {
    return fail(errc::invalid_argument, fmt::format("table {}: nothing is to be changed", of.name));
  }
  return made;
}

}  // namespace

result<std::int64_t> bulk_insert(row_mapper& in, std::span<void* const> entities,
                                 const write_choices& how) {
  bulk_writing all{in, how};
  if (auto done = all.prepare(entities); !done) return fail(std::move(done.error()));
  return all.write("");
}

result<std::int64_t> upsert(row_mapper& in, std::span<void* const> entities,
                            const std::vector<std::string>& unique,
                            const std::vector<std::string>& update) {
  bulk_writing all{in, {.validate = false, .listeners = false}};
  if (auto done = all.prepare(entities); !done) return fail(std::move(done.error()));
  auto by = columns_of(in.of(), unique);
  if (!by) return fail(std::move(by.error()));
  auto written = columns_of(in.of(), update);
  if (!written) return fail(std::move(written.error()));
  const auto maintained = [&](std::size_t at) { return is_maintained(in.of(), at); };
  if (by->empty() || std::ranges::any_of(*written, maintained)) {
    return fail(errc::invalid_argument,
                fmt::format("table {}: an upsert names the unique columns, and updates no key, "
                            "version, time of creation or column of the database",
                            in.of().name));
  }
  if (auto distinct = all.check_distinct(*by); !distinct) return fail(std::move(distinct.error()));
  return all.write(conflict_clause(in.of(), *by, *std::move(written)));
}

result<std::int64_t> bulk_update(row_mapper& in, const row_query& wanted,
                                 const std::vector<column_change>& changes) {
  auto& of = in.of();
  if (const auto& ready = of.finish(); !ready) return fail(ready.error());
  auto values = values_of(of, changes);
  if (!values) return fail(std::move(values.error()));
  if (of.updated) {
    values->emplace_back(*of.updated, time_value(of.time->now(), of.columns[*of.updated].time));
  }
  auto scoped = with_scopes(of, wanted);
  if (!scoped) return fail(std::move(scoped.error()));
  if (!scoped->order.empty() || scoped->limit || scoped->offset != 0) {
    return fail(errc::invalid_argument,
                fmt::format("table {}: a bulk update has no order, limit or offset", of.name));
  }
  auto made = update_rows(of, *scoped, *values, in.on().dialect());
  if (!made) return fail(std::move(made.error()));
  auto done = run(in.on(), *made);
  if (!done) return fail(std::move(done.error()));
  return done->affected;
}

result<std::int64_t> update_each(row_mapper& in, std::span<void* const> entities,
                                 const std::vector<column_change>& changes) {
  auto& of = in.of();
  if (const auto& ready = of.finish(); !ready) return fail(ready.error());
  auto values = values_of(of, changes);
  if (!values) return fail(std::move(values.error()));
  for (auto* entity : entities) {
    try {
      for (const auto& [at, value] : *values) {
        if (of.is_field(at)) of.entity.assign(entity, of.rules, at, value);
      }
    } catch (const misfit& why) {
      return fail(errc::invalid_argument,
                  fmt::format("{}: the value {}", of.place(why.field), why.why));
    }
  }
  auto done = in.store(entities);
  if (!done) return fail(*std::move(done.why));
  return std::ranges::count(done.items, stored_as::updated, &store_item::what);
}

}}}  // namespace nexus::v0::detail
