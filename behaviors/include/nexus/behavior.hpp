// Behaviors: what an event-sourced or durable-state struct must have, and the pure calls on one.
//
//   struct counter {
//     static constexpr std::string_view entity_type = "counter";
//     struct add { int n = 0; };
//     using command = std::variant<add>;
//     struct added {
//       static constexpr std::string_view type_name = "added";
//       int n = 0;
//       MSGPACK_DEFINE_MAP(n)
//     };
//     using event = std::variant<added>;
//     struct state { int sum = 0; MSGPACK_DEFINE_MAP(sum) };
//     static auto decide(const state&, const add& c) { return nexus::persist(added{c.n}); }
//     static void apply(state& s, const added& e) { s.sum += e.n; }
//   };
//
// A durable-state behavior has no `event` and no `apply`: it persists its state, or erases it. A
// behavior may also have
//
//     static effect<B> on_recovered(const state&);          once per start, also of a new id
//     static std::optional<alarm<B>> alarm(const state&);   when it wants to be woken
//     static bool snapshot_when(const state&, const event&, sequence_nr);
//     static tags(const one_event&)                         strings stored with the event
//     using old_event = std::variant<…>;                    stored types that are no longer made
//     static std::vector<event> adapt(const one_old_event&);    what one of them is read as
//     static constexpr std::array<std::string_view, N> removed_events{…};   no longer read at all
//
// `decide` and `on_recovered` may take a context as last parameter.
//
// Threads: `decide` and `apply` are called on one thread at a time per entity. Tests may call them
// without a runtime.
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

#include "nexus/alarm.hpp"  // IWYU pragma: export
#include "nexus/context.hpp"
#include "nexus/detail/checks.hpp"
#include "nexus/effect.hpp"
#include "nexus/journal.hpp"
#include "nexus/serializer.hpp"

