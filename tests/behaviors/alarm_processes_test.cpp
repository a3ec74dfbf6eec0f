// Alarms of several processes on one journal, in virtual time: who runs what, takeovers, sweeps.
#include <algorithm>

#include "alarm_fixture.hpp"
#include "snooze.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

const ulid dead{{9}};

/// hold, with a changed `alarm`: a grace of a second.
struct kinder_hold : hold {
  static constexpr std::uint32_t alarm_version = 2;
  using command = hold::command;
  using event = hold::event;
  using state = hold::state;
  static std::optional<nexus::alarm<kinder_hold>> alarm(const state& s) {
    if (s.until_us == 0) return std::nullopt;
    return nexus::alarm<kinder_hold>{at(s.until_us) + 1s, expire{}};
  }
  static auto decide(const state&, const reserve& c, const context& x) {
    return nexus::persist(reserved{us(x.now()) + 1'000 * c.ms});
  }
  static effect<kinder_hold> decide(const state&, const expire&, const context& x) {
    return nexus::persist(expired{us(x.now())});
  }
  static auto decide(const state& s, const expired_at&) { return nexus::reply(s.expired_us); }
  static auto decide(const state& s, const times&) { return nexus::reply(s.times); }
};

struct AlarmProcesses : alarm_test {
  temporary_folder folder;
  const std::string uri = "sqlite:" + folder.path("alarms.db") + "?synchronous=normal";

  // A system's time begins in 2000.
  static timestamp begin() {
    return timestamp{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}};
  }
};

void advance_both(alarm_process& a, alarm_process& b, std::chrono::milliseconds d) {
  for (; d > 0ms; d -= 100ms) {
    a.advance(std::min(d, 100ms));
    b.advance(std::min(d, 100ms));
  }
}

}  // namespace

TEST_F(AlarmProcesses, AnAlarmOutlivesItsProcess) {
  {
    alarm_process first{uri};
    entities<hold> holds{first.sys, first.journal};
    first.reserve(holds, "due", 2s);
    first.reserve(holds, "later", 20s);
    (void)first.sys.shutdown(10s);
  }
  alarm_process second{uri, std::make_shared<manual_clock>(begin() + 10s)};
  entities<hold> holds{second.sys, second.journal};
  second.advance(1ms);
  EXPECT_EQ(second.times_expired("due"), 1) << "at once, since the first one ended in order";
  EXPECT_EQ(second.times_expired("later"), 0);
}

TEST_F(AlarmProcesses, AShutdownEndsTheHeartbeatAndWakesNothingMore) {
  alarm_process first{uri};
  entities<hold> holds{first.sys, first.journal};
  first.reserve(holds, "a", 2s);
  first.advance(1s);
  EXPECT_EQ(first.heartbeat_of(first.sys.writer_id()), "2");
  const auto report = first.sys.shutdown(10s);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.drained);
  first.advance(1min);
  alarm_process second{uri};
  EXPECT_EQ(second.heartbeat_of(first.sys.writer_id()), "ended");
  EXPECT_EQ(second.times_expired("a"), 0);
}

