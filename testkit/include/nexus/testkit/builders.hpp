// Generated commands, events and states, from a seed: make one, make many, override fields.
//
//   testkit::builder<account::posted> postings{seed};
//   postings.with([](account::posted& p) { p.currency = "USD"; });
//   auto one = postings.make();
//   auto many = postings.make(100, [](account::posted& p, std::size_t i) { p.line = i + 1; });
//
// Fills every field of MSGPACK_DEFINE_MAP, nested ones too: numbers mostly small and sometimes at
// the end of their range; texts also empty, long, hostile or in other scripts (always UTF-8);
// optionals with or without a value; containers of up to three; any alternative of a variant.
// Enums, and types without MSGPACK_DEFINE_MAP, keep their initial values.
//
// The same seed makes the same values on every platform. Threads: one at a time.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "nexus/testkit/detail/filler.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

template <std::default_initializable T>
class builder {
 public:
  explicit builder(std::uint64_t seed) : seed_{seed}, random_{seed} {}

  /// The seed, to report when a test fails.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  /// Changes every later value; overrides run in the order they were added.
  builder& with(std::function<void(T&)> f) & {
    overrides_.push_back(std::move(f));
    return *this;
  }
  [[nodiscard]] builder with(std::function<void(T&)> f) && {
    overrides_.push_back(std::move(f));
    return std::move(*this);
  }

  [[nodiscard]] T make() {
    T made{};
    detail::filler{random_}.fill(made);
    for (const auto& f : overrides_) f(made);
    return made;
  }

  /// An additional override for this value: `f(T&)`.
  template <std::invocable<T&> F>
  [[nodiscard]] T make(F f) {
    auto made = make();
    f(made);
    return made;
  }

  [[nodiscard]] std::vector<T> make(std::size_t count) {
    return make(count, [](T&, std::size_t) {});
  }

  /// The same for each of these values: `f(T&, index)` or `f(T&)`.
  template <class F>
    requires std::invocable<F&, T&, std::size_t> || std::invocable<F&, T&>
  [[nodiscard]] std::vector<T> make(std::size_t count, F f) {
    std::vector<T> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(make());
      if constexpr (std::invocable<F&, T&, std::size_t>) {
        f(all.back(), i);
      } else {
        f(all.back());
      }
    }
    return all;
  }

 private:
  std::uint64_t seed_;
  detail::splitmix64 random_;
  std::vector<std::function<void(T&)>> overrides_;
};

}}}  // namespace nexus::v0::testkit
