// What the effect of a command is expected to have, for `then` of nexus/testkit/scenario.hpp.
//
// Threads: values.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "nexus/testkit/detail/expected.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Expects the answer `value`.
template <class V>
detail::replying<V> replies(V value) {
  return {std::move(value)};
}
/// Expects a rejection with this reason.
inline detail::rejecting rejects(std::string why) { return {std::move(why)}; }
/// Expects a question to another entity, with this delay and deadline or none; commands are
/// compared by their fields.
template <class Other, class C>
detail::asking_for<Other, C> asks(std::string id, C command, ask_options how = {}) {
  return {std::move(id), std::move(command), how};
}
/// Expects a timer (then_after); commands are compared by their fields.
template <class C>
detail::setting_timer<C> sets_timer(std::string key, time_span delay, C command,
                                    timer_options how = {}) {
  return {std::move(key), delay, std::move(command), how, false};
}
/// Expects a timer that waits for a time without commands (then_when_idle).
template <class C>
detail::setting_timer<C> sets_idle_timer(std::string key, time_span quiet, C command,
                                         timer_options how = {}) {
  return {std::move(key), quiet, std::move(command), how, true};
}
/// Expects the end of a timer (then_cancel).
inline detail::cancelling_timer cancels_timer(std::string key) { return {std::move(key)}; }
/// Expects a watch of another entity.
template <class Other>
detail::watching_for<Other> watches(std::string id) {
  return {std::move(id)};
}
/// Expects a watch of a CAF actor.
template <std::same_as<caf::actor> Actor>
detail::watching_actor<Actor> watches(Actor who) {
  return {std::move(who)};
}
inline constexpr detail::being_unhandled is_unhandled{};
inline constexpr detail::doing stashes{&detail::effect_flags::stashes, "stashes"};
inline constexpr detail::doing unstashes{&detail::effect_flags::unstashes, "unstashes"};
inline constexpr detail::doing stops{&detail::effect_flags::stops, "stops"};
inline constexpr detail::doing passivates{&detail::effect_flags::passivates, "passivates"};
inline constexpr detail::doing takes_snapshot{&detail::effect_flags::snapshots, "takes a snapshot"};
inline constexpr detail::doing erases{&detail::effect_flags::erases, "erases"};

}}}  // namespace nexus::v0::testkit
