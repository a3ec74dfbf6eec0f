// Checks the names under which a behavior stores things: each is valid, and no two events share
// one. An invalid name that the compiler knows does not compile; others are found when entities are
// made.
//
// Two events with one name would be stored alike, and both read back as the first: the state after
// a restart would differ.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "nexus/detail/draft.hpp"
#include "nexus/detail/required.hpp"
#include "nexus/detail/type_name.hpp"
#include "nexus/detail/utf8.hpp"

namespace nexus { inline namespace v0 { namespace detail {

inline constexpr std::size_t type_name_bytes_max = 255;
inline constexpr std::size_t entity_type_bytes_max = 253;  // with "|" and an id: a persistence id

/// The error in a name; empty if it is valid.
constexpr std::string_view fault_of_name(std::string_view name, std::size_t bytes_max) {
  if (name.empty()) return "is empty";
  if (name.size() > bytes_max) return "is too long";
  if (name.find('\0') != std::string_view::npos) return "contains a NUL byte";
  if (!valid_utf8(name)) return "is not valid UTF-8";
  return {};
}
constexpr std::string_view fault_of_entity_type(std::string_view name) {
  if (name.find('|') != std::string_view::npos) return "contains '|'";
  return fault_of_name(name, entity_type_bytes_max);
}

// True if the compiler knows the name: it is usable in a constant expression.
template <class E>
concept names_its_type = requires {
  typename std::integral_constant<std::size_t, std::string_view{E::type_name}.size()>;
};
template <class B>
concept names_its_entities = requires {
  typename std::integral_constant<std::size_t, std::string_view{B::entity_type}.size()>;
};

/// True, or does not compile.
template <class First, class Second>
constexpr bool differ() {
  if constexpr (names_its_type<First> && names_its_type<Second>) {
    constexpr std::string_view name{First::type_name};
    if constexpr (name == std::string_view{Second::type_name}) {
      return required::distinct_type_names_of<First, Second>;
    }
  }
  return true;
}

template <class E>
constexpr bool well_named() {
  if constexpr (names_its_type<E>) {
    constexpr std::string_view name{E::type_name};
    if constexpr (!fault_of_name(name, type_name_bytes_max).empty()) {
      return required::valid_type_name_of<E>;
    }
  }
  return true;
}

template <class First, class... Others>
constexpr bool differs_from_others() {
  return (differ<First, Others>() && ...);
}

template <class... E>
struct event_names;
template <>
struct event_names<> {
  static constexpr bool fine = true;
};
template <class First, class... Others>
struct event_names<First, Others...> {
  static constexpr bool fine = well_named<First>() && differs_from_others<First, Others...>() &&
                               event_names<Others...>::fine;
};

template <class B, class Events>
inline constexpr bool events_named = true;
template <class B, class... E>
inline constexpr bool events_named<B, std::variant<E...>> = event_names<E...>::fine;

template <class B>
constexpr bool entities_named() {
  if constexpr (names_its_entities<B>) {
    constexpr std::string_view name{B::entity_type};
    if constexpr (!fault_of_entity_type(name).empty()) {
      return required::valid_entity_type_of<B>;
    }
  }
  return true;
}

template <class B, class First, class... Others>
constexpr bool differs_from_commands() {
  if constexpr ((std::is_same_v<First, Others> || ...)) {
    return required::distinct_commands_of<B, First>;
  } else if constexpr (sizeof...(Others) > 0) {
    return differs_from_commands<B, Others...>();
  } else {
    return true;
  }
}
template <class B, class Commands>
inline constexpr bool distinct_commands = true;
template <class B, class... C>
inline constexpr bool distinct_commands<B, std::variant<C...>> = differs_from_commands<B, C...>();

/// True, or does not compile. It is part of the concept of a behavior, so every use is checked.
template <class B>
inline constexpr bool well_named_behavior =
    entities_named<B>() && distinct_commands<B, typename B::command>;
template <has_events B>
inline constexpr bool well_named_behavior<B> =
    entities_named<B>() && distinct_commands<B, typename B::command> &&
    events_named<B, typename B::event>;

/// The same check at run time, for names that the compiler does not know. Empty: no error.
template <class... E>
std::string fault_of_event_names(const std::variant<E...>* /*events*/) {
  const std::array<std::string_view, sizeof...(E)> names{std::string_view{E::type_name}...};
  constexpr std::array<std::string_view, sizeof...(E)> types{full_type_name<E>()...};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto fault = fault_of_name(names[i], type_name_bytes_max); !fault.empty()) {
      return std::string{"the type_name of "}.append(types[i]).append(" ").append(fault);
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (names[k] != names[i]) continue;
      return std::string{types[k]}
          .append(" and ")
          .append(types[i])
          .append(" have the same type_name \"")
          .append(names[i])
          .append("\"");
    }
  }
  return {};
}

template <class B>
std::string fault_of_names() {
  if (const auto fault = fault_of_entity_type(B::entity_type); !fault.empty()) {
    return std::string{"the entity_type of "}.append(full_type_name<B>()).append(" ").append(fault);
  }
  if constexpr (has_events<B>) {
    const typename B::event* events = nullptr;
    return fault_of_event_names(events);
  } else {
    return {};
  }
}

}}}
