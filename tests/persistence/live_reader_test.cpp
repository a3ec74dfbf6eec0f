// A live reader over journals in memory and in SQLite, and over a scripted one.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nexus/live_reader.hpp>
#include <nexus/nexus.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <nexus/testkit/faulty.hpp>
#include <thread>

#include "temporary_folder.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using testkit::event_list;
using testkit::fault;
using testkit::must;
using testkit::operation;
using testkit::terse_session;

namespace {

constexpr auto patience = 10s;

// What a reader passed, as in "alice 1:a bob 1:x".
struct seen {
  std::string text;
  std::size_t stop_at = testkit::everything;  // false at that record
  std::size_t count = 0;

  bool operator()(const persistence_id& of, const record_view& r) {
    text += (text.empty() ? "" : " ") + std::string{of.id()} + " " + std::to_string(r.number) +
            ":" + std::string{r.event.data};
    return ++count < stop_at;
  }
};

std::size_t count_of(std::string_view what, std::string_view in) {
  std::size_t n = 0;
  for (auto at = in.find(what); at != std::string_view::npos; at = in.find(what, at + 1)) ++n;
  return n;
}

struct LiveReader : testing::Test {
  const std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  const store opened = *nexus::open("memory:", {testkit::faulty(memory_backend(), faults)});
  terse_session session{must(opened.open_session())};
  const persistence_id alice = must(persistence_id::make("account", "alice"));
  const persistence_id bob = must(persistence_id::make("account", "bob"));

  live_reader reader(position after = {}, live_reader_options options = {}) const {
    return must(live_reader::open(opened, after, options));
  }
  void append(const persistence_id& id, sequence_nr expected, event_list events) {
    EXPECT_EQ(session.append(id, expected, std::move(events)), "stored");
  }
  static std::string read(live_reader& from, std::chrono::nanoseconds within = 0ns) {
    seen all;
    const auto n = must(from.read(std::ref(all), within));
    EXPECT_EQ(n, all.count);
    return all.text;
  }
};

}  // namespace

TEST_F(LiveReader, PassesStoredEventsAndThenNewOnes) {
  append(alice, 0, {"a", "b"});
  append(bob, 0, {"x"});
  auto follower = reader();
  EXPECT_EQ(read(follower), "alice 1:a alice 2:b bob 1:x");
  EXPECT_EQ(read(follower), "");
  append(alice, 2, {"c"});
  EXPECT_EQ(read(follower), "alice 3:c");
}

TEST_F(LiveReader, GoesOnAfterAPosition) {
  append(alice, 0, {"a", "b"});
  auto first = reader();
  EXPECT_EQ(first.at(), position{});
  EXPECT_EQ(read(first), "alice 1:a alice 2:b");
  append(bob, 0, {"x"});
  auto second = reader(first.at());
  EXPECT_EQ(second.at(), first.at());
  EXPECT_EQ(read(second), "bob 1:x");
  EXPECT_GT(second.at(), first.at());
}

TEST_F(LiveReader, PassesABoundedBatchAtOnce) {
  append(alice, 0, {"a", "b", "c"});
  auto follower = reader({}, {.batch_max = 2});
  EXPECT_EQ(read(follower), "alice 1:a alice 2:b");
  EXPECT_EQ(read(follower, 1min), "alice 3:c");
}

TEST_F(LiveReader, ASinkThatHasEnoughKeepsWhatItWasGiven) {
  append(alice, 0, {"a", "b", "c"});
  auto follower = reader();
  seen two{.text = {}, .stop_at = 2};
  EXPECT_EQ(must(follower.read(std::ref(two), 0ns)), 2u);
  EXPECT_EQ(read(follower), "alice 3:c");
}

