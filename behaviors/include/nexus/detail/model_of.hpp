// The model that holds the state of a behavior.
#pragma once

#include "nexus/detail/command_call.hpp"
#include "nexus/detail/durable_state.hpp"
#include "nexus/detail/event_sourced.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Of a relational behavior it is in nexus/relational.hpp.
template <class B>
struct model_of {
  static_assert(!has_row<B>, "include <nexus/relational.hpp> for a behavior with a row");
  using type = durable_state_model<B>;
};
template <has_events B>
struct model_of<B> {
  using type = event_sourced_model<B>;
};

}}}
