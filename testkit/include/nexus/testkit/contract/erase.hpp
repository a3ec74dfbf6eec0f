// Erasing frees records, never numbers.
#pragma once

#include <limits>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, ErasingAPrefixKeepsTheRest) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d"}), "stored");
  session.erase_to(alice, 2);
  EXPECT_EQ(session.history(alice), "3:c 4:d");
  EXPECT_EQ(session.highest(alice), 4u);
  EXPECT_EQ(session.append(alice, 4, {"e"}), "stored");
  EXPECT_EQ(session.history(alice), "3:c 4:d 5:e");
}

TEST_P(JournalContract, AReplayPassesOverWhatWasErased) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d", "e"}), "stored");
  session.erase_to(alice, 2);
  EXPECT_EQ(session.replay(alice, 1, 2, everything), "");
  EXPECT_EQ(session.replay(alice, 2, 4, everything), "3:c 4:d");
  EXPECT_EQ(session.replay(alice, 1, 5, 2), "3:c 4:d") << "max counts records, not numbers";
}

TEST_P(JournalContract, HighestStaysWhenEverythingIsErased) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  session.erase_to(alice, 3);
  EXPECT_EQ(session.history(alice), "");
  EXPECT_EQ(session.highest(alice), 3u);
}

TEST_P(JournalContract, AStaleWriterConflictsAfterEverythingWasErased) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  session.erase_to(alice, 3);
  for (sequence_nr expected : {0u, 1u, 2u, 4u}) {
    EXPECT_EQ(session.append(alice, expected, {"x"}), "conflict 3") << "expected " << expected;
  }
  EXPECT_EQ(session.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(session.history(alice), "4:d");
  EXPECT_EQ(session.highest(alice), 4u);
}

TEST_P(JournalContract, ErasingPastTheHighestMovesNothing) {
  for (sequence_nr to :
       {sequence_nr{100}, sequence_nr_max, std::numeric_limits<sequence_nr>::max()}) {
    auto id = must(persistence_id::make("erased", std::to_string(to)));
    ASSERT_EQ(session.append(id, 0, {"a", "b"}), "stored");
    session.erase_to(id, to);
    EXPECT_EQ(session.history(id), "");
    EXPECT_EQ(session.highest(id), 2u);
    EXPECT_EQ(session.append(id, 2, {"c"}), "stored");
    EXPECT_EQ(session.history(id), "3:c") << "what comes later is not erased";
  }
}

TEST_P(JournalContract, ErasingAgainChangesNothing) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d"}), "stored");
  session.erase_to(alice, 3);
  session.erase_to(alice, 3);
  session.erase_to(alice, 1);
  EXPECT_EQ(session.history(alice), "4:d");
  EXPECT_EQ(session.highest(alice), 4u);
}

TEST_P(JournalContract, ErasingGoesOnWhereItStopped) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  session.erase_to(alice, 1);
  EXPECT_EQ(session.history(alice), "2:b 3:c");
  session.erase_to(alice, 2);
  EXPECT_EQ(session.history(alice), "3:c");
  ASSERT_EQ(session.append(alice, 3, {"d"}), "stored");
  session.erase_to(alice, 4);
  EXPECT_EQ(session.history(alice), "");
  EXPECT_EQ(session.highest(alice), 4u);
}

TEST_P(JournalContract, ErasingToZeroErasesNothing) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  session.erase_to(alice, 0);
  EXPECT_EQ(session.history(alice), "1:a");
}

TEST_P(JournalContract, ErasingAnUnknownIdLeavesItUnknown) {
  session.erase_to(alice, 5);
  EXPECT_EQ(session.highest(alice), 0u);
  EXPECT_EQ(session.ids(""), texts{});
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored");
}

TEST_P(JournalContract, ErasingOneIdLeavesTheOthers) {
  ASSERT_EQ(session.append_all({{alice, 0, {"a", "b"}}, {bob, 0, {"x", "y"}}}), "stored, stored");
  session.erase_to(alice, 2);
  EXPECT_EQ(session.history(bob), "1:x 2:y");
}

TEST_P(JournalContract, EventsAndSnapshotsAreErasedApart) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  session.save(alice, 2, "state");
  session.erase_to(alice, 2);
  EXPECT_EQ(session.load(alice), "2:state");
  ASSERT_EQ(session.append(alice, 2, {"c"}), "stored");
  session.erase_snapshots(alice);
  EXPECT_EQ(session.history(alice), "3:c");
}

}}}  // namespace nexus::v0::testkit
