#include "cells.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace nexus;
using namespace nexus::detail;

namespace {

position at(std::uint64_t n, std::uint32_t strand = 0) {
  return {.epoch = 1, .strand = strand, .minor = n};
}

// As in "0-3:1>9(4)": cells 0 to 3, of which 4, from 1 to 9.
std::string told(const std::vector<cell_group::step>& steps) {
  std::string text;
  for (const auto& [move, cells] : steps) {
    text += (text.empty() ? "" : " ") + std::to_string(move.first) + "-" +
            std::to_string(move.last) + ":" + std::to_string(move.from.minor) + ">" +
            std::to_string(move.to.minor) + "(" + std::to_string(cells) + ")";
  }
  return text;
}

}  // namespace

TEST(Cells, EverySliceIsInOneAndTheyAreInOrder) {
  for (const std::uint32_t strands : {1u, 3u, 16u, 100u, 1024u}) {
    std::uint32_t last = 0;
    for (std::uint32_t slice = 0; slice < persistence_id::slices; ++slice) {
      const auto cell = cell_of(slice, strands);
      EXPECT_EQ(strand_of_cell(cell), strand_of(slice, strands)) << slice << " of " << strands;
      EXPECT_GE(cell, last);
      const auto around = slices_of_cells(cell, cell, strands);
      EXPECT_LE(around.first, slice) << cell << " of " << strands;
      EXPECT_GE(around.last, slice) << cell << " of " << strands;
      last = cell;
    }
  }
  EXPECT_EQ(cell_of(0, 1), 0u);
  EXPECT_EQ(cell_of(15, 1), 0u);
  EXPECT_EQ(cell_of(16, 1), 1u);
  EXPECT_EQ(cell_of(1023, 1), 63u);
  EXPECT_EQ(cell_of(1023, 3), 191u);
}

TEST(Cells, BeginWhereTheVersionBegins) {
  const auto all = all_cells(2, {at(7, 1)});
  ASSERT_EQ(all.size(), 128u);
  EXPECT_EQ(all[0].at, position::start_of(0));
  EXPECT_EQ(all[64].at, at(7, 1));
  EXPECT_EQ(all[127].cell, 127u);
}

TEST(Cells, OneStepMovesNeighboursThatStandTogether) {
  cell_group group{{{0, at(1)}, {1, at(1)}, {2, at(5)}, {3, at(1)}, {7, at(1)}}};
  EXPECT_EQ(told(group.steps_to(at(9))), "0-1:1>9(2) 2-2:5>9(1) 3-7:1>9(2)");
  group.moved_to(at(9));
  EXPECT_EQ(told(group.steps_to(at(9))), "");
  EXPECT_EQ(told(group.steps_to(at(10))), "0-7:9>10(5)");
}

// A step that covered it would take it back, if the batch ended early.
TEST(Cells, NoStepCoversACellThatStandsAtItsEnd) {
  const cell_group group{{{0, at(1)}, {1, at(9)}, {2, at(1)}}};
  EXPECT_EQ(told(group.steps_to(at(9))), "0-0:1>9(1) 2-2:1>9(1)");
}

TEST(Cells, OnlyThoseOfTheStrandMove) {
  cell_group group{{{63, at(1)}, {64, at(1, 1)}, {65, at(1, 1)}}};
  EXPECT_EQ(told(group.steps_to(at(4, 1))), "64-65:1>4(2)");
  EXPECT_EQ(told(group.steps_in_place()), "63-63:1>1(1) 64-65:1>1(2)");
  group.moved_to(at(4, 1));
  EXPECT_EQ(*group.slowest(1), at(4, 1));
  EXPECT_EQ(*group.slowest(0), at(1));
  EXPECT_EQ(group.slowest(2), nullptr);
}

TEST(Cells, ThoseThatDoNotMoveMayRenewTheirLeases) {
  const cell_group group{{{0, at(1)}, {1, at(9)}, {2, at(9)}, {3, at(1)}, {64, at(1, 1)}}};
  EXPECT_EQ(told(group.steps_in_place({at(9)})), "1-2:9>9(2) 64-64:1>1(1)");
  EXPECT_EQ(told(group.steps_in_place({at(9), at(2, 1)})), "1-2:9>9(2)");
}

TEST(Cells, WantTheEventsPastTheirOffset) {
  const cell_group group{{{3, at(5)}}};
  EXPECT_FALSE(group.wants(3, at(5)));
  EXPECT_TRUE(group.wants(3, at(6)));
  EXPECT_FALSE(group.wants(2, at(6)));
}
