// Listing snapshots, and erasing the old ones of many ids in one call.
#pragma once

#include <limits>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

using numbers = std::vector<sequence_nr>;

TEST_P(JournalContract, SnapshotNumbersAreTheNewestFirst) {
  for (sequence_nr number : {3u, 10u, 5u, 9u}) session.save(alice, number, "s");
  session.save(bob, 7, "s");
  EXPECT_EQ(session.snapshot_numbers(alice), (numbers{10, 9, 5, 3}));
  EXPECT_EQ(session.snapshot_numbers(bob), numbers{7});
  EXPECT_EQ(session.snapshot_numbers(carol), numbers{});
}

TEST_P(JournalContract, AtMostMaxSnapshotNumbersAreGiven) {
  for (sequence_nr number : {3u, 5u, 9u}) session.save(alice, number, "s");
  EXPECT_EQ(session.snapshot_numbers(alice, {}, 0), numbers{});
  EXPECT_EQ(session.snapshot_numbers(alice, {}, 1), numbers{9});
  EXPECT_EQ(session.snapshot_numbers(alice, {}, 2), (numbers{9, 5}));
  EXPECT_EQ(session.snapshot_numbers(alice, {}, 4), (numbers{9, 5, 3}));
}

TEST_P(JournalContract, SnapshotNumbersAreGivenByBounds) {
  constexpr auto past_any = std::numeric_limits<sequence_nr>::max();
  for (sequence_nr number : {3u, 5u, 9u}) session.save(alice, number, "s");
  EXPECT_EQ(session.snapshot_numbers(alice, {.from = 4}), (numbers{9, 5}));
  EXPECT_EQ(session.snapshot_numbers(alice, {.to = 8}), (numbers{5, 3}));
  EXPECT_EQ(session.snapshot_numbers(alice, {.from = 5, .to = 5}), numbers{5});
  EXPECT_EQ(session.snapshot_numbers(alice, {.to = 8}, 1), numbers{5});
  EXPECT_EQ(session.snapshot_numbers(alice, {.from = 6, .to = 8}), numbers{});
  EXPECT_EQ(session.snapshot_numbers(alice, {.from = 9, .to = 3}), numbers{});
  EXPECT_EQ(session.snapshot_numbers(alice, {.to = past_any}), (numbers{9, 5, 3}));
  EXPECT_EQ(session.snapshot_numbers(alice, {.from = past_any, .to = past_any}), numbers{});
}

TEST_P(JournalContract, PruningErasesOldSnapshotsAndEvents) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d", "e"}), "stored");
  for (sequence_nr number : {2u, 3u, 4u}) session.save(alice, number, "s");
  session.prune({{alice, 4, 3}});
  EXPECT_EQ(session.snapshot_numbers(alice), numbers{4}) << "below 4, not 4 itself";
  EXPECT_EQ(session.history(alice), "4:d 5:e") << "up to 3, and 3 itself";
  EXPECT_EQ(session.highest(alice), 5u);
}

TEST_P(JournalContract, PruningByZeroLeavesThatKind) {
  for (const auto& id : {alice, bob, carol}) {
    ASSERT_EQ(session.append(id, 0, {"a", "b"}), "stored");
    for (sequence_nr number : {0u, 1u, 2u}) session.save(id, number, "s");
  }
  session.prune({{alice, 2, 0}, {bob, 0, 1}, {carol, 0, 0}});
  EXPECT_EQ(session.snapshot_numbers(alice), numbers{2});
  EXPECT_EQ(session.history(alice), "1:a 2:b");
  EXPECT_EQ(session.snapshot_numbers(bob), (numbers{2, 1, 0}));
  EXPECT_EQ(session.history(bob), "2:b");
  EXPECT_EQ(session.snapshot_numbers(carol), (numbers{2, 1, 0}));
  EXPECT_EQ(session.history(carol), "1:a 2:b");
}

TEST_P(JournalContract, PruningLeavesOtherIds) {
  ASSERT_EQ(session.append_all({{alice, 0, {"a", "b"}}, {bob, 0, {"x", "y"}}}), "stored, stored");
  for (const auto& id : {alice, bob}) session.save(id, 1, "s");
  session.prune({{alice, 2, 2}});
  EXPECT_EQ(session.history(alice), "");
  EXPECT_EQ(session.history(bob), "1:x 2:y");
  EXPECT_EQ(session.snapshot_numbers(bob), numbers{1});
}

TEST_P(JournalContract, PruningPastEverythingMovesNoNumbers) {
  constexpr auto past_any = std::numeric_limits<sequence_nr>::max();
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  session.save(alice, 3, "s");
  session.prune({{alice, past_any, past_any}, {bob, past_any, past_any}});
  EXPECT_EQ(session.history(alice), "");
  EXPECT_EQ(session.snapshot_numbers(alice), numbers{});
  EXPECT_EQ(session.highest(alice), 3u);
  EXPECT_EQ(session.highest(bob), 0u);
  EXPECT_EQ(session.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(session.history(alice), "4:d");
}

TEST_P(JournalContract, PruningAgainOrNothingIsFine) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  session.prune({});
  session.prune({{alice, 2, 2}});
  session.prune({{alice, 2, 2}, {alice, 1, 1}, {bob, 5, 5}});
  EXPECT_EQ(session.history(alice), "3:c");
  EXPECT_EQ(session.ids(""), texts{"account|alice"});
}

TEST_P(JournalContract, AnIdMayBePrunedTwiceInOneCall) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  for (sequence_nr number : {1u, 2u, 3u}) session.save(alice, number, "s");
  must(session.inner().save_reader({"reader", start, timestamp{}}));
  session.prune({{alice, 2, 2}, {alice, 3, 1}, {alice, 0, 1}});
  EXPECT_EQ(session.snapshot_numbers(alice), numbers{3});
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c") << "the reader has not read them";
  must(session.inner().forget_reader("reader"));
  EXPECT_EQ(must(session.inner().prune_held_back(10)), 1u);
  EXPECT_EQ(session.history(alice), "3:c");
}

TEST_P(JournalContract, ManyEventsOfManyIdsArePruned) {
  constexpr std::size_t events = 8'000;
  const std::vector<event_view> many(events, event("e"));
  for (const auto& id : {alice, bob, carol}) ASSERT_EQ(session.append(id, 0, many), "stored");
  session.prune({{alice, 0, events - 1}, {bob, 0, events - 2}, {carol, 0, events}});
  EXPECT_EQ(session.history(alice), "8000:e");
  EXPECT_EQ(session.history(bob), "7999:e 8000:e");
  EXPECT_EQ(session.history(carol), "");
}

}}}  // namespace nexus::v0::testkit
