// The whole journal: every event once, in ascending position, and none that appears later at a
// position before one already read.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "nexus/testkit/contract/fixture.hpp"
#include "nexus/testkit/contract/tags.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

inline constexpr std::chrono::seconds patience{10};

/// Reads on, `max` at a time, until it has `n` records past `after`. In a database with other
/// users, stored records may be held back for a while.
inline std::vector<journal_record> follow(terse_session& s, std::size_t n,
                                          std::optional<position> after = {},
                                          std::size_t max = everything) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::vector<journal_record> all;
  while (all.size() < n) {
    for (auto& r : s.read_all(after, max)) {
      after = r.at;
      all.push_back(std::move(r));
    }
    if (all.size() >= n || std::chrono::steady_clock::now() < deadline) continue;
    throw std::runtime_error{"read " + std::to_string(all.size()) + " of " + std::to_string(n) +
                             " records; " + must(s.inner().held_back()).value_or("nothing") +
                             " holds the rest back"};
  }
  return all;
}

/// As in "alice 1:a, bob 1:x".
inline std::string told(const std::vector<journal_record>& records) {
  std::string all;
  for (const auto& r : records) {
    all += (all.empty() ? "" : ", ") + shown(r.of) + " " + std::to_string(r.number) + ":" + r.data;
  }
  return all;
}

/// Whether each position is past the one before.
inline bool ascends(const std::vector<journal_record>& records) {
  return std::adjacent_find(records.begin(), records.end(), [](const auto& a, const auto& b) {
           return a.at >= b.at;
         }) == records.end();
}

TEST_P(JournalContract, TheWholeIsReadInTheOrderOfAppendsAcrossIds) {
  ASSERT_EQ(session.append(carol, 0, {"p"}), "stored");
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  ASSERT_EQ(session.append(alice, 2, {"c"}), "stored");
  auto other = another_session();
  auto all = follow(other, 5);
  EXPECT_EQ(told(all), "carol 1:p, alice 1:a, alice 2:b, bob 1:x, alice 3:c");
  EXPECT_TRUE(ascends(all));
}

TEST_P(JournalContract, EventsOfOneCallAreEachReadOnceAndOfAnIdInOrder) {
  ASSERT_EQ(session.append_all({{bob, 0, {"x", "y"}}, {alice, 0, {"a", "b"}}, {carol, 0, {"p"}}}),
            "stored, stored, stored");
  auto all = follow(session, 5);
  EXPECT_TRUE(ascends(all));
  // The requests of a call are independent: the backend chooses their order.
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.of < b.of; });
  EXPECT_EQ(told(all), "alice 1:a, alice 2:b, bob 1:x, bob 2:y, carol 1:p");
}

TEST_P(JournalContract, ReadOneByOneEveryEventComesOnce) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  ASSERT_EQ(session.append_all({{bob, 0, {"x"}}, {alice, 2, {"c"}}}), "stored, stored");
  ASSERT_EQ(session.append(bob, 1, {"y"}), "stored");
  const auto whole = follow(session, 5);
  const auto single = follow(session, 5, {}, 1);
  EXPECT_EQ(told(single), told(whole));
  EXPECT_EQ(session.read_all({}, 1).size(), 1u);
  EXPECT_EQ(session.read_all({}, 3).size(), 3u);
}

TEST_P(JournalContract, TheWholeIsReadFromBehindAPosition) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.append(bob, 0, {"x", "y"}), "stored");
  const auto all = follow(session, 5);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::vector<journal_record> rest{all.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                           all.end()};
    EXPECT_EQ(told(session.read_all(all[i].at)), told(rest)) << "after number " << i;
  }
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  auto far = all.back().at;
  far.major = far.minor = most;
  std::size_t passed = 0;
  const auto past = session.inner().read_all(far, everything, [&](auto&...) { return ++passed; });
  EXPECT_TRUE(past || code_of(past) == "foreign_position") << code_of(past);
  EXPECT_EQ(passed, 0u);
  ASSERT_EQ(session.append(carol, 0, {"p"}), "stored");
  EXPECT_EQ(told(follow(session, 1, all.back().at)), "carol 1:p");
}

TEST_P(JournalContract, AnEmptyJournalReadsNothing) {
  EXPECT_EQ(told(session.read_all()), "");
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  (void)follow(session, 1);
  EXPECT_EQ(told(session.read_all({}, 0)), "");
}

