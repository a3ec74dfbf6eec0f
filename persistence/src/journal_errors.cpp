#include "nexus/journal_errors.hpp"

namespace nexus { inline namespace v0 {

// Without a default: a new code must be decided here.
error_meaning meaning_of(errc code) noexcept {
  switch (code) {
    case errc::unavailable:
    case errc::timeout:
    case errc::outcome_unknown:
    case errc::query_failed:
    case errc::constraint_violated:
      return error_meaning::storage_trouble;
    case errc::serialization_failed:
    case errc::overloaded:
    case errc::pool_exhausted:
      return error_meaning::busy;
    case errc::too_large:
    case errc::invalid_argument:
    case errc::invalid_id:
      return error_meaning::of_request;
    case errc::stopped:
    case errc::rejected:
    case errc::unhandled:
    case errc::decide_failed:
    case errc::apply_failed:
    case errc::conflict:
    case errc::corrupt:
    case errc::unknown_type:
    case errc::unsupported_version:
    case errc::history_erased:
    case errc::foreign_position:
    case errc::held_back:
    case errc::foreign_schema:
    case errc::newer_schema:
    case errc::older_schema:
    case errc::already_exists:
    case errc::actor_failed:
    case errc::pool_closed:
    case errc::would_block:
    case errc::projection_failed:
    case errc::not_found:
      return error_meaning::lasting;
  }
  return error_meaning::lasting;
}

}}  // namespace nexus::v0
