// Storing an entity: an INSERT, an UPDATE of the changed columns, or nothing.
#include <fmt/format.h>

#include <algorithm>

#include "nexus/detail/guarded.hpp"
#include "write_run.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class F>
store_item write_run::guarded_item(F&& f) {
  store_item item;
  auto done = [&]() -> result<void> {
    if (const auto& ready = of_.finish(); !ready) return ready;
    try {
      return f(item);
    } catch (const misfit& why) {
      return fail(misfit_error(of_, why, errc::corrupt, "set on the entity"));
    }
  }();
  if (!done) {
    item.what = stored_as::failed;
    item.why = std::move(done.error());
  }
  return item;
}

store_item write_run::store(void* entity) {
  return guarded_item([&](store_item& item) { return stored(entity, item); });
}
store_item write_run::remove(void* entity, removal how) {
  return guarded_item([&](store_item& item) { return removed(entity, how, item); });
}
store_item write_run::restore(void* entity) {
  return guarded_item([&](store_item& item) { return restored(entity, item); });
}

result<void> write_run::stored(void* entity, store_item& item) {
  auto goes_on = before(moment::storing, entity, item);
  if (!goes_on) return fail(std::move(goes_on.error()));
  if (!*goes_on) return {};
  const row_mapper::spare_row spare{in_};
  auto& own = *spare;
  auto& row = own.values;
  if (auto done = write_key(of_, entity, row); !done) return done;
  if (!has_key(row)) return insert(entity, row, item);
  const auto key = key_of(of_, row);
  if (of_.generated && (in_.memory().was_undone(key, entity) || in_.memory().may_be_undone(key))) {
    // The database will make another key.
    row_values unset(of_.columns.size());
    const bool is_text = std::holds_alternative<std::string>(*row[of_.key.front()]);
    unset[of_.key.front()] = of_.columns[of_.key.front()].may_be_null ? sql_value{}
                             : is_text                                ? sql_value{std::string{}}
                                                                      : sql_value{std::int64_t{0}};
    assign(entity, unset, of_.key);
    row[of_.key.front()] = std::move(unset[of_.key.front()]);
    return insert(entity, row, item);
  }
  const auto known = in_.memory().find(key);
  if (known.empty()) return insert(entity, row, item);
  // Functions of the program may use the mapper.
  if (has(moment::updating) || !of_.validators.empty() || of_.dehydrate) {
    const row_values copy{known.begin(), known.end()};
    return update(entity, key, copy, own, item);
  }
  return update(entity, key, known, own, item);
}

result<bool> write_run::prepare_insert(void* entity, row_values& row, store_item& item) {
  auto goes_on = before(moment::storing, entity, item);
  if (!goes_on || !*goes_on) return goes_on;
  row.resize(of_.columns.size());
  return prepare_new(entity, row, item);
}

result<bool> write_run::prepare_new(void* entity, row_values& row, store_item& item) {
  if (has(moment::creating)) {
    auto goes_on = before(moment::creating, entity, item);
    if (!goes_on || !*goes_on) return goes_on;
    row.assign(row.size(), std::nullopt);
  }
  if (auto whole = write_row(of_, entity, row); !whole) return fail(std::move(whole.error()));
  if (auto valid = validate(entity, row, {}, item); !valid) return fail(valid.error());
  for (const auto& stamp : {of_.created, of_.updated}) {
    if (stamp) row[*stamp] = time_value(now(), of_.columns[*stamp].time);
  }
  if (of_.version) row[*of_.version] = std::int64_t{1};
  if (of_.generated && !has_key(row)) row[of_.key.front()].reset();
  return true;
}

void write_run::set_stamps(void* entity, const row_values& row, bool with_key) {
  if (with_key) assign(entity, row, of_.key);
  assign(entity, row, of_.set_by_insert);
}

void write_run::after_insert(void* entity) {
  store_item item;
  tell_times(entity, true, item);
  after(moment::created, entity, item);
  after(moment::stored, entity, item);
}

