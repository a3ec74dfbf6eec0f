#include "cells.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 { namespace detail {

std::uint32_t cell_of(std::uint32_t slice, std::uint32_t strands) noexcept {
  const auto strand = strand_of(slice, strands);
  const auto of = slices_of(strand, strands);
  const auto count = of.last - of.first + 1;
  return strand * cells_per_strand + (slice - of.first) * cells_per_strand / count;
}

slice_range slices_of_cells(std::uint32_t first, std::uint32_t last,
                            std::uint32_t strands) noexcept {
  // The first slice of a cell, in a strand with fewer slices than cells perhaps of a later one.
  const auto begin_of = [&](std::uint32_t cell) {
    const auto of = slices_of(strand_of_cell(cell), strands);
    const auto count = of.last - of.first + 1;
    const auto k = cell % cells_per_strand;
    return of.first + (k * count + cells_per_strand - 1) / cells_per_strand;
  };
  const auto end =
      last + 1 == strands * cells_per_strand ? persistence_id::slices : begin_of(last + 1);
  const auto begin = begin_of(first);
  return {begin, std::max(begin + 1, end) - 1};
}

std::vector<projection_cell> all_cells(std::uint32_t strands, const std::vector<position>& from,
                                       slice_range slices) {
  std::vector<projection_cell> all;
  all.reserve(std::size_t{strands} * cells_per_strand);
  for (std::uint32_t cell = 0; cell < strands * cells_per_strand; ++cell) {
    const auto its = slices_of_cells(cell, cell, strands);
    if (its.last < slices.first || its.first > slices.last) continue;
    all.push_back({cell, position_in(strand_of_cell(cell), from)});
  }
  return all;
}

bool cell_group::wants(std::uint32_t cell, const position& at) const {
  const auto found = std::ranges::lower_bound(cells_, cell, {}, &projection_cell::cell);
  return found != cells_.end() && found->cell == cell && found->at < at;
}

namespace {

// Adds the cell to the last step if that is next to it and stands where it stands. A step covers no
// cell that stays, since one that stands at its end already would go back with the others.
void add(std::vector<cell_group::step>& steps, const projection_cell& cell, const position& to,
         bool beside) {
  if (beside && !steps.empty() && steps.back().move.from == cell.at) {
    steps.back().move.last = cell.cell;
    ++steps.back().cells;
  } else {
    steps.push_back({{cell.cell, cell.cell, cell.at, to}, 1});
  }
}

}  // namespace

std::vector<cell_group::step> cell_group::steps_to(const position& to) const {
  std::vector<step> steps;
  bool beside = false;
  for (const auto& one : cells_) {
    const bool moves = strand_of_cell(one.cell) == to.strand && one.at < to;
    if (moves) add(steps, one, to, beside);
    beside = moves;
  }
  return steps;
}

std::vector<cell_group::step> cell_group::steps_in_place(
    const std::vector<position>& but_to) const {
  std::vector<step> steps;
  bool beside = false;
  for (const auto& one : cells_) {
    const bool moves = std::ranges::any_of(but_to, [&](const position& to) {
      return strand_of_cell(one.cell) == to.strand && one.at < to;
    });
    if (!moves) add(steps, one, one.at, beside);
    beside = !moves;
  }
  return steps;
}

void cell_group::moved_to(const position& to) {
  for (auto& one : cells_) {
    if (strand_of_cell(one.cell) == to.strand && one.at < to) one.at = to;
  }
}

const position* cell_group::slowest(std::uint32_t strand) const {
  const position* least = nullptr;
  for (const auto& one : cells_) {
    if (strand_of_cell(one.cell) != strand) continue;
    if (least == nullptr || one.at < *least) least = &one.at;
  }
  return least;
}

}}}  // namespace nexus::v0::detail
