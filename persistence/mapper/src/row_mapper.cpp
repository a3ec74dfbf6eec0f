#include "nexus/detail/row_mapper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/row_pages.hpp"
#include "row_statements.hpp"
#include "value_text.hpp"

namespace nexus { inline namespace v0 { namespace detail {

std::string key_of(const table& of, const row_values& row) {
  if (of.key.size() == 1 && row[of.key.front()]) return memory_key(*row[of.key.front()]);
  std::vector<sql_value> key;
  for (const auto at : of.key) key.push_back(row[at].value_or(sql_value{}));
  return memory_key(key);
}

std::string shown_key(const table& of, const row_values& row) {
  std::string made = of.name;
  for (const auto at : of.key) {
    made += ' ';
    if (row[at]) made += printed(*row[at]);
  }
  return made;
}

error misfit_error(const table& of, const misfit& why, errc code, std::string_view doing) {
  return {code, fmt::format("{}: cannot {}: the value {}", of.place(why.field), doing, why.why)};
}

namespace {

// Runs functions of the program on an entity; what they throw becomes an error.
template <class Doing, class F>
result<void> attempt(const table& of, errc code, Doing&& doing, F&& f) {
  try {
    return f(), result<void>{};
  } catch (const misfit& why) {
    return fail(misfit_error(of, why, code, doing()));
  } catch (...) {
    return fail(code, fmt::format("table {}: cannot {}: {}", of.name, doing(), thrown_text()));
  }
}

}  // namespace

result<void> write_row(const table& of, const void* entity, row_values& row) {
  return attempt(
      of, errc::invalid_argument, [] { return std::string{"write"}; },
      [&] {
        of.entity.write(entity, of.rules, row);
        if (!of.dehydrate) return;
        column_values seen{of, row};
        of.dehydrate(entity, seen);
      });
}

result<void> write_key(const table& of, const void* entity, row_values& row) {
  if (of.dehydrate) return write_row(of, entity, row);
  return attempt(
      of, errc::invalid_argument, [] { return std::string{"write"}; },
      [&] {
        for (const auto at : of.key) {
          if (of.is_field(at)) of.entity.value(entity, of.rules, at, row[at].emplace());
        }
      });
}

namespace {

// Drops what is equal in `row`.
void keep_differences(const table& of, row_values& row, row_view known,
                      std::vector<std::size_t>& changed) {
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (!of.columns[at].is_compared) continue;
    if (row[at] && row[at] != known[at]) {
      changed.push_back(at);
    } else {
      row[at].reset();
    }
  }
}

}  // namespace

result<void> write_changes(const table& of, const void* entity, row_view known, row_values& row,
                           std::vector<std::size_t>& changed) {
  changed.clear();
  if (of.dehydrate) {
    row.assign(row.size(), std::nullopt);
    if (auto done = write_row(of, entity, row); !done) return done;
    keep_differences(of, row, known, changed);
    return {};
  }
  return attempt(
      of, errc::invalid_argument, [] { return std::string{"write"}; },
      [&] {
        for (std::size_t at = 0; at < of.entity.fields.size(); ++at) {
          if (!of.rules[at].has_column) continue;
          if (of.columns[at].is_compared) {
            if (known[at] && of.entity.equals(entity, of.rules, at, *known[at])) {
              row[at].reset();
              continue;
            }
            changed.push_back(at);
          } else if (of.version != at) {
            continue;
          }
          of.entity.value(entity, of.rules, at, row[at].emplace());
        }
      });
}

result<row_values> row_mapper::dehydrated(const void* entity) const {
  row_values row(of_->columns.size());
  if (auto done = write_row(*of_, entity, row); !done) return fail(std::move(done.error()));
  return row;
}

row_values row_mapper::as_row(std::span<const sql_value> from) const {
  row_values row(of_->columns.size());
  for (std::size_t i = 0; i < from.size(); ++i) row[of_->read[i]] = from[i];
  return row;
}

result<void> row_mapper::has_room() const {
  if (memory_->size() < remembered_rows::rows_max) return {};
  return fail(errc::overloaded,
              fmt::format("the mapper of {} remembers {} rows already: read in chunks, call "
                          "forget(), or read with untracked()",
                          of_->name, memory_->size()));
}

// What is remembered is what the entity would be written as.
result<void> row_mapper::remember(const void* entity, std::span<sql_value> from) {
  if (memory_->size() >= remembered_rows::rows_max) return has_room();
  const std::span kept_as{of_->kept_as};
  const std::span columns{of_->read};
  const auto as_read = [&](std::size_t i) {
    return kept_as[i] == from[i].index() || kept_as[i] == table::any_value;
  };
  std::size_t whole = 0;
  while (whole < from.size() && as_read(whole)) ++whole;
  if (whole == from.size() && of_->key_read) {
    const auto cells = memory_->loaded(on_, memory_key(from[*of_->key_read]), of_->columns.size());
    for (std::size_t i = 0; i < from.size(); ++i) move_into(cells[columns[i]], from[i]);
    return {};
  }
  const spare_row own{*this};
  auto& row = (*own).values;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (i < whole || as_read(i)) row[columns[i]].emplace(std::move(from[i]));
  }
  if (whole < from.size() || of_->dehydrate) {
    if (auto done = write_row(*of_, entity, row); !done) return done;
  }
  move_to(memory_->loaded(on_, key_of(*of_, row), row.size()), row);
  return {};
}

result<void*> row_mapper::entity_of(std::span<const sql_value> from,
                                    const std::function<void*()>& fresh) {
  void* made = nullptr;
  try {
    made = fresh();
    of_->entity.read(made, of_->rules, of_->read, from);
    if (of_->hydrate) {
      auto seen = as_row(from);
      auto done = of_->hydrate(made, column_values{*of_, seen}, on_);
      if (!done) return fail(std::move(done.error()));
    }
    return made;
  } catch (const misfit& why) {
    return fail(misfit_error(*of_, why, errc::corrupt, "read " + shown_key(*of_, as_row(from))));
  } catch (...) {
    if (made == nullptr) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: cannot make an entity: {}", of_->name, thrown_text()));
    }
    return fail(errc::corrupt, fmt::format("table {}: cannot read {}: {}", of_->name,
                                           shown_key(*of_, as_row(from)), thrown_text()));
  }
}