result<void> write_run::take_key(const sql_rows& from, bool by_rowid, row_values& row) {
  if (by_rowid ? from.affected == 0 : from.empty()) {
    return fail(errc::query_failed,
                fmt::format("table {}: the INSERT returned no key: a trigger or rule kept the row "
                            "out",
                            of_.name));
  }
  row[of_.key.front()] = by_rowid ? sql_value{from.rowid} : from.at(0, 0);
  return {};
}

result<void> write_run::insert(void* entity, row_values& row, store_item& item) {
  if (auto room = in_.has_room(); !room) return room;
  auto goes_on = prepare_new(entity, row, item);
  if (!goes_on) return fail(std::move(goes_on.error()));
  if (!*goes_on) return {};
  const bool needs_key = of_.generated && !row[of_.key.front()];
  const bool by_rowid = needs_key && of_.by_rowid == rowid_key::yes && on_.dialect() == "sqlite";
  insert_row(of_, row, needs_key && !by_rowid, in_.last_insert_);
  auto done = send(in_.last_insert_);
  if (!done) return fail(std::move(done.error()));
  if (needs_key) {
    if (auto taken = take_key(*done, by_rowid, row); !taken) return taken;
  }
  set_stamps(entity, row, needs_key);
  if (needs_key && !of_.is_as_written(row)) {
    row[of_.key.front()].reset();
    if (auto again = write_key(of_, entity, row); !again) return again;
  }
  if (auto again = read_again(entity, row); !again) return again;
  const auto key = key_of(of_, row);
  in_.memory().inserted(on_, key, row, needs_key ? entity : nullptr);
  item.what = stored_as::inserted;
  tell_times(entity, true, item);
  after(moment::created, entity, item);
  after(moment::stored, entity, item);
  return {};
}

result<void> write_run::update(void* entity, const std::string& key, row_view known,
                               row_mapper::scratch& own, store_item& item) {
  auto& row = own.values;
  if (auto done = write_changes(of_, entity, known, row, own.changed); !done) return done;
  auto changed = differs(own.changed, row, known, entity);
  if (!changed) return fail(std::move(changed.error()));
  item.what = stored_as::unchanged;
  if (is_marked(known)) {
    return fail(errc::conflict, fmt::format("{}: the row is marked as removed: restore it first",
                                            shown_key(of_, row)));
  }
  if (!*changed) return {};
  if (has(moment::updating)) {
    auto goes_on = before(moment::updating, entity, item);
    if (!goes_on) return fail(std::move(goes_on.error()));
    if (!*goes_on) return {};
    row.assign(row.size(), std::nullopt);
    if (auto again = write_key(of_, entity, row); !again) return again;
    if (key_of(of_, row) != key) {
      return fail(errc::rejected,
                  fmt::format("table {}: a listener has changed the key of a row that it has "
                              "already",
                              of_.name));
    }
    if (auto done = write_changes(of_, entity, known, row, own.changed); !done) return done;
    changed = differs(own.changed, row, known, entity);
    if (!changed) return fail(std::move(changed.error()));
    if (!*changed) return {};  // a listener undid the change
  }
  if (auto valid = validate(entity, row, known, item); !valid) return valid;
  return write(entity, key, own, item);
}

result<void> write_run::write(void* entity, const std::string& key, row_mapper::scratch& own,
                              store_item& item) {
  auto& row = own.values;
  const auto version = expected(row, entity);
  if (!version) return fail(version.error());
  const auto first_kept = own.changed.size();
  std::optional<std::int64_t> next;
  if (of_.version) {
    next = **version + 1;
    row[*of_.version] = *next;
    own.changed.push_back(*of_.version);
  }
  if (of_.updated) {
    row[*of_.updated] = time_value(now(), of_.columns[*of_.updated].time);
    own.changed.push_back(*of_.updated);
  }
  const sql_value before = version->value_or(0);
  update_row(of_, row, own.changed, of_.version ? &before : nullptr, true, in_.last_update_);
  auto done = send(in_.last_update_);
  if (!done) return fail(std::move(done.error()));
  if (done->affected == 0) return explain_miss(row, *version, item);
  assign(entity, row, std::span{own.changed}.subspan(first_kept));
  if (auto again = read_again(entity, row); !again) return again;
  own.changed.insert(own.changed.end(), of_.of_database.begin(), of_.of_database.end());
  in_.memory().updated(on_, key, row, own.changed, {entity, next, *version});
  item.what = stored_as::updated;
  tell_times(entity, false, item);
  after(moment::updated, entity, item);
  after(moment::stored, entity, item);
  return {};
}

