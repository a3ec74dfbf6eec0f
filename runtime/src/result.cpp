#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::invalid_id:
      return "invalid_id";
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::timeout:
      return "timeout";
    case errc::stopped:
      return "stopped";
    case errc::overloaded:
      return "overloaded";
    case errc::rejected:
      return "rejected";
    case errc::unhandled:
      return "unhandled";
    case errc::decide_failed:
      return "decide_failed";
    case errc::apply_failed:
      return "apply_failed";
    case errc::conflict:
      return "conflict";
    case errc::too_large:
      return "too_large";
    case errc::unavailable:
      return "unavailable";
    case errc::outcome_unknown:
      return "outcome_unknown";
    case errc::corrupt:
      return "corrupt";
    case errc::unknown_type:
      return "unknown_type";
    case errc::unsupported_version:
      return "unsupported_version";
    case errc::history_erased:
      return "history_erased";
    case errc::foreign_position:
      return "foreign_position";
    case errc::held_back:
      return "held_back";
    case errc::foreign_schema:
      return "foreign_schema";
    case errc::newer_schema:
      return "newer_schema";
    case errc::older_schema:
      return "older_schema";
    case errc::already_exists:
      return "already_exists";
    case errc::actor_failed:
      return "actor_failed";
    case errc::would_block:
      return "would_block";
    case errc::pool_exhausted:
      return "pool_exhausted";
    case errc::pool_closed:
      return "pool_closed";
    case errc::query_failed:
      return "query_failed";
    case errc::constraint_violated:
      return "constraint_violated";
    case errc::serialization_failed:
      return "serialization_failed";
    case errc::projection_failed:
      return "projection_failed";
    case errc::not_found:
      return "not_found";
  }
  return "unknown error code";
}

}}  // namespace nexus::v0
