// One call of store, remove or restore: what happens to each entity, in order.
//
// The first statement of a call for several entities begins their transaction; if nothing is to be
// written, there is none. After a failure the mapper puts back what it has set on the entities.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lazy_transaction.hpp"
#include "nexus/detail/row_mapper.hpp"
#include "row_statements.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// What a run has set on an entity, and what was there.
struct set_field {
  void* entity;
  std::size_t field;
  sql_value before;
};

/// Whether the key is set.
[[nodiscard]] bool has_key(const table& of, const row_values& row);

/// Sets the fields of these entities back, the newest first.
void put_back(const table& of, const std::vector<set_field>& set) noexcept;

class write_run {
 public:
  /// Without a transaction each statement is one of its own.
  write_run(row_mapper& in, lazy_transaction* within, const write_choices& how = {})
      : in_{in}, on_{in.on()}, of_{in.of()}, within_{within}, how_{how} {}

  store_item store(void* entity);
  store_item remove(void* entity, removal how);
  store_item restore(void* entity);

  /// Records what it sets on entities, also if nothing can fail afterwards.
  void record() noexcept { records_ = true; }
  /// Puts back keys, versions and times on the entities.
  void put_back();
  [[nodiscard]] std::vector<set_field> take_set() { return std::exchange(set_, {}); }

  /// Sets a field, as a key is set.
  result<void> set(void* entity, const row_values& row, std::size_t column);

  // For inserts of many rows with one statement:

  /// Listeners, validation, and the row to insert; false: a listener cancelled.
  result<bool> prepare_insert(void* entity, row_values& row, store_item& item);
  /// Sets version and times on the entity.
  void set_stamps(void* entity, const row_values& row, bool with_key = false);
  /// The hook and the listeners behind the write.
  void after_insert(void* entity);
  result<sql_rows> send(std::string_view sql, sql_parameters with);
  result<sql_rows> send(const last_text& made) { return send(made.sql, sql_parameters{made.with}); }

 private:
  result<void> stored(void* entity, store_item& item);
  // `row` has the key.
  result<void> insert(void* entity, row_values& row, store_item& item);
  result<bool> prepare_new(void* entity, row_values& row, store_item& item);
  result<void> update(void* entity, const std::string& key, row_view known,
                      row_mapper::scratch& own, store_item& item);
  result<void> write(void* entity, const std::string& key, row_mapper::scratch& own,
                     store_item& item);
  result<void> removed(void* entity, removal how, store_item& item);
  result<void> restored(void* entity, store_item& item);
  // The key and the version of an entity whose row is there.
  result<row_values> row_to_find(void* entity, std::string_view doing);
  result<void> mark(void* entity, const row_values& row, sql_value mark, store_item& item);

  template <class F>
  store_item guarded_item(F&& f);

  [[nodiscard]] timestamp now();
  [[nodiscard]] bool has(moment when) const {
    return how_.listeners && std::ranges::count(of_.listeners, when, &listener::when) > 0;
  }
  // False: a listener cancelled. Most mappings have no listeners, and then this costs nothing.
  result<bool> before(moment when, void* entity, store_item& item) {
    return of_.listeners.empty() ? result<bool>{true} : ask(when, entity, item);
  }
  void after(moment when, void* entity, store_item& item) {
    if (!of_.listeners.empty()) tell(when, entity, item);
  }
  result<bool> ask(moment when, void* entity, store_item& item);
  void tell(moment when, void* entity, store_item& item);
  void tell_times(void* entity, bool created, store_item& item);
  result<void> validate(const void* entity, const row_values& row, row_view known,
                        store_item& item);

  [[nodiscard]] bool has_key(const row_values& row) const { return detail::has_key(of_, row); }
  // The version that the row must have.
  [[nodiscard]] result<std::optional<std::int64_t>> expected(const row_values& row,
                                                             const void* entity) const;
  // Whether there is something to write: changes, or an entity of another version.
  [[nodiscard]] result<bool> differs(std::span<const std::size_t> changed, const row_values& row,
                                     row_view known, const void* entity) const;
  [[nodiscard]] bool is_marked(row_view row) const;

  // The key that the database has made.
  result<void> take_key(const sql_rows& from, bool by_rowid, row_values& row);
  // Why an UPDATE or DELETE found no row.
  result<void> explain_miss(const row_values& row, std::optional<std::int64_t> version,
                            store_item& item);
  result<void> read_again(void* entity, row_values& row) {
    return of_.of_database.empty() ? result<void>{} : read_columns(entity, row);
  }
  result<void> read_columns(void* entity, row_values& row);
  // Sets the columns on the entity, and remembers what was there.
  void assign(void* entity, const row_values& row, std::span<const std::size_t> columns);

  row_mapper& in_;
  session& on_;
  table& of_;
  lazy_transaction* within_;
  write_choices how_;
  bool records_ = false;
  std::optional<timestamp> now_;  // one time for the whole run
  std::vector<set_field> set_;
};

}}}