result<void> write_run::mark(void* entity, const row_values& row, sql_value mark,
                             store_item& item) {
  auto marked = row;
  std::vector<std::size_t> columns{*of_.deleted};
  marked[*of_.deleted] = std::move(mark);
  const auto version = expected(row, entity);
  if (!version) return fail(version.error());
  std::optional<std::int64_t> next;
  if (of_.version) {
    next = **version + 1;
    marked[*of_.version] = *next;
    columns.push_back(*of_.version);
  }
  if (of_.updated) {
    marked[*of_.updated] = time_value(now(), of_.columns[*of_.updated].time);
    columns.push_back(*of_.updated);
  }
  const bool removes = !std::holds_alternative<std::monostate>(*marked[*of_.deleted]);
  const sql_value before = version->value_or(0);
  update_row(of_, marked, columns, of_.version ? &before : nullptr, removes, in_.last_update_);
  auto done = send(in_.last_update_);
  if (!done) return fail(std::move(done.error()));
  if (done->affected == 0) return explain_miss(row, *version, item);
  assign(entity, marked, columns);
  const auto key = key_of(of_, marked);
  in_.memory().updated(on_, key, marked, columns, {entity, next, *version});
  return {};
}

result<row_values> write_run::row_to_find(void* entity, std::string_view doing) {
  row_values row(of_.columns.size());
  if (auto done = write_key(of_, entity, row); !done) return fail(std::move(done.error()));
  if (!has_key(row)) {
    return fail(errc::invalid_argument,
                fmt::format("table {}: an entity without a key cannot be {}", of_.name, doing));
  }
  if (of_.generated && in_.memory().was_undone(key_of(of_, row), entity)) {
    return fail(errc::conflict, fmt::format("{}: the row is gone: its INSERT was rolled back",
                                            shown_key(of_, row)));
  }
  if (of_.version && of_.is_field(*of_.version) && !row[*of_.version]) {
    of_.entity.value(entity, of_.rules, *of_.version, row[*of_.version].emplace());
  }
  return row;
}

result<void> write_run::removed(void* entity, removal how, store_item& item) {
  auto goes_on = before(moment::removing, entity, item);
  if (!goes_on) return fail(std::move(goes_on.error()));
  if (!*goes_on) return {};
  auto row = row_to_find(entity, "removed");
  if (!row) return fail(std::move(row.error()));
  if (of_.deleted && how == removal::by_mapping) {
    auto done = mark(entity, *row, time_value(now(), of_.columns[*of_.deleted].time), item);
    if (!done) return done;
  } else {
    const auto version = expected(*row, entity);
    if (!version) return fail(version.error());
    const auto statement = delete_row(of_, *row, *version);
    auto done = send(statement.sql, statement.with);
    if (!done) return fail(std::move(done.error()));
    if (done->affected == 0) return explain_miss(*row, *version, item);
    in_.memory().removed(on_, key_of(of_, *row));
  }
  item.what = stored_as::removed;
  after(moment::removed, entity, item);
  return {};
}

result<void> write_run::restored(void* entity, store_item& item) {
  if (!of_.deleted) {
    return fail(errc::invalid_argument,
                fmt::format("table {}: its mapping has no soft deletes", of_.name));
  }
  auto goes_on = before(moment::restoring, entity, item);
  if (!goes_on) return fail(std::move(goes_on.error()));
  if (!*goes_on) return {};
  auto row = row_to_find(entity, "restored");
  if (!row) return fail(std::move(row.error()));
  if (auto done = mark(entity, *row, sql_value{}, item); !done) return done;
  item.what = stored_as::restored;
  after(moment::restored, entity, item);
  return {};
}

}}}  // namespace nexus::v0::detail