// Makes an entity of each row.
class row_mapper::rows_taker final : public sql_row_sink {
 public:
  rows_taker(row_mapper& in, const std::function<void*()>& fresh, bool remembered,
             std::size_t rows_max)
      : in_{in}, fresh_{fresh}, remembered_{remembered}, rows_max_{rows_max} {}

  bool take(std::span<sql_value> row) override {
    const auto entity = in_.entity_of(row, fresh_);
    if (!entity) return done = fail(entity.error()), false;
    if (remembered_) {
      done = in_.remember(*entity, row);
      if (!done) return false;
    }
    return ++rows < rows_max_;
  }

  result<void> done{};
  std::size_t rows = 0;

 private:
  row_mapper& in_;
  const std::function<void*()>& fresh_;
  bool remembered_;
  std::size_t rows_max_;
};

result<std::size_t> row_mapper::read(std::string_view sql, sql_parameters with,
                                     const std::function<void*()>& fresh, bool remembered,
                                     std::size_t rows_max) {
  rows_taker to{*this, fresh, remembered, rows_max};
  // A function of the program that uses the session runs behind the statement.
  auto read = of_->hydrate ? on_.session::read_sql(sql, with, to) : on_.read_sql(sql, with, to);
  if (!read) return fail(std::move(read.error()));
  if (!to.done) return fail(std::move(to.done.error()));
  return to.rows;
}

result<void> row_mapper::read(const row_query& wanted, const std::function<void*()>& fresh) {
  if (const auto& ready = of_->finish(); !ready) return ready;
  auto scoped = with_scopes(*of_, wanted);
  if (!scoped) return fail(std::move(scoped.error()));
  auto made = select_rows(*of_, *scoped, of_->select, on_.dialect());
  if (!made) return fail(std::move(made.error()));
  constexpr auto all = std::numeric_limits<std::size_t>::max();
  return read(made->sql, made->with, fresh, wanted.remember, all).map([](std::size_t) {});
}

result<bool> row_mapper::find(std::span<const filter_value::one> key,
                              const std::function<void*()>& fresh) {
  if (const auto& ready = of_->finish(); !ready) return fail(ready.error());
  auto values = key_columns(*of_, key);
  if (!values) return fail(std::move(values.error()));
  return find(std::span<const sql_value>{*values}, fresh);
}

result<bool> row_mapper::find(std::span<const sql_value> key, const std::function<void*()>& fresh) {
  if (const auto& ready = of_->finish(); !ready) return fail(ready.error());
  if (auto wrong = wrong_key(*of_, key.size())) return fail(*std::move(wrong));
  if (!std::ranges::any_of(of_->scopes, &scope::is_global)) {
    auto found = read(of_->find, key, fresh, true, 1);  // no second step
    if (!found) return fail(std::move(found.error()));
    return *found > 0;
  }
  row_query wanted{.among = row_query::tuples{}};
  for (const auto at : of_->key) wanted.among->columns.push_back(of_->columns[at].name);
  wanted.among->values.assign(key.begin(), key.end());
  bool found = false;
  auto done = read(wanted, [&] { return found = true, fresh(); });
  if (!done) return fail(std::move(done.error()));
  return found;
}

result<void> row_mapper::values(const void* entity, std::span<const std::size_t> columns,
                                std::vector<sql_value>& to) const {
  to.clear();
  const bool all_fields =
      std::ranges::all_of(columns, [&](std::size_t at) { return of_->is_field(at); });
  if (of_->dehydrate || !all_fields) {
    auto row = dehydrated(entity);
    if (!row) return fail(std::move(row.error()));
    for (const auto at : columns) to.push_back(std::move((*row)[at]).value_or(sql_value{}));
    return {};
  }
  return attempt(
      *of_, errc::invalid_argument, [] { return std::string{"write"}; },
      [&] {
        for (const auto at : columns) of_->entity.value(entity, of_->rules, at, to.emplace_back());
      });
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
