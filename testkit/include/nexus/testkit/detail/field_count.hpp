// The number of fields of a struct: the number of values that can initialize it. MSGPACK_DEFINE_MAP
// adds functions only, so a struct with it is still an aggregate. After Boost.PFR (Polukhin).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <nexus/detail/shapes.hpp>
#include <optional>
#include <type_traits>

namespace nexus { inline namespace v0 { namespace testkit::detail {

/// With a constructor that takes anything.
template <class T>
concept takes_anything =
    nexus::detail::is_optional<T> || nexus::detail::is_variant<T> || nexus::detail::is_tuple<T>;

// The conversions below are only named in a requires-clause. They are defined nevertheless: clang
// demands it for types of an unnamed namespace.

/// A value for any field of `Owner`, except fields that take anything: they could be made from it in
/// two ways.
template <class Owner>
struct any_field {
  template <class T>
    requires(!takes_anything<T> && !std::is_same_v<T, Owner>)
  operator T() const {
    std::abort();
  }  // NOLINT: converts on purpose
};
struct any_taker {
  template <takes_anything T>
  operator T() const {
    std::abort();
  }  // NOLINT: converts on purpose
};

/// A value for a base of `Derived`.
template <class Derived>
struct any_base {
  template <class T>
    requires(std::is_base_of_v<T, Derived> && !std::is_same_v<T, Derived>)
  operator T() const {
    std::abort();
  }  // NOLINT: converts on purpose
};

template <class T, class... Values>
constexpr std::size_t initialisers() {
  if constexpr (requires { T{Values{}..., any_field<T>{}}; }) {
    return initialisers<T, Values..., any_field<T>>();
  } else if constexpr (requires { T{Values{}..., any_taker{}}; }) {
    return initialisers<T, Values..., any_taker>();
  } else {
    return sizeof...(Values);
  }
}

/// Never more than there are; fewer if a field's type takes anything and is none that is known to.
/// Nothing of a struct with constructors, private fields or a base.
template <class T>
constexpr std::optional<std::size_t> field_count() {
  if constexpr (!std::is_aggregate_v<T> || requires { T{any_base<T>{}}; }) {
    return std::nullopt;
  } else {
    return initialisers<T>();
  }
}

}}}