TEST_F(AlarmProcesses, TheAlarmOfAProcessThatEndedInOrderIsRunAtItsTime) {
  {
    alarm_process first{uri};
    entities<hold> holds{first.sys, first.journal};
    first.reserve(holds, "a", 20s);
  }
  alarm_process second{uri};
  entities<hold> holds{second.sys, second.journal};
  second.advance(19'990ms);
  EXPECT_EQ(second.times_expired("a"), 0);
  second.advance(20ms);
  EXPECT_EQ(second.times_expired("a"), 1);
}

TEST_F(AlarmProcesses, TheAlarmOfAProcessThatCrashedIsRunWithinSeconds) {
  alarm_process process{uri};
  process.left_by(dead, "a", begin() - 10s);
  process.beat(dead, "41");
  entities<hold> holds{process.sys, process.journal};
  process.advance(4'900ms);
  EXPECT_EQ(process.times_expired("a"), 0) << "its heartbeat may go on";
  process.advance(2s);
  EXPECT_EQ(process.times_expired("a"), 1);
}

TEST_F(AlarmProcesses, SoIsOneOfAProcessWithoutAHeartbeat) {
  alarm_process process{uri};
  process.left_by(dead, "a", begin() - 10s);
  entities<hold> holds{process.sys, process.journal};
  process.advance(8s);
  EXPECT_EQ(process.times_expired("a"), 1);
}

TEST_F(AlarmProcesses, TheHeartbeatOfAnotherProcessKeepsItsAlarmsUntilTheyAreAMinuteOverdue) {
  alarm_process process{uri};
  process.left_by(dead, "a", begin() - 1s);
  entities<hold> holds{process.sys, process.journal};
  for (int s = 0; s < 58; ++s) {
    process.beat(dead, std::to_string(s));
    process.advance(1s);
  }
  EXPECT_EQ(process.times_expired("a"), 0);
  for (int s = 0; s < 8; ++s) {
    process.beat(dead, std::to_string(100 + s));
    process.advance(1s);
  }
  EXPECT_EQ(process.times_expired("a"), 1);
}

TEST_F(AlarmProcesses, OfTwoThatRunEachRunsItsOwnWithoutConflicts) {
  alarm_process a{uri};
  alarm_process b{uri};
  entities<hold> in_a{a.sys, a.journal};
  entities<hold> in_b{b.sys, b.journal};
  for (int i = 0; i < 20; ++i) a.reserve(in_a, "a" + std::to_string(i), 3s);
  for (int i = 0; i < 10; ++i) b.reserve(in_b, "b" + std::to_string(i), 3s);
  advance_both(a, b, 20s);
  EXPECT_EQ(a.metric("nexus_alarms_fired_total"), 20);
  EXPECT_EQ(b.metric("nexus_alarms_fired_total"), 10);
  EXPECT_EQ(a.metric("nexus_alarms_failed_total") + b.metric("nexus_alarms_failed_total"), 0);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(a.times_expired("a" + std::to_string(i)), 1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.times_expired("b" + std::to_string(i)), 1);
}

TEST_F(AlarmProcesses, WhenOneEndsInOrderTheOtherTakesOver) {
  auto a = std::make_unique<alarm_process>(uri);
  alarm_process b{uri};
  entities<hold> in_b{b.sys, b.journal};
  {
    entities<hold> in_a{a->sys, a->journal};
    for (int i = 0; i < 5; ++i) a->reserve(in_a, std::to_string(i), 3s);
    advance_both(*a, b, 1s);
  }
  a.reset();
  b.advance(2s);
  EXPECT_EQ(b.times_expired("0"), 0);
  b.advance(10s);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(b.times_expired(std::to_string(i)), 1);
}

TEST_F(AlarmProcesses, WhenOneHangsTheOtherTakesOverAndTheAppendFencesTheFirst) {
  alarm_process a{uri};
  alarm_process b{uri};
  entities<hold> in_a{a.sys, a.journal};
  entities<hold> in_b{b.sys, b.journal};
  a.reserve(in_a, "x", 3s);
  advance_both(a, b, 1s);
  b.advance(30s);  // and `a` does not move
  EXPECT_EQ(b.times_expired("x"), 1);
  a.advance(30s);
  EXPECT_EQ(b.times_expired("x"), 1) << "once";
  EXPECT_FALSE(b.alarm_of("x"));
}

TEST_F(AlarmProcesses, TheHeartbeatsOfLongAgoAreRemoved) {
  alarm_process process{uri};
  process.beat(dead, "41");
  process.beat({{8}}, "ended");
  entities<hold> holds{process.sys, process.journal};
  process.advance(4min);
  EXPECT_EQ(process.heartbeat_of(dead), "");
  EXPECT_EQ(process.heartbeat_of({{8}}), "");
  EXPECT_NE(process.heartbeat_of(process.sys.writer_id()), "");
}

// -- a changed alarm --------------------------------------------------------------------------

TEST_F(AlarmProcesses, ASweepStoresTheAlarmsThatAnOlderProgramDidNotKnow) {
  {
    alarm_process older{uri};
    entities<snooze<1>> all{older.sys, older.journal};
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(older.get(all.of(std::to_string(i)).ask(snooze<1>::set{30'000})));
    }
  }
  alarm_process newer{uri};
  entities<snooze<2>> all{newer.sys, newer.journal, {.passivate_after = 1h}};
  newer.advance(10s);
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(newer.alarm_of(std::to_string(i), "snooze")) << i;
  EXPECT_EQ(all.live(), 0u) << "they passivate when they are done";
  newer.advance(25s);
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(newer.get(all.of(std::to_string(i)).ask(snooze<2>::rings{})), 1) << i;
  }
}

TEST_F(AlarmProcesses, ASweepThatACrashEndedIsResumed) {
  {
    alarm_process older{uri};
    for (int i = 100; i < 700; ++i) {
      older.left_by(dead, std::to_string(i), begin() + 1h, "hold", false);
    }
    const auto place =
        std::string{
            "\x84\xA7version\x02\xA5"
            "after\xA3"
            "511\xA4"
            "done\xC2\xA6writer\xBA"} +
        dead.to_string();
    auto session = *older.journal.open_session();
    ASSERT_TRUE(session->documents()->put("nexus.alarm_sweeps",
                                          {"hold", "nexus.alarm_sweep", 1, "msgpack", place}));
    older.beat(dead, "ended");
  }
  alarm_process newer{uri};
  entities<kinder_hold> holds{newer.sys, newer.journal};
  newer.advance(30s);
  EXPECT_TRUE(newer.alarm_of("512"));
  EXPECT_TRUE(newer.alarm_of("599"));
  EXPECT_FALSE(newer.alarm_of("511")) << "done before the crash, as far as was stored";
}

TEST_F(AlarmProcesses, ASweepRetriesIdsThatFailAndThenEnds) {
  alarm_process process{uri};
  for (int i = 0; i < 50; ++i) {
    process.left_by(dead, std::to_string(i), begin() + 1h, "hold", false);
  }
  process.faults->inject(testkit::fault::fail, testkit::operation::append, 7);
  entities<kinder_hold> holds{process.sys, process.journal};
  process.advance(1min);
  for (int i = 0; i < 50; ++i) {
    const auto stored = process.alarm_of(std::to_string(i));
    ASSERT_TRUE(stored) << i;
    EXPECT_EQ(stored->due, begin() + 1h + 1s);
  }
}
