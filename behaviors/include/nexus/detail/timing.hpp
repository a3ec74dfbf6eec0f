// Timers as links of a chain: what sets one, and the command that it brings.
//
// Threads: the entity's.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "nexus/detail/asking.hpp"
#include "nexus/detail/entity_model.hpp"
#include "nexus/effect_options.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Sets a timer that brings the new call `c`; `cause` is the header of the command that sets it.
[[nodiscard]] result<void> set_timer(entity_host& host, const call_header& cause, entity_call* c,
                                     timer_wish wish);

template <class B>
struct timing {
  std::string key;
  std::optional<typename B::command> command{};  ///< none: the timer is cancelled
  std::chrono::nanoseconds delay{};
  bool when_idle = false;
  timer_options how{};

  [[nodiscard]] result<void> follow(entity_host& host, const call_header& cause) const {
    if (!command) {
      host.cancel_timer(key);
      return {};
    }
    auto copied = *command;
    return set_timer(host, cause, call_of<B>(std::move(copied)),
                     {key, {}, delay, when_idle, how.lets_passivate});
  }
};

template <class C>
template <class B>
std::shared_ptr<const timing<B>> timer_link<C>::bind() {
  if constexpr (std::is_constructible_v<typename B::command, C&&>) {
    return std::make_shared<const timing<B>>(
        timing<B>{std::move(key), typename B::command{std::move(command)}, delay, when_idle, how});
  } else {
    return nullptr;  // can_follow has said so
  }
}

template <class B>
std::shared_ptr<const timing<B>> cancel_link::bind() {
  return std::make_shared<const timing<B>>(timing<B>{.key = std::move(key)});
}

}}}
