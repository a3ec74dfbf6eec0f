// What the bank has stored stays readable.
#include <gtest/gtest.h>

#include <nexus/testkit/fingerprint.hpp>

#include "account.hpp"
#include "transfer.hpp"

TEST(Account, WhatIsStoredStaysReadable) {
  EXPECT_TRUE(nexus::testkit::check_fingerprint<bank::account>(ACCOUNT_FINGERPRINT));
}

TEST(Transfer, WhatIsStoredStaysReadable) {
  EXPECT_TRUE(nexus::testkit::check_fingerprint<bank::transfer>(TRANSFER_FINGERPRINT));
}
