#include "nexus/detail/row_mapper.hpp"

#include <fmt/format.h>

#include "row_statements.hpp"
#include "value_text.hpp"

namespace nexus { inline namespace v0 { namespace detail {
std::string key_of(const table& of, const row_values& row) {
  std::vector<sql_value> key;
  for (const auto at : of.key) key.push_back(row[at].value_or(sql_value{}));
  return joined_text(key);
}

std::string shown_key(const table& of, const row_values& row) {
  std::string made = of.name;
  for (const auto at : of.key) {
    made += ' ';
    if (row[at]) made += printed(*row[at]);
  }
  return made;
}

error row_mapper::misfit_of(const misfit& why, errc code, std::string_view doing) const {
  return {code, fmt::format("{}: cannot {}: the value {}", of_->place(why.field), doing, why.why)};
}

result<row_values> row_mapper::dehydrated(const void* entity) const {
  row_values row(of_->columns.size());
  try {
    of_->entity.write(entity, of_->rules, row);
    if (of_->dehydrate) {
      column_values seen{*of_, row};
      of_->dehydrate(entity, seen);
    }
    return row;
  } catch (const misfit& why) {
    return fail(misfit_of(why, errc::invalid_argument, "write"));
  } catch (const std::exception& why) {
    return fail(errc::invalid_argument, fmt::format("table {}: {}", of_->name, why.what()));
  }
}

// What is remembered is what the entity would be written as: the database may have another form of
// the same value, e.g. of JSON.
result<void> row_mapper::fill(void* entity, const sql_rows& from, std::size_t row, bool remember) {
  row_values values(of_->columns.size());
  std::size_t next = 0;
  for (std::size_t at = 0; at < of_->columns.size(); ++at) {
    if (!of_->columns[at].name.empty()) values[at] = from.rows[row][next++];
  }
  try {
    of_->entity.read(entity, of_->rules, values);
    if (of_->hydrate) {
      if (auto done = of_->hydrate(entity, column_values{*of_, values}, on_); !done) return done;
    }
  } catch (const misfit& why) {
    auto told = misfit_of(why, errc::corrupt, "read " + shown_key(*of_, values));
    return fail(std::move(told));
  } catch (const std::exception& why) {
    return fail(errc::corrupt,
                fmt::format("cannot read {}: {}", shown_key(*of_, values), why.what()));
  }
  if (!remember) return {};
  if (memory_->size() >= remembered_rows::rows_max) {
    return fail(errc::overloaded,
                fmt::format("the mapper of {} remembers {} rows already: read in chunks, call "
                            "forget(), or read with untracked()",
                            of_->name, memory_->size()));
  }
  auto as_written = dehydrated(entity);
  if (!as_written) return fail(std::move(as_written.error()));
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (!of_->is_field(at) && !of_->dehydrate) (*as_written)[at] = std::move(values[at]);
    if (of_->deleted == at || of_->created == at) (*as_written)[at] = std::move(values[at]);
  }
  const auto key = key_of(*of_, *as_written);
  memory_->loaded(key, *std::move(as_written));
  return {};
}

result<void> row_mapper::read(const row_query& wanted, const std::function<void*()>& fresh) {
  if (const auto& ready = of_->finish(); !ready) return ready;
  sql_builder names;
  names.names(*of_, read_columns(*of_));
  auto scoped = with_scopes(*of_, wanted);
  if (!scoped) return fail(std::move(scoped.error()));
  auto made = select_rows(*of_, *scoped, names.done().sql, on_.dialect());
  if (!made) return fail(std::move(made.error()));
  auto rows = run(on_, *made);
  if (!rows) return fail(std::move(rows.error()));
  for (std::size_t row = 0; row < rows->size(); ++row) {
    if (auto done = fill(fresh(), *rows, row, wanted.remember); !done) return done;
  }
  return {};
}

result<std::int64_t> row_mapper::count(const row_query& wanted) {
  if (const auto& ready = of_->finish(); !ready) return fail(ready.error());
  auto scoped = with_scopes(*of_, wanted);
  if (!scoped) return fail(std::move(scoped.error()));
  scoped->order.clear();
  scoped->limit.reset();
  scoped->offset = 0;
  auto made = select_rows(*of_, *scoped, "count(*)", on_.dialect());
  if (!made) return fail(std::move(made.error()));
  auto rows = run(on_, *made);
  if (!rows) return fail(std::move(rows.error()));
  return std::get<std::int64_t>(rows->at(0, 0));
}

result<bool> row_mapper::exists(std::string_view field, const filter_value& value,
                                const void* except) {
  if (const auto& ready = of_->finish(); !ready) return fail(ready.error());
  row_query wanted{.limit = 1, .marked = trashed::with};
  condition same{std::string{field}, is::equals};
  same.with = value;
  wanted.where.push_back({std::move(same)});
  if (except != nullptr) {
    auto row = dehydrated(except);
    if (!row) return fail(std::move(row.error()));
    std::vector<condition> other;  // one part of the key differs
    for (const auto at : of_->key) {
      condition differs{of_->columns[at].name, is::differs};
      differs.with.values.emplace_back((*row)[at].value_or(sql_value{}));
      other.push_back(std::move(differs));
    }
    wanted.where.push_back(std::move(other));
  }
  auto made = select_rows(*of_, wanted, "1", on_.dialect());
  if (!made) return fail(std::move(made.error()));
  auto rows = run(on_, *made);
  if (!rows) return fail(std::move(rows.error()));
  return !rows->empty();
}

}}}  // namespace nexus::v0::detail