TEST_P(JournalContract, TheWholeHasCompleteRecords) {
  const tag_list tags{"red", "blue", "red"};
  event_view full{.type = "paid",
                  .schema_version = 7,
                  .codec = "other",
                  .data = {"d\0\xff", 3},
                  .metadata = {"m\0", 2},
                  .time = timestamp{std::chrono::microseconds{-123'456'789}},
                  .tags = tags};
  ASSERT_EQ(session.append({alice, 0, {{full, event("")}}, other_writer}), "stored");
  ASSERT_EQ(session.append(bob, 0, {{event("x"), tagged("y", tags)}}), "stored");
  const auto all = follow(session, 4);
  auto expected = session.records(alice);
  for (auto& r : session.records(bob)) expected.push_back(std::move(r));
  ASSERT_EQ(all.size(), expected.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(static_cast<const record&>(all[i]), expected[i]) << "number " << i;
    EXPECT_EQ(all[i].of, i < 2 ? alice : bob);
  }
  EXPECT_EQ(all[0].tags, (texts{"blue", "red"}));
  EXPECT_EQ(all[0].metadata, full.metadata);
}

TEST_P(JournalContract, ErasedEventsAreNotReadAndTheirPositionsDoNotReturn) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.append(bob, 0, {"x", "y"}), "stored");
  const auto last = follow(session, 5).back().at;
  session.erase_to(alice, 2);
  EXPECT_EQ(told(session.read_all()), "alice 3:c, bob 1:x, bob 2:y");
  session.erase_to(bob, 2);
  session.erase_to(alice, 3);
  EXPECT_EQ(told(session.read_all()), "");
  ASSERT_EQ(session.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(told(follow(session, 1, last)), "alice 4:d") << "a reader at the last one misses none";
}

TEST_P(JournalContract, OnlyStoredEventsAreRead) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  ASSERT_EQ(session.append_all({{alice, 0, {"stale"}}, {bob, 0, {"x"}}}), "conflict 1, stored");
  ASSERT_EQ(session.upsert(carol, 0, 1, "a state"), "stored");
  ASSERT_EQ(session.append(bob, 1, {"y"}), "stored");
  EXPECT_EQ(told(follow(session, 3)), "alice 1:a, bob 1:x, bob 2:y");
  EXPECT_EQ(session.read_all().size(), 3u);
}

TEST_P(JournalContract, ASinkMayEndTheReadingOfTheWhole) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  (void)follow(session, 3);
  std::string seen;
  must(
      session.inner().read_all(start, everything, [&](const persistence_id&, const record_view& r) {
        seen += r.event.data;
        return seen.size() < 2;
      }));
  EXPECT_EQ(seen, "ab");
  EXPECT_EQ(session.append(alice, 2, {"c"}), "stored") << "nothing is left open";
  EXPECT_EQ(told(follow(session, 4)), "alice 1:a, alice 2:b, bob 1:x, alice 3:c");
}

TEST_P(JournalContract, ReopeningKeepsTheOrderOfTheWhole) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  const auto last = follow(session, 2).back().at;
  reopen();
  ASSERT_EQ(session.append(bob, 1, {"y"}), "stored");
  EXPECT_EQ(told(follow(session, 3)), "bob 1:x, alice 1:a, bob 2:y");
  EXPECT_EQ(told(follow(session, 1, last)), "bob 2:y");
}

/// How long one wait of a minute took.
inline std::chrono::nanoseconds waited_a_minute(journal_watch& watch) {
  const auto start = std::chrono::steady_clock::now();
  must(watch.wait(std::chrono::minutes{1}));
  return std::chrono::steady_clock::now() - start;
}

TEST_P(JournalContract, AWatchIsWokenByWhatAnotherSessionAppends) {
  auto watch = must(store->watch());
  std::jthread appends{[&, other = another_session()]() mutable {
    EXPECT_EQ(other.append(alice, 0, {"a"}), "stored");
  }};
  EXPECT_LT(waited_a_minute(*watch), patience);
}

TEST_P(JournalContract, AnAppendBeforeTheWaitWakesIt) {
  auto watch = must(store->watch());
  for (sequence_nr n = 0; n < 3; ++n) {
    ASSERT_EQ(session.append(alice, n, {"a"}), "stored");
    EXPECT_LT(waited_a_minute(*watch), patience) << "append " << n;
  }
}

TEST_P(JournalContract, EveryWatchIsWoken) {
  auto first = must(store->watch());
  auto second = must(store->watch());
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  EXPECT_LT(waited_a_minute(*first), patience);
  EXPECT_LT(waited_a_minute(*second), patience);
}

TEST_P(JournalContract, WakeEndsAWait) {
  auto watch = must(store->watch());
  std::jthread wakes{[&] { watch->wake(); }};
  EXPECT_LT(waited_a_minute(*watch), patience);
}

TEST_P(JournalContract, AWaitIsOverAfterItsTime) {
  auto watch = must(store->watch());
  const auto start = std::chrono::steady_clock::now();
  must(watch->wait(std::chrono::milliseconds{1}));
  must(watch->wait(std::chrono::nanoseconds{0}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, patience);
}

}}}  // namespace nexus::v0::testkit
