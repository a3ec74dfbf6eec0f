// Read models: plain structs, stored under a name and their id.
//
//   struct order {
//     static constexpr std::string_view type_name = "order";
//     std::string id;
//     std::string customer;
//     std::int64_t cents = 0;
//     MSGPACK_DEFINE_MAP(id, customer, cents)
//   };
//
//   nexus::read_models models{store};                                  // nexus/read_models.hpp
//   auto orders = models.of<order>("orders", {.indexes = {"customer"}});
//   auto saved = orders.save({.id = "7", .customer = "anna", .cents = 250});
//   auto of_anna = orders.find_by({{"customer", "anna"}});
//
// A model may have a `schema_version` with upcasters (nexus/document.hpp) and a `serializer`
// (nexus/serializer.hpp), as an event has.
//
// Threads: those of its source (nexus/document_source.hpp); calls block.
// Failures: those of the source. `unknown_type` for a row whose stored type is another one, which
// is checked before its bytes are read; `unsupported_version`, `corrupt` for a row that does not
// decode, or has another id inside. They name table, name, id and what was expected; the row stays
// as it is. `invalid_argument` for an invalid name, index or criterion, `invalid_id` for an invalid
// id, before anything is read.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/criteria.hpp"
#include "nexus/detail/encoded_model.hpp"
#include "nexus/detail/model_rows.hpp"
#include "nexus/document_source.hpp"

namespace nexus { inline namespace v0 {

template <class M>
concept read_model =
    detail::mapped<M> && std::default_initializable<M> && std::movable<M> && requires(M& m) {
      { m.id } -> std::same_as<std::string&>;
      std::string_view{M::type_name};
    };

/// Decides which models match.
template <class Model>
class matcher {
 public:
  virtual ~matcher() = default;

  /// Why no model can be compared with these, e.g. since a field is unknown: `invalid_argument`.
  [[nodiscard]] virtual result<void> check(const criteria& wanted) const = 0;

  /// Only for criteria that `check` accepted; never those on `id`.
  [[nodiscard]] virtual bool matches(const Model& model, const criteria& wanted) const = 0;
};

/// Compares the fields that MSGPACK_DEFINE_MAP names: flags, numbers, enums, durations and texts,
/// optionals and lists of them.
template <class Model>
class field_matcher final : public matcher<Model> {
 public:
  result<void> check(const criteria& wanted) const override {
    return detail::check_criteria(Model::type_name, detail::fields_of<Model>(), wanted);
  }
  bool matches(const Model& model, const criteria& wanted) const override {
    return detail::has_all(model, wanted);
  }
};

struct repository_options {
  /// Fields by which `find_by` is bounded, at most 8. See `reindex`.
  std::vector<std::string> indexes{};
};

template <read_model Model>
class repository {
 public:
  /// By hand; usually a factory makes it. With a matcher of its own `find_by` uses no index.
  repository(document_source from, std::string name, repository_options options = {},
             std::shared_ptr<const matcher<Model>> by = nullptr)
      : repository{std::move(from), std::move(name), std::move(options), std::move(by), nullptr} {}

  /// Stores the model in the place of the one with its id.
  [[nodiscard]] result<void> save(const Model& model) const {
    auto made = detail::encode_model(model, *in_);
    if (!made) return fail(std::move(made.error()));
    return in_->save(made->write());
  }

  /// A bounded look-up. None: there is no such model.
  [[nodiscard]] result<std::optional<Model>> find(std::string_view id,
                                                  consistency wanted = consistency::strong) const {
    const std::string one{id};
    std::optional<Model> found;
    auto done = in_->get(std::span{&one, 1}, wanted, reader([&](Model&& model) {
                           found = std::move(model);
                           return true;
                         }));
    if (!done) return fail(std::move(done.error()));
    return found;
  }