TEST_F(LiveReader, ARecordWhoseSinkThrewComesAgain) {
  append(alice, 0, {"a", "b", "c"});
  auto follower = reader();
  auto throws = [](const persistence_id&, const record_view& r) -> bool {
    if (r.number == 2) throw std::runtime_error{"oops"};
    return true;
  };
  EXPECT_THROW((void)follower.read(throws, 0ns), std::runtime_error);
  EXPECT_EQ(read(follower), "alice 2:b alice 3:c");
}

TEST_F(LiveReader, IsWokenByAnAppend) {
  auto follower = reader({}, {.poll_every = 1min});
  std::jthread appends{[&] {
    EXPECT_TRUE(faults->wait_for(operation::watch, 1));
    append(alice, 0, {"a"});
  }};
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read(follower, 1min), "alice 1:a");
  EXPECT_LT(std::chrono::steady_clock::now() - start, patience);
}

TEST_F(LiveReader, ComesBackWithNothingAfterItsTime) {
  auto follower = reader({}, {.poll_every = 1min});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read(follower, 20ms), "");
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
}

TEST_F(LiveReader, StopEndsAReadThatWaitsAndAllLaterOnes) {
  auto follower = reader({}, {.poll_every = std::chrono::hours{24 * 365 * 250}});
  std::jthread stops{[&] {
    EXPECT_TRUE(faults->wait_for(operation::watch, 1));
    follower.stop();
  }};
  seen none;
  auto ended = follower.read(std::ref(none), std::chrono::nanoseconds::max());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error(), (error{errc::stopped, "memory:: the live reader was stopped"}));
  append(alice, 0, {"a"});
  EXPECT_FALSE(follower.read(std::ref(none), 0ns));
  EXPECT_EQ(none.count, 0u);
}

TEST_F(LiveReader, AFailureIsAnsweredAndTheNextReadMissesNothing) {
  append(alice, 0, {"a"});
  auto follower = reader();
  EXPECT_EQ(read(follower), "alice 1:a");
  append(bob, 0, {"x"});
  faults->inject(fault::fail, operation::read, 2);
  seen some;
  for (int i = 0; i < 2; ++i) {
    auto wrong = follower.read(std::ref(some), 0ns);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, errc::unavailable);
  }
  EXPECT_EQ(read(follower), "bob 1:x");
}

TEST_F(LiveReader, AStorageThatFailsIsNotAskedWithoutAPause) {
  auto follower = reader();
  faults->inject(fault::fail, operation::read, 4);
  seen some;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(follower.read(std::ref(some), 30s));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 10ms + 20ms + 40ms);
}

TEST_F(LiveReader, AFailureBehindTheFirstRecordLosesAndRepeatsNone) {
  append(alice, 0, {"a", "b"});
  auto follower = reader();
  faults->inject(fault::lose_answer, operation::read);
  EXPECT_EQ(read(follower), "alice 1:a alice 2:b");
  append(alice, 2, {"c"});
  EXPECT_EQ(read(follower), "alice 3:c");
}

TEST_F(LiveReader, PollsWhenItsWatchFailsAndSaysSoOnce) {
  faults->inject(fault::fail, operation::watch, testkit::faults::forever);
  testing::internal::CaptureStderr();
  auto follower = reader({}, {.poll_every = 5ms});
  std::jthread appends{[&] {
    EXPECT_TRUE(faults->wait_for(operation::watch, 3));
    append(alice, 0, {"a"});
  }};
  EXPECT_EQ(read(follower, 1min), "alice 1:a");
  const auto log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count_of("memory:: a live reader has to poll: faulty store", log), 1u) << log;
}

TEST_F(LiveReader, StopEndsAReadWhoseWatchFailed) {
  faults->inject(fault::fail, operation::watch, testkit::faults::forever);
  testing::internal::CaptureStderr();
  auto follower = reader({}, {.poll_every = 1min});
  std::jthread stops{[&] {
    EXPECT_TRUE(faults->wait_for(operation::watch, 1));
    follower.stop();
  }};
  seen none;
  auto ended = follower.read(std::ref(none), 1min);
  EXPECT_NE(testing::internal::GetCapturedStderr(), "");
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::stopped);
}

