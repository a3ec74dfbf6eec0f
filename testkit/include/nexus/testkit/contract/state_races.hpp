// Races for a state's version, and settling an upsert whose answer was lost.
#pragma once

#include "nexus/testkit/contract/races.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

// In each round both write on the same version, one of them the next version and the other the one
// after.
TEST_P(JournalContract, OfTwoSessionsThatRaceForAVersionExactlyOneWins) {
  constexpr std::array writers{own_writer, other_writer};
  constexpr std::array<sequence_nr, 2> steps{1, 2};
  std::array sessions{another_session(), another_session()};
  std::array<std::vector<append_outcome>, 2> outcomes;
  bool over = false;
  race_length length{50, GetParam().race};
  meeting_point meet;
  auto race = [&](std::size_t me) {
    sequence_nr version = 0;
    while (!over) {
      std::vector<put> next{
          {alice, version, version + steps[me], state(me == 0 ? "o" : "x"), writers[me]}};
      meet.wait_for_both();
      outcomes[me].push_back(sessions[me].outcomes_of(next).at(0));
      if (me == 0) over = length.over(outcomes[0].size());
      meet.wait_for_both();
      version += steps[std::holds_alternative<stored>(outcomes[0].back()) ? 0 : 1];
    }
  };
  std::thread rival{race, 1};
  race(0);
  rival.join();

  sequence_nr version = 0;
  std::size_t winner = 0;
  for (std::size_t round = 0; round < outcomes[0].size(); ++round) {
    winner = std::holds_alternative<stored>(outcomes[0][round]) ? 0 : 1;
    version += steps[winner];
    ASSERT_EQ(told(outcomes[winner][round]), "stored") << "round " << round;
    ASSERT_EQ(told(outcomes[1 - winner][round]), "conflict " + std::to_string(version));
  }
  EXPECT_EQ(session.state(alice), std::to_string(version) + (winner == 0 ? ":o" : ":x"));
}

TEST_P(JournalContract, AStoredUpsertSettlesAsStored) {
  const put first{alice, 0, 2, state("two")};
  const put erased{alice, 2, 3};
  EXPECT_EQ(session.settle_state(first), "not stored");
  ASSERT_EQ(session.upsert(first), "stored");
  EXPECT_EQ(session.settle_state(first), "stored");
  EXPECT_EQ(session.settle_state(first), "stored") << "and again";
  EXPECT_EQ(session.settle_state(erased), "not stored");
  ASSERT_EQ(session.upsert(erased), "stored");
  EXPECT_EQ(session.settle_state(erased), "stored");
  EXPECT_EQ(session.state(alice), "3 erased") << "settling stores nothing";
}

TEST_P(JournalContract, AnUpsertThatWasPassedByIsSuperseded) {
  const put mine{alice, 0, 1, state("one")};
  ASSERT_EQ(session.upsert(mine), "stored");
  ASSERT_EQ(session.upsert({alice, 1, 2, state("two"), other_writer}), "stored");
  EXPECT_EQ(session.settle_state(mine), "superseded");
  EXPECT_EQ(session.settle_state({alice, 0, 1, state("never sent")}), "superseded")
      << "the outcome is lost";
  ASSERT_EQ(session.upsert({alice, 2, 3}), "stored");
  EXPECT_EQ(session.settle_state({alice, 1, 2, state("two"), other_writer}), "superseded");
}

TEST_P(JournalContract, AnUpsertSettlesByEverythingItCarried) {
  const put given{alice, 0, 1, state_view{"balance", 2, "json", "data"}};
  ASSERT_EQ(session.upsert(given), "stored");
  auto settle_with = [&](auto change) {
    auto changed = given;
    change(changed);
    return session.settle_state(changed);
  };
  EXPECT_EQ(settle_with([](put&) {}), "stored");
  EXPECT_EQ(settle_with([](put& p) { p.writer = other_writer; }), "not stored");
  EXPECT_EQ(settle_with([](put& p) { p.value->data = "Data"; }), "not stored");
  EXPECT_EQ(settle_with([](put& p) { p.value->data = ""; }), "not stored");
  EXPECT_EQ(settle_with([](put& p) { p.value->type = "Balance"; }), "not stored");
  EXPECT_EQ(settle_with([](put& p) { p.value->schema_version = 1; }), "not stored");
  EXPECT_EQ(settle_with([](put& p) { p.value->codec = "msgpack"; }), "not stored");
  EXPECT_EQ(settle_with([](put& p) { p.value = {}; }), "not stored");
  EXPECT_EQ(settle_with([](put& p) { p.time += std::chrono::microseconds{1}; }), "not stored");
  EXPECT_EQ(settle_with([](put& p) { p.next = 2; }), "not stored");
}

TEST_P(JournalContract, ATombstoneIsNotAnEmptyState) {
  ASSERT_EQ(session.upsert({alice, 0, 1}), "stored");
  ASSERT_EQ(session.upsert({bob, 0, 1, state_view{.codec = {}}}), "stored");
  EXPECT_EQ(session.settle_state({alice, 0, 1, state_view{.codec = {}}}), "not stored");
  EXPECT_EQ(session.settle_state({bob, 0, 1}), "not stored");
  EXPECT_EQ(session.settle_state({alice, 0, 1}), "stored");
}

TEST_P(JournalContract, ALostAnswerOfAnUpsertSettlesAsTheTruthAndStaysSo) {
  if (!GetParam().lose_next_answer) GTEST_SKIP() << "no lose_next_answer";
  constexpr int rounds = 12;
  for (int round = 0; round < rounds; ++round) {
    auto id = must(persistence_id::make("lost", std::to_string(round)));
    const put first{id, 0, 2, state("first")};
    auto sender = another_session();
    GetParam().lose_next_answer(sender.inner());
    auto outcome = sender.outcomes_of(std::vector<put>{first}).at(0);
    ASSERT_TRUE(std::holds_alternative<unknown>(outcome)) << told(outcome);

    const auto truth = session.settle_state(first);
    EXPECT_EQ(session.settle_state(first), truth);
    EXPECT_EQ(session.state(id), truth == "stored" ? "2:first" : "none");
    const put next{id, truth == "stored" ? 2u : 0u, 3, state("next")};
    EXPECT_EQ(session.upsert(next), "stored") << truth;
    EXPECT_EQ(session.settle_state(first), "superseded");
    EXPECT_EQ(session.settle_state(next), "stored");
  }
}

}}}  // namespace nexus::v0::testkit