namespace nexus { inline namespace v0 {
namespace detail {

template <class B, class Effect>
struct reply_of {
  using type = void;  // a refusal
};
template <class B, class R>
struct reply_of<B, effect<B, R>> {
  using type = R;
};
template <class B, class Events, class Reply, class Links>
struct reply_of<B, draft<Events, Reply, Links>> {
  using type = std::decay_t<std::invoke_result_t<const Reply&, const state_t<B>&>>;
};
template <class B, class Events, class Links>
struct reply_of<B, draft<Events, no_reply, Links>> {
  using type = void;
};

error unknown_event(std::string_view entity_type, std::string_view type);
error bad_event(const event_view& stored, const error& why);
error unknown_state(std::string_view entity_type, std::string_view type);
error bad_state(const stored_snapshot& stored, const error& why);

struct behavior_info;
class entity_call;

}

/// An event-sourced behavior: entity_type, command, event, state, a `decide` for every command and
/// an `apply` for every event. A struct that is meant as a behavior but is not one does not
/// compile.
template <class B>
concept event_sourced =
    detail::has_events<B> && detail::like_a_behavior<B> && detail::sound_behavior<B>();

/// A durable-state behavior: entity_type, command, state, and a `decide` for every command. It
/// persists the state itself.
template <class B>
concept durable_state = !detail::has_events<B> && !detail::has_row<B> &&
                        detail::like_a_behavior<B> && detail::sound_behavior<B>();

/// A relational behavior: entity_type, command, row, rows(), and a `decide` for every command. Its
/// state is rows of the program's tables; see nexus/relational.hpp.
template <class B>
concept relational =
    detail::has_row<B> && detail::like_a_behavior<B> && detail::sound_behavior<B>();

template <class B>
concept behavior = event_sourced<B> || durable_state<B> || relational<B>;

/// The type of the answer when `B` is asked a `C`.
template <class B, class C>
using reply_t =
    typename detail::reply_of<B, std::decay_t<decltype(detail::call_decide<B>(
                                     std::declval<const state_t<B>&>(), std::declval<const C&>(),
                                     std::declval<const context&>()))>>::type;

/// What Nexus generates for a behavior: how its commands are decided, and its events and states
/// applied, written and read. By default every file that uses the behavior compiles all of this. To
/// compile it in one file, declare it in the header, after the struct, and define it in that file:
///
///   extern template class nexus::compiled<account>;   // account.hpp
///   template class nexus::compiled<account>;          // account.cpp
///
/// The struct in the header may then declare `decide`, with its return type, and `apply` only.
/// Programs do not call the members.
template <behavior B>
class compiled {
 public:
  [[nodiscard]] static detail::behavior_info info();
  /// A new call for the command number `index` of B::command, which it moves from `command`.
  [[nodiscard]] static detail::entity_call* call(std::size_t index, void* command);
};

/// Runs `decide` without a runtime.
template <behavior B, class C>
[[nodiscard]] effect<B, reply_t<B, C>> decide(const state_t<B>& state, const C& command,
                                              const context& c = context{"test", 1, timestamp{},
                                                                         call_header{}}) {
  return detail::call_decide<B>(state, command, c);
}

namespace detail {

/// Decodes a stored event as an `E` and passes it to `use(const E&)`, which may fail.
template <class B, class E, class Use>
[[nodiscard]] result<void> decode_as(const event_view& stored, Use use) {
  E event{};
  auto read = decode_stored<B>(stored.schema_version, stored.codec, stored.data, event);
  if (read) read = use(std::move(event));
  if (!read) return fail(bad_event(stored, read.error()));
  return read;
}

/// Decodes a stored event and passes it to `use`, as one of the behavior's types of events. True if
/// its type is one of them.
template <class B, class Use, class... E>
[[nodiscard]] bool decode_current(const event_view& stored, Use& use, result<void>& read,
                                  const std::variant<E...>* /*type*/) {
  return ((stored.type == E::type_name &&
           (read = decode_as<B, E>(
                stored, [&](E&& e) -> result<void> { return use(std::move(e)), result<void>{}; }),
            true)) ||
          ...);
}

/// The same for a type that is adapted: passes what it becomes. A type reads the versions up to its
/// own that no type before it reads.
template <class B, class Use, class... E>
[[nodiscard]] bool decode_old(const event_view& stored, Use& use, result<void>& read,
                              const std::variant<E...>* /*type*/) {
  return (
      (stored.type == E::type_name && stored.schema_version <= schema_version_of<E>() &&
       (read = decode_as<B, E>(stored, [&](const E& e) { return adapt_to<B>(e, use); }), true)) ||
      ...);
}

/// Decodes a stored event and passes it to `use`, as one of the behavior's types of events; or, if
/// the behavior adapts it, what it becomes: none or several.
template <class B, class Use>
[[nodiscard]] result<void> decode_event_to(const event_view& stored, Use use) {
  result<void> read;
  if constexpr (has_old_events<B>) {
    const typename B::old_event* olds = nullptr;
    if (decode_old<B>(stored, use, read, olds)) return read;
  }
  const typename B::event* events = nullptr;
  if (decode_current<B>(stored, use, read, events)) return read;
  if constexpr (has_removed_events<B>) {
    for (const std::string_view removed : B::removed_events) {
      if (stored.type == removed) return {};
    }
  }
  return fail(unknown_event(B::entity_type, stored.type));
}

}

/// Reads a stored event; an older version is upcast to the current one. Fails with `unknown_type`
/// (also for a codec), `unsupported_version` or `corrupt`.
template <event_sourced B>
  requires(!detail::adapts<B>)
[[nodiscard]] result<typename B::event> decode_event(const event_view& stored) {
  result<typename B::event> made = fail(errc::unknown_type, {});
  auto read = detail::decode_event_to<B>(
      stored, [&](auto&& event) { made = std::forward<decltype(event)>(event); });
  if (!read) return fail(std::move(read.error()));
  return made;
}
template <event_sourced B>
  requires detail::adapts<B>
[[nodiscard]] result<typename B::event> decode_event(const event_view& /*stored*/) {
  (void)required::decode_events_of<B>;
  return fail(errc::invalid_argument, {});
}

/// Reads a stored event as the events that it becomes, in order: none if its type is in
/// `removed_events`, those that `adapt` returns if it is in `old_event`, else one. Same errors; also
/// `corrupt` if `adapt` throws, and `too_large` for more than adapted_events_max.
template <event_sourced B>
[[nodiscard]] result<std::vector<typename B::event>> decode_events(const event_view& stored) {
  std::vector<typename B::event> made;
  auto read = detail::decode_event_to<B>(
      stored, [&](auto&& event) { made.emplace_back(std::forward<decltype(event)>(event)); });
  if (!read) return fail(std::move(read.error()));
  return made;
}

/// Reads a stored state into `out`, which is default-constructed. Same versions and errors.
template <behavior B>
[[nodiscard]] result<void> decode_state(const stored_snapshot& stored, state_t<B>& out) {
  if (stored.type != B::entity_type) {
    return fail(detail::unknown_state(B::entity_type, stored.type));
  }
  auto read = detail::decode_stored<B>(stored.schema_version, stored.codec, stored.data, out);
  if (!read) return fail(detail::bad_state(stored, read.error()));
  return read;
}

}}  // namespace nexus::v0

#include "nexus/detail/asking.hpp"
