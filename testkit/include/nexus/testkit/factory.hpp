// Makes entities of a mapping for tests.
//
//   auto orders = nexus::testkit::factory{order_mapping}
//                     .define([](order& o, std::size_t n) { o.customer = "c" + std::to_string(n); })
//                     .state("paid", [](order& o) { o.status = order_status::paid; });
//   order plain = orders.make();                              // in memory
//   order paid = orders.with("paid").create(session).value();   // and in the table
//   auto three = orders.create_many(session, 3).value();
//
// `define` runs first, with a number that counts up from 1 over all copies of the factory; then the
// chosen states, in their order; then the function that is given to `make` or `create`.
//
// Threads: any may use copies of a factory. Failures: those of nexus/mapper.hpp; `invalid_argument`
// for an unknown state. `make` throws std::invalid_argument instead.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "nexus/mapper.hpp"
#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

template <mappable E>
class factory {
 public:
  using change = std::function<void(E&)>;
  using inserter = std::function<result<void>(session&, E&)>;

  explicit factory(mapping<E> by) : by_{std::move(by)} {}

  factory& define(std::function<void(E&, std::size_t number)> f) {
    definition_ = std::move(f);
    return *this;
  }
  factory& state(std::string name, change f) {
    states_[std::move(name)] = std::move(f);
    return *this;
  }
  /// Runs for each entity that `create` has inserted, e.g. to add related rows.
  factory& after_create(std::function<result<void>(session&, E&)> f) {
    after_.push_back(std::move(f));
    return *this;
  }
  /// Inserts in the place of the mapper.
  factory& insert_by(inserter f) {
    insert_ = std::move(f);
    return *this;
  }
  /// Entities need not be valid, so that tests can store what production code refuses.
  factory& without_validation() {
    choices_.validate = false;
    return *this;
  }
  factory& without_listeners() {
    choices_.listeners = false;
    return *this;
  }

  /// A factory of entities in this state.
  [[nodiscard]] factory with(std::string state_name) const {
    auto made = *this;
    made.chosen_.push_back(std::move(state_name));
    return made;
  }

  [[nodiscard]] E make(const change& last = {}) const {
    E made{};
    if (definition_) definition_(made, ++*numbers_);
    for (const auto& name : chosen_) {
      const auto found = states_.find(name);
      if (found == states_.end()) {
        throw std::invalid_argument{"the factory of " + by_.table()->name + " has no state \"" +
                                    name + "\""};
      }
      found->second(made);
    }
    if (last) last(made);
    return made;
  }
  [[nodiscard]] std::vector<E> make_many(std::size_t count, const change& last = {}) const {
    std::vector<E> made;
    made.reserve(count);
    while (made.size() < count) made.push_back(make(last));
    return made;
  }

  [[nodiscard]] result<E> create(session& on, const change& last = {}) const {
    auto made = create_many(on, 1, last);
    if (!made) return fail(std::move(made.error()));
    return std::move(made->front());
  }
  /// All or none.
  [[nodiscard]] result<std::vector<E>> create_many(session& on, std::size_t count,
                                                   const change& last = {}) const {
    for (const auto& name : chosen_) {
      if (states_.contains(name)) continue;
      return fail(errc::invalid_argument,
                  "the factory of " + by_.table()->name + " has no state \"" + name + "\"");
    }
    auto made = make_many(count, last);
    auto done = transactional(on, [&](session& s) -> result<void> {
      for (auto& one : made) {
        if (auto inserted = insert(s, one); !inserted) return inserted;
        for (const auto& then : after_) {
          if (auto also = then(s, one); !also) return also;
        }
      }
      return {};
    });
    if (!done) return fail(std::move(done.error()));
    return made;
  }

 private:
  result<void> insert(session& on, E& one) const {
    if (insert_) return insert_(on, one);
    mapper<E> all{on, by_};
    auto item = all.rows().store(static_cast<void*>(&one), choices_);
    if (!item) return fail(item.error());
    if (item.what == stored_as::cancelled) {
      return fail(errc::rejected, "the listener \"" + item.cancelled_by + "\" cancelled it");
    }
    return {};
  }

  mapping<E> by_;
  std::function<void(E&, std::size_t)> definition_{};
  std::map<std::string, change> states_{};
  std::vector<std::string> chosen_{};
  std::vector<inserter> after_{};
  inserter insert_{};
  detail::write_choices choices_{};
  std::shared_ptr<std::atomic<std::size_t>> numbers_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

}}}  // namespace nexus::v0::testkit
