// An account's part in transfers, decided and applied with no runtime.
#include "legs.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "account.hpp"

namespace bank { namespace {

const std::string id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
constexpr auto max = std::numeric_limits<std::int64_t>::max();

nexus::context as(std::string_view self) {
  static const nexus::call_header none;
  return {self, 1, nexus::timestamp{}, none};
}

template <class Effect>
void fold(account::state& s, const Effect& e) {
  for (const auto& event : e.events()) {
    std::visit([&](const auto& one) { account::apply(s, one); }, event);
  }
}

account::move leg_of(leg which, std::int64_t hundredths, std::string transfer = id) {
  return {{std::move(transfer), which, hundredths, "USD", "other"}};
}

// Decides and applies; the verdict.
verdict give(account::state& s, const account::move& c) {
  const auto effect = nexus::decide<account>(s, c, as("cash"));
  fold(s, effect);
  return effect.reply(s).value();
}

std::size_t forget(account::state& s, const std::string& transfer) {
  const auto effect = nexus::decide<account>(s, account::forget{transfer}, as("cash"));
  EXPECT_TRUE(effect.reply(s));
  fold(s, effect);
  return effect.events().size();
}

account::state holding(std::int64_t hundredths) {
  account::state s;
  s.hundredths["USD"] = hundredths;
  return s;
}

// The n-th of rising ids.
std::string nth(std::size_t n) {
  auto digits = std::to_string(n);
  return "01ARZ3NDEKTSV4RRFF" + std::string(8 - digits.size(), '0') + digits;
}

TEST(AccountLegs, OneThatComesAgainMovesNothing) {
  auto s = holding(1000);
  EXPECT_EQ(give(s, leg_of(leg::withdraw, -300)), verdict{});
  EXPECT_EQ(s.hundredths["USD"], 700);
  EXPECT_EQ(give(s, leg_of(leg::withdraw, -300)), verdict{});
  EXPECT_EQ(s.hundredths["USD"], 700);
}

TEST(AccountLegs, ARefusalNamesAccountBalanceAndAmount) {
  auto s = holding(250);
  EXPECT_EQ(give(s, leg_of(leg::withdraw, -251)).refusal,
            "insufficient funds: cash has 2.50 USD, not 2.51");
  EXPECT_EQ(s.hundredths["USD"], 250);
  EXPECT_EQ(give(s, leg_of(leg::withdraw, -250, nth(2))), verdict{}) << "all there is";
}

TEST(AccountLegs, ARefusedOneStaysRefusedWhenThereIsMoneyLater) {
  auto s = holding(0);
  const auto refused = give(s, leg_of(leg::withdraw, -100));
  EXPECT_FALSE(refused.posted());
  s.hundredths["USD"] = 1000;
  EXPECT_EQ(give(s, leg_of(leg::withdraw, -100)), refused);
  EXPECT_EQ(s.hundredths["USD"], 1000);
}

TEST(AccountLegs, ADepositThatOverflowsIsRefused) {
  auto s = holding(max);
  EXPECT_EQ(give(s, leg_of(leg::deposit, 1)).refusal, "the balance of cash in USD would overflow");
  EXPECT_EQ(s.hundredths["USD"], max);
}

TEST(AccountLegs, ATransferUnderWayKeepsRoomForItsRefund) {
  auto s = holding(max);
  EXPECT_TRUE(give(s, leg_of(leg::withdraw, -5, nth(1))).posted());
  EXPECT_FALSE(give(s, leg_of(leg::deposit, 1, nth(2))).posted());
  account::post posting;
  posting.what.line = 2;
  posting.what.hundredths = 1;
  posting.what.currency = "USD";
  EXPECT_TRUE(nexus::decide<account>(s, posting).rejected());

  EXPECT_TRUE(give(s, leg_of(leg::refund, 5, nth(1))).posted());
  EXPECT_EQ(s.hundredths["USD"], max);
}

TEST(AccountLegs, AForgottenTransferLeavesItsRoom) {
  auto s = holding(max);
  EXPECT_TRUE(give(s, leg_of(leg::withdraw, -5, nth(1))).posted());
  EXPECT_EQ(forget(s, nth(1)), 1u);
  EXPECT_TRUE(give(s, leg_of(leg::deposit, 5, nth(2))).posted());
}

TEST(AccountLegs, ForgettingWhatIsUnknownIsFine) {
  auto s = holding(0);
  EXPECT_EQ(forget(s, id), 0u);
  EXPECT_FALSE(give(s, leg_of(leg::withdraw, -1)).posted());
  EXPECT_EQ(forget(s, id), 1u);
  EXPECT_EQ(forget(s, id), 0u);
}

// A process that asks again after everything is over has missed the end.
TEST(AccountLegs, ALateCopyMovesNothingHoweverLate) {
  auto s = holding(1000);
  EXPECT_TRUE(give(s, leg_of(leg::withdraw, -300, nth(0))).posted());
  EXPECT_EQ(forget(s, nth(0)), 1u);
  for (std::size_t n = 1; n < 2 * transfer_memory::closed_max; ++n) {
    ASSERT_TRUE(give(s, leg_of(leg::deposit, 1, nth(n))).posted());
    ASSERT_EQ(forget(s, nth(n)), 1u);
    const auto before = s.hundredths;
    (void)give(s, leg_of(leg::withdraw, -300, nth(0)));
    (void)give(s, leg_of(leg::deposit, 1, nth(n / 2)));
    ASSERT_EQ(s.hundredths, before);
    ASSERT_FALSE(s.transfers.is_open(nth(0)));
  }
}

TEST(AccountLegs, AnOpenOneIsNeverTooLate) {
  auto s = holding(1000);
  EXPECT_TRUE(give(s, leg_of(leg::withdraw, -300, nth(0))).posted());
  for (std::size_t n = 2; n < 2 * transfer_memory::closed_max; ++n) {
    ASSERT_TRUE(give(s, leg_of(leg::deposit, 1, nth(n))).posted());
    ASSERT_EQ(forget(s, nth(n)), 1u);
  }
  EXPECT_FALSE(give(s, leg_of(leg::withdraw, -1, nth(1))).posted()) << "older, and never seen";
  const auto before = s.hundredths["USD"];
  EXPECT_TRUE(give(s, leg_of(leg::refund, 300, nth(0))).posted());
  EXPECT_EQ(s.hundredths["USD"], before + 300);
}

TEST(AccountLegs, TheMemoryIsBounded) {
  auto s = holding(0);
  std::size_t largest = 0;
  for (std::size_t n = 1; n < 3 * transfer_memory::closed_max; ++n) {
    ASSERT_TRUE(give(s, leg_of(leg::deposit, 1, nth(n))).posted());
    ASSERT_EQ(forget(s, nth(n)), 1u);
    if (n == transfer_memory::closed_max + 1) largest = nexus::encoded_size(s.transfers);
  }
  EXPECT_EQ(nexus::encoded_size(s.transfers), largest);
}

TEST(AccountLegs, ASnapshotFromBeforeTransfersIsRead) {
  nexus::stored_snapshot stored;
  stored.type = account::entity_type;
  stored.schema_version = 1;
  stored.codec = "msgpack";
  // {"hundredths": {"USD": 250}, "ledgers": {"l": {"line": 7, "digest": 9}}}
  stored.data =
      "\x82\xaahundredths\x81\xa3USD\xcc\xfa"
      "\xa7ledgers\x81\xa1l\x82\xa4line\x07\xa6"
      "digest\x09";
  account::state s;
  const auto read = nexus::decode_state<account>(stored, s);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(s.hundredths, (account::balances{{"USD", 250}}));
  EXPECT_EQ(s.ledgers["l"].line, 7u);
  EXPECT_TRUE(give(s, leg_of(leg::withdraw, -250)).posted());
}

}}  // namespace bank
