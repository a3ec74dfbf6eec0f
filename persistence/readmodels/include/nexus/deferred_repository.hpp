// A repository that keeps what it is told, and writes it at once when it is flushed.
//
//   nexus::deferred_read_models rows{session};             // nexus/deferred_read_models.hpp
//   auto& orders = rows.of<order>("orders");
//   auto found = orders.find("7");                         // a shared_ptr; the same each time
//   (*found)->cents += 50;
//   auto staged = orders.save(**found);                    // the state of this moment
//   auto written = rows.flush("batch 12");
//
// There is one object per id, until `clear`. What is staged is what `save` was given: changing an
// object later changes nothing that is staged.
//
// Threads: one at a time. Bounds: 100,000 staged ids and 256 MiB (`overloaded`: flush first);
// objects stay in memory until `clear`.
// Failures: those of nexus/repository.hpp.
#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/staged_rows.hpp"
#include "nexus/repository.hpp"

namespace nexus { inline namespace v0 {

template <read_model Model>
requires std::copyable<Model>
class deferred_repository {
 public:
  using object = std::shared_ptr<Model>;

  /// By hand; usually a factory makes it. With a matcher of its own `find_by` uses no index.
  deferred_repository(document_source from, std::string name, repository_options options = {},
                      std::shared_ptr<const matcher<Model>> by = nullptr)
      : rows_{std::move(from), std::move(name), detail::class_of<Model>(),
              std::move(options.indexes), nullptr},
        matcher_{std::move(by)},
        by_index_{matcher_ == nullptr} {
    if (!matcher_) matcher_ = std::make_shared<const field_matcher<Model>>();
  }
  deferred_repository(const deferred_repository&) = delete;
  deferred_repository& operator=(const deferred_repository&) = delete;

  /// Stages the state that the model has now, in the place of what was staged for its id. The
  /// object of this id becomes equal to it; if there is none, a copy becomes the object.
  [[nodiscard]] result<void> save(const Model& model) {
    if (auto done = stage(model); !done) return done;
    auto& known = objects_[model.id];
    if (!known) {
      known = std::make_shared<Model>(model);
    } else if (known.get() != &model) {
      *known = model;
    }
    return {};
  }
  /// The same; if there is no object of this id, `model` becomes it.
  [[nodiscard]] result<void> save(const object& model) {
    if (objects_.contains(model->id)) return save(*model);
    if (auto done = stage(*model); !done) return done;
    objects_.emplace(model->id, model);
    return {};
  }

  /// Stages the removal. The id is hidden until it is saved again, which cancels the removal.
  [[nodiscard]] result<void> remove(std::string_view id) {
    if (rows_.fault()) return fail(*rows_.fault());
    if (auto why = fault_of_document_id(id)) return fail(*std::move(why));
    return staged_.remove(std::string{id});
  }

  /// The object of this id, read if there is none yet. Null: there is no such model.
  [[nodiscard]] result<object> find(std::string_view id, consistency how = consistency::strong) {
    if (rows_.fault()) return fail(*rows_.fault());
    const auto* staged = staged_.find(id);
    if (staged != nullptr && !staged->value) return object{};
    if (const auto known = objects_.find(id); known != objects_.end()) return known->second;
    const std::string one{id};
    object found;
    auto done = rows_.get(std::span{&one, 1}, how, [&](const document_view& row) {
      return read(row).map([&](Model&& model) {
        found = object_of(std::move(model));
        return true;
      });
    });
    if (!done) return fail(std::move(done.error()));
    return found;
  }

