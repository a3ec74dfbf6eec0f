// The lines about tables that differ.
#include "nexus/schema_drift.hpp"

#include <gtest/gtest.h>

using namespace nexus;

namespace {

using parts = std::vector<schema_part>;
using lines = std::vector<std::string>;

lines told(const parts& expected, const parts& found) {
  lines made;
  for (const auto& one : compare(expected, found)) made.push_back(one.line);
  return made;
}

const parts whole{{"table t", "table t"},
                  {"column t.a", "table t", "text"},
                  {.name = "trigger x", .table = "table t", .what = "BEGIN END", .tells = false}};

TEST(SchemaDrift, EqualPartsHaveNoDifferences) { EXPECT_EQ(told(whole, whole), lines{}); }

TEST(SchemaDrift, AMissingTableHasNoFurtherDifferences) {
  EXPECT_EQ(told(whole, {}), lines{"table t is missing"});
}

TEST(SchemaDrift, ADifferentPartIsToldWithBothTextsUnlessTheyAreLong) {
  auto found = whole;
  found[1].what = "bytea";
  found[2].what = "";
  EXPECT_EQ(told(whole, found),
            (lines{"column t.a is bytea, not text", "trigger x has a different text"}));
}

TEST(SchemaDrift, AFaultIsToldWhateverThePartIs) {
  auto found = whole;
  found[2].fault = "is disabled";
  EXPECT_EQ(told(whole, found), lines{"trigger x is disabled"});
}

TEST(SchemaDrift, AnExtraPartIsToldLastUnlessItIsHarmless) {
  auto found = whole;
  found[1].name = "column t.b";
  found.push_back({.name = "index i", .table = "table t", .harmless = true});
  EXPECT_EQ(told(whole, found),
            (lines{"column t.a is missing", "column t.b is not part of a journal"}));
}

}  // namespace
