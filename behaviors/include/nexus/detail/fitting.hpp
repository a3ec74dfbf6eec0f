// Whether the parts of a draft fit a behavior. Each function is true, or does not compile.
#pragma once

#include <tuple>
#include <type_traits>
#include <vector>

#include "nexus/detail/draft.hpp"
#include "nexus/detail/required.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class B, class Record>
constexpr bool is_persisted() {
  if constexpr (is_record_of<B, Record> || changes_state<B, Record>) {
    return true;
  } else {
    return required::event_of<B, Record>;
  }
}

template <class B>
constexpr bool can_persist(const no_records* /*type*/) {
  return true;
}

template <class B, class Record>
constexpr bool can_persist(const one_record<Record>* /*type*/) {
  return is_persisted<B, Record>();
}

template <class B, class... Records>
constexpr bool can_persist(const std::tuple<Records...>* /*type*/) {
  if constexpr (!has_events<B>) {
    return required::one_state_of<B>;
  } else {
    return (is_persisted<B, Records>() && ...);
  }
}

template <class B, class Record>
constexpr bool can_persist(const std::vector<Record>* /*type*/) {
  if constexpr (is_record_of<B, std::vector<Record>>) {
    return true;
  } else if constexpr (!has_events<B>) {
    return required::one_state_of<B>;
  } else {
    return is_persisted<B, Record>();
  }
}

template <class B, class Reply>
constexpr bool can_reply() {
  if constexpr (std::is_same_v<Reply, no_reply> ||
                std::is_invocable_v<const Reply&, const state_t<B>&>) {
    return true;
  } else {
    return required::reply_from_state_of<B, Reply>;
  }
}

/// A question is checked later, in `bind`: the asked behavior may be incomplete yet.
template <class B, class Link>
constexpr bool can_follow() {
  if constexpr (requires { typename Link::asked_behavior; } ||
                std::is_invocable_v<Link&, const state_t<B>&>) {
    return true;
  } else if constexpr (requires { typename Link::timed_command; }) {
    using C = typename Link::timed_command;
    if constexpr (std::is_void_v<C> || std::is_same_v<C, typename B::command> ||
                  is_alternative<C, typename B::command>) {
      return true;
    } else {
      return required::timed_command_of<B, C>;
    }
  } else {
    return required::run_on_state_of<B, Link>;
  }
}

template <class B>
constexpr bool can_follow_all(const no_links* /*type*/) {
  return true;
}
template <class B, class Before, class Link>
constexpr bool can_follow_all(const links_and<Before, Link>* /*type*/) {
  return can_follow_all<B>(static_cast<const Before*>(nullptr)) && can_follow<B, Link>();
}

}}}
