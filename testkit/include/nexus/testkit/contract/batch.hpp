// Many requests in one call: each has its own outcome.
#pragma once

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, ACallWithoutRequestsAnswersNothing) {
  EXPECT_EQ(session.append_all({}), "");
}

TEST_P(JournalContract, OneCallAppendsToManyIds) {
  EXPECT_EQ(session.append_all({{alice, 0, {"a", "b"}}, {bob, 0, {"x"}}}), "stored, stored");
  EXPECT_EQ(session.append_all({{alice, 2, {"c"}}, {bob, 1, {"y", "z"}}}), "stored, stored");
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c");
  EXPECT_EQ(session.history(bob), "1:x 2:y 3:z");
}

TEST_P(JournalContract, OutcomesComeInTheOrderOfTheRequests) {
  ASSERT_EQ(session.append_all({{alice, 0, {"a"}}, {bob, 0, {"a", "b"}}}), "stored, stored");
  // Sorted neither by id nor by outcome.
  EXPECT_EQ(session.append_all({{carol, 0, {"c"}}, {bob, 0, {"x"}}, {alice, 0, {"x"}}}),
            "stored, conflict 2, conflict 1");
}

TEST_P(JournalContract, AConflictingRequestFailsAlone) {
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  EXPECT_EQ(session.append_all({{alice, 0, {"a", "b"}}, {bob, 0, {"y", "z"}}, {carol, 0, {"c"}}}),
            "stored, conflict 1, stored");
  EXPECT_EQ(session.history(alice), "1:a 2:b");
  EXPECT_EQ(session.history(bob), "1:x");
  EXPECT_EQ(session.history(carol), "1:c");
}

TEST_P(JournalContract, AConflictFailsAloneWhereverItStands) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(session.append_all({{alice, 0, {"x"}}, {bob, 0, {"b"}}}), "conflict 1, stored");
  EXPECT_EQ(session.append_all({{bob, 1, {"c"}}, {alice, 5, {"x"}}}), "stored, conflict 1");
  EXPECT_EQ(session.append_all({{bob, 0, {"x"}}, {alice, 0, {"x"}}}), "conflict 2, conflict 1");
  EXPECT_EQ(session.history(alice), "1:a");
  EXPECT_EQ(session.history(bob), "1:b 2:c");
}

TEST_P(JournalContract, ARejectedRequestFailsAlone) {
  auto outcomes = session.outcomes_of({{alice, 0, {"a"}}, {bob, 0, {}}, {carol, 0, {"c"}}});
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(told(outcomes[0]), "stored");
  EXPECT_TRUE(std::holds_alternative<rejected>(outcomes[1])) << told(outcomes[1]);
  EXPECT_EQ(told(outcomes[2]), "stored");
  EXPECT_EQ(session.history(alice), "1:a");
  EXPECT_EQ(session.highest(bob), 0u);
  EXPECT_EQ(session.history(carol), "1:c");
}

TEST_P(JournalContract, AThousandRequestsInOneCallAreAllStored) {
  constexpr std::size_t ids = 1'000;
  auto id = [](std::size_t i) { return must(persistence_id::make("many", std::to_string(i))); };
  std::vector<request> batch;
  for (std::size_t i = 0; i < ids; ++i) batch.push_back({id(i), 0, {"a", "b", "c"}});

  for (const auto& outcome : session.outcomes_of(batch)) ASSERT_EQ(told(outcome), "stored");
  EXPECT_EQ(session.ids("many").size(), ids);
  for (std::size_t i = 0; i < ids; ++i) ASSERT_EQ(session.history(id(i)), "1:a 2:b 3:c") << i;
}

TEST_P(JournalContract, OneStaleRequestAmongAThousandFailsAlone) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  std::vector<request> batch;
  for (int i = 0; i < 500; ++i) {
    batch.push_back({must(persistence_id::make("aaa", std::to_string(i))), 0, {"x", "y"}});
    batch.push_back({must(persistence_id::make("zzz", std::to_string(i))), 0, {"x", "y"}});
  }
  batch.insert(batch.begin() + 500, {alice, 0, {"x", "y"}});

  auto outcomes = session.outcomes_of(batch);
  ASSERT_EQ(outcomes.size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    ASSERT_EQ(told(outcomes[i]), i == 500 ? "conflict 1" : "stored") << i;
  }
  for (const auto& r : batch) {
    ASSERT_EQ(session.history(r.id), r.id == alice ? "1:a" : "1:x 2:y") << r.id.str();
  }
}

}}}  // namespace nexus::v0::testkit
