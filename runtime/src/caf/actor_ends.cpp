#include "nexus/detail/actor_ends.hpp"

#include <fmt/format.h>

#include <utility>

#include "caf/caf_version.hpp"

namespace nexus { inline namespace v0 { namespace detail {

std::string actor_label(const caf::actor& who) {
  return who ? fmt::format("actor {}", who.id()) : std::string{"an invalid handle"};
}

void when_actor_ends(const caf::actor& who, std::function<void(std::optional<error>)> f) {
  if (!who) {
    return f(error{errc::invalid_argument, "watched an invalid handle of an actor"});
  }
  caf_version::on_end(who, [f = std::move(f), label = actor_label(who)](const caf::error& why) {
    if (caf_version::is_ordinary_end(why)) return f(std::nullopt);
    f(error{errc::actor_failed, fmt::format("{} ended: {}", label, to_string(why))});
  });
}

}}}  // namespace nexus::v0::detail
