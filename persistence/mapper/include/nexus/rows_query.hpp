// The rows of a table that are loaded or changed together.
//
//   auto page = orders.where("status", nexus::is::equals, status::open)
//                   .where("cents", nexus::is::at_least, 100)
//                   .order("placed_at", nexus::direction::descending)
//                   .with("lines")
//                   .page(2, 20);
//
// Names are those of fields or columns; others are `invalid_argument`, so a name may come from
// outside. Values are parameters of the statement.
//
// Threads: those of the mapper, which must outlive it. Failures: those of the mapper.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nexus/comparison.hpp"
#include "nexus/detail/bulk_rows.hpp"
#include "nexus/detail/row_mapper.hpp"
#include "nexus/detail/row_pages.hpp"
#include "nexus/row_filter.hpp"

namespace nexus { inline namespace v0 {

template <class E>
struct page_of {
  std::vector<E> rows{};
  std::int64_t total = 0;  ///< rows of all pages
  std::int64_t pages = 0;
};

/// Whether listeners and validation run in a bulk operation.
struct bulk_options {
  bool listeners = false;
};

template <class E>
class rows_query {
 public:
  explicit rows_query(detail::row_mapper& in) : in_{&in} {}

  // Which rows; see nexus/row_filter.hpp.

  rows_query& where(condition one) {
    filter_.where(std::move(one));
    return *this;
  }
  template <class... A>
  rows_query& where(std::string column, is how, const A&... with) {
    return where(condition{std::move(column), how, with...});
  }
  rows_query& where_any(std::vector<condition> any) {
    filter_.where_any(std::move(any));
    return *this;
  }
  rows_query& order(std::string column, direction towards = direction::ascending) {
    filter_.order(std::move(column), towards);
    return *this;
  }
  rows_query& limit(std::int64_t rows) {
    filter_.limit(rows);
    return *this;
  }
  rows_query& offset(std::int64_t rows) {
    filter_.offset(rows);
    return *this;
  }
  /// A scope of the mapping.
  rows_query& scope(std::string name) {
    filter_.query.scopes.push_back(std::move(name));
    return *this;
  }
  /// Without a global scope of the mapping.
  rows_query& without_scope(std::string name) {
    filter_.query.without_scopes.push_back(std::move(name));
    return *this;
  }
  /// Also rows that are marked as removed; or only these.
  rows_query& with_trashed() {
    filter_.query.marked = detail::trashed::with;
    return *this;
  }
  rows_query& only_trashed() {
    filter_.query.marked = detail::trashed::only;
    return *this;
  }

  // What is loaded with them.

  /// Loads a relation of the mapping, or one of a relation's rows ("lines.product"): one statement
  /// for all rows, two for many to many. The related rows are not remembered anywhere.
  rows_query& with(std::string relation) {
    filter_.query.relations.push_back({std::move(relation), nullptr});
    return *this;
  }
  /// The same; `in`, a mapper of the related entities, remembers the rows, so it can store them.
  template <class Mapper>
  rows_query& with(std::string relation, Mapper& in) {
    filter_.query.relations.push_back({std::move(relation), &in.rows()});
    return *this;
  }
  /// Sets the number of related rows, where the relation says: one statement for all rows.
  rows_query& with_count(std::string relation) {
    filter_.query.counts.push_back(std::move(relation));
    return *this;
  }
  /// The mapper does not remember the rows: a `store` of one would insert it.
  rows_query& untracked() {
    filter_.query.remember = false;
    return *this;
  }

  // Reading.

  [[nodiscard]] result<std::vector<E>> get() { return rows_of(filter_.query); }

  [[nodiscard]] result<std::optional<E>> first() {
    auto one = filter_.query;
    one.limit = std::min<std::int64_t>(one.limit.value_or(1), 1);
    auto rows = rows_of(one);
    if (!rows) return fail(std::move(rows.error()));
    if (rows->empty()) return std::optional<E>{};
    return std::optional<E>{std::move(rows->front())};
  }

  /// `not_found` if there is none.
  [[nodiscard]] result<E> first_or_error() {
    auto found = first();
    if (!found) return fail(std::move(found.error()));
    if (!*found) return fail(detail::no_such_row(in_->of(), filter_.query));
    return **std::move(found);
  }

  /// Of all pages: limit and offset do not count.
  [[nodiscard]] result<std::int64_t> count() {
    if (mistake_) return fail(*mistake_);
    return in_->count(filter_.query);
  }

  /// Pages count from 1. Rows come in the order of their key where the other order leaves it open.
  [[nodiscard]] result<page_of<E>> page(std::int64_t number, std::int64_t rows_per_page) {
    auto paged = detail::page(in_->of(), filter_.query, number, rows_per_page);
    if (!paged) return fail(std::move(paged.error()));
    auto total = count();
    if (!total) return fail(std::move(total.error()));
    auto rows = rows_of(*paged);
    if (!rows) return fail(std::move(rows.error()));
    return page_of<E>{*std::move(rows), *total, (*total + rows_per_page - 1) / rows_per_page};
  }

  /// Passes all rows in pieces of at most `rows_max`, by ascending key, in bounded memory.
  /// `f(std::vector<E>&)` returns false to stop. Rows that `f` removes or adds meanwhile shift
  /// nothing: each piece begins behind the last key. The mapper forgets a piece after its call.
  template <std::predicate<std::vector<E>&> F>
  [[nodiscard]] result<void> chunk(std::int64_t rows_max, F f) {
    detail::chunks pieces{*in_, filter_.query, rows_max};
    for (;;) {
      auto next = pieces.next();
      if (!next) return fail(std::move(next.error()));
      auto rows = rows_of(*next);
      if (!rows) return fail(std::move(rows.error()));
      if (rows->empty()) return {};
      if (auto done = pieces.read(&rows->back(), rows->size()); !done) return done;
      const bool goes_on = f(*rows);
      pieces.forget();
      if (!goes_on || pieces.at_end()) return {};
    }
  }

  // Changing.

  /// Sets columns of all these rows with one statement, and the time of the change and the version
  /// as `store` would; returns their number. With listeners, the rows are loaded and stored one by
  /// one, in one transaction. What the mapper remembers of the rows does not change.
  [[nodiscard]] result<std::int64_t> bulk_update(const std::vector<column_change>& changes,
                                                 const bulk_options& options = {}) {
    if (mistake_) return fail(*mistake_);
    if (!options.listeners) return detail::bulk_update(*in_, filter_.query, changes);
    auto rows = get();
    if (!rows) return fail(std::move(rows.error()));
    std::vector<void*> all;
    for (auto& one : *rows) all.push_back(&one);
    return detail::update_each(*in_, all, changes);
  }

  // For the mapper:
  rows_query& keys(const std::vector<std::vector<detail::filter_value::one>>& values) {
    mistake_ = detail::where_keys(in_->of(), values, filter_.query);
    return *this;
  }

 private:
  result<std::vector<E>> rows_of(const detail::row_query& wanted) {
    std::vector<E> rows;
    if (mistake_) return fail(*mistake_);
    auto done = in_->read(wanted, [&]() -> void* { return &rows.emplace_back(); });
    if (!done) return fail(std::move(done.error()));
    if (wanted.relations.empty() && wanted.counts.empty()) return rows;
    std::vector<void*> all;
    all.reserve(rows.size());
    for (auto& one : rows) all.push_back(&one);
    if (auto with = in_->load_related(wanted, all); !with) return fail(std::move(with.error()));
    return rows;
  }

  detail::row_mapper* in_;
  row_filter filter_;
  std::optional<error> mistake_{};
};

}}  // namespace nexus::v0
