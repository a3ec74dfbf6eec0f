// The entities of one piece of work, each loaded once, and written together.
//
//   nexus::unit_of_work work{session};
//   auto paid = work.find(orders, 7);               // a result of order*; null: there is none
//   (*paid)->status = order_status::paid;
//   auto& line = work.add(lines, order_line{.sku = "a"});
//   work.link(line, "order_id", **paid);            // the key may still be to come
//   if (auto done = work.flush(); !done) …          // one transaction, or no statement at all
//
// The unit owns its entities: their addresses stay until `clear`, `remove` or its end. A row is one
// entity, however often it is found. `flush` writes in an order that foreign keys allow, as far as
// the mappings declare relations: inserts and updates of a table after those of the tables that its
// rows belong to, removals the other way round. Within a table the order is that of `add`.
//
// Threads: one at a time. Failures: those of nexus/mapper.hpp. After a failed flush, all entities
// and what is to be removed are as they were before.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nexus/detail/unit_core.hpp"
#include "nexus/mapper.hpp"

namespace nexus { inline namespace v0 {

class unit_of_work {
 public:
  /// The session must outlive the unit, or the next call of `use`.
  explicit unit_of_work(session& on) : core_{std::make_shared<detail::unit_core>(on)} {}

  /// The entity with this key, loaded at most once. Null: there is no such row, or it is to be
  /// removed.
  template <class E, class... K>
  [[nodiscard]] result<E*> find(const mapping<E>& by, const K&... key) {
    auto found = core_->find(by.table(), detail::key_of_row(key...), make<E>);
    if (!found) return fail(std::move(found.error()));
    return static_cast<E*>(*found);
  }

  /// The entities of the rows that match. Those that the unit has already stay as they are.
  template <class E>
  [[nodiscard]] result<std::vector<E*>> all(const mapping<E>& by, const row_filter& which = {}) {
    return adopt<E>(by, which.query);
  }

  /// A new entity, inserted by the next flush.
  template <class E>
  E& add(const mapping<E>& by, E entity) {
    auto made = std::make_shared<E>(std::move(entity));
    core_->add(by.table(), made);
    return *made;
  }

  /// Before `child` is written, its foreign key becomes the key of `parent`: for one column, in
  /// which `parent` may get a key only by the same flush. Both are entities of this unit.
  template <class Child, class Parent>
  void link(Child& child, std::string foreign_key, Parent& parent) {
    core_->link(&child, std::move(foreign_key), &parent);
  }

  /// The next flush removes its row. `invalid_argument` if it is no entity of this unit. An entity
  /// that was added and never flushed is only dropped.
  template <class E>
  [[nodiscard]] result<void> remove(E& entity) {
    return core_->remove(&entity);
  }

  /// Writes what has changed, in one transaction, or a savepoint of the open one. If that one is
  /// rolled back, the unit and its entities are as before the flush.
  [[nodiscard]] result<void> flush() { return core_->flush(); }

  /// Forgets all entities; pointers to them become invalid.
  void clear() { core_->clear(); }

  /// Continues on another session, with no entities.
  void use(session& on) { core_->use(on); }

  [[nodiscard]] std::size_t size() const noexcept { return core_->size(); }
  [[nodiscard]] session& on() const noexcept { return core_->on(); }

 private:
  template <class E>
  static std::shared_ptr<void> make() {
    return std::make_shared<E>();
  }

  template <class E>
  result<std::vector<E*>> adopt(const mapping<E>& by, const detail::row_query& which) {
    auto found = core_->adopt(by.table(), which, make<E>);
    if (!found) return fail(std::move(found.error()));
    std::vector<E*> made;
    made.reserve(found->size());
    for (auto* one : *found) made.push_back(static_cast<E*>(one));
    return made;
  }

  std::shared_ptr<detail::unit_core> core_;
};

}}  // namespace nexus::v0
