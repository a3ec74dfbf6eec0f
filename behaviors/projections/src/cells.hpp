// The cells of a projection: 64 ranges of slices in each strand, so that an entity's events are
// always in one cell, whatever `parallel` is.
//
// Threads: pure functions, values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/event_query.hpp"
#include "nexus/projection_storage.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// The cell of the ids in a slice, in a journal with so many strands.
[[nodiscard]] std::uint32_t cell_of(std::uint32_t slice, std::uint32_t strands) noexcept;

[[nodiscard]] constexpr std::uint32_t strand_of_cell(std::uint32_t cell) noexcept {
  return cell / cells_per_strand;
}

/// The slices from the first of cell `first` to the last of cell `last`.
[[nodiscard]] slice_range slices_of_cells(std::uint32_t first, std::uint32_t last,
                                          std::uint32_t strands) noexcept;

/// The cells of a journal with ids in `slices`, at one position per strand: `from` says where,
/// others begin at the start.
[[nodiscard]] std::vector<projection_cell> all_cells(std::uint32_t strands,
                                                     const std::vector<position>& from,
                                                     slice_range slices = {});

/// How far the cells of one worker have come.
class cell_group {
 public:
  /// `cells` in ascending order.
  explicit cell_group(std::vector<projection_cell> cells) : cells_{std::move(cells)} {}

  [[nodiscard]] const std::vector<projection_cell>& cells() const noexcept { return cells_; }

  /// Whether an event of this cell is still to be handled.
  [[nodiscard]] bool wants(std::uint32_t cell, const position& at) const;

  /// The moves that bring every cell of the strand of `to` there, and how many cells they move.
  /// Cells that are there, or further, stay.
  struct step {
    projection_move move;
    std::uint64_t cells = 0;
  };
  [[nodiscard]] std::vector<step> steps_to(const position& to) const;

  /// Steps that only renew leases: of the cells that do not move to one of these positions.
  [[nodiscard]] std::vector<step> steps_in_place(const std::vector<position>& but_to = {}) const;

  /// They have been moved.
  void moved_to(const position& to);

  /// Where the slowest of the strand's cells stands; null if the group has none of it.
  [[nodiscard]] const position* slowest(std::uint32_t strand) const;

 private:
  std::vector<projection_cell> cells_;
};

}}}
