// What is read, in which order, and when next: the scan of due alarms against a table in memory.
#include "alarm_scan.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

using namespace nexus;
using namespace nexus::detail;
using namespace std::chrono_literals;

namespace {

const ulid own{{1}};
const ulid other{{2}};

timestamp at(std::int64_t ms) { return timestamp{std::chrono::milliseconds{ms}}; }
persistence_id id(int n) { return *persistence_id::make("hold", std::to_string(n)); }
stored_alarm row(int n, std::int64_t ms, const ulid& writer = own) {
  return {id(n), at(ms), writer};
}

/// A table of alarms, read as a session reads it.
struct table {
  std::map<std::uint32_t, std::set<std::pair<timestamp, int>>> rows;  // by strand
  std::map<int, ulid> writers;
  int reads = 0;

  void put(int n, std::int64_t ms, const ulid& writer = own, std::uint32_t strand = 0) {
    rows[strand].emplace(at(ms), n);
    writers[n] = writer;
  }
  void drop(const stored_alarm& one) {
    for (auto& [strand, all] : rows) all.erase({one.due, std::stoi(std::string{one.id.id()})});
  }
  std::vector<stored_alarm> past(std::uint32_t strand, const std::optional<stored_alarm>& after,
                                 timestamp until, std::size_t max) {
    std::vector<stored_alarm> found;
    for (const auto& [due, n] : rows[strand]) {
      const stored_alarm one{id(n), due, writers[n]};
      const bool passed = after && (due < after->due || (due == after->due && one.id <= after->id));
      if (!passed && due <= until && found.size() < max) found.push_back(one);
    }
    return found;
  }
  alarm_page read(const alarm_read& which, std::size_t max) {
    ++reads;
    alarm_page made;
    made.strands = static_cast<std::uint32_t>(std::max<std::size_t>(1, rows.size()));
    made.due = past(which.strand, which.after, which.until, max);
    if (made.due.size() == max) return made;
    const stored_alarm end{last_id_of("hold"), which.until, {}};
    made.next = past(which.strand, end, timestamp::max(), 1);
    if (!made.next.empty() && made.next.front().writer != own) {
      made.next = past(which.strand, end, timestamp::max(), max);
    }
    return made;
  }
};

struct AlarmScan : testing::Test {
  alarm_times times = [] {
    alarm_times t;
    t.page_rows = 3;
    t.idle_pages_max = 2;
    return t;
  }();
  alarm_scan scan{times, "hold"};
  table all;
  moment now{at(1'000), steady_time{} + 1h};
  std::vector<int> ran;
  std::set<ulid> runs_here{own};

  void pass_time(std::chrono::milliseconds d) {
    now.wall += d;
    now.steady += d;
  }
  /// Reads and runs until nothing is left to do now; what runs leaves the table.
  void run(bool leaves = true) {
    for (;;) {
      if (const auto* first = scan.front(now)) {
        const auto one = *first;
        const bool mine = runs_here.contains(one.writer);
        scan.pop(mine);
        if (!mine) continue;
        ran.push_back(std::stoi(std::string{one.id.id()}));
        if (leaves) all.drop(one);
      } else if (auto wanted = scan.next_read(now)) {
        scan.took(all.read(*wanted, times.page_rows), now,
                  [&](const stored_alarm& one) { return runs_here.contains(one.writer); });
      } else {
        return;
      }
    }
  }
};

}  // namespace

TEST_F(AlarmScan, RunsWhatIsDueInOrderPageByPageAndNothingElse) {
  for (int n = 0; n < 10; ++n) all.put(n, 1'000 - n);
  all.put(99, 1'001);
  run();
  EXPECT_EQ(ran, (std::vector<int>{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(scan.planned(), at(1'001));
}

TEST_F(AlarmScan, HoldsOnePageHoweverManyAreOverdue) {
  for (int n = 0; n < 1'000; ++n) all.put(n, 1);
  auto wanted = scan.next_read(now);
  ASSERT_TRUE(wanted);
  scan.took(all.read(*wanted, times.page_rows), now, [](const auto&) { return true; });
  EXPECT_EQ(scan.in_hand(), 3u);
  EXPECT_FALSE(scan.next_read(now)) << "before the page has been passed";
}

TEST_F(AlarmScan, ReadsNothingUntilTheNextOneIsDue) {
  all.put(1, 3'000);
  run();
  const int before = all.reads;
  pass_time(1'999ms);
  run();
  EXPECT_EQ(all.reads, before);
  EXPECT_EQ(scan.next_wake().wall, at(3'000));
  pass_time(1ms);
  run();
  EXPECT_EQ(ran, std::vector{1});
}

TEST_F(AlarmScan, AnEarlierOneThatIsStoredMeanwhileIsNotMissed) {
  all.put(1, 100);
  all.put(2, 200);
  auto wanted = scan.next_read(now);
  auto page = all.read(*wanted, times.page_rows);
  all.put(3, 50);  // behind the read
  scan.note(at(50));
  scan.took(std::move(page), now, [](const auto&) { return true; });
  run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST_F(AlarmScan, OnlyWhatCameDueIsReadAgain) {
  for (int n = 0; n < 9; ++n) all.put(n, n, other);
  run();
  all.put(20, 1'500);
  scan.note(at(1'500));
  pass_time(500ms);
  all.reads = 0;
  run();
  EXPECT_EQ(ran, std::vector{20});
  EXPECT_EQ(all.reads, 1) << "not those of the other writer";
}

TEST_F(AlarmScan, AClockThatIsSetForwardFindsWhatIsDueByIt) {
  all.put(1, 3'600'000);
  run();
  now.wall += 1h;
  run();
  EXPECT_EQ(ran, std::vector{1});
}

TEST_F(AlarmScan, AClockThatIsSetBackMakesItWait) {
  all.put(1, 2'000);
  run();
  now.wall -= 10s;
  pass_time(5s);
  run();
  EXPECT_TRUE(ran.empty());
  pass_time(6s);
  run();
  EXPECT_EQ(ran, std::vector{1});
}

TEST_F(AlarmScan, LooksAtEverythingFromTimeToTime) {
  run();
  all.put(1, 900, other);
  runs_here.insert(other);
  pass_time(4'999ms);
  run();
  EXPECT_TRUE(ran.empty());
  pass_time(1ms);
  run();
  EXPECT_EQ(ran, std::vector{1});
}

// A look goes on where the last one stopped; what is due here is not held up by it.
TEST_F(AlarmScan, ManyAlarmsThatRunElsewhereAreNotReadAtEachLook) {
  for (int n = 0; n < 30; ++n) all.put(n, n, other);
  run();
  all.put(50, 29, own);  // behind all of them
  all.reads = 0;
  pass_time(5s);
  run();
  EXPECT_EQ(all.reads, 2) << "idle_pages_max";
  for (int looks = 0; looks < 5; ++looks) {
    pass_time(5s);
    run();
  }
  EXPECT_EQ(ran, std::vector{50});
}

// The first look, and the one after a writer was found to have stopped, go through all of them.
TEST_F(AlarmScan, AWholeLookAtManyAlarmsLetsWhatComesDueMeanwhileGoFirst) {
  for (int n = 0; n < 30; ++n) all.put(n, n, other);
  all.put(60, 30, own);  // behind all of them
  for (std::size_t n = 0; n < times.idle_pages_max * times.page_rows; ++n) {
    while (scan.front(now) == nullptr) {
      scan.took(all.read(*scan.next_read(now), times.page_rows), now,
                [](const auto&) { return 1; });
    }
    scan.pop(false);
  }
  pass_time(1ms);
  all.put(50, 1'001, own);  // stored meanwhile
  scan.note(at(1'001));
  run();
  EXPECT_EQ(ran, (std::vector{50, 60})) << "without waiting for the next look";
}

TEST_F(AlarmScan, ARowThatCannotBeReadCountsAsRead) {
  for (int n = 0; n < 3; ++n) all.put(n, n);
  auto page = all.read(*scan.next_read(now), times.page_rows);
  page.due.erase(page.due.begin() + 1);
  page.corrupt.push_back({errc::corrupt, "bad"});
  scan.took(std::move(page), now, [](const auto&) { return true; });
  while (scan.front(now) != nullptr) scan.pop(true);
  const auto next = scan.next_read(now);
  ASSERT_TRUE(next && next->after) << "there may be more";
  EXPECT_EQ(next->after->id, id(2));
}

TEST_F(AlarmScan, TheNextOneOfThisProcessIsFoundBehindManyOfOthers) {
  for (int n = 0; n < 10; ++n) all.put(n, 2'000 + n, other);
  all.put(50, 2'500);
  run();
  EXPECT_EQ(scan.planned(), at(2'002)) << "the last one of a page";
  pass_time(1'500ms);
  run();
  EXPECT_EQ(ran, std::vector{50});
}

TEST_F(AlarmScan, ReadsEveryStrand) {
  all.put(1, 500, own, 0);
  all.put(2, 400, own, 1);
  all.put(3, 300, own, 2);
  all.put(4, 2'000, own, 2);
  run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(scan.planned(), at(2'000));
  pass_time(1s);
  run();
  EXPECT_EQ(ran.back(), 4);
}

TEST_F(AlarmScan, AFailedReadIsRepeatedAfterGrowingPauses) {
  all.put(1, 100);
  std::chrono::microseconds last{};
  for (int failures = 0; failures < 10; ++failures) {
    ASSERT_TRUE(scan.next_read(now));
    scan.failed(now, 512);
    EXPECT_FALSE(scan.next_read(now));
    const auto pause =
        std::chrono::duration_cast<std::chrono::microseconds>(scan.next_wake().steady - now.steady);
    EXPECT_GE(pause, last);
    EXPECT_LE(pause, times.read_pause_max);
    last = pause;
    now.steady += pause;
  }
  EXPECT_EQ(last, times.read_pause_max);
  run();
  EXPECT_EQ(ran, std::vector{1});
}

TEST_F(AlarmScan, RowsThatHadToWaitForLongAreReadAgain) {
  for (int n = 0; n < 3; ++n) all.put(n, n);
  auto wanted = scan.next_read(now);
  scan.took(all.read(*wanted, times.page_rows), now, [](const auto&) { return true; });
  scan.pop(true);
  all.drop(row(0, 0));
  all.drop(row(1, 1));  // run elsewhere
  pass_time(6s);
  run();
  EXPECT_EQ(ran, std::vector{2});
}

TEST_F(AlarmScan, AlarmsOfOneMomentThatStayAreReadOnce) {
  for (int n = 0; n < 3; ++n) all.put(n, 1'000);
  run(false);
  EXPECT_EQ(ran.size(), 3u);
}

TEST(LastId, ComesAfterEveryOtherIdOfItsType) {
  EXPECT_GT(last_id_of("hold"), *persistence_id::make("hold", "\xF4\x8F\xBF\xBFzzz"));
  for (std::size_t n : {1u, 100u, 250u, 251u, 253u}) {
    EXPECT_EQ(last_id_of(std::string(n, 't')).type().size(), n);
  }
}
