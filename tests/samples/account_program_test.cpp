#include <gtest/gtest.h>

#include "bank_fixture.hpp"

namespace samples { namespace {

TEST(AccountProgram, RefusesAnOverdraftAndRemembersItsBalance) {
  const temporary_folder directory;
  for (const std::string said : {"Refused: insufficient funds.\n", "Alice has 100 cents left.\n",
                                 "Refused: insufficient funds.\n"}) {
    const auto [code, out, err] = run({ACCOUNT_PROGRAM}, directory.path());
    EXPECT_EQ(code, 0);
    EXPECT_EQ(out, said);
    EXPECT_EQ(err, "");
  }
}

}}  // namespace samples
