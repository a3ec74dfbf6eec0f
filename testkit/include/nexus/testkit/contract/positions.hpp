// Positions of events in the whole journal: ascending, each unique.
#pragma once

#include <algorithm>
#include <vector>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, PositionsAscendWithinAnAppendAndAcrossAppends) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.append(alice, 3, {"d"}), "stored");
  ASSERT_EQ(session.append(alice, 4, {"e", "f"}), "stored");
  auto records = session.records(alice);
  ASSERT_EQ(records.size(), 6u);
  for (std::size_t i = 1; i < records.size(); ++i) EXPECT_LT(records[i - 1].at, records[i].at);
}

TEST_P(JournalContract, PositionsAscendFromAppendToAppendAcrossIds) {
  position last = start;
  for (const auto& id : {carol, alice, bob}) {
    ASSERT_EQ(session.append(id, 0, {"a", "b"}), "stored");
    for (const auto& r : session.records(id)) {
      EXPECT_LT(last, r.at) << id.str() << " number " << r.number;
      last = r.at;
    }
  }
}

TEST_P(JournalContract, EventsOfOneCallStandInDifferentPlaces) {
  ASSERT_EQ(session.append_all({{alice, 0, {"a", "b"}}, {bob, 0, {"c"}}, {carol, 0, {"d", "e"}}}),
            "stored, stored, stored");
  std::vector<position> places;
  for (const auto& id : {alice, bob, carol}) {
    for (const auto& r : session.records(id)) places.push_back(r.at);
  }
  std::sort(places.begin(), places.end());
  EXPECT_EQ(std::adjacent_find(places.begin(), places.end()), places.end());
}

TEST_P(JournalContract, TheAnswerNamesThePositionOfTheLastEvent) {
  auto outcome = session.outcome_of({alice, 0, {"a", "b", "c"}});
  ASSERT_EQ(told(outcome), "stored");
  EXPECT_EQ(std::get<stored>(outcome).last, session.last_record(alice).at);

  auto outcomes = session.outcomes_of({{bob, 0, {"x", "y"}}, {alice, 3, {"d"}}});
  ASSERT_EQ(told(outcomes.at(0)) + ", " + told(outcomes.at(1)), "stored, stored");
  EXPECT_EQ(std::get<stored>(outcomes[0]).last, session.last_record(bob).at);
  EXPECT_EQ(std::get<stored>(outcomes[1]).last, session.last_record(alice).at);
}

TEST_P(JournalContract, APositionIsNotUsedAgainAfterTheTailWasErased) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  auto last = session.last_record(alice).at;
  session.erase_to(alice, 3);
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  ASSERT_EQ(session.append(alice, 3, {"d"}), "stored");
  EXPECT_LT(last, session.records(bob).at(0).at);
  EXPECT_LT(session.records(bob).at(0).at, session.records(alice).at(0).at);
}

}}}  // namespace nexus::v0::testkit
