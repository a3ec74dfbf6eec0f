// Things that must not grow with time, and commands that can never fit.
#include <gtest/gtest.h>

#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <string>

#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using work = executor::work;

namespace {

struct Growth : testing::Test {
  testkit::deterministic_system det;
  result<nexus::store> store = det.open("memory:");
};

}  // namespace

TEST_F(Growth, WatchesWhoseAskersHaveGoneLeaveRoomForOthers) {
  entities<tally> all{det, *store, {.passivate_after = 1h}};
  ASSERT_TRUE(det.get(all.of("a").ask(tally::add{1})));
  auto first = all.of("a").watch();
  for (int i = 0; i < 30'000; ++i) {
    (void)all.of("a").watch();
    if (i % 100 == 0) det.drain();
  }
  auto last = all.of("a").watch();
  det.drain();
  EXPECT_FALSE(last.is_answered()) << "overloaded";
  det.advance(2h);
  EXPECT_EQ(det.get(first), ending::passivated);
  EXPECT_EQ(det.get(last), ending::passivated);
}

TEST_F(Growth, OneTimerServesEveryVerifiedCommandAndIsNotTooEarlyForTheLast) {
  entities<tally> all{det, *store, {.recovery_timeout = 30s}};
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(det.get(all.of("a").ask_verified(tally::add{1})));
  det.advance(20s);
  det.steps().hold(work::read);
  auto silent = all.of("a").ask_verified(tally::read{});
  det.advance(15s);
  EXPECT_FALSE(silent.is_answered()) << "it was asked 15 s ago";
  det.advance(16s);
  ASSERT_TRUE(silent.is_answered());
  EXPECT_EQ(det.get(silent).error().code, errc::timeout);
  det.steps().release(work::read);
  EXPECT_EQ(det.get(all.of("a").ask_verified(tally::read{})), 100);
}

TEST_F(Growth, TheMailboxIsBoundedByBytesToo) {
  entities<tally> all{det, *store, {.mailbox_bytes_max = 100'000}};
  auto first = all.of("a").ask(tally::write_down{std::string(60'000, 'x')});
  auto second = all.of("a").ask(tally::write_down{std::string(60'000, 'x')});
  ASSERT_TRUE(second.is_answered()) << "at once";
  EXPECT_EQ(det.get(second).error().code, errc::overloaded);
  EXPECT_TRUE(det.get(first));
  EXPECT_TRUE(det.get(all.of("a").ask(tally::write_down{std::string(60'000, 'y')})));
}

TEST_F(Growth, ACommandLargerThanTheMailboxIsTooLargeAndNotToBeSentAgain) {
  entities<tally> all{det, *store, {.mailbox_bytes_max = 10'000}};
  const auto r = det.get(all.of("a").ask(tally::write_down{std::string(20'000, 'x')}));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::too_large);
  EXPECT_NE(r.error().message.find("tally|a"), std::string::npos) << r.error().message;
  EXPECT_NE(r.error().message.find("mailbox_bytes_max (10000)"), std::string::npos);
  const auto told = all.of("a").tell(tally::write_down{std::string(20'000, 'x')});
  EXPECT_EQ(told.error().code, errc::too_large);
}

TEST_F(Growth, ACommandLargerThanWhatMayBeUndurableIsHandledAlone) {
  entities<tally> all{det, *store, {.undurable_bytes_max = 1'000}};
  auto large = all.of("a").ask(tally::write_down{std::string(20'000, 'x')});
  auto small = all.of("a").ask(tally::add{1});
  auto larger = all.of("a").ask(tally::write_down{std::string(30'000, 'y')});
  EXPECT_TRUE(det.get(large));
  EXPECT_EQ(det.get(small), 1);
  EXPECT_TRUE(det.get(larger));
  EXPECT_EQ(det.get(all.of("a").ask(tally::read_text{})), std::string(30'000, 'y'));
}
