// Events that are stored but no longer made: types that the behavior adapts to its current events,
// and types that it no longer reads.
//
// Threads: any; the functions are pure, and call the behavior's `adapt`.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/detail/draft.hpp"
#include "nexus/detail/required.hpp"
#include "nexus/detail/stored_names.hpp"
#include "nexus/detail/type_name.hpp"
#include "nexus/serializer.hpp"

namespace nexus { inline namespace v0 {

/// The events that one stored event may become; more are `too_large`.
inline constexpr std::size_t adapted_events_max = 1'000;

namespace detail {

template <class B>
concept has_old_events = has_events<B> && requires { typename B::old_event; };
template <class B>
concept has_removed_events = has_events<B> && requires { &B::removed_events; };

/// A stored event may become none or several.
template <class B>
inline constexpr bool adapts = has_old_events<B> || has_removed_events<B>;

/// The types that may be stored: those of `event`, and those of `old_event`.
template <class B, class E>
inline constexpr bool is_stored_event = is_alternative<E, typename B::event>;
template <has_old_events B, class E>
inline constexpr bool is_stored_event<B, E> =
    is_alternative<E, typename B::event> || is_alternative<E, typename B::old_event>;

// -- checks: each function is true, or does not compile -------------------------------------------

template <class B, class Old>
concept adapts_to_one = requires(const Old& old) {
  { B::adapt(old) } -> std::convertible_to<typename B::event>;
};
template <class B, class Old>
concept adapts_to_many = requires(const Old& old) {
  { B::adapt(old) } -> std::convertible_to<std::vector<typename B::event>>;
};

/// Whether rows of the type `Old` can be told from those of `Other` by name or version.
template <class Old, class Other>
constexpr bool is_older_than() {
  if constexpr (names_its_type<Old> && names_its_type<Other>) {
    constexpr std::string_view name{Old::type_name};
    if constexpr (name == std::string_view{Other::type_name} &&
                  schema_version_of<Old>() >= schema_version_of<Other>()) {
      return required::older_version_of<Old, Other>;
    }
  }
  return true;
}

template <class Old, class... Later>
constexpr bool is_older_than_all(const std::variant<Later...>* /*type*/) {
  return (is_older_than<Old, Later>() && ...);
}

template <class B, class Old>
constexpr bool adapts_soundly() {
  if constexpr (!requires { std::string_view{*&Old::type_name}; }) {
    return required::type_name_of<Old>;
  } else if constexpr (!(adapts_to_many<B, Old> || adapts_to_one<B, Old>)) {
    return required::adapt_for<B, Old>;
  } else {
    return well_named<Old>() &&
           is_older_than_all<Old>(static_cast<const typename B::event*>(nullptr));
  }
}

template <class... Old>
inline constexpr bool in_order_of_versions = true;
template <class First, class... Later>
inline constexpr bool in_order_of_versions<First, Later...> =
    (is_older_than<First, Later>() && ...) && in_order_of_versions<Later...>;

template <class B, class Olds>
inline constexpr bool adapts_all = required::old_event_list_of<B>;
template <class B, class... Old>
inline constexpr bool adapts_all<B, std::variant<Old...>> =
    (adapts_soundly<B, Old>() && ...) && in_order_of_versions<Old...>;

template <class B>
constexpr bool removes_names() {
  if constexpr (requires {
                  B::removed_events.size();
                  { *B::removed_events.begin() } -> std::convertible_to<std::string_view>;
                }) {
    return true;
  } else {
    return required::removed_events_of<B>;
  }
}

/// The names in `removed_events` that are also names of events, at run time.
template <class B, class... E>
std::string fault_of_removed(const std::variant<E...>* /*events*/) {
  for (const std::string_view name : B::removed_events) {
    if (((name == std::string_view{E::type_name}) || ...)) {
      return std::string{"\""}
          .append(name)
          .append("\" is in removed_events and in event of ")
          .append(full_type_name<B>());
    }
  }
  return {};
}

/// The error in the names of old and removed events; empty: none.
template <class B>
std::string fault_of_old_names() {
  if constexpr (has_removed_events<B>) {
    const typename B::event* events = nullptr;
    if (auto fault = fault_of_removed<B>(events); !fault.empty()) return fault;
    if constexpr (has_old_events<B>) {
      const typename B::old_event* olds = nullptr;
      return fault_of_removed<B>(olds);
    }
  }
  return {};
}

/// The error in all stored names of `B`; empty: none.
template <class B>
std::string fault_of_all_names() {
  auto fault = fault_of_names<B>();
  return fault.empty() ? fault_of_old_names<B>() : fault;
}

// -- adapting -------------------------------------------------------------------------------------

/// Of the exception being handled.
[[nodiscard]] error adapting_threw();
[[nodiscard]] error adapted_to_too_many(std::size_t count);

/// Passes what `old` becomes to `use`, in order, as the behavior's types of events.
template <class B, class Old, class Use>
[[nodiscard]] result<void> adapt_to(const Old& old, Use& use) {
  const auto made = [&]() -> result<std::vector<typename B::event>> {
    try {
      if constexpr (adapts_to_many<B, Old>) {
        return B::adapt(old);
      } else {
        std::vector<typename B::event> one;
        one.push_back(B::adapt(old));
        return one;
      }
    } catch (...) {
      return fail(adapting_threw());
    }
  }();
  if (!made) return fail(made.error());
  if (made->size() > adapted_events_max) return fail(adapted_to_too_many(made->size()));
  for (const auto& one : *made) with_alternative(one, [&](const auto& event) { use(event); });
  return {};
}

}
}}  // namespace nexus::v0