TEST_F(LiveReader, TheHolderIsNamedOnce) {
  append(alice, 0, {"a"});
  faults->hold_back("pid 4711 (psql): its transaction has been open for 12 s");
  auto follower = reader({}, {.lag_warning_after = 0ns});
  testing::internal::CaptureStderr();
  EXPECT_EQ(read(follower), "");
  EXPECT_EQ(read(follower), "");
  const auto log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count_of("memory:: a live reader is held back: pid 4711 (psql)", log), 1u) << log;
  const auto gauge = [&] {
    const auto all = to_text(opened.metrics());
    const auto at = all.find("nexus_live_readers_held_back{journal=\"memory:\"} ");
    return all.substr(at, all.find('\n', at) - at);
  };
  EXPECT_EQ(gauge(), "nexus_live_readers_held_back{journal=\"memory:\"} 1");
  faults->hold_back(std::nullopt);
  EXPECT_EQ(read(follower), "alice 1:a");
  EXPECT_EQ(gauge(), "nexus_live_readers_held_back{journal=\"memory:\"} 0");
}

TEST_F(LiveReader, AShortHoldIsNotWorthAWarningAndIsOverSoon) {
  append(alice, 0, {"a"});
  faults->hold_back("a writer");
  testing::internal::CaptureStderr();
  auto follower = reader({}, {.poll_every = 1min, .lag_warning_after = 1h});
  std::jthread lets_go{[&] {
    EXPECT_TRUE(faults->wait_for(operation::watch, 2));
    faults->hold_back(std::nullopt);
  }};
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read(follower, 1min), "alice 1:a") << "its end is not reported";
  EXPECT_LT(std::chrono::steady_clock::now() - start, patience);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(LiveReader, SaysWhyAClosedStoreCannotBeFollowed) {
  ASSERT_TRUE(opened.close(patience));
  auto refused = live_reader::open(opened);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::stopped);
}

TEST_F(LiveReader, CountsWhatItPassed) {
  append(alice, 0, {"a", "b"});
  auto follower = reader();
  EXPECT_NE(read(follower), "");
  const auto text = to_text(opened.metrics());
  EXPECT_NE(text.find("nexus_live_read_events_total{journal=\"memory:\"} 2"), std::string::npos)
      << text;
}

TEST(LiveReaderOfSqlite, FindsWhatAnotherJournalOfTheFileAppends) {
  const nexus::test::temporary_folder folder;
  const auto uri = "sqlite:" + folder.path("j.db");
  const auto followed = must(nexus::open(uri));
  const auto other = must(nexus::open(uri));  // as another process: no watch reports it
  auto follower = must(live_reader::open(followed, {}, {.poll_every = 5ms}));
  std::jthread appends{[&] {
    terse_session session{must(other.open_session())};
    EXPECT_EQ(session.append(must(persistence_id::make("t", "a")), 0, {"1", "2"}), "stored");
  }};
  seen all;
  EXPECT_EQ(must(follower.read(std::ref(all), 1min)), 2u);
  EXPECT_EQ(all.text, "a 1:1 a 2:2");
}

TEST(LiveReaderOfSqlite, IsWokenByAnAppendOfItsStore) {
  const nexus::test::temporary_folder folder;
  const auto followed = must(nexus::open("sqlite:" + folder.path("j.db")));
  auto follower = must(live_reader::open(followed, {}, {.poll_every = 1min}));
  std::jthread appends{[&] {
    terse_session session{must(followed.open_session())};
    EXPECT_EQ(session.append(must(persistence_id::make("t", "a")), 0, {"1"}), "stored");
  }};
  const auto start = std::chrono::steady_clock::now();
  seen all;
  EXPECT_EQ(must(follower.read(std::ref(all), 1min)), 1u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, patience);
}
