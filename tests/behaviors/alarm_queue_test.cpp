// Which entity is woken, how many at a time, and what becomes of one whose alarm fails.
#include "alarm_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

using namespace nexus;
using namespace nexus::detail;
using namespace std::chrono_literals;

namespace {

const ulid own{{1}};
const ulid other{{2}};

timestamp at(std::int64_t ms) { return timestamp{std::chrono::milliseconds{ms}}; }
persistence_id id(int n) { return *persistence_id::make("hold", std::to_string(n)); }

struct AlarmQueue : testing::Test {
  alarm_times times = [] {
    alarm_times t;
    t.in_flight_max = 8;
    t.retries_max = 4;
    return t;
  }();
  heartbeats writers{times, own};
  moment now{at(1'000'000), steady_time{} + 1h};
  std::set<persistence_id> live;
  std::unique_ptr<alarm_queue> queue = std::make_unique<alarm_queue>(times, "hold", 4);
  using kind = alarm_queue::verdict::kind;

  /// The answer to the queue's next read.
  void read(std::vector<stored_alarm> rows) {
    ASSERT_TRUE(queue->scan().next_read(now));
    queue->scan().took({1, std::move(rows), {}}, now, [](const auto&) { return true; });
  }
  std::vector<stored_alarm> due(int n, const ulid& writer = own, int from = 0) {
    std::vector<stored_alarm> made;
    for (int i = from; i < from + n; ++i) made.push_back({id(i), at(900'000 + i), writer});
    return made;
  }
  std::vector<persistence_id> woken() {
    std::vector<persistence_id> made;
    const auto is_live = [&](const persistence_id& one) { return live.contains(one); };
    while (auto row = queue->next(now, writers, is_live)) made.push_back(row->id);
    return made;
  }
  void pass_time(std::chrono::milliseconds d) {
    now.wall += d;
    now.steady += d;
  }
  alarm_queue::verdict answer(const persistence_id& one, alarm_queue::answer got) {
    return queue->answered(one, got, now.steady, 512);
  }
  alarm_queue::verdict fails(int n) {
    return answer(id(n), {.due = at(900'000 + n), .known = true});
  }
};

}  // namespace

TEST_F(AlarmQueue, EntitiesThatAreNotLiveAreStartedAFewAtATime) {
  read(due(10));
  EXPECT_EQ(woken(), (std::vector{id(0), id(1), id(2), id(3)}));
  EXPECT_EQ(answer(id(0), {.known = true}).what, kind::fired);
  EXPECT_EQ(woken(), std::vector{id(4)});
}

TEST_F(AlarmQueue, AnEntityThatHasRecoveredMakesRoomForTheNextOneWhileItsAppendIsInFlight) {
  read(due(10));
  EXPECT_EQ(woken().size(), 4U);
  EXPECT_TRUE(queue->recovered(id(0)));
  EXPECT_FALSE(queue->recovered(id(0))) << "twice";
  EXPECT_FALSE(queue->recovered(id(9))) << "not woken";
  EXPECT_EQ(woken(), std::vector{id(4)});
  EXPECT_EQ(answer(id(0), {.known = true}).what, kind::fired);
  EXPECT_TRUE(woken().empty()) << "four are recovering";
  EXPECT_EQ(answer(id(1), {.known = true}).what, kind::fired);
  EXPECT_EQ(woken(), std::vector{id(5)});
}

TEST_F(AlarmQueue, LiveEntitiesDoNotCountAsStartedAndAreBoundedToo) {
  for (int n = 0; n < 10; ++n) live.insert(id(n));
  read(due(10));
  EXPECT_EQ(woken().size(), times.in_flight_max);
  EXPECT_TRUE(woken().empty());
}

TEST_F(AlarmQueue, AFiringIsOverWhenTheStoredDueTimeBecameLaterOrWent) {
  struct {
    alarm_queue::answer got;
    kind is;
  } const rows[] = {
      {{.due = std::nullopt, .known = true}, kind::fired},
      {{.due = at(900'001), .known = true}, kind::fired},
      {{.due = at(2'000'000), .known = true, .why = errc::rejected}, kind::fired},
      {{.due = at(900'000), .known = true}, kind::failed},
      {{.due = at(899'999), .known = true}, kind::failed},
      {{.due = std::nullopt, .known = false, .why = errc::unavailable}, kind::failed},
      {{.due = std::nullopt, .known = false, .why = errc::overloaded}, kind::failed},
      {{.why = errc::overloaded, .busy = true}, kind::again},
      {{.due = std::nullopt, .known = false, .why = errc::stopped}, kind::again},
  };
  for (const auto& row : rows) {
    queue = std::make_unique<alarm_queue>(times, "hold", 4);
    read(due(1));
    ASSERT_EQ(woken().size(), 1u);
    EXPECT_EQ(answer(id(0), row.got).what, row.is) << static_cast<int>(row.got.why);
  }
}

TEST_F(AlarmQueue, ADueTimeThatHasComeAlreadyIsReadAgainAtOnce) {
  read(due(1));
  ASSERT_EQ(woken().size(), 1u);
  EXPECT_FALSE(queue->scan().next_read(now));
  answer(id(0), {.due = at(950'000), .known = true});
  auto next = queue->scan().next_read(now);
  ASSERT_TRUE(next);
  EXPECT_LT(next->after->due, at(950'000));
}

TEST_F(AlarmQueue, AFailureIsRetriedAfterPausesThatGrowToAMinute) {
  read(due(1));
  ASSERT_EQ(woken().size(), 1u);
  std::chrono::nanoseconds last{};
  for (unsigned n = 1; n <= 15; ++n) {
    EXPECT_EQ(fails(0).failures, n);
    const auto begun = now.steady;
    std::vector<std::string> ids;
    while (ids.empty()) {
      now.steady = queue->next_wake().steady;
      if (queue->scan().next_read(now)) {  // a look at everything
        queue->scan().took({1, due(1), {}}, now, [](const auto&) { return true; });
      }
      EXPECT_TRUE(woken().empty()) << "its retry is not read yet";
      ids = queue->next_retries(now.steady);
    }
    EXPECT_GE(now.steady - begun, last);
    EXPECT_LE(now.steady - begun, times.retry_max);
    last = now.steady - begun;
    ASSERT_EQ(ids, std::vector{id(0).str()});
    queue->took_retries(ids, due(1));
    ASSERT_EQ(woken(), std::vector{id(0)});
  }
  EXPECT_GT(last, 47s);
  EXPECT_EQ(answer(id(0), {.known = true}).what, kind::fired);
  EXPECT_EQ(queue->overdue(), 0u);
}

TEST_F(AlarmQueue, ARetryWhoseAlarmWentMeanwhileIsForgotten) {
  read(due(1));
  ASSERT_EQ(woken().size(), 1u);
  fails(0);
  pass_time(1s);
  const auto ids = queue->next_retries(now.steady);
  queue->took_retries(ids, {});
  EXPECT_TRUE(woken().empty());
  EXPECT_EQ(queue->overdue(), 0u);
}

TEST_F(AlarmQueue, ARetryThatCannotBeReadComesLater) {
  read(due(1));
  ASSERT_EQ(woken().size(), 1u);
  fails(0);
  pass_time(1s);
  const auto ids = queue->next_retries(now.steady);
  queue->retries_failed(ids, now.steady);
  EXPECT_TRUE(queue->next_retries(now.steady).empty());
  pass_time(4s);
  EXPECT_EQ(queue->next_retries(now.steady), ids);
}

TEST_F(AlarmQueue, OthersAreWokenThoughAsManyFailAsAreRemembered) {
  read(due(10));
  EXPECT_EQ(woken().size(), 4u);
  for (int n = 0; n < 4; ++n) EXPECT_TRUE(fails(n).remembered);
  EXPECT_TRUE(queue->many_fail());
  EXPECT_EQ(woken(), (std::vector{id(4), id(5), id(6), id(7)}));
  const auto is = fails(4);
  EXPECT_EQ(is.what, kind::failed);
  EXPECT_FALSE(is.remembered);
  EXPECT_EQ(answer(id(5), {.known = true}).what, kind::fired);
  EXPECT_EQ(woken(), (std::vector{id(8), id(9)}));
  pass_time(1s);
  EXPECT_EQ(queue->next_retries(now.steady).size(), 4u) << "and no more";
}

TEST_F(AlarmQueue, AForgottenFailureIsWokenAgainByTheNextLookAtEverythingAndNotBefore) {
  read(due(5));
  EXPECT_EQ(woken().size(), 4u);
  for (int n = 0; n < 4; ++n) fails(n);
  EXPECT_EQ(woken(), std::vector{id(4)});
  fails(4);
  pass_time(times.look_every - 1ms);
  EXPECT_FALSE(queue->scan().next_read(now));
  pass_time(1ms);
  read(due(5));
  EXPECT_EQ(woken(), std::vector{id(4)}) << "the others wait for their own retries";
}

TEST_F(AlarmQueue, RetriesDoNotKeepOthersFromBeingWoken) {
  read(due(10));
  EXPECT_EQ(woken().size(), 4u);
  for (int n = 0; n < 3; ++n) fails(n);
  pass_time(1s);
  const auto ids = queue->next_retries(now.steady);
  queue->took_retries(ids, due(3));
  const auto next = woken();
  ASSERT_EQ(next.size(), 3u);
  EXPECT_NE(std::find(next.begin(), next.end(), id(4)), next.end());
}

TEST_F(AlarmQueue, AnEntityThatStopsFirstIsWokenAgainAtOnceAndThenAfterPauses) {
  read(due(1));
  const alarm_queue::answer stopped{.why = errc::stopped};
  ASSERT_EQ(woken().size(), 1u);
  EXPECT_EQ(answer(id(0), stopped).what, kind::again);
  ASSERT_EQ(woken().size(), 1u) << "at once";
  for (unsigned n = 1; n < times.stops_max; ++n) {
    EXPECT_EQ(answer(id(0), stopped).what, kind::again) << n;
    EXPECT_TRUE(woken().empty()) << "the old incarnation may take a while to end";
    pass_time(1s);
    queue->took_retries(queue->next_retries(now.steady), due(1));
    ASSERT_EQ(woken().size(), 1u) << n;
  }
  const auto is = answer(id(0), stopped);
  EXPECT_EQ(is.what, kind::failed) << "it is told";
  EXPECT_EQ(is.failures, times.stops_max);
}

TEST_F(AlarmQueue, TheReturnOfTheStorageEndsThePausesThatItCausedWithinASecond) {
  read(due(4));
  ASSERT_EQ(woken().size(), 4u);
  const alarm_queue::answer no_storage{.why = errc::unavailable};
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(answer(id(n), no_storage).of_storage);
  EXPECT_FALSE(fails(3).of_storage);
  for (int failures = 0; failures < 9; ++failures) {
    pass_time(1min);
    queue->took_retries(queue->next_retries(now.steady), due(4));
    for (std::vector<persistence_id> some = woken(); !some.empty(); some = woken()) {
      for (const auto& one : some) one == id(3) ? fails(3) : answer(one, no_storage);
    }
  }
  std::uint64_t draw = 0;
  queue->hurry(now.steady, [&] { return draw += 100; });
  pass_time(1s);
  EXPECT_EQ(queue->next_retries(now.steady).size(), 3u) << "one was refused, which goes on";
}

TEST_F(AlarmQueue, WhileOnlyAppendsFailOneIdIsTriedEveryFewSeconds) {
  read(due(4));
  ASSERT_EQ(woken().size(), 4u);
  const alarm_queue::answer no_storage{.why = errc::unavailable};
  for (int n = 0; n < 4; ++n) answer(id(n), no_storage);
  std::map<std::string, int> tries;
  const auto end = now.steady + 10min;
  while (now.steady < end) {
    pass_time(100ms);
    if (const auto ids = queue->next_retries(now.steady); !ids.empty()) {
      queue->took_retries(ids, due(4));
    }
    for (const auto& one : woken()) {
      ++tries[one.str()];
      answer(one, no_storage);
    }
  }
  EXPECT_GE(tries[id(0).str()], 150) << "every 3 s";
  EXPECT_LE(tries[id(0).str()], 300);
  for (int n = 1; n < 4; ++n) EXPECT_LE(tries[id(n).str()], 30) << n;
}

TEST_F(AlarmQueue, AnAlarmOfAnotherProcessRunsWhenItsHeartbeatHasStopped) {
  now.wall = at(930'000);
  read(due(2, other));
  EXPECT_TRUE(woken().empty());
  EXPECT_TRUE(writers.watches(now.steady));
  const heartbeat ended{other, std::string{heartbeats::ended}};
  (void)writers.saw({&ended, 1}, now.steady);
  queue->scan().look_at_all();
  read(due(2, other));
  EXPECT_EQ(woken().size(), 2u);
}

TEST_F(AlarmQueue, AnAlarmThatIsAMinuteOverdueRunsAnywhere) {
  now.wall = at(900'000) + 59'999ms;
  read(due(1, other));
  EXPECT_TRUE(woken().empty());
  pass_time(1ms);
  queue->scan().look_at_all();
  read(due(1, other));
  EXPECT_EQ(woken().size(), 1u);
}

TEST_F(AlarmQueue, AnAlarmReadBeforeTheClockWasSetBackWaits) {
  read(due(1));
  now.wall = at(800'000);
  EXPECT_TRUE(woken().empty());
  EXPECT_EQ(queue->scan().planned(), at(900'000));
}
