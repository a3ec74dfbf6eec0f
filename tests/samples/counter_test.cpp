#include <gtest/gtest.h>

#include "bank_fixture.hpp"

namespace samples { namespace {

TEST(Counter, GoesOnWhereTheLastRunEnded) {
  const temporary_folder directory;
  for (int n = 1; n <= 3; ++n) {
    const auto [code, out, err] = run({COUNTER_PROGRAM}, directory.path());
    EXPECT_EQ(code, 0);
    EXPECT_EQ(out, "This is run number " + std::to_string(n) + ". Run me again: I remember.\n");
    EXPECT_EQ(err, "");
  }
}

}}  // namespace samples
