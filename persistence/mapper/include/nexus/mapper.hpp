// Loads and stores structs in ordinary tables.
//
//   nexus::mapper<order> orders{session, order_mapping};   // nexus/mapping.hpp
//   order one{.customer = "ann"};
//   auto done = orders.store(one);                         // INSERT; sets one.id
//   one.status = order_status::paid;
//   done = orders.store(one);                              // UPDATE … SET status
//   done = orders.store(one);                              // nothing: done.what is `unchanged`
//   auto open = orders.where("status", nexus::is::equals, order_status::open)
//                   .order("placed_at").limit(10).get();
//
// A mapper remembers each row it loads or stores, by its key. `store` compares an entity with the
// remembered row: a known row is updated by its changed columns, an unknown one is inserted. So use
// one mapper for one piece of work, on one session, and let it end with that work.
//
// In a transaction (nexus/transaction.hpp) that is rolled back, what the mapper remembers is rolled
// back too. What it has set on an entity then no longer counts: the next `store` of the entity uses
// another generated key, and the version before. They are put back on the entity at once if the
// call itself fails, or if the entity is given as a std::shared_ptr.
//
// Threads: those of the session; calls block. Failures: those of the session; `invalid_argument`
// for a mapping that cannot be, an unknown field, or a value that a column cannot hold; `corrupt`
// for a row that does not fit the struct; `conflict` for a lost race; `rejected` for an invalid
// entity, or a listener that threw; `not_found`. They name table, column and field.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "nexus/comparison.hpp"
#include "nexus/detail/row_mapper.hpp"
#include "nexus/mapping.hpp"
#include "nexus/rows_query.hpp"
#include "nexus/session.hpp"
#include "nexus/store_result.hpp"

namespace nexus { inline namespace v0 {

template <mappable E>
class mapper {
 public:
  /// The session must outlive the mapper.
  mapper(session& on, const mapping<E>& by) : in_{on, by.table()} {}

  /// Inserts, updates or leaves the row; see above.
  store_item store(E& entity) { return in_.store(static_cast<void*>(&entity)); }
  /// The same. If the transaction around it is rolled back, and the entity still exists, its key,
  /// version and times are put back on it.
  store_item store(const std::shared_ptr<E>& entity) { return in_.store_shared(entity); }
  /// All or none, in one transaction, or a savepoint of the open one. If nothing is to be written,
  /// no transaction is begun. The entities of a failed call have their former keys and versions.
  store_report store(std::span<E> entities) { return in_.store(pointers(entities)); }

  /// Deletes the row, or marks it if the mapping has soft deletes. The entity needs only its key,
  /// and its version if there is one.
  store_item remove(E& entity) { return in_.remove(&entity, detail::removal::by_mapping); }
  store_report remove(std::span<E> entities) {
    return in_.remove(pointers(entities), detail::removal::by_mapping);
  }
  /// Deletes the row in any case.
  store_item force_remove(E& entity) { return in_.remove(&entity, detail::removal::force); }
  store_report force_remove(std::span<E> entities) {
    return in_.remove(pointers(entities), detail::removal::force);
  }
  /// Takes the mark of `remove` back.
  store_item restore(E& entity) { return in_.restore(&entity); }
  store_report restore(std::span<E> entities) { return in_.restore(pointers(entities)); }

  /// By the values of the key's columns, in their order. None: there is no such row.
  template <class... K>
  [[nodiscard]] result<std::optional<E>> find(const K&... key) {
    std::optional<E> made;
    auto found = find_into([&]() -> void* { return &made.emplace(); }, key...);
    if (!found) return fail(std::move(found.error()));
    return made;
  }
  /// `not_found` if there is no such row.
  template <class... K>
  [[nodiscard]] result<E> find_or_error(const K&... key) {
    result<E> made;
    auto found = find_into([&]() -> void* { return &*made; }, key...);
    if (!found) return fail(std::move(found.error()));
    if (!*found) return fail(detail::no_such_row(in_.of(), detail::key_of_row(key...)));
    return made;
  }
  /// By several keys, with one statement; missing rows are left out. A key of several columns is a
  /// std::tuple; a statement takes 32,766 values of such keys on SQLite, 65,535 on PostgreSQL.
  template <class K>
  [[nodiscard]] result<std::vector<E>> find_many(const std::vector<K>& keys) {
    std::vector<std::vector<detail::filter_value::one>> values;
    values.reserve(keys.size());
    for (const auto& key : keys) values.push_back(detail::key_values(key));
    return all().keys(values).get();
  }

  /// All rows, to be narrowed.
  [[nodiscard]] rows_query<E> all() { return rows_query<E>{in_}; }
  template <class... A>
  [[nodiscard]] rows_query<E> where(std::string column, is how, const A&... with) {
    return all().where(std::move(column), how, with...);
  }

  /// Whether a row has this value, other than the entity's own.
  template <class T>
  [[nodiscard]] result<bool> exists(std::string_view field, const T& value,
                                    const E* except = nullptr) {
    return in_.exists(field, detail::to_filter(value), except);
  }

  // Many rows with few statements. What the mapper remembers does not change.

  /// Inserts all or none; returns how many. The entities get versions and times, but no generated
  /// keys. Listeners and validation run only if asked for.
  [[nodiscard]] result<std::int64_t> bulk_insert(std::span<E> entities,
                                                 const bulk_options& options = {}) {
    return detail::bulk_insert(in_, pointers(entities), {options.listeners, options.listeners});
  }
  /// Inserts the rows; where a row has the same values in the `unique` columns, which need a unique
  /// index, sets `update` of it instead, and its version and time of change. No `update`: such rows
  /// stay as they are. No listeners, no validation; nothing is set on the entities.
  [[nodiscard]] result<std::int64_t> upsert(std::span<E> entities,
                                            const std::vector<std::string>& unique,
                                            const std::vector<std::string>& update) {
    return detail::upsert(in_, pointers(entities), unique, update);
  }

  /// The next `store` of any entity takes it as unknown.
  void forget() { in_.memory().clear(); }

  [[nodiscard]] session& on() const noexcept { return in_.on(); }
  /// For `rows_query::with`, units of work and factories.
  [[nodiscard]] detail::row_mapper& rows() noexcept { return in_; }

 private:
  template <class... K>
  result<bool> find_into(const std::function<void*()>& fresh, const K&... key) {
    if constexpr (((detail::is_time_point<K> || detail::is_duration<K>) || ...)) {
      return in_.find(detail::key_of_row(key...), fresh);
    } else {
      const std::array<sql_value, sizeof...(K)> values{detail::plain_value(key)...};
      return in_.find(std::span<const sql_value>{values}, fresh);
    }
  }

  static std::vector<void*> pointers(std::span<E> entities) {
    std::vector<void*> made;
    made.reserve(entities.size());
    for (auto& one : entities) made.push_back(&one);
    return made;
  }

  detail::row_mapper in_;
};

}}  // namespace nexus::v0
