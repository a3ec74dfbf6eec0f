// What every backend has to tell of a request, whatever its database: whether it can be stored at all,
// and whether what is stored is its own. For authors of backends; nexus/journal_values.hpp has the
// faults of appends and upserts.
//
// Threads: any. Throws: nothing.
#pragma once

#include <optional>
#include <string_view>

#include "nexus/journal_values.hpp"

namespace nexus::inline v0 {

/// Why the request cannot be stored after `expected`, though that be the highest number: its events
/// would pass the last number there is.
[[nodiscard]] std::optional<error> past_the_last_number(const append_request& request);

/// Why no journal with such limits saves the snapshot.
[[nodiscard]] std::optional<error> fault_of(const snapshot_request& request,
                                            const journal_limits& max);

/// Whether there may be ids of `type`; empty means all types. Of a text that is no type, as "a|b", there
/// are none to list.
[[nodiscard]] bool may_have_ids(std::string_view type);

/// Whether a record found at one of the request's numbers is its own in everything it carried.
[[nodiscard]] bool carried(const append_request& request, const record_view& found);

/// Likewise of a state, whatever its version.
[[nodiscard]] bool carried(const upsert_request& request, const stored_state& found);

}  // namespace nexus::inline v0
