// Relational entities: one writer per row of the program's own tables.
//
//   struct order {
//     static constexpr std::string_view entity_type = "order";
//     using row = order_row;                               // a struct with a mapping
//     static nexus::entity_rows<row> rows() {
//       nexus::mapping<order_row> orders{"orders"};
//       orders.key("id").version("version");
//       nexus::mapping<order_line> lines{"order_lines"};
//       lines.key({"order_id", "line"});
//       return nexus::entity_rows<row>{orders}.owns(&order_row::lines, lines, {"order_id"});
//     }
//     struct pay { std::int64_t cents = 0; };
//     using command = std::variant<pay>;
//     static auto decide(const row& now, const pay& c) {
//       return nexus::persist([c](row& r) { r.paid += c.cents; }).then_reply(&row::paid);
//     }
//   };
//   nexus::entities<order> orders{sys, *store};
//   auto paid = orders.of("7").ask(order::pay{500}).get(1s);
//
// The id of an entity is the key of its row: "7"; of several columns "7/ann", where "/" and "%" in
// a text are written as %2F and %25. Any other text of a key is `invalid_id`. Without a row a
// command is answered `not_found`, and the entity stops; or see on_demand and create_if_missing.
//
// Rows are written in transactions of their own, with rows of other entities, by a writer of their
// own: never with events. They are guarded by the version, if the mapping has one, else by the old
// values of what is written. If another program has changed the row, the caller gets `conflict` or
// the command is decided again, by entity_options::on_conflict. A row that breaks a constraint
// fails alone: its caller gets `constraint_violated` with the constraint.
//
// The version of a new row begins at the microseconds of the clock, so that a row which is removed
// and made again is never taken for the old one: its column is a 64-bit integer.
//
// Not for entities, and refused at the start: generated keys, soft deletes, columns of the database,
// hydrate and dehydrate, listeners, unique(). Validations are run by the entity, too.
//
// Threads and failures: as nexus/entities.hpp. Opening the entities blocks: it compares the mapping
// with the database.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/row_model.hpp"
#include "nexus/detail/row_shape.hpp"
#include "nexus/entities.hpp"
#include "nexus/mapping.hpp"

namespace nexus { inline namespace v0 {

/// Where the rows of a relational behavior are: its table, and tables whose rows it owns.
template <mappable R>
class entity_rows {
 public:
  explicit entity_rows(const mapping<R>& root) { shape_->tables.root = root.table(); }

  /// Rows of `of` whose `foreign_key` is the root's key, in the order of that key. They are stored
  /// and deleted with the root, and `into` has them in the order of their own key. Their foreign key
  /// is set from the root.
  template <mappable C>
  entity_rows& owns(std::vector<C> R::*into, const mapping<C>& of,
                    std::vector<std::string> foreign_key) {
    detail::owned_list list;
    list.each = [into](const void* root, const std::function<void(const void*)>& use) {
      for (const auto& one : static_cast<const R*>(root)->*into) use(&one);
    };
    list.add = [into](void* root) -> void* {
      return &(static_cast<R*>(root)->*into).emplace_back();
    };
    list.clear = [into](void* root) { (static_cast<R*>(root)->*into).clear(); };
    shape_->lists.push_back(std::move(list));
    shape_->tables.owned.push_back({of.table(), {}});
    shape_->foreign_keys.push_back(std::move(foreign_key));
    return *this;
  }

  // What becomes of an id without a row. By default its commands are answered `not_found`, and the
  // entity stops.

  /// It stays live, also for its watchers, and each command looks for the row again: until there is
  /// one, it is answered `not_found`.
  entity_rows& on_demand() {
    shape_->on_demand = true;
    shape_->create = nullptr;
    return *this;
  }

  /// An id without a row begins with `make(id)`, which is inserted when a command first persists.
  entity_rows& create_if_missing(std::function<R(std::string_view id)> make) {
    shape_->on_demand = false;
    shape_->create = [make = std::move(make)](void* root, std::string_view id) {
      *static_cast<R*>(root) = make(id);
    };
    return *this;
  }

  [[nodiscard]] const std::shared_ptr<detail::row_shape>& shape() const noexcept { return shape_; }

 private:
  std::shared_ptr<detail::row_shape> shape_ = std::make_shared<detail::row_shape>();
};

}}  // namespace nexus::v0
