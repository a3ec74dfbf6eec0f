// Whether a struct is a behavior. A struct that is meant as a behavior but is not one does not
// compile, and the first error says what is missing; see required.hpp.
//
// The concepts tell a sound behavior at little cost. Only when one fails, functions find out why.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "nexus/alarm.hpp"
#include "nexus/context.hpp"
#include "nexus/detail/adapting.hpp"
#include "nexus/detail/draft.hpp"
#include "nexus/detail/fitting.hpp"
#include "nexus/detail/required.hpp"
#include "nexus/detail/shapes.hpp"
#include "nexus/detail/stored_names.hpp"
#include "nexus/serializer.hpp"

namespace nexus { inline namespace v0 { namespace detail {

// -- decide ---------------------------------------------------------------------------------------

template <class B, class State, class C>
concept decides_on = requires(State& s, C& command, const context& c) {
  B::decide(s, command, c);
} || requires(State& s, C& command) { B::decide(s, command); };
template <class B, class C>
concept decides = decides_on<B, const state_t<B>, const C>;

/// With a decide that needs an object.
template <class B, class C>
concept decides_as_object = requires(B& b, state_t<B>& s, C& command, const context& c) {
  b.decide(s, command, c);
} || requires(B& b, state_t<B>& s, C& command) { b.decide(s, command); };

// Constrained here too: clang 14 checks reply_t before the constraints of `ask`.
template <class B, class C>
  requires is_alternative<C, typename B::command>
decltype(auto) call_decide(const state_t<B>& state, const C& command, const context& c) {
  if constexpr (requires { B::decide(state, command, c); }) {
    return B::decide(state, command, c);
  } else {
    return B::decide(state, command);
  }
}

/// What decide for a `C` may return.
template <class B, class C, class Returned>
struct returned_effect {
  static constexpr bool fits = required::effect_from_decide<B, C, Returned>;
};
template <class B, class C>
struct returned_effect<B, C, refusal> {
  static constexpr bool fits = true;
};
template <class B, class C>
struct returned_effect<B, C, putting_aside> {
  static constexpr bool fits = true;
};
template <class B, class C, class R>
struct returned_effect<B, C, effect<B, R>> {
  static constexpr bool fits = true;
};
template <class B, class C, class Records, class Reply, class Links>
struct returned_effect<B, C, draft<Records, Reply, Links>> {
  static constexpr bool fits = can_persist<B>(static_cast<Records*>(nullptr)) &&
                               can_reply<B, Reply>() &&
                               can_follow_all<B>(static_cast<Links*>(nullptr));
};

template <class B, class C>
constexpr bool has_decide_for() {
  using state = state_t<B>;
  if constexpr (decides<B, C>) {
    using returned = std::decay_t<decltype(call_decide<B>(
        std::declval<const state&>(), std::declval<const C&>(), std::declval<const context&>()))>;
    return returned_effect<B, C, returned>::fits;
  } else if constexpr (decides_on<B, state, C>) {
    return required::const_decide_for<B, C>;
  } else if constexpr (decides_as_object<B, C>) {
    return required::static_decide_for<B, C>;
  } else {
    return required::decide_for<B, C>;
  }
}

template <class B, class Commands>
inline constexpr bool decides_all = false;
template <class B, class... C>
inline constexpr bool decides_all<B, std::variant<C...>> = (has_decide_for<B, C>() && ...);

// -- apply ----------------------------------------------------------------------------------------

template <class B, class E>
concept applies = requires(state_t<B>& s, const E& event) {
  { B::apply(s, event) } -> std::same_as<void>;
};

/// By its exact signature: an apply that takes the state by value or as const changes nothing.
template <class B, class E, class State>
concept applies_to = requires { static_cast<void (*)(State, const E&)>(&B::apply); };
template <class B, class E>
concept applies_in_vain = !applies_to<B, E, state_t<B>&> &&
                          (applies_to<B, E, state_t<B>> || applies_to<B, E, const state_t<B>&>);

template <class T>
constexpr bool is_stored_with_fields() {
  if constexpr (foreign<T>) {
    return required::stored_fields_of<T>;
  } else if constexpr (requires { &T::upcast; }) {
    if constexpr (!has_upcast_step<T>) {
      return required::upcast_from_version_of<T>;
    } else {
      return true;
    }
  } else {
    return true;
  }
}

template <class B, class E>
constexpr bool has_apply_for() {
  using state = state_t<B>;
  if constexpr (applies<B, E> && !applies_in_vain<B, E>) {
    return true;
  } else if constexpr (applies<B, E> || requires(state& s, E& event) {
                         { B::apply(s, event) } -> std::same_as<void>;
                       }) {
    return required::changing_apply_for<B, E>;
  } else if constexpr (requires(state& s, E& event) { B::apply(s, event); }) {
    return required::void_apply_for<B, E>;
  } else if constexpr (requires(B& b, state& s, E& event) { b.apply(s, event); }) {
    return required::static_apply_for<B, E>;
  } else {
    return required::apply_for<B, E>;
  }
}

template <class B, class E>
constexpr bool is_sound_event() {
  if constexpr (requires { std::string_view{*&E::type_name}; }) {  // no member of an object
    return is_stored_with_fields<E>() && has_apply_for<B, E>();
  } else {
    return required::type_name_of<E>;
  }
}

template <class B, class Events>
inline constexpr bool applies_all = required::event_list_of<B>;
template <class B, class... E>
inline constexpr bool applies_all<B, std::variant<E...>> = (is_sound_event<B, E>() && ...);

// -- the rest -------------------------------------------------------------------------------------

template <class B>
concept recovers = requires(const state_t<B>& s, const context& c) { B::on_recovered(s, c); } ||
                   requires(const state_t<B>& s) { B::on_recovered(s); };

template <class B>
concept wakes_itself = requires(const state_t<B>& s) {
  { B::alarm(s) } -> std::same_as<std::optional<alarm<B>>>;
};

/// The version of a behavior's `alarm`; see alarm.hpp.
template <class B>
constexpr std::uint32_t alarm_version_of() {
  if constexpr (requires { B::alarm_version; }) {
    return static_cast<std::uint32_t>(B::alarm_version);
  } else {
    return 1;
  }
}

template <class B>
constexpr bool has_sound_alarm_version() {
  if constexpr (requires { B::alarm_version; }) {
    if constexpr (std::integral<std::remove_cvref_t<decltype(B::alarm_version)>>) {
      if constexpr (std::in_range<std::uint32_t>(B::alarm_version)) return B::alarm_version >= 1;
    }
    return false;
  } else {
    return true;
  }
}

template <class B>
constexpr bool has_sound_hooks() {
  if constexpr (has_row<B> && !requires { B::rows(); }) {
    return required::rows_of<B>;
  } else if constexpr (requires { &B::on_recovered; } && !recovers<B>) {
    return required::static_on_recovered_of<B>;
  } else if constexpr (requires { &B::alarm; } && !wakes_itself<B>) {
    return required::static_alarm_of<B>;
  } else if constexpr (!has_sound_alarm_version<B>()) {
    return required::alarm_version_of<B>;
  } else if constexpr (requires { &B::snapshot_when; }) {
    if constexpr (requires(const state_t<B>& s, const record_t<B>& event) {
                    B::snapshot_when(s, event, sequence_nr{});
                  }) {
      return true;
    } else {
      return required::static_snapshot_when_of<B>;
    }
  } else {
    return true;
  }
}

template <class B>
constexpr bool reads_soundly() {
  if constexpr (has_old_events<B>) {
    if constexpr (!adapts_all<B, typename B::old_event>) return false;
  }
  if constexpr (has_removed_events<B>) {
    return removes_names<B>();
  } else {
    return true;
  }
}

template <class B>
constexpr bool stores_soundly() {
  if constexpr (has_events<B>) {
    return applies_all<B, typename B::event> && reads_soundly<B>();
  } else {
    return true;
  }
}

template <class B>
concept has_state = requires { typename B::state; } || has_row<B>;

/// Meant as a behavior: what it lacks is an error rather than another overload.
template <class B>
concept like_a_behavior =
    requires { typename B::command; } || has_state<B> || requires { B::entity_type; };

/// True, or does not compile.
template <class B>
constexpr bool sound_behavior() {
  if constexpr (!requires { std::string_view{*&B::entity_type}; }) {
    return required::entity_type_of<B>;
  } else if constexpr (!requires { requires is_variant<typename B::command>; }) {
    return required::command_list_of<B>;
  } else if constexpr (has_row<B> && has_events<B>) {
    return required::row_or_events_of<B>;
  } else if constexpr (!has_state<B>) {
    return required::state_of<B>;
  } else if constexpr (!std::default_initializable<state_t<B>>) {
    return required::default_state_of<B, state_t<B>>;
  } else {
    return is_stored_with_fields<state_t<B>>() && stores_soundly<B>() &&
           decides_all<B, typename B::command> && has_sound_hooks<B>() && well_named_behavior<B>;
  }
}

/// Stands in for sending a `C` that is no command of `B`.
template <class B, class C, class Answer>
auto send_to_none() {
  (void)required::command_of<B, C>;
  return static_cast<Answer (*)()>(nullptr)();
}

}}}