  /// The models that match all criteria; none for no criteria.
  ///
  /// A criterion on `id`, with an id or a list, fetches just those: in the requested order, without
  /// repeats, leaving out the missing. Otherwise models come in ascending bytewise order of ids. A
  /// criterion on an indexed field is a bounded look-up on SQL. Without one, or with an index that
  /// writers left out, this READS THE WHOLE COLLECTION.
  [[nodiscard]] result<std::vector<Model>> find_by(const criteria& wanted,
                                                   consistency how = consistency::strong) const {
    std::vector<Model> found;
    if (in_->fault()) return fail(*in_->fault());
    auto parts = detail::split(in_->model().type, wanted);
    if (!parts) return fail(std::move(parts.error()));
    if (auto known = matcher_->check(parts->rest); !known) return fail(std::move(known.error()));
    if (wanted.empty()) return found;
    const auto keep = reader([&](Model&& model) {
      if (matcher_->matches(model, parts->rest)) found.push_back(std::move(model));
      return true;
    });
    auto done = parts->ids ? in_->get(*parts->ids, how, keep)
                           : in_->some(parts->rest, by_index_, how, keep);
    if (!done) return fail(std::move(done.error()));
    return found;
  }

  /// READS THE WHOLE COLLECTION, in ascending bytewise order of the ids, into memory.
  [[nodiscard]] result<std::vector<Model>> find_all(
      consistency wanted = consistency::strong) const {
    std::vector<Model> found;
    auto done = for_each(
        [&](Model&& model) {
          found.push_back(std::move(model));
          return true;
        },
        wanted);
    if (!done) return fail(std::move(done.error()));
    return found;
  }

  /// The same in bounded memory: passes them one by one to `f(Model&&)`, which returns false to
  /// stop. A session is lent until the end.
  template <std::predicate<Model&&> F>
  [[nodiscard]] result<void> for_each(F f, consistency wanted = consistency::strong) const {
    return in_->all(wanted, reader(std::move(f)));
  }

  /// Whether there was one.
  [[nodiscard]] result<bool> remove(std::string_view id) const {
    return in_->remove(std::string{id});
  }

  /// Removes all models of this name; returns their number.
  [[nodiscard]] result<std::size_t> remove_all() const { return in_->remove_all(); }

  /// Indexes the chosen fields, and no others, in every stored model. Needed once after fields were
  /// chosen for a name that has models already; until then `find_by` reads the whole collection
  /// and logs a warning. Rows written later by a program that chooses fewer fields are noticed:
  /// `find_by` reads everything again. One transaction, which other writers of the name wait for.
  [[nodiscard]] result<std::size_t> reindex() const {
    return in_->reindex([in = in_](const document_view& row) -> result<std::vector<indexed_value>> {
      auto model = detail::decode_model<Model>(row, *in);
      if (!model) return fail(std::move(model.error()));
      return detail::indexed_values(*model, in->indexed());
    });
  }

  [[nodiscard]] const std::string& name() const noexcept { return in_->name(); }

 private:
  friend class read_models;

  repository(document_source from, std::string name, repository_options options,
             std::shared_ptr<const matcher<Model>> by, std::shared_ptr<detail::snapshot_cache> seen)
      : in_{std::make_shared<const detail::model_rows>(
            std::move(from), std::move(name), detail::class_of<Model>(), std::move(options.indexes),
            std::move(seen))},
        matcher_{std::move(by)},
        by_index_{matcher_ == nullptr} {
    if (!matcher_) matcher_ = std::make_shared<const field_matcher<Model>>();
  }

  template <class F>
  detail::row_reader reader(F f) const {
    return [f = std::move(f), in = in_.get()](const document_view& row) mutable -> result<bool> {
      auto model = detail::decode_model<Model>(row, *in);
      if (!model) return fail(std::move(model.error()));
      return f(std::move(*model));
    };
  }

  std::shared_ptr<const detail::model_rows> in_;
  std::shared_ptr<const matcher<Model>> matcher_;
  bool by_index_;
};

}}  // namespace nexus::v0
