// The members of `compiled`, and the one way to make a call: through it.
#pragma once

#include <cstddef>

#include "nexus/behavior.hpp"
#include "nexus/detail/command_call.hpp"
#include "nexus/detail/directory.hpp"
#include "nexus/detail/model_of.hpp"

namespace nexus { inline namespace v0 {

namespace detail {

/// Null: entities of `B` are stored in the journal.
template <class B>
constexpr auto storage_of() -> result<store> (*)(const store&) {
  if constexpr (has_row<B>) return model_of<B>::type::storage;
  return nullptr;
}

}

// Not inline: GCC and Clang would compile inline members wherever they are called.

template <behavior B>
detail::behavior_info compiled<B>::info() {
  return {B::entity_type,
          !event_sourced<B>,
          detail::model_of<B>::type::make,
          &detail::behavior_tag<B>,
          detail::command_names<typename B::command>,
          detail::full_type_name<B>(),
          detail::fault_of_all_names<B>(),
          detail::wakes_itself<B> ? detail::alarm_version_of<B>() : 0,
          detail::storage_of<B>()};
}

template <behavior B>
detail::entity_call* compiled<B>::call(std::size_t index, void* command) {
  return detail::call_number<B>(index, command, static_cast<const typename B::command*>(nullptr));
}

namespace detail {

/// A new call that moves `command` to an entity of `B`.
template <class B, class C>
[[nodiscard]] replying_call<B, reply_t<B, C>>* call_with(C& command) {
  constexpr std::size_t index = index_of<C, typename B::command>;
  return static_cast<replying_call<B, reply_t<B, C>>*>(compiled<B>::call(index, &command));
}

/// A new call that carries `command` to an entity of `B`.
template <class B>
[[nodiscard]] entity_call* call_of(typename B::command&& command) {
  entity_call* made = nullptr;
  with_alternative(command, [&](auto& one) { made = call_with<B>(one); });
  return made;
}

}
}}  // namespace nexus::v0
