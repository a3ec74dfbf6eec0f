// What the bank has stored stays readable.
#include <gtest/gtest.h>

#include <nexus/testkit/fingerprint.hpp>
#include <nexus/testkit/round_trip.hpp>

#include "account.hpp"
#include "transfer.hpp"

TEST(Account, StoredValuesStayReadable) {
  EXPECT_TRUE(nexus::testkit::check_fingerprint<bank::account>(ACCOUNT_FINGERPRINT));
}

TEST(Account, StoredValuesComeBack) {
  EXPECT_TRUE(nexus::testkit::check_round_trip<bank::account>(20261122));
}

TEST(Transfer, StoredValuesStayReadable) {
  EXPECT_TRUE(nexus::testkit::check_fingerprint<bank::transfer>(TRANSFER_FINGERPRINT));
}

TEST(Transfer, StoredValuesComeBack) {
  EXPECT_TRUE(nexus::testkit::check_round_trip<bank::transfer>(20261122));
}
