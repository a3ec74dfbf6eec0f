#include "nexus/detail/row_mapper.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nexus/detail/row_pages.hpp"
#include "row_statements.hpp"
#include "value_text.hpp"

namespace nexus { inline namespace v0 { namespace detail {

std::string key_of(const table& of, const row_values& row) {
  if (of.key.size() == 1 && row[of.key.front()]) return printed(*row[of.key.front()]);
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

namespace {

// Whether a value that was read is what the field would be written as. Of other kinds the database
// may have another form of the same value, e.g. of JSON.
bool is_as_written(const column& of, const sql_value& value) {
  switch (of.kind) {
    case value_kind::integer:
      return std::holds_alternative<std::int64_t>(value);
    case value_kind::text:
      return std::holds_alternative<std::string>(value);
    case value_kind::bytes:
      return std::holds_alternative<sql_bytes>(value);
    case value_kind::flag:
      return std::holds_alternative<bool>(value);
    default:
      return false;
  }
}

}  // namespace

// What is remembered is what the entity would be written as.
result<void> row_mapper::remember(const void* entity, row_values& read) {
  if (memory_->size() >= remembered_rows::rows_max) {
    return fail(errc::overloaded,
                fmt::format("the mapper of {} remembers {} rows already: read in chunks, call "
                            "forget(), or read with untracked()",
                            of_->name, memory_->size()));
  }
  const bool by_user = of_->dehydrate || of_->hydrate;
  row_values row(of_->columns.size());
  if (by_user) {
    auto made = dehydrated(entity);
    if (!made) return fail(std::move(made.error()));
    row = *std::move(made);
  }
  for (const auto at : of_->read) {
    const bool kept_by_us = of_->deleted == at || of_->created == at;
    const bool as_read = of_->is_field(at) ? !by_user && is_as_written(of_->columns[at], *read[at])
                                           : !of_->dehydrate;
    if (kept_by_us || as_read) row[at] = std::move(read[at]);
  }
  if (!by_user) {
    try {
      of_->entity.write(entity, of_->rules, row);
    } catch (const misfit& why) {
      return fail(misfit_of(why, errc::invalid_argument, "write"));
    }
  }
  const auto key = key_of(*of_, row);
  memory_->loaded(key, std::move(row));
  return {};
}

result<void> row_mapper::fill(void* entity, const row_values& from) {
  try {
    of_->entity.read(entity, of_->rules, from);
    if (!of_->hydrate) return {};
    auto seen = from;
    return of_->hydrate(entity, column_values{*of_, seen}, on_);
  } catch (const misfit& why) {
    return fail(misfit_of(why, errc::corrupt, "read " + shown_key(*of_, from)));
  } catch (const std::exception& why) {
    return fail(errc::corrupt,
                fmt::format("cannot read {}: {}", shown_key(*of_, from), why.what()));
  }
}

result<std::size_t> row_mapper::read(const statement& what, const std::function<void*()>& fresh,
                                     bool remembered) {
  auto rows = run(on_, what);
  if (!rows) return fail(std::move(rows.error()));
  row_values values(of_->columns.size());
  for (auto& row : rows->rows) {
    for (std::size_t i = 0; i < of_->read.size(); ++i) values[of_->read[i]] = std::move(row[i]);
    auto* entity = fresh();
    if (auto done = fill(entity, values); !done) return fail(std::move(done.error()));
    if (!remembered) continue;
    if (auto done = remember(entity, values); !done) return fail(std::move(done.error()));
  }
  return rows->size();
}

result<void> row_mapper::read(const row_query& wanted, const std::function<void*()>& fresh) {
  if (const auto& ready = of_->finish(); !ready) return ready;
  auto scoped = with_scopes(*of_, wanted);
  if (!scoped) return fail(std::move(scoped.error()));
  auto made = select_rows(*of_, *scoped, of_->select, on_.dialect());
  if (!made) return fail(std::move(made.error()));
  return read(*made, fresh, wanted.remember).map([](std::size_t) {});
}

result<bool> row_mapper::find(std::span<const filter_value::one> key,
                              const std::function<void*()>& fresh) {
  if (const auto& ready = of_->finish(); !ready) return fail(ready.error());
  if (std::ranges::any_of(of_->scopes, &scope::is_global)) {
    row_query wanted;
    if (auto wrong = where_key(*of_, key, wanted)) return fail(*std::move(wrong));
    bool found = false;
    auto done = read(wanted, [&] { return found = true, fresh(); });
    if (!done) return fail(std::move(done.error()));
    return found;
  }
  auto values = key_columns(*of_, key);
  if (!values) return fail(std::move(values.error()));
  auto found = read({of_->find, *std::move(values)}, fresh, true);
  if (!found) return fail(std::move(found.error()));
  return *found > 0;
}

result<std::vector<sql_value>> row_mapper::values(const void* entity,
                                                  std::span<const std::size_t> columns) const {
  std::vector<sql_value> made;
  made.reserve(columns.size());
  const bool all_fields =
      std::ranges::all_of(columns, [&](std::size_t at) { return of_->is_field(at); });
  if (of_->dehydrate || !all_fields) {
    auto row = dehydrated(entity);
    if (!row) return fail(std::move(row.error()));
    for (const auto at : columns) made.push_back(std::move((*row)[at]).value_or(sql_value{}));
    return made;
  }
  try {
    for (const auto at : columns) made.push_back(of_->entity.value(entity, of_->rules, at));
    return made;
  } catch (const misfit& why) {
    return fail(misfit_of(why, errc::invalid_argument, "write"));
  }
}

result<std::int64_t> row_mapper::count(const row_query& wanted) {
  if (const auto& ready = of_->finish(); !ready) return fail(ready.error());
  auto scoped = with_scopes(*of_, wanted);
  if (!scoped) return fail(std::move(scoped.error()));
  scoped->order.clear();
  scoped->limit.reset();
  scoped->offset = 0;
  auto made = select_rows(*of_, *scoped, "SELECT count(*) FROM " + of_->quoted, on_.dialect());
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
  auto made = select_rows(*of_, wanted, "SELECT 1 FROM " + of_->quoted, on_.dialect());
  if (!made) return fail(std::move(made.error()));
  auto rows = run(on_, *made);
  if (!rows) return fail(std::move(rows.error()));
  return !rows->empty();
}

}}}  // namespace nexus::v0::detail
