// The sweep after a change of alarm_version: what is asked, how far it is stored, and who sweeps.
#include "alarm_sweep.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace nexus;
using namespace nexus::detail;
using namespace std::chrono_literals;

namespace {

const ulid own{{1}};
const ulid other{{2}};

persistence_id id(int n) {
  return *persistence_id::make("hold", std::string(1, static_cast<char>('a' + n)));
}

struct AlarmSweep : testing::Test {
  alarm_times times = [] {
    alarm_times t;
    t.sweep_rows = 4;
    t.sweep_failing_max = 3;
    return t;
  }();
  heartbeats writers{times, own};
  heartbeats* known = &writers;
  steady_time now = steady_time{} + 1h;
  alarm_sweep sweep{times, 2, own, 2};
  sweep_progress stored;  // in the database
  int ids = 10;
  std::vector<persistence_id> asked;
  std::vector<std::string> places;  // stored one after the other
  std::set<persistence_id> failing;

  using todo = alarm_sweep::todo;

  /// Does what there is to do now; false if there was nothing.
  bool step(alarm_sweep& of) {
    switch (of.next(now)) {
      case todo::load:
        of.loaded(stored, now, *known);
        return true;
      case todo::save:
        if (stored != of.stored()) {
          of.loaded(stored, now, *known);
        } else {
          stored = of.wanted();
          places.push_back(stored.done ? "done" : stored.after);
          of.saved();
        }
        return true;
      case todo::page: {
        std::vector<persistence_id> page;
        for (int n = 0; n < ids && page.size() < times.sweep_rows; ++n) {
          if (id(n).id() > of.after()) page.push_back(id(n));
        }
        of.took(page);
        return true;
      }
      case todo::nothing:
        break;
    }
    std::vector<persistence_id> next;
    while (auto one = of.next_id(now)) next.push_back(*one);
    EXPECT_LE(next.size(), 2u) << "in flight";
    for (const auto& one : next) {
      asked.push_back(one);
      (void)of.answered(one, !failing.contains(one), now, 512);
    }
    return !next.empty();
  }
  void run(alarm_sweep& of) {
    while (step(of)) {
    }
  }
  int times_asked(int n) const {
    return static_cast<int>(std::count(asked.begin(), asked.end(), id(n)));
  }
};

}  // namespace

TEST_F(AlarmSweep, AsksEveryIdOnceAndStoresItsPlaceAfterEachPage) {
  run(sweep);
  EXPECT_TRUE(sweep.over());
  ASSERT_EQ(asked.size(), 10u);
  for (int n = 0; n < 10; ++n) EXPECT_EQ(asked[static_cast<std::size_t>(n)], id(n));
  EXPECT_EQ(places, (std::vector<std::string>{"", "d", "h", "done"}));
  EXPECT_EQ(stored, (sweep_progress{2, {}, true, own}));
}

TEST_F(AlarmSweep, OfATypeWithoutIdsIsDoneAtOnce) {
  ids = 0;
  run(sweep);
  EXPECT_TRUE(sweep.over());
  EXPECT_TRUE(stored.done);
}

TEST_F(AlarmSweep, TheFirstAlarmOfABehaviorIsSweptToo) {
  stored.version = 0;
  alarm_sweep first{times, 1, own, 2};
  run(first);
  EXPECT_EQ(asked.size(), 10u);
  EXPECT_EQ(stored, (sweep_progress{1, {}, true, own}));
}

TEST_F(AlarmSweep, ADatabaseWithoutDocumentsSweepsNothing) {
  alarm_sweep first{times, 1, own, 2};
  run(first);
  EXPECT_TRUE(first.over());
  EXPECT_TRUE(places.empty());
}

TEST_F(AlarmSweep, IsNotRepeated) {
  run(sweep);
  asked.clear();
  alarm_sweep again{times, 2, other, 2};
  run(again);
  EXPECT_TRUE(again.over());
  EXPECT_TRUE(asked.empty());
}

