#include "text.hpp"

#include <gtest/gtest.h>

namespace bank { namespace {

TEST(Text, GroupsCounts) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(34715), "34,715");
  EXPECT_EQ(grouped(123456789), "123,456,789");
}

TEST(Text, AStrangersTextStaysOnOneLine) {
  EXPECT_EQ(printable("a\nb\x1b[31m"), "a b [31m");
  EXPECT_EQ(printable("Zürich", 6), "Zürich");
  EXPECT_EQ(printable("Zürich", 4), "Zür…");
}

TEST(Text, ColumnsLineUpByCodePoints) {
  using enum table::align;
  table t{{left, right, left}};
  t.add({"Käse", "1.00", "CHF"});
  t.add({"Bread", "-20.00", ""});
  EXPECT_EQ(t.str(),
            "Käse     1.00  CHF\n"
            "Bread  -20.00\n");
}

}}  // namespace bank
