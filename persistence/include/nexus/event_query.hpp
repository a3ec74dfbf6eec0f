// Which events a query finds, and which of them it passes.
//
//   nexus::event_filter withdrawals{.event_type = "withdrawn", .entity_type = "account"};
//   session->query(withdrawals, {.order = nexus::reading_order::newest_first, .limit = 20}, sink);
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nexus/clock.hpp"
#include "nexus/journal_values.hpp"
#include "nexus/persistence_id.hpp"
#include "nexus/position.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// Both ends included.
struct slice_range {
  std::uint32_t first = 0;
  std::uint32_t last = persistence_id::slices - 1;
};

/// The slices of a strand, in a journal with so many strands.
[[nodiscard]] constexpr slice_range slices_of(std::uint32_t strand,
                                              std::uint32_t strands) noexcept {
  const auto first = [&](std::uint32_t n) {
    return (n * persistence_id::slices + strands - 1) / strands;
  };
  return {first(strand), first(strand + 1) - 1};
}

/// An event matches if it fits every field that is set; an empty filter matches all events.
struct event_filter {
  std::optional<std::string> event_type{};   ///< the stored name, e.g. "withdrawn"
  std::optional<std::string> entity_type{};  ///< the domain: `type` of `type|id`
  std::optional<std::string> entity_id{};    ///< the instance: `id` of `type|id`
  std::optional<timestamp> from{};           ///< later than this; exclusive
  std::optional<timestamp> to{};             ///< earlier than this; exclusive
  std::optional<std::string> tag{};
  std::optional<slice_range> slices{};
  std::vector<position> after{};  ///< past these, exclusive; at most one per strand
  std::vector<position> up_to{};  ///< not past these, inclusive; at most one per strand
};

enum class reading_order : std::uint8_t { oldest_first, newest_first };

/// The part of the matching events to pass. Events stand in the order of their positions; of several
/// strands the next event is the one with the earlier time, newest first with the later one.
struct event_page {
  reading_order order = reading_order::oldest_first;
  std::int64_t limit = 100;  ///< events to pass, 1 to `limit_max`
  std::int64_t offset = 0;   ///< matching events to skip first
  /// `page_info::next` of the page before: continues behind its last event, so events that are
  /// appended meanwhile move nothing. For the same filter and order; then `offset` counts from there.
  std::string cursor{};
  bool count = false;  ///< also finds `total`, which reads all matching events

  static constexpr std::int64_t limit_max = 10'000;
  /// Where a journal scans, newest first: the places of so many events are kept.
  static constexpr std::int64_t scanned_offset_max = 1'000'000;
};

/// What a query passed.
struct page_info {
  std::size_t size = 0;       ///< events passed
  std::uint64_t number = 1;   ///< of the page if all have `limit` events: offset / limit + 1
  bool has_previous = false;  ///< there was an offset or a cursor
  bool has_next = false;      ///< more events match
  /// The cursor of the next page; also where there is none yet. Of no use if the offset was past all
  /// matching events.
  std::string next{};
  std::optional<std::uint64_t> total{};  ///< of all pages, if it was asked for
};

/// The position to start behind in `strand`, if `named` has one for it: its start otherwise.
[[nodiscard]] position position_in(std::uint32_t strand, const std::vector<position>& named);

/// The positions in a cursor, one per strand that it knows; empty without a cursor.
/// `invalid_argument` for text that no page of this order returned.
[[nodiscard]] result<std::vector<position>> positions_of(const event_page& page);

/// The cursor behind these positions.
[[nodiscard]] std::string cursor_of(reading_order order, const std::vector<position>& at);

/// Why a journal with so many strands refuses the filter or the page: `invalid_argument`, naming
/// the field.
[[nodiscard]] std::optional<error> fault_of(const event_filter& filter, std::uint32_t strands);
[[nodiscard]] std::optional<error> fault_of(const event_page& page);

/// Whether the event fits every field of the filter. Positions of other epochs fit nothing.
[[nodiscard]] bool matches(const event_filter& filter, const persistence_id& of,
                           const record_view& r);

}}  // namespace nexus::v0
