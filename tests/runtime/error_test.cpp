// Errors as values, with and without a broken constraint.
#include <gtest/gtest.h>

#include "nexus/result.hpp"

namespace {

using namespace nexus;

const broken_constraint taken{constraint_kind::unique, "one_mail", "guests", {"mail"}};

TEST(Error, ABrokenConstraintIsAsWideAsAPointer) {
  struct plain {
    errc code;
    std::string message;
    void* broken;
  };
  EXPECT_EQ(sizeof(error), sizeof(plain));
  EXPECT_TRUE(std::is_nothrow_move_constructible_v<error>);
  EXPECT_TRUE(std::is_nothrow_move_assignable_v<error>);
}

TEST(Error, ABrokenConstraintIsCopiedWithItsError) {
  error a{errc::constraint_violated, "taken", taken};
  const error none{errc::timeout, "late"};
  error b = a;
  EXPECT_EQ(a, b);
  EXPECT_NE(&*a.broken, &*b.broken);
  b = none;
  EXPECT_FALSE(b.broken);
  EXPECT_NE(a, (error{errc::constraint_violated, "taken"}));
  b = a;
  const error moved = std::move(a);
  EXPECT_EQ(moved, b);
  EXPECT_EQ(*moved.broken, taken);
  const result<int> failed = fail(moved);
  EXPECT_EQ(failed.error().broken->columns, taken.columns);
}

TEST(Error, EveryCodeAndKindHasAName) {
  for (std::size_t i = 0; i < errcs; ++i) {
    EXPECT_NE(to_string(static_cast<errc>(i)), "unknown error code") << i;
  }
  EXPECT_EQ(to_string(static_cast<errc>(errcs)), "unknown error code");
  EXPECT_EQ(to_string(errc::not_found), "not_found");
  EXPECT_EQ(to_string(constraint_kind::foreign_key), "foreign_key");
}

}  // namespace
