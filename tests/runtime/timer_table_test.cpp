#include <gtest/gtest.h>

#include <nexus/detail/timer_table.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using nexus::timer_rule;
using nexus::timer_table;
using table = timer_table<int>;

namespace {

constexpr table::time_point at(std::chrono::nanoseconds t) { return table::time_point{1h} + t; }

timer_rule once(std::chrono::nanoseconds t) { return {at(t)}; }
timer_rule rate(std::chrono::nanoseconds every) {
  return {at(every), timer_rule::kind::fixed_rate, every};
}
timer_rule delay(std::chrono::nanoseconds every) {
  return {at(every), timer_rule::kind::fixed_delay, every};
}

/// The timers that fire at `t`, each done at once.
std::vector<int> fired(table& timers, std::chrono::nanoseconds t) {
  std::vector<int> all;
  while (auto due = timers.fire(at(t))) {
    all.push_back(due->what);
    timers.done(std::move(*due), at(t));
  }
  return all;
}

}  // namespace

static_assert(sizeof(table) == sizeof(void*));

TEST(TimerTable, NothingIsDueBeforeItsTime) {
  table timers;
  EXPECT_TRUE(timers.empty());
  EXPECT_EQ(timers.next(), std::nullopt);
  timers.set("a", once(2s), 1);
  EXPECT_EQ(timers.next(), at(2s));
  EXPECT_EQ(fired(timers, 1999ms), std::vector<int>{});
  EXPECT_TRUE(timers.active("a"));
  EXPECT_EQ(fired(timers, 2s), std::vector{1});
  EXPECT_FALSE(timers.active("a"));
  EXPECT_TRUE(timers.empty());
}

TEST(TimerTable, TimersFireByDueTimeAndThenInTheOrderOfSetting) {
  table timers;
  timers.set("late", once(2s), 1);
  timers.set("z", once(1s), 2);
  timers.set("a", once(1s), 3);
  EXPECT_EQ(fired(timers, 5s), (std::vector{2, 3, 1}));
}

TEST(TimerTable, TheSameKeyReplaces) {
  table timers;
  timers.set("a", once(1s), 1);
  timers.set("a", once(3s), 2);
  EXPECT_EQ(timers.next(), at(3s));
  EXPECT_EQ(fired(timers, 2s), std::vector<int>{});
  EXPECT_EQ(fired(timers, 3s), std::vector{2});
}

TEST(TimerTable, ACancelledTimerDoesNotFire) {
  table timers;
  timers.set("a", once(1s), 1);
  timers.set("b", once(1s), 2);
  EXPECT_TRUE(timers.cancel("a"));
  EXPECT_FALSE(timers.cancel("a"));
  EXPECT_EQ(fired(timers, 1s), std::vector{2});
  timers.set("a", rate(1s), 1);
  timers.clear();
  EXPECT_FALSE(timers.cancel("a"));
  EXPECT_EQ(fired(timers, 100s), std::vector<int>{});
}

TEST(TimerTable, AFixedRateKeepsItsPhase) {
  table timers;
  timers.set("a", rate(1s), 1);
  EXPECT_EQ(fired(timers, 1700ms), std::vector{1});
  EXPECT_EQ(timers.next(), at(2s));
  EXPECT_EQ(fired(timers, 4s), (std::vector{1, 1, 1}));
  EXPECT_EQ(timers.next(), at(5s));
}

TEST(TimerTable, AFixedRateThatIsVeryLateSkipsAndKeepsItsPhase) {
  table timers;
  timers.set("a", rate(1s), 1);
  EXPECT_EQ(fired(timers, 100'500ms).size(), 1 + table::made_up_max);
  EXPECT_EQ(timers.next(), at(101s));
}

TEST(TimerTable, AFixedDelayCountsFromWhenItWasDone) {
  table timers;
  timers.set("a", delay(1s), 1);
  auto due = timers.fire(at(1s));
  ASSERT_TRUE(due);
  EXPECT_EQ(timers.next(), std::nullopt);
  EXPECT_TRUE(timers.active("a"));
  timers.done(std::move(*due), at(1500ms));
  EXPECT_EQ(timers.next(), at(2500ms));
}

TEST(TimerTable, OneThatIsCancelledWhileItRunsIsNotSetAgain) {
  for (auto rule : {rate(1s), delay(1s)}) {
    table timers;
    timers.set("a", rule, 1);
    auto due = timers.fire(at(1s));
    ASSERT_TRUE(due);
    EXPECT_TRUE(timers.cancel("a"));
    EXPECT_TRUE(timers.empty());
    timers.done(std::move(*due), at(1s));
    EXPECT_EQ(timers.next(), std::nullopt);
  }
}

TEST(TimerTable, OneThatIsReplacedWhileItRunsGivesWay) {
  for (auto rule : {rate(1s), delay(1s)}) {
    table timers;
    timers.set("a", rule, 1);
    auto due = timers.fire(at(1s));
    ASSERT_TRUE(due);
    timers.cancel("a");  // the table is empty then
    timers.set("a", rate(5s), 2);
    timers.done(std::move(*due), at(1s));
    EXPECT_EQ(timers.next(), at(5s));
    EXPECT_EQ(fired(timers, 5s), std::vector{2});
  }
}

TEST(TimerTable, OneSetUnderItsKeyWhileASingleOneRunsStays) {
  table timers;
  timers.set("a", once(1s), 1);
  auto due = timers.fire(at(1s));
  ASSERT_TRUE(due);
  EXPECT_FALSE(timers.active("a"));
  timers.set("a", once(2s), 2);
  timers.done(std::move(*due), at(1s));
  EXPECT_EQ(fired(timers, 2s), std::vector{2});
}

TEST(TimerTable, AWaitingOneIsFoundUnderItsKey) {
  table timers;
  EXPECT_EQ(timers.find("a"), nullptr);
  timers.set("a", once(1s), 1);
  timers.set("b", once(2s), 2);
  EXPECT_EQ(timers.size(), 2u);
  timers.set("a", once(3s), 3);
  ASSERT_NE(timers.find("a"), nullptr);
  EXPECT_EQ(*timers.find("a"), 3);
  EXPECT_EQ(timers.size(), 2u) << "replaced";
  timers.cancel("b");
  EXPECT_EQ(timers.find("b"), nullptr);
}
