// Checks that every backend needs: whether a request can be stored at all, and whether stored data
// is that of a request. For authors of backends; nexus/journal_values.hpp has the checks of appends
// and upserts.
//
// Threads: any. Throws: nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nexus/journal_values.hpp"

namespace nexus { inline namespace v0 {

/// The indices of the requests without a fault, sorted by id: batches that lock in different orders
/// would wait for each other, and each page is visited once. The outcomes of the others become
/// `rejected`.
void take_faultless(std::span<const append_request> requests, const journal_limits& max,
                    std::vector<append_outcome>& outcomes, std::vector<std::size_t>& into);
void take_faultless(std::span<const upsert_request> requests, const journal_limits& max,
                    std::vector<append_outcome>& outcomes, std::vector<std::size_t>& into);

/// Why the request cannot be stored after `expected`, even if that is the highest number: its
/// events would pass sequence_nr_max.
[[nodiscard]] std::optional<error> past_the_last_number(const append_request& request);

/// Why the request is not stored where `highest` is the highest number of its id: `conflict`, or
/// `rejected` past sequence_nr_max.
[[nodiscard]] std::optional<append_outcome> refusal(const append_request& request,
                                                    sequence_nr highest);

/// Why a journal with these limits cannot save the snapshot.
[[nodiscard]] std::optional<error> fault_of(const snapshot_request& request,
                                            const journal_limits& max);

/// Why the position is none of a journal with so many strands and this numbering:
/// `foreign_position`. The start of any of its strands is its own.
[[nodiscard]] std::optional<error> foreign(const position& at, std::uint32_t strands,
                                           std::uint64_t epoch, std::string_view journal);

/// The error of a position past the last one that the journal has assigned.
[[nodiscard]] error past_the_end(const position& at, std::string_view journal);

/// The error of a reader that starts at `after`, past which events were erased.
[[nodiscard]] error erased_past(const position& after, std::string_view journal);

/// The error of an erasure that stopped at a registered reader.
[[nodiscard]] error held_back_by(std::string_view reader, const persistence_id& id,
                                 std::string_view journal);

/// Why a reader cannot be registered under this name.
[[nodiscard]] std::optional<error> fault_of_reader(std::string_view name);

/// Why a journal with these limits cannot store a reader's progress.
[[nodiscard]] std::optional<error> fault_of(const stored_reader& reader, const journal_limits& max);

/// Whether there may be ids of `type`; empty means all types. An invalid type, such as "a|b", has
/// none.
[[nodiscard]] bool may_have_ids(std::string_view type);

/// The ids that fit a filter are those from `from`, included, to `before`, excluded; an empty
/// `before` is past all ids. Both are valid UTF-8.
struct id_range {
  std::string from;
  std::string before;

  /// None if nothing fits the filter.
  [[nodiscard]] static std::optional<id_range> of(const id_filter& which);
};

/// Whether a record found at one of the request's numbers equals the request's in everything it
/// carried.
[[nodiscard]] bool carried(const append_request& request, const record_view& found);

/// The same for a state, whatever its version.
[[nodiscard]] bool carried(const upsert_request& request, const stored_state& found);

/// What a reader of changes sees of a state that was last changed at `at`; views into `found`.
[[nodiscard]] changed_state changed_as(const stored_state& found, const position& at);

/// The error of `read_states` where changes are not numbered.
[[nodiscard]] error no_changes(std::string_view journal);

/// The outcome of the request if `found` is stored now; null: nothing is stored. Not for a request
/// that changes only the alarm.
[[nodiscard]] settlement settled_as(const upsert_request& request, const stored_state* found);

/// The outcome of a request that changed only the alarm of its id if `found` is stored now.
[[nodiscard]] settlement settled_as(const due_change& sent, const ulid& writer,
                                    const std::optional<stored_alarm>& found);

/// The order in which alarms are listed: by due time, then by id.
[[nodiscard]] inline bool listed_before(const stored_alarm& a, const stored_alarm& b) {
  return a.due != b.due ? a.due < b.due : a.id < b.id;
}

/// The types of a filter that may have ids, each once, sorted bytewise.
[[nodiscard]] std::vector<std::string_view> types_of(const due_filter& which);

/// The error for the alarm of `id`, whose `column` has a value that no journal writes.
[[nodiscard]] error corrupt_alarm(std::string_view journal, std::string_view id,
                                  std::string_view column);

/// Whether readers may find something new after a call with these outcomes: a request that is stored,
/// or may be, and changes more than an alarm.
template <class Request>
[[nodiscard]] bool any_to_read(std::span<const Request> requests,
                               std::span<const append_outcome> outcomes) noexcept {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const bool may_be_stored =
        std::holds_alternative<stored>(outcomes[i]) || std::holds_alternative<unknown>(outcomes[i]);
    if (may_be_stored && !requests[i].only_due()) return true;
  }
  return false;
}

/// A number that a column of 64 bits cannot hold belongs to no event.
[[nodiscard]] inline std::int64_t column_nr(std::uint64_t n) noexcept {
  return static_cast<std::int64_t>(n < sequence_nr_max ? n : sequence_nr_max);
}

enum class stored_kind : std::uint8_t { event, snapshot, state };

/// The error for a row, stored as this number of `id`, whose `column` has a value that no journal
/// writes.
[[nodiscard]] error corrupt_row(std::string_view journal, stored_kind kind,
                                const persistence_id& id, std::int64_t number,
                                std::string_view column);

}}  // namespace nexus::v0
