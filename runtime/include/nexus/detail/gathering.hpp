// Several answers collected as one, in the given order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "nexus/detail/collecting.hpp"
#include "nexus/detail/links.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Holds one of several answers; tells `in` when it is there.
template <class R, class In>
class place final : receiver<R> {
 public:
  explicit place(std::unique_ptr<source<R>> from) : from_{std::move(from)} {}

  [[nodiscard]] bool is_answered() const { return from_->is_answered(); }
  void start(collecting& by, In& in) {
    in_ = &in;
    from_->start(by, *this);
  }
  [[nodiscard]] result<R> take() { return std::move(*result_); }

 private:
  void receive(result<R> r) override {
    result_.emplace(std::move(r));
    in_->filled();
  }

  std::unique_ptr<source<R>> from_;
  std::optional<result<R>> result_;
  In* in_ = nullptr;
};

template <class R>
class gathering final : public source<std::vector<result<R>>> {
 public:
  using value = std::vector<result<R>>;

  explicit gathering(std::vector<std::unique_ptr<source<R>>> from) : missing_{from.size() + 1} {
    places_.reserve(from.size());
    for (auto& one : from) places_.emplace_back(std::move(one));
  }

  [[nodiscard]] bool is_answered() const override {
    return std::all_of(places_.begin(), places_.end(), [](auto& p) { return p.is_answered(); });
  }
  void start(collecting& in, receiver<value>& to) override {
    to_ = &to;
    for (auto& p : places_) p.start(in, *this);
    filled();
  }

  void filled() {
    if (--missing_ > 0) return;
    value all;
    all.reserve(places_.size());
    for (auto& p : places_) all.push_back(p.take());
    to_->receive(std::move(all));
  }

 private:
  std::vector<place<R, gathering>> places_;
  std::size_t missing_;  // one per answer, and one until all are started
  receiver<value>* to_ = nullptr;
};

template <class... R>
class tuple_gathering final : public source<std::tuple<result<R>...>> {
 public:
  using value = std::tuple<result<R>...>;

  explicit tuple_gathering(std::unique_ptr<source<R>>... from) : places_{std::move(from)...} {}

  [[nodiscard]] bool is_answered() const override {
    return std::apply([](auto&... p) { return (p.is_answered() && ...); }, places_);
  }
  void start(collecting& in, receiver<value>& to) override {
    to_ = &to;
    std::apply([&](auto&... p) { (p.start(in, *this), ...); }, places_);
    filled();
  }

  void filled() {
    if (--missing_ > 0) return;
    to_->receive(std::apply([](auto&... p) { return value{p.take()...}; }, places_));
  }

 private:
  std::tuple<place<R, tuple_gathering>...> places_;
  std::size_t missing_ = sizeof...(R) + 1;  // one per answer, and one until all are started
  receiver<value>* to_ = nullptr;
};

template <class R, class A>
std::vector<std::unique_ptr<source<R>>> sources_of(std::vector<A> all) {
  std::vector<std::unique_ptr<source<R>>> made;
  made.reserve(all.size());
  for (auto& one : all) made.push_back(source_access::of(std::move(one)));
  return made;
}

}}}
