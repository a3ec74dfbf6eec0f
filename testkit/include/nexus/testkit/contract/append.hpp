// One request: numbers without gaps or repeats, and all or nothing.
#pragma once

#include <limits>

#include "nexus/journal_errors.hpp"
#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, AnUnknownIdHasNoHistory) {
  EXPECT_EQ(session.highest(alice), 0u);
  EXPECT_EQ(session.history(alice), "");
}

TEST_P(JournalContract, TheFirstEventIsNumberOne) {
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(session.highest(alice), 1u);
  EXPECT_EQ(session.history(alice), "1:a");
}

TEST_P(JournalContract, EventsAreNumberedInTheOrderGivenAndAppendedBehindTheHighest) {
  EXPECT_EQ(session.append(alice, 0, {"c", "a", "b"}), "stored");
  EXPECT_EQ(session.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(session.append(alice, 4, {"f", "e"}), "stored");
  EXPECT_EQ(session.highest(alice), 6u);
  EXPECT_EQ(session.history(alice), "1:c 2:a 3:b 4:d 5:f 6:e");
}

TEST_P(JournalContract, EveryIdHasNumbersOfItsOwn) {
  EXPECT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  EXPECT_EQ(session.append(bob, 0, {"x"}), "stored");
  EXPECT_EQ(session.append(alice, 2, {"c"}), "stored");
  EXPECT_EQ(session.highest(alice), 3u);
  EXPECT_EQ(session.highest(bob), 1u);
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c");
  EXPECT_EQ(session.history(bob), "1:x");
}

TEST_P(JournalContract, ExpectingTooLowConflicts) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  for (sequence_nr expected : {0u, 1u, 2u}) {
    EXPECT_EQ(session.append(alice, expected, {"x"}), "conflict 3") << "expected " << expected;
  }
  EXPECT_EQ(session.highest(alice), 3u);
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c");
}

TEST_P(JournalContract, ARequestThatReachesPastTakenNumbersIsNotTornApart) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  EXPECT_EQ(session.append(alice, 2, {"x", "y", "z"}), "conflict 3");
  EXPECT_EQ(session.append(alice, 0, {"s", "t", "u", "v", "w"}), "conflict 3");
  EXPECT_EQ(session.highest(alice), 3u);
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c");
}

TEST_P(JournalContract, TheSameRequestAgainConflicts) {
  EXPECT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  EXPECT_EQ(session.append(alice, 0, {"a", "b"}), "conflict 2");
  EXPECT_EQ(session.history(alice), "1:a 2:b");
}

TEST_P(JournalContract, ExpectingTooHighConflictsAndLeavesNoGap) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  for (sequence_nr expected : {sequence_nr{4}, sequence_nr{1'000}, sequence_nr_max - 1,
                               sequence_nr_max, std::numeric_limits<sequence_nr>::max()}) {
    EXPECT_EQ(session.append(alice, expected, {"x"}), "conflict 3") << "expected " << expected;
  }
  EXPECT_EQ(session.highest(alice), 3u);
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c");
}

TEST_P(JournalContract, NothingButZeroIsExpectedOfAnUnknownId) {
  for (sequence_nr expected :
       {sequence_nr{1}, sequence_nr{2}, sequence_nr_max, std::numeric_limits<sequence_nr>::max()}) {
    EXPECT_EQ(session.append(alice, expected, {"x"}), "conflict 0") << "expected " << expected;
  }
  EXPECT_EQ(session.highest(alice), 0u);
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(session.history(alice), "1:a");
}

TEST_P(JournalContract, AfterAConflictTheRightNumberIsStored) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  ASSERT_EQ(session.append(alice, 1, {"x"}), "conflict 2");
  EXPECT_EQ(session.append(alice, 2, {"x"}), "stored");
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:x");
}

TEST_P(JournalContract, ARequestWithoutEventsIsRejected) {
  auto outcome = session.outcome_of({alice, 0, {}});
  ASSERT_TRUE(std::holds_alternative<rejected>(outcome)) << told(outcome);
  EXPECT_EQ(meaning_of(std::get<rejected>(outcome).why.code), error_meaning::of_request);
  EXPECT_EQ(session.highest(alice), 0u);
}

}}}  // namespace nexus::v0::testkit