TEST_F(AlarmSweep, AnOlderProcessDoesNotSweep) {
  stored = {3, {}, true, other};
  run(sweep);
  EXPECT_TRUE(sweep.over());
  EXPECT_TRUE(sweep.outdated());
  EXPECT_TRUE(asked.empty());
}

TEST_F(AlarmSweep, AfterACrashGoesOnWhereItWas) {
  while (stored.after != "d") ASSERT_TRUE(step(sweep));
  asked.clear();
  const ulid next_own{{7}};
  heartbeats next_writers{times, next_own};
  const heartbeat ended{own, "ended"};
  (void)next_writers.saw({&ended, 1}, now);
  known = &next_writers;
  alarm_sweep resumed{times, 2, next_own, 2};
  run(resumed);
  EXPECT_TRUE(resumed.over());
  EXPECT_EQ(asked.size(), 6u);
  EXPECT_EQ(asked.front(), id(4));
}

TEST_F(AlarmSweep, OneOfAnEarlierVersionBeginsFromTheStart) {
  stored = {2, "h", false, own};
  alarm_sweep third{times, 3, own, 2};
  run(third);
  EXPECT_EQ(asked.size(), 10u);
  EXPECT_EQ(stored.version, 3u);
}

TEST_F(AlarmSweep, IsLeftToALiveProcessThatHasBegunIt) {
  stored = {2, "d", false, other};
  run(sweep);
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(sweep.next_wake(), now + 5s);
  EXPECT_TRUE(writers.watches(now));
  const heartbeat stopped{other, "7"};
  (void)writers.saw({&stopped, 1}, now);
  now += 5s;
  (void)writers.saw({&stopped, 1}, now);
  run(sweep);
  EXPECT_TRUE(sweep.over());
  EXPECT_EQ(asked.size(), 6u);
}

TEST_F(AlarmSweep, OfTwoProcessesThatBeginAtOnceOneSweeps) {
  heartbeats of_other{times, other};
  alarm_sweep second{times, 2, other, 2};
  (void)step(sweep);  // both load
  known = &of_other;
  (void)step(second);
  known = &writers;
  (void)step(sweep);  // the first one stores that it begins
  known = &of_other;
  (void)step(second);  // finds that
  EXPECT_EQ(second.next(now), todo::nothing);
  EXPECT_FALSE(second.over());
  known = &writers;
  run(sweep);
  known = &of_other;
  now = second.next_wake();
  run(second);
  EXPECT_TRUE(second.over());
  EXPECT_EQ(asked.size(), 10u);
}

TEST_F(AlarmSweep, AnIdThatFailsIsRetriedAndNotPassedBefore) {
  failing = {id(5)};
  run(sweep);
  EXPECT_FALSE(sweep.over());
  EXPECT_EQ(stored.after, "d") << "the page before the failing id";
  EXPECT_EQ(times_asked(9), 1) << "the others are asked";
  EXPECT_EQ(times_asked(5), 1);
  now = sweep.next_wake();
  run(sweep);
  EXPECT_EQ(times_asked(5), 2);
  failing.clear();
  now = sweep.next_wake();
  run(sweep);
  EXPECT_TRUE(sweep.over());
  EXPECT_TRUE(stored.done);
}

TEST_F(AlarmSweep, ManyIdsThatFailHoldItUp) {
  for (int n = 0; n < 10; ++n) failing.insert(id(n));
  run(sweep);
  EXPECT_EQ(asked.size(), 4u) << "a page";
  failing.clear();
  while (!sweep.over()) {
    now = sweep.next_wake();
    run(sweep);
  }
  EXPECT_TRUE(stored.done);
}

TEST_F(AlarmSweep, AStorageThatFailsIsAskedAgainAfterAPause) {
  for (int n = 0; n < 3; ++n) {
    ASSERT_EQ(sweep.next(now), todo::load);
    sweep.failed(now, 0);
    EXPECT_EQ(sweep.next(now), todo::nothing);
    now = sweep.next_wake();
  }
  run(sweep);
  EXPECT_TRUE(sweep.over());
}
