// Several journal objects of one URI in one process are one journal, and none remembers anything
// that another could change.
#pragma once

#include "nexus/testkit/contract/global_order.hpp"
#include "nexus/testkit/contract/races.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Why this journal is not opened twice; null if it is.
inline const char* why_alone(const journal_under_test& journal) {
  if (!journal.reopens) return "this journal is another one each time";
  if (!journal.shared) return "this journal may be open only once";
  return nullptr;
}

TEST_P(JournalContract, AHeadIsNotRememberedByTheJournalObject) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  terse_session other{must(second->open_session()), start};
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  EXPECT_EQ(other.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(session.append(alice, 3, {"stale"}), "conflict 4");
  EXPECT_EQ(session.highest(alice), 4u);
  EXPECT_EQ(another_session().append_all({{alice, 3, {"stale"}}, {bob, 1, {"y"}}}),
            "conflict 4, stored");
  EXPECT_EQ(other.append(bob, 1, {"stale"}), "conflict 2");
  EXPECT_EQ(session.append(alice, 4, {"e"}), "stored");
  EXPECT_EQ(other.history(alice), "1:a 2:b 3:c 4:d 5:e");
  EXPECT_EQ(session.history(bob), "1:x 2:y");
}

TEST_P(JournalContract, EventsErasedByOneJournalObjectAreErasedForTheOther) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  terse_session other{must(second->open_session()), start};
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(other.highest(alice), 3u);
  session.erase_to(alice, 3);
  EXPECT_EQ(other.history(alice), "");
  EXPECT_EQ(other.highest(alice), 3u);
  EXPECT_EQ(other.append(alice, 0, {"stale"}), "conflict 3");
  EXPECT_EQ(other.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(session.history(alice), "4:d");
}

TEST_P(JournalContract, SnapshotsAndStatesAreThoseOfEveryJournalObject) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  terse_session other{must(second->open_session()), start};
  session.save(alice, 1, "one");
  EXPECT_EQ(other.load(alice), "1:one");
  other.save(alice, 2, "two");
  EXPECT_EQ(session.load(alice), "2:two");
  ASSERT_EQ(session.upsert(bob, 0, 1, "one"), "stored");
  ASSERT_EQ(other.upsert(bob, 1, 2, "two"), "stored");
  EXPECT_EQ(session.upsert(bob, 1, 2, "stale"), "conflict 2");
  EXPECT_EQ(session.state(bob), "2:two");
  EXPECT_EQ(session.ids(""), other.ids(""));
  EXPECT_EQ(session.state_ids(""), other.state_ids(""));
}

TEST_P(JournalContract, PositionsAscendAcrossJournalObjects) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  terse_session other{must(second->open_session()), start};
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  ASSERT_EQ(other.append(bob, 0, {"x"}), "stored");
  ASSERT_EQ(session.append(alice, 2, {"c"}), "stored");
  ASSERT_EQ(other.append(carol, 0, {"p"}), "stored");
  for (auto* reader : {&session, &other}) {
    auto all = follow(*reader, 5);
    EXPECT_EQ(told(all), "alice 1:a, alice 2:b, bob 1:x, alice 3:c, carol 1:p");
    EXPECT_TRUE(ascends(all));
  }
}

TEST_P(JournalContract, ReadersAndErasedEventsAreThoseOfEveryJournalObject) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  terse_session other{must(second->open_session()), start};
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  const auto all = follow(other, 3);
  must(session.inner().save_reader({"reader", all[0].at, timestamp{}}));
  EXPECT_EQ(code_of(other.inner().erase_to(alice, 2)), "held_back");
  EXPECT_EQ(session.history(alice), "2:b 3:c");
  EXPECT_EQ(code_of(session.inner().read_all(start, everything, [](auto&...) { return true; })),
            "history_erased");
  must(other.inner().forget_reader("reader"));
  session.erase_to(alice, 2);
  EXPECT_EQ(code_of(other.inner().read_all(all[0].at, everything, [](auto&...) { return true; })),
            "history_erased");
}

TEST_P(JournalContract, OneJournalObjectSettlesWhatAnotherSent) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  terse_session other{must(second->open_session()), start};
  const request sent{alice, 0, {"a", "b"}};
  EXPECT_EQ(other.settle(sent), "not stored");
  ASSERT_EQ(session.append(sent), "stored");
  EXPECT_EQ(other.settle(sent), "stored");
}

TEST_P(JournalContract, OfTwoJournalObjectsThatRaceForANumberExactlyOneWins) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  race_for_numbers(another_session(), terse_session{must(second->open_session()), start}, session,
                   alice, {50, GetParam().race});
}

TEST_P(JournalContract, AJournalThatMayBeOpenOnlyOnceSaysSo) {
  if (!GetParam().reopens || GetParam().shared) GTEST_SKIP() << "this journal may be open twice";
  const auto second = try_to_open(uri);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::already_exists) << second.error().message;
  close();
  open();
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored") << "it is free again once it is closed";
}

}}}  // namespace nexus::v0::testkit
