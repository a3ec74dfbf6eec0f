// The end of a CAF actor, for code that does not include CAF.
//
// Threads: any; `f` runs on the thread on which the actor ends, or at once. It must not throw.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "nexus/result.hpp"

namespace caf {
class actor;
}

namespace nexus { inline namespace v0 { namespace detail {

/// Calls `f` once when `who` has ended; at once if it has ended already. The error is `actor_failed`
/// and names the reason; none if the actor quit without an error or was told to end. For an invalid
/// handle it is `invalid_argument`. It does not keep the actor alive.
void when_actor_ends(const caf::actor& who, std::function<void(std::optional<error>)> f);

/// As in "actor 17".
[[nodiscard]] std::string actor_label(const caf::actor& who);

}}}  // namespace nexus::v0::detail
