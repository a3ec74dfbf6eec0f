#include "nexus/behavior.hpp"

#include <fmt/format.h>

namespace nexus { inline namespace v0 {

error detail::unknown_event(std::string_view entity_type, std::string_view type) {
  return {
      errc::unknown_type,
      fmt::format("event type \"{}\" is not one of behavior \"{}\"; add it to its event variant",
                  type, entity_type)};
}

error detail::bad_event(const event_view& stored, const error& why) {
  return {why.code, fmt::format("event type \"{}\" version {}: {}", stored.type,
                                stored.schema_version, why.message)};
}

error detail::unknown_state(std::string_view entity_type, std::string_view type) {
  return {errc::unknown_type,
          fmt::format("state type \"{}\" is not that of behavior \"{}\"", type, entity_type)};
}

error detail::bad_state(const stored_snapshot& stored, const error& why) {
  return {why.code, fmt::format("state type \"{}\" version {}: {}", stored.type,
                                stored.schema_version, why.message)};
}

}}  // namespace nexus::v0
