// Values of a behavior as payloads.
#pragma once

#include <string>
#include <string_view>

#include "nexus/behavior.hpp"
#include "nexus/detail/entity_model.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Fails if a payload is larger than the limit.
[[nodiscard]] inline result<void> check_size(std::string_view what, std::string_view type,
                                             std::size_t bytes, const decision_limits& limits) {
  if (bytes <= limits.event_bytes_max) return {};
  return fail(errc::too_large, std::string{what} + " is too large: " + std::string{type} + " of " +
                                   std::to_string(bytes) + " bytes, at most " +
                                   std::to_string(limits.event_bytes_max));
}

/// Names the value that was not encoded: "an event \"deposited\" nests …".
[[nodiscard]] inline error named(std::string_view what, std::string_view type, error why) {
  return {why.code, std::string{what}.append(" \"").append(type).append("\" ").append(why.message)};
}

/// A snapshot without its number, writer and time.
template <class B>
[[nodiscard]] result<stored_snapshot> encode_state(const state_t<B>& state) {
  stored_snapshot made;
  made.type = B::entity_type;
  made.schema_version = schema_version_of<state_t<B>>();
  made.codec = serializer_name<B>();
  if (auto done = encode_with<B>(state, made.data); !done) return fail(done.error());
  return made;
}

}}}
