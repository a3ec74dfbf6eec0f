// The place of an event in a journal.
//
// A journal has one order or several, its strands (journal::strands); an event belongs to one of
// them by the slice of its id. Only positions of one strand are ordered. A position also carries the
// epoch of the journal's numbering, so that positions of another database, or from before a
// renumbering, are refused instead of skipping events.
//
// Threads: plain values. Idea: a token per partition, as in Kafka's offsets and Pekko's
// TimestampOffset.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexus/persistence_id.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// Opaque and never reused; only backends look inside. The default is the start of strand 0, before
/// all its events.
struct position {
  std::uint64_t epoch = 0;  ///< of the numbering; 0: the start of the strand, in any journal
  std::uint32_t strand = 0;
  std::uint64_t major = 0;  ///< PostgreSQL needs two parts, SQLite one
  std::uint64_t minor = 0;

  [[nodiscard]] static constexpr position start_of(std::uint32_t strand) noexcept {
    return {.strand = strand};
  }

  [[nodiscard]] constexpr bool is_start() const noexcept { return epoch == 0; }

  /// Reads the text of `to_string`; `invalid_argument` for any other text.
  [[nodiscard]] static result<position> parse(std::string_view text);

  friend bool operator==(const position&, const position&) = default;

  /// Unordered for different strands and epochs.
  friend constexpr std::partial_ordering operator<=>(const position& a,
                                                     const position& b) noexcept {
    if (a.strand != b.strand) return std::partial_ordering::unordered;
    if (a.is_start() || b.is_start()) return !a.is_start() <=> !b.is_start();
    if (a.epoch != b.epoch) return std::partial_ordering::unordered;
    if (a.major != b.major) return a.major <=> b.major;
    return a.minor <=> b.minor;
  }
};

/// The strand of the ids in a slice, in a journal with so many strands: each has a run of slices.
[[nodiscard]] constexpr std::uint32_t strand_of(std::uint32_t slice,
                                                std::uint32_t strands) noexcept {
  return slice * strands / persistence_id::slices;
}

/// The text to store, e.g. "4be1c06f6b6f1f29-0-1041-3": letters, digits and '-' only, at most 70
/// bytes.
[[nodiscard]] std::string to_string(const position& p);

}}  // namespace nexus::v0
