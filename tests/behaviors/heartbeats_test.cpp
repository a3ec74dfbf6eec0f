// Which writers have stopped, by the values of their heartbeats and this process's clock.
#include "heartbeats.hpp"

#include <gtest/gtest.h>

using namespace nexus;
using namespace nexus::detail;
using namespace std::chrono_literals;

namespace {

const ulid own{{1}};
const ulid other{{2}};
const ulid third{{3}};

struct Heartbeats : testing::Test {
  alarm_times times;
  heartbeats all{times, own};
  steady_time now = steady_time{} + 1h;

  std::vector<ulid> see(std::vector<heartbeat> read) { return all.saw(read, now); }
};

}  // namespace

TEST_F(Heartbeats, OwnAlarmsRunHere) {
  EXPECT_TRUE(all.runs_here(own));
  EXPECT_FALSE(all.runs_here(other));
}

TEST_F(Heartbeats, AValueThatChangesIsAlive) {
  for (int n = 0; n < 100; ++n) {
    (void)see({{other, std::to_string(n)}});
    EXPECT_FALSE(all.runs_here(other));
    now += 4s;
  }
  EXPECT_FALSE(all.found_stopped());
}

TEST_F(Heartbeats, AValueThatIsUnchangedForFiveSecondsHasStopped) {
  (void)see({{other, "7"}});
  now += 4'999ms;
  (void)see({{other, "7"}});
  EXPECT_FALSE(all.runs_here(other));
  now += 1ms;
  (void)see({{other, "7"}});
  EXPECT_TRUE(all.runs_here(other));
  EXPECT_TRUE(all.found_stopped());
  EXPECT_FALSE(all.found_stopped()) << "told once";
}

TEST_F(Heartbeats, AWriterWithoutAHeartbeatIsWatchedForFiveSeconds) {
  all.watch(other, now);
  (void)see({});
  EXPECT_FALSE(all.runs_here(other));
  now += 5s;
  (void)see({});
  EXPECT_TRUE(all.runs_here(other));
}

TEST_F(Heartbeats, AnOrderlyEndIsKnownAtOnce) {
  (void)see({{other, "7"}});
  (void)see({{other, "ended"}});
  EXPECT_TRUE(all.runs_here(other));
}

TEST_F(Heartbeats, OneThatAnotherProcessRemovedHasStopped) {
  (void)see({{other, "7"}});
  (void)see({});
  EXPECT_TRUE(all.runs_here(other));
}

TEST_F(Heartbeats, OneThatGoesOnIsAliveAgain) {
  (void)see({{other, "7"}});
  now += 5s;
  (void)see({{other, "7"}});
  ASSERT_TRUE(all.runs_here(other));
  (void)see({{other, "8"}});
  EXPECT_FALSE(all.runs_here(other));
}

TEST_F(Heartbeats, OneThatIsUnchangedForAMinuteIsRemovedAndRemembered) {
  EXPECT_TRUE(see({{other, "7"}, {own, "1"}}).empty());
  now += 59s;
  EXPECT_TRUE(see({{other, "7"}, {own, "1"}}).empty());
  now += 1s;
  EXPECT_EQ(see({{other, "7"}, {own, "1"}}), std::vector{other}) << "never the own one";
  (void)see({{own, "1"}});
  EXPECT_TRUE(all.runs_here(other));
}

TEST_F(Heartbeats, AreWatchedOnlyWhileThereIsAReason) {
  EXPECT_FALSE(all.watches(now));
  all.watch(other, now);
  EXPECT_TRUE(all.watches(now));
  now += 1min;
  EXPECT_FALSE(all.watches(now));
  all.watch(own, now);
  EXPECT_FALSE(all.watches(now));
}

TEST_F(Heartbeats, AWriterThatIsMetIsWatchedUntilItIsKnown) {
  (void)see({{third, "1"}});
  all.meet(other, now);
  EXPECT_TRUE(all.watches(now));
  now += 1min;
  EXPECT_FALSE(all.watches(now));
  all.meet(third, now);
  EXPECT_TRUE(all.watches(now)) << "one value says nothing";
  now += 1min;
  (void)see({{third, "2"}});
  all.meet(third, now);
  EXPECT_FALSE(all.watches(now)) << "it goes on";
}

// A process that was held up for long reads one value only: it proves nothing about the time before.
TEST_F(Heartbeats, AValueThatDiffersFromOneReadLongAgoIsAlive) {
  (void)see({{other, "7"}});
  now += 1h;
  (void)see({{other, "5000"}});
  EXPECT_FALSE(all.runs_here(other));
}

TEST_F(Heartbeats, AreRememberedUpToABound) {
  times.writers_max = 100;
  for (int n = 0; n < 10'000; ++n) {
    ulid writer{};
    writer.bytes[14] = static_cast<std::uint8_t>(n / 256);
    writer.bytes[15] = static_cast<std::uint8_t>(n % 256);
    writer.bytes[0] = 9;
    all.meet(writer, now);
    EXPECT_LE(all.size(), 100u);
  }
}
