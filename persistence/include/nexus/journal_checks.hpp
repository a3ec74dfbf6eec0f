// Checks that every backend needs: whether a request can be stored at all, and whether stored data
// is that of a request. For authors of backends; nexus/journal_values.hpp has the checks of appends
// and upserts.
//
// Threads: any. Throws: nothing.
#pragma once

#include <optional>
#include <string_view>

#include "nexus/journal_values.hpp"

namespace nexus::inline v0 {

/// Why the request cannot be stored after `expected`, even if that is the highest number: its
/// events would pass sequence_nr_max.
[[nodiscard]] std::optional<error> past_the_last_number(const append_request& request);

/// Why a journal with these limits cannot save the snapshot.
[[nodiscard]] std::optional<error> fault_of(const snapshot_request& request,
                                            const journal_limits& max);

/// Whether there may be ids of `type`; empty means all types. An invalid type, such as "a|b", has
/// none.
[[nodiscard]] bool may_have_ids(std::string_view type);

/// Whether a record found at one of the request's numbers equals the request's in everything it
/// carried.
[[nodiscard]] bool carried(const append_request& request, const record_view& found);

/// The same for a state, whatever its version.
[[nodiscard]] bool carried(const upsert_request& request, const stored_state& found);

}  // namespace nexus::inline v0