  /// As repository::find_by, of what would be found after a flush: staged states in the place of
  /// stored ones, without what is removed. Changes of objects that were not saved do not count.
  /// Without an id or a usable index this READS THE WHOLE COLLECTION.
  [[nodiscard]] result<std::vector<object>> find_by(const criteria& wanted,
                                                    consistency how = consistency::strong) {
    if (rows_.fault()) return fail(*rows_.fault());
    auto parts = detail::split(rows_.model().type, wanted);
    if (!parts) return fail(std::move(parts.error()));
    if (auto known = matcher_->check(parts->rest); !known) return fail(std::move(known.error()));
    if (wanted.empty()) return std::vector<object>{};
    found_objects found;
    const auto keep = [&](const document_view& row) {
      return keep_stored(row, parts->rest, found);
    };
    auto done = parts->ids ? rows_.get(*parts->ids, how, keep)
                           : rows_.some(parts->rest, by_index_, how, keep);
    if (!done) return fail(std::move(done.error()));
    if (auto added = add_staged(parts->rest, found); !added) return fail(std::move(added.error()));
    return parts->ids ? in_order(*parts->ids, found) : in_order(found);
  }

  /// All of what would be stored after a flush. READS THE WHOLE COLLECTION.
  [[nodiscard]] result<std::vector<object>> find_all(consistency how = consistency::strong) {
    found_objects found;
    auto done = rows_.all(
        how, [&](const document_view& row) { return keep_stored(row, criteria{}, found); });
    if (!done) return fail(std::move(done.error()));
    if (auto added = add_staged({}, found); !added) return fail(std::move(added.error()));
    return in_order(found);
  }

  [[nodiscard]] pending_writes pending() const { return staged_.pending(); }

  /// Writes the removals, then the saves. Stops at the first failure, and keeps that one and the
  /// rest for another flush. Within a transaction of SQL a failure ends the transaction, and with
  /// it what was written before: roll back, `clear`, and start again.
  [[nodiscard]] flush_result flush(std::string_view context = {}) {
    return staged_.flush(rows_, context, [&](const std::string& id) { objects_.erase(id); });
  }

  /// Forgets what is staged and all objects. Writes nothing.
  void clear() {
    staged_.clear();
    objects_.clear();
  }

  /// Reads from, and flushes to, another source from now on.
  void bind(document_source other) { rows_.read_from(std::move(other)); }

  [[nodiscard]] const std::string& name() const noexcept { return rows_.name(); }

 private:
  using found_objects = std::map<std::string, object, std::less<>>;

  result<void> stage(const Model& model) {
    auto made = detail::encode_model(model, rows_);
    if (!made) return fail(std::move(made.error()));
    return staged_.save(std::move(*made));
  }

  result<Model> read(const document_view& row) const {
    return detail::decode_model<Model>(row, rows_);
  }

  object object_of(Model&& model) {
    auto& known = objects_[model.id];
    if (!known) known = std::make_shared<Model>(std::move(model));
    return known;
  }

  result<bool> keep_stored(const document_view& row, const criteria& wanted, found_objects& found) {
    if (staged_.find(row.id) != nullptr) return true;
    auto model = read(row);
    if (!model) return fail(std::move(model.error()));
    if (matcher_->matches(*model, wanted)) found.emplace(row.id, object_of(std::move(*model)));
    return true;
  }

  result<void> add_staged(const criteria& wanted, found_objects& found) {
    for (const auto& [id, staged] : staged_.all()) {
      if (!staged.value) continue;
      auto model = read(staged.value->row.view());
      if (!model) return fail(std::move(model.error()));
      if (matcher_->matches(*model, wanted)) found.emplace(id, objects_.at(id));
    }
    return {};
  }

  static std::vector<object> in_order(const found_objects& found) {
    std::vector<object> all;
    all.reserve(found.size());
    for (const auto& [id, one] : found) all.push_back(one);
    return all;
  }
  static std::vector<object> in_order(std::span<const std::string> ids,
                                      const found_objects& found) {
    std::vector<object> all;
    for (const auto& id : ids) {
      if (const auto at = found.find(id); at != found.end()) all.push_back(at->second);
    }
    return all;
  }

  detail::model_rows rows_;
  std::shared_ptr<const matcher<Model>> matcher_;
  bool by_index_;
  detail::staged_rows staged_;
  found_objects objects_;  // one per id
};

}}  // namespace nexus::v0
