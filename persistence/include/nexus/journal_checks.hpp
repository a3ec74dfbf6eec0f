// What every backend has to tell of a request, whatever its database: whether it can be stored at all,
// and whether what is stored is its own. For authors of backends; nexus/journal_values.hpp has the
// faults of appends and upserts.
//
// Threads: any. Throws: nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "nexus/journal_values.hpp"

namespace nexus::inline v0 {

/// The places of the requests that have no fault, by id: then batches lock and visit pages in one order.
/// The outcomes of the others become `rejected`.
void take_faultless(std::span<const append_request> requests, const journal_limits& max,
                    std::vector<append_outcome>& outcomes, std::vector<std::size_t>& into);
void take_faultless(std::span<const upsert_request> requests, const journal_limits& max,
                    std::vector<append_outcome>& outcomes, std::vector<std::size_t>& into);

/// Why the request cannot be stored after `expected`, though that be the highest number: its events
/// would pass the last number there is.
[[nodiscard]] std::optional<error> past_the_last_number(const append_request& request);

/// Why the request is not stored where `highest` is the highest number of its id: `conflict`, or
/// `rejected` past the last number there is.
[[nodiscard]] std::optional<append_outcome> refusal(const append_request& request,
                                                    sequence_nr highest);

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

/// What became of the request where `found` is stored now; null: nothing is.
[[nodiscard]] settlement settled_as(const upsert_request& request, const stored_state* found);

/// Numbers past what a column of 64 bits holds name no event.
[[nodiscard]] inline std::int64_t column_nr(std::uint64_t n) noexcept {
  return static_cast<std::int64_t>(n < sequence_nr_max ? n : sequence_nr_max);
}

enum class stored_kind : std::uint8_t { event, snapshot, state };

/// Why what is stored as this number of `id` cannot be read: its `column` holds what no journal writes.
[[nodiscard]] error corrupt_row(std::string_view journal, stored_kind kind,
                                const persistence_id& id, std::int64_t number,
                                std::string_view column);

}  // namespace nexus::inline v0
