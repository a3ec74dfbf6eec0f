#include "nexus/behavior.hpp"

#include <fmt/format.h>

#include "nexus/detail/entity_model.hpp"

namespace nexus { inline namespace v0 {

error detail::unknown_event(std::string_view entity_type, std::string_view type) {
  return {errc::unknown_type,
          fmt::format(
              "event type \"{}\" is not one of behavior \"{}\"; add it to its event variant, to "
              "old_event with an adapt, or to removed_events",
              type, entity_type)};
}

error detail::bad_event(const event_view& stored, const error& why) {
  return {why.code, fmt::format("event type \"{}\" version {}: {}", stored.type,
                                stored.schema_version, why.message)};
}

error detail::adapting_threw() {
  return {errc::corrupt, fmt::format("adapt threw: {}", what_was_thrown())};
}

error detail::adapted_to_too_many(std::size_t count) {
  return {errc::too_large,
          fmt::format("adapt made {} events of it, at most {} (adapted_events_max)", count,
                      adapted_events_max)};
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
