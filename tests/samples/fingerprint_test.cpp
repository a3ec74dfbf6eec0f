// What the bank has stored stays readable.
#include <gtest/gtest.h>

#include <nexus/testkit/fingerprint.hpp>

#include "account.hpp"

TEST(Account, WhatIsStoredStaysReadable) {
  EXPECT_TRUE(nexus::testkit::check_fingerprint<bank::account>(ACCOUNT_FINGERPRINT));
}
