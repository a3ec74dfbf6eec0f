// What a type needs to be stored, for the compiler's first error to name.
//
// Each name stands for one requirement and is marked unavailable. A check that fails mentions the
// name with the types it is about, and both compilers print them in one line with what to write:
//
//   error: 'nexus::v0::required::owned_value_instead_of<std::string_view>' is unavailable: a stored
//   value owns what it holds: use std::string or std::vector
//
// A static_assert would not do: in its error GCC prints no types. After its mention a check skips
// whatever depends on it. The requirements of a behavior are in required.hpp.
#pragma once

#include <type_traits>

#include "nexus/detail/exact_write.hpp"
#include "nexus/detail/shapes.hpp"

#define NEXUS_REQUIRED(what_to_write) \
  __attribute__((unavailable(what_to_write))) inline constexpr bool

namespace nexus { inline namespace v0 {
namespace required {

template <class Stored>
NEXUS_REQUIRED("name every field of the struct with MSGPACK_DEFINE_MAP(FIELD, ...)")
stored_fields_of = false;

template <class Field>
NEXUS_REQUIRED("a stored value owns what it holds: use std::string or std::vector")
owned_value_instead_of = false;

template <class Field>
NEXUS_REQUIRED(
    "a stored container is a std::array, vector, deque, list, set or map, or an unordered one: for "
    "a C array use std::array, for a multimap a map of vectors")
stored_container_instead_of = false;

template <class Field>
NEXUS_REQUIRED(
    "std::optional or a pointer directly inside another one: an empty inner one would come back as "
    "an empty outer one. Use one of them, or a struct or std::variant around the inner one")
one_empty_value_in = false;

template <class Field>
NEXUS_REQUIRED("a stored number is a float or a double: msgpack has no wider ones")
float_or_double_instead_of = false;

template <class Field>
NEXUS_REQUIRED(
    "a stored time point counts whole seconds, or a part of them that nanoseconds can tell, in at "
    "most 64 bits with a sign")
stored_time_instead_of = false;

template <class Field>
NEXUS_REQUIRED(
    "a stored type is made of values, std::optional, std::variant and the standard containers")
known_template_instead_of = false;

}

namespace detail {

// The parts of a type are checked when they are written or read.

template <class T>
constexpr bool nests_empty() {
  if constexpr (is_optional<T>) {
    return may_be_nil<typename T::value_type>;
  } else if constexpr (is_owner<T>) {
    return may_be_nil<std::remove_const_t<typename T::element_type>>;
  } else {
    return false;
  }
}

template <class T>
constexpr bool counts_time_for_msgpack() {
  if constexpr (is_time_point<T>) {
    return ticks<T>::can_be_stored;
  } else {
    return true;
  }
}

/// True, or does not compile. For values that are only measured, too.
template <class T>
constexpr bool is_writable() {
  if constexpr (nests_empty<T>()) {
    return required::one_empty_value_in<T>;
  } else if constexpr (std::is_same_v<T, long double>) {
    return required::float_or_double_instead_of<T>;
  } else if constexpr (!counts_time_for_msgpack<T>()) {
    return required::stored_time_instead_of<T>;
  } else if constexpr (foreign<T> && holds_mapped<T>) {
    return required::known_template_instead_of<T>;
  } else {
    return true;
  }
}

/// True, or does not compile.
template <class T>
constexpr bool is_storable() {
  if constexpr (only_refers<T>) {
    return required::owned_value_instead_of<T>;
  } else if constexpr (unsupported_container<T>) {
    return required::stored_container_instead_of<T>;
  } else {
    return is_writable<T>();
  }
}

}
}}  // namespace nexus::v0
