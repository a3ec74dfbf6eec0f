// Settling a request whose answer was lost.
#pragma once

#include <limits>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, AStoredRequestSettlesAsStored) {
  request sent{alice, 0, {"a", "b"}};
  ASSERT_EQ(session.append(sent), "stored");
  EXPECT_EQ(session.settle(sent), "stored");
  EXPECT_EQ(session.settle(sent), "stored") << "and again";
  EXPECT_EQ(session.history(alice), "1:a 2:b") << "settling stores nothing";
}

TEST_P(JournalContract, ARequestThatNeverArrivedSettlesAsNotStored) {
  request lost{alice, 0, {"a", "b"}};
  EXPECT_EQ(session.settle(lost), "not stored");
  EXPECT_EQ(session.settle(lost), "not stored") << "and stays so";
  EXPECT_EQ(session.highest(alice), 0u) << "settling stores nothing";
}

TEST_P(JournalContract, ARequestSettlesByItsOwnNumbers) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  request sent{alice, 2, {"c", "d"}};
  EXPECT_EQ(session.settle(sent), "not stored");
  ASSERT_EQ(session.append(sent), "stored");
  EXPECT_EQ(session.settle(sent), "stored");
  ASSERT_EQ(session.append(alice, 4, {"e"}), "stored");
  EXPECT_EQ(session.settle(sent), "stored") << "whatever came later";
  EXPECT_EQ(session.settle({alice, 3, {"c", "d"}}), "not stored");
  EXPECT_EQ(session.settle({alice, 1, {"c", "d"}}), "not stored");
}

TEST_P(JournalContract, ARequestSettledAsNotStoredMayBeAppendedAgain) {
  request lost{alice, 0, {"a", "b"}};
  ASSERT_EQ(session.settle(lost), "not stored");
  EXPECT_EQ(session.append(lost), "stored");
  EXPECT_EQ(session.settle(lost), "stored");
  EXPECT_EQ(session.history(alice), "1:a 2:b");
}

TEST_P(JournalContract, AConflictingRequestSettlesAsNotStored) {
  ASSERT_EQ(session.append(request{alice, 0, {"x", "y"}, other_writer}), "stored");
  request stale{alice, 0, {"a", "b"}};
  ASSERT_EQ(session.append(stale), "conflict 2");
  EXPECT_EQ(session.settle(stale), "not stored");
  EXPECT_EQ(session.history(alice), "1:x 2:y");
}

TEST_P(JournalContract, EqualEventsOfAnotherWriterAreAnotherRequest) {
  ASSERT_EQ(session.append(request{alice, 0, {"a", "b"}, other_writer}), "stored");
  EXPECT_EQ(session.settle({alice, 0, {"a", "b"}, own_writer}), "not stored");
  EXPECT_EQ(session.settle({alice, 0, {"a", "b"}, other_writer}), "stored");
}

TEST_P(JournalContract, OwnRecordsWithOtherContentAreAnotherRequest) {
  const event_view given{"opened", 2,      "msgpack",
                         "data",   "meta", timestamp{std::chrono::microseconds{7}}};
  ASSERT_EQ(session.append(alice, 0, {{given}}), "stored");
  ASSERT_EQ(session.settle({alice, 0, {{given}}}), "stored");

  auto settle_with = [&](auto change) {
    auto changed = given;
    change(changed);
    return session.settle({alice, 0, {{changed}}});
  };
  EXPECT_EQ(settle_with([](auto& e) { e.data = "Data"; }), "not stored");
  EXPECT_EQ(settle_with([](auto& e) { e.data = "data "; }), "not stored");
  EXPECT_EQ(settle_with([](auto& e) { e.data = ""; }), "not stored");
  EXPECT_EQ(settle_with([](auto& e) { e.type = "closed"; }), "not stored");
  EXPECT_EQ(settle_with([](auto& e) { e.metadata = "else"; }), "not stored");
  EXPECT_EQ(settle_with([](auto& e) { e.schema_version = 3; }), "not stored");
  EXPECT_EQ(settle_with([](auto& e) { e.codec = "json"; }), "not stored");
  EXPECT_EQ(settle_with([](auto& e) { e.time += std::chrono::microseconds{1}; }), "not stored");
}

TEST_P(JournalContract, EveryEventOfARequestMustBeThere) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  EXPECT_EQ(session.settle({alice, 0, {"a", "b", "c"}}), "not stored");
  EXPECT_EQ(session.settle({alice, 0, {"a", "x"}}), "not stored");
  EXPECT_EQ(session.settle({alice, 0, {"x", "b"}}), "not stored");
  EXPECT_EQ(session.settle({alice, 0, {"b", "a"}}), "not stored");
}

TEST_P(JournalContract, ANumberNeverReachedSettlesAsNotStored) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  for (sequence_nr expected :
       {sequence_nr{1}, sequence_nr{9}, sequence_nr_max, std::numeric_limits<sequence_nr>::max()}) {
    EXPECT_EQ(session.settle({alice, expected, {"a"}}), "not stored") << "expected " << expected;
  }
}

TEST_P(JournalContract, AnySessionSettlesWhatAnotherSent) {
  request arrived{alice, 0, {"a", "b"}};
  request lost{bob, 0, {"x"}};
  {
    auto sender = another_session();
    ASSERT_EQ(sender.append(arrived), "stored");
  }
  EXPECT_EQ(session.settle(arrived), "stored");
  EXPECT_EQ(session.settle(lost), "not stored");
}

TEST_P(JournalContract, EachRequestOfALostCallIsSettledByItself) {
  ASSERT_EQ(session.append(request{bob, 0, {"x"}, other_writer}), "stored");
  std::vector<request> batch{{alice, 0, {"a"}}, {bob, 0, {"b"}}, {carol, 0, {"c"}}};
  ASSERT_EQ(session.append_all(batch), "stored, conflict 1, stored");
  EXPECT_EQ(session.settle(batch[0]), "stored");
  EXPECT_EQ(session.settle(batch[1]), "not stored");
  EXPECT_EQ(session.settle(batch[2]), "stored");
}

TEST_P(JournalContract, ALostAnswerSettlesAsTheTruthAndStaysSo) {
  if (!GetParam().lose_next_answer) GTEST_SKIP() << "no lose_next_answer";
  constexpr int rounds = 12;
  for (int round = 0; round < rounds; ++round) {
    auto id = must(persistence_id::make("lost", std::to_string(round)));
    request first{id, 0, {"a", "b"}};
    auto sender = another_session();
    GetParam().lose_next_answer(sender.inner());
    auto outcome = sender.outcome_of(first);
    ASSERT_TRUE(std::holds_alternative<unknown>(outcome)) << told(outcome);

    // From now on the numbers belong to that request or to the next one.
    auto truth = session.settle(first);
    request next{id, truth == "stored" ? 2u : 0u, {"c"}};
    EXPECT_EQ(session.append(next), "stored") << truth;
    EXPECT_EQ(session.settle(first), truth);
    EXPECT_EQ(session.settle(next), "stored");
    EXPECT_EQ(session.history(id), truth == "stored" ? "1:a 2:b 3:c" : "1:c");
  }
}

}}}  // namespace nexus::v0::testkit
