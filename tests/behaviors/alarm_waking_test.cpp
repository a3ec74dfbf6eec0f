// Entities whose alarms come due, in virtual time: one process.
#include <algorithm>

#include "alarm_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::testkit::fault;
using nexus::testkit::operation;

namespace {

struct AlarmWaking : alarm_test {
  alarm_process process{"memory:"};
  std::vector<entity_signal::kind> signals;
  std::vector<std::string> whys;

  entity_options listening(entity_options o = {}) {
    o.on_signal = [this](const entity_signal& s) {
      signals.push_back(s.what);
      if (s.what == entity_signal::kind::alarm_failed) whys.push_back(s.why.message);
    };
    return o;
  }
  [[nodiscard]] std::size_t failures() const { return whys.size(); }
};

}  // namespace

TEST_F(AlarmWaking, AnAlarmIsRunAtItsTimeAndNotBefore) {
  entities<hold> holds{process.sys, process.journal};
  process.reserve(holds, "a", 10s);
  process.advance(9'999ms);
  EXPECT_EQ(process.times_expired("a"), 0);
  process.advance(2ms);
  EXPECT_EQ(process.times_expired("a"), 1);
  process.advance(1h);
  EXPECT_EQ(process.times_expired("a"), 1);
  EXPECT_FALSE(process.alarm_of("a"));
  EXPECT_EQ(process.metric("nexus_alarms_fired_total"), 1);
  EXPECT_EQ(process.metric("nexus_alarms_failed_total"), 0);
  EXPECT_EQ(process.metric("nexus_alarm_lateness_seconds"), 1);
}

TEST_F(AlarmWaking, AnEarlierAlarmThatIsStoredLaterIsRunFirst) {
  entities<hold> holds{process.sys, process.journal};
  process.reserve(holds, "late", 10s);
  process.reserve(holds, "early", 3s);
  process.advance(3'001ms);
  EXPECT_EQ(process.times_expired("early"), 1);
  EXPECT_EQ(process.times_expired("late"), 0);
  process.advance(7s);
  EXPECT_EQ(process.times_expired("late"), 1);
}

TEST_F(AlarmWaking, APassiveEntityIsWokenAndPassivatesWhenItIsDone) {
  entities<hold> holds{process.sys, process.journal, {.passivate_after = 1s}};
  process.reserve(holds, "a", 10min);
  process.advance(5s);
  ASSERT_EQ(holds.live(), 0u);
  process.advance(10min);
  EXPECT_EQ(process.times_expired("a"), 1);
  EXPECT_EQ(holds.live(), 0u);
}

TEST_F(AlarmWaking, ADueTimeThatHasComeAlreadyIsRunAtOnceAgain) {
  entities<hold> holds{process.sys, process.journal, listening()};
  expiry = at_expiry::goes_on;
  process.reserve(holds, "a", 1s);
  process.advance(1'001ms);
  EXPECT_EQ(process.times_expired("a"), 1);
  EXPECT_GE(process.metric("nexus_alarms_fired_total"), 2);
  EXPECT_EQ(failures(), 0u);
}

TEST_F(AlarmWaking, AnAlarmThatFailsIsRetriedAfterGrowingPausesAndTold) {
  for (auto what :
       {at_expiry::refuses, at_expiry::does_nothing, at_expiry::throws, at_expiry::stashes}) {
    SCOPED_TRACE(static_cast<int>(what));
    alarm_process own{"memory:"};
    whys.clear();
    entities<hold> holds{own.sys, own.journal, listening()};
    expiry = what;
    own.reserve(holds, "a", 1s);
    own.advance(11s);
    EXPECT_GE(failures(), 5u);
    EXPECT_LE(failures(), 9u);
    ASSERT_FALSE(whys.empty());
    EXPECT_NE(whys.front().find("hold|a"), std::string::npos) << whys.front();
    EXPECT_EQ(own.metric("nexus_alarms_failed_total"), static_cast<double>(failures()));
    own.advance(1h);
    const auto before = failures();
    own.advance(1h);
    EXPECT_NEAR(static_cast<double>(failures() - before), 60, 15) << "about once a minute";
    expiry = at_expiry::expires;
    own.advance(73s);
    EXPECT_EQ(own.times_expired("a"), 1);
  }
}

TEST_F(AlarmWaking, ManyThatFailDoNotKeepOthersWaiting) {
  entities<hold> holds{process.sys, process.journal, {.recoveries_max = 2}};
  const auto now = process.sys.time().now();
  expiry = at_expiry::refuses;
  for (int i = 0; i < 50; ++i) process.left_by({{9}}, "bad" + std::to_string(i), now);
  process.beat({{9}}, "ended");
  process.advance(20s);
  EXPECT_GT(process.metric("nexus_alarms_failed_total"), 100);
  expiry = at_expiry::expires;
  process.reserve(holds, "good", 1s);
  process.advance(3s);
  EXPECT_EQ(process.times_expired("good"), 1);
  process.advance(80s);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(process.times_expired("bad" + std::to_string(i)), 1);
}

TEST_F(AlarmWaking, ManyOverdueAlarmsAreWorkedOffInOrderAFewAtATime) {
  {
    entities<hold> of_before{process.sys, process.journal};  // so that no id needs the first sweep
    process.advance(1s);
  }
  constexpr int count = 1'000;
  const auto now = process.sys.time().now();
  for (int i = 0; i < count; ++i) {
    process.left_by({{9}}, std::to_string(i), now - std::chrono::milliseconds{120'000 + i});
  }
  std::size_t awake = 0;
  std::size_t recovering_max = 0;
  std::vector<std::string> order;
  const auto listen = [&](const entity_signal& s) {
    if (s.what == entity_signal::kind::passivated) --awake;
    if (s.what != entity_signal::kind::recovered) return;
    ++awake;
    order.emplace_back(s.id);
  };
  entities<hold> holds{process.sys, process.journal, {.recoveries_max = 8, .on_signal = listen}};
  process.sys.stepping()->on_step([&](const std::string&) {
    recovering_max = std::max(recovering_max, holds.live() - std::min(awake, holds.live()));
  });
  process.advance(5s);
  process.sys.stepping()->on_step({});
  for (int i = 0; i < count; ++i) ASSERT_EQ(process.times_expired(std::to_string(i)), 1) << i;
  EXPECT_GE(recovering_max, 1u);
  EXPECT_LE(recovering_max, 4u) << "half of recoveries_max";
  ASSERT_EQ(order.size(), std::size_t{count});
  for (int i = 0; i < count; ++i) {
    const auto place = std::find(order.begin(), order.end(), "hold|" + std::to_string(i));
    EXPECT_NEAR(static_cast<double>(place - order.begin()), count - 1 - i, 8) << i;
  }
}

TEST_F(AlarmWaking, AlarmsThatAreNotDueCostNothing) {
  const auto now = process.sys.time().now();
  for (int i = 0; i < 5'000; ++i) process.left_by({{9}}, std::to_string(i), now + 24h);
  entities<hold> holds{process.sys, process.journal};
  process.advance(10s);
  const auto before = process.faults->calls(operation::read);
  process.advance(10min);
  // Each 5 s: what is due, and what is due next, which is another process's.
  EXPECT_LE(process.faults->calls(operation::read) - before, 3u * 120 + 20);
  EXPECT_EQ(process.metric("nexus_alarms_fired_total"), 0);
}

TEST_F(AlarmWaking, AnOutageHealsWithoutAnybodyAsking) {
  entities<hold> holds{process.sys, process.journal, {.passivate_after = 1s}};
  for (int i = 0; i < 100; ++i) process.reserve(holds, std::to_string(i), 5s);
  process.faults->inject(fault::fail, operation::read, testkit::faults::forever);
  process.faults->inject(fault::fail, operation::append, testkit::faults::forever);
  process.advance(10min);
  EXPECT_EQ(process.times_expired("0"), 0);
  process.faults->clear();
  process.advance(15s);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(process.times_expired(std::to_string(i)), 1) << i;
}

TEST_F(AlarmWaking, WritesThatFailForLongHealWithinSeconds) {
  entities<hold> holds{process.sys, process.journal};
  for (int i = 0; i < 10; ++i) process.reserve(holds, std::to_string(i), 1s);
  process.faults->inject(fault::fail, operation::append, testkit::faults::forever);
  process.advance(10min);
  EXPECT_EQ(process.times_expired("0"), 0);
  process.faults->clear();
  process.advance(15s);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(process.times_expired(std::to_string(i)), 1) << i;
}

TEST_F(AlarmWaking, ARowThatCannotBeReadDoesNotHoldUpTheOthers) {
  temporary_folder folder;
  alarm_process own{"sqlite:" + folder.path("alarms.db")};
  entities<hold> holds{own.sys, own.journal, {.passivate_after = 1s}};
  for (const char* id : {"a", "b", "c"}) own.reserve(holds, id, 20s);
  own.advance(5s);
  ASSERT_TRUE((*own.journal.sessions().borrow())
                  ->execute("UPDATE nexus_alarms SET writer_id = 'none' WHERE persistence_id = $1",
                            "hold|b"));
  own.advance(20s);
  EXPECT_EQ(own.times_expired("a"), 1);
  EXPECT_EQ(own.times_expired("c"), 1);
  EXPECT_EQ(own.times_expired("b"), 0);
  EXPECT_GE(own.metric("nexus_alarms_failed_total"), 1) << "it is counted";
  ASSERT_TRUE((*own.journal.sessions().borrow())
                  ->execute("DELETE FROM nexus_alarms WHERE persistence_id = $1", "hold|b"));
  EXPECT_TRUE(own.get(holds.of("b").ask(hold::times{}))) << "it is recovered";
  own.advance(1s);
  EXPECT_EQ(own.times_expired("b"), 1);
}

// -- clocks -----------------------------------------------------------------------------------

TEST_F(AlarmWaking, AClockThatIsSetForwardIsNoticedWithinASecond) {
  auto time = std::make_shared<manual_clock>(timestamp{100'000h});
  alarm_process own{"memory:", time};
  entities<hold> holds{own.sys, own.journal};
  own.reserve(holds, "a", 1h);
  own.advance(10min);
  EXPECT_EQ(own.times_expired("a"), 0) << "its clock stands still";
  time->advance(1h);
  own.advance(1s);
  EXPECT_EQ(own.times_expired("a"), 1);
}

TEST_F(AlarmWaking, AClockThatIsSetBackMakesItLate) {
  auto time = std::make_shared<manual_clock>(timestamp{100'000h});
  alarm_process own{"memory:", time};
  entities<hold> holds{own.sys, own.journal};
  own.reserve(holds, "a", 10s);
  time->advance(-1h);
  for (int i = 0; i < 20; ++i) {
    own.advance(1s);
    time->advance(1s);
  }
  EXPECT_EQ(own.times_expired("a"), 0);
  time->advance(1h);
  own.advance(1s);
  EXPECT_EQ(own.times_expired("a"), 1);
}

// -- several types, ends ----------------------------------------------------------------------

TEST_F(AlarmWaking, AlarmsOfATypeWithoutEntitiesAreCountedAndHoldUpNoOthers) {
  const auto now = process.sys.time().now();
  for (int i = 0; i < 600; ++i) process.left_by({{9}}, std::to_string(i), now - 2h, "gone");
  entities<hold> holds{process.sys, process.journal};
  process.reserve(holds, "a", 1s);
  process.advance(2s);
  EXPECT_EQ(process.times_expired("a"), 1);
  process.advance(70s);
  EXPECT_EQ(process.metric("nexus_alarms_unclaimed"), 600);
}

TEST_F(AlarmWaking, EntitiesThatAreMadeAgainFindTheirAlarms) {
  {
    entities<hold> holds{process.sys, process.journal};
    process.reserve(holds, "a", 10s);
  }
  process.advance(1min);
  EXPECT_EQ(process.times_expired("a"), 0);
  entities<hold> holds{process.sys, process.journal};
  process.advance(1ms);
  EXPECT_EQ(process.times_expired("a"), 1);
}

TEST_F(AlarmWaking, ASystemEndsWhileAlarmsAreRun) {
  for (int steps = 0; steps < 400; steps += 7) {
    alarm_process own{"memory:"};
    const auto now = own.sys.time().now();
    for (int i = 0; i < 20; ++i) own.left_by({{9}}, std::to_string(i), now - 2min);
    entities<hold> holds{own.sys, own.journal};
    for (int i = 0; i < steps && own.sys.stepping()->step(); ++i) {
    }
  }
}
