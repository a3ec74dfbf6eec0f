// Snapshots: the latest within bounds, one per id and number.
#pragma once

#include <limits>

#include "nexus/testkit/contract/records.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, AnUnknownIdHasNoSnapshot) { EXPECT_EQ(session.load(alice), "none"); }

TEST_P(JournalContract, TheSnapshotWithTheHighestNumberIsLoaded) {
  session.save(alice, 9, "nine");
  session.save(alice, 10, "ten");
  session.save(alice, 3, "three");
  EXPECT_EQ(session.load(alice), "10:ten");
}

TEST_P(JournalContract, ASnapshotIsLoadedByBounds) {
  for (sequence_nr number : {3u, 5u, 9u}) session.save(alice, number, "s");
  EXPECT_EQ(session.load(alice, {.to = 100}), "9:s");
  EXPECT_EQ(session.load(alice, {.to = 9}), "9:s");
  EXPECT_EQ(session.load(alice, {.to = 8}), "5:s");
  EXPECT_EQ(session.load(alice, {.to = 3}), "3:s");
  EXPECT_EQ(session.load(alice, {.to = 2}), "none");
  EXPECT_EQ(session.load(alice, {.from = 9}), "9:s");
  EXPECT_EQ(session.load(alice, {.from = 10}), "none");
  EXPECT_EQ(session.load(alice, {.from = 4, .to = 8}), "5:s");
  EXPECT_EQ(session.load(alice, {.from = 5, .to = 5}), "5:s");
  EXPECT_EQ(session.load(alice, {.from = 6, .to = 8}), "none");
  EXPECT_EQ(session.load(alice, {.from = 9, .to = 3}), "none");
}

TEST_P(JournalContract, BoundsReachToTheLargestNumber) {
  constexpr auto past_any = std::numeric_limits<sequence_nr>::max();
  session.save(alice, 1, "one");
  EXPECT_EQ(session.load(alice, {.from = 0, .to = past_any}), "1:one");
  EXPECT_EQ(session.load(alice, {.from = sequence_nr_max, .to = sequence_nr_max}), "none");
  session.save(alice, sequence_nr_max, "last");
  EXPECT_EQ(session.load(alice), std::to_string(sequence_nr_max) + ":last");
  EXPECT_EQ(session.load(alice, {.to = sequence_nr_max - 1}), "1:one");
}

TEST_P(JournalContract, SavingAgainReplaces) {
  session.save(alice, 5, "old");
  session.save(alice, 7, "seven");
  session.save(alice, 5, "new");
  EXPECT_EQ(session.load(alice, {.to = 5}), "5:new");
  EXPECT_EQ(session.load(alice), "7:seven");
}

TEST_P(JournalContract, ReplacingASnapshotReplacesEveryField) {
  using std::chrono::microseconds;
  session.save(alice, {5, "old", 1, "json", "x", own_writer, timestamp{microseconds{1}}});
  session.save(alice, {5, "new", 2, "cbor", "y", other_writer, timestamp{microseconds{2}}});
  auto found = must(session.inner().load_snapshot(alice, {}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->type, "new");
  EXPECT_EQ(found->schema_version, 2u);
  EXPECT_EQ(found->codec, "cbor");
  EXPECT_EQ(found->data, "y");
  EXPECT_EQ(found->writer, other_writer);
  EXPECT_EQ(found->time, timestamp{microseconds{2}});
}

TEST_P(JournalContract, EveryFieldOfASnapshotComesBack) {
  auto bytes = all_bytes();
  sequence_nr number = 0;
  for (auto time : telling_times(store->limits())) {
    snapshot_view given{++number, "it's größe", 0xffff'ffff, "code'c", bytes, other_writer, time};
    session.save(alice, given);
    auto found = must(session.inner().load_snapshot(alice, {}));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->number, number);
    EXPECT_EQ(found->type, given.type);
    EXPECT_EQ(found->schema_version, given.schema_version);
    EXPECT_EQ(found->codec, given.codec);
    EXPECT_EQ(found->data, bytes);
    EXPECT_EQ(found->writer, given.writer);
    EXPECT_EQ(found->time.time_since_epoch().count(), time.time_since_epoch().count());
  }
}

TEST_P(JournalContract, ASnapshotMayBeEmpty) {
  session.save(alice, 1, "");
  EXPECT_EQ(session.load(alice), "1:");
}

TEST_P(JournalContract, OneCallSavesManySnapshots) {
  session.save(alice, 2, "old");
  std::vector<snapshot_request> batch{{bob, snapshot(4, "b4")},
                                      {alice, snapshot(2, "a2")},
                                      {bob, snapshot(3, "b3")},
                                      {alice, snapshot(8, "a8")}};
  must(session.inner().save_snapshots(batch));
  EXPECT_EQ(session.load(alice, {.to = 7}), "2:a2");
  EXPECT_EQ(session.load(alice), "8:a8");
  EXPECT_EQ(session.load(bob, {.to = 3}), "3:b3");
  EXPECT_EQ(session.load(bob), "4:b4");
}

TEST_P(JournalContract, SavingNothingIsFine) { EXPECT_TRUE(session.inner().save_snapshots({})); }

TEST_P(JournalContract, SnapshotsAreErasedByBounds) {
  for (sequence_nr number : {2u, 3u, 5u, 7u, 9u}) session.save(alice, number, "s");
  session.erase_snapshots(alice, {.from = 3, .to = 7});
  EXPECT_EQ(session.load(alice, {.to = 8}), "2:s");
  EXPECT_EQ(session.load(alice), "9:s");
  session.erase_snapshots(alice, {.from = 3, .to = 8});
  session.erase_snapshots(alice, {.from = 9, .to = 2});
  EXPECT_EQ(session.load(alice), "9:s") << "empty bounds erase nothing";
  session.erase_snapshots(alice, {.from = 9});
  EXPECT_EQ(session.load(alice), "2:s");
  session.erase_snapshots(alice, {.to = 2});
  EXPECT_EQ(session.load(alice), "none");
}

TEST_P(JournalContract, ErasingSnapshotsLeavesThoseOfOtherIds) {
  session.save(alice, 1, "a");
  session.save(bob, 1, "b");
  session.erase_snapshots(alice);
  session.erase_snapshots(carol);
  EXPECT_EQ(session.load(alice), "none");
  EXPECT_EQ(session.load(bob), "1:b");
}

TEST_P(JournalContract, AnErasedSnapshotMayBeSavedAgain) {
  session.save(alice, 4, "first");
  session.erase_snapshots(alice);
  session.save(alice, 4, "second");
  EXPECT_EQ(session.load(alice), "4:second");
}

TEST_P(JournalContract, SnapshotsMoveNoNumbers) {
  session.save(alice, 7, "seven");
  EXPECT_EQ(session.highest(alice), 0u);
  EXPECT_EQ(session.history(alice), "");
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(session.load(alice), "7:seven");
}

}}}  // namespace nexus::v0::testkit
