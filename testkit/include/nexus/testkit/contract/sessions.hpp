// Several sessions on one journal: each sees what the others stored.
#pragma once

#include <thread>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, ASessionSeesWhatAnotherStored) {
  auto other = another_session();
  ASSERT_EQ(session.highest(alice), 0u);
  ASSERT_EQ(other.append(alice, 0, {"a", "b"}), "stored");
  other.save(alice, 2, "two");
  EXPECT_EQ(session.highest(alice), 2u);
  EXPECT_EQ(session.history(alice), "1:a 2:b");
  EXPECT_EQ(session.load(alice), "2:two");
  EXPECT_EQ(session.ids("account"), texts{"account|alice"});
  EXPECT_EQ(session.append(alice, 0, {"x"}), "conflict 2");
  EXPECT_EQ(session.append(alice, 2, {"c"}), "stored");
  EXPECT_EQ(other.history(alice), "1:a 2:b 3:c");
}

TEST_P(JournalContract, AReplayThatEndedEarlyDoesNotFreezeWhatItsSessionSees) {
  auto other = another_session();
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  must(session.inner().replay(alice, 1, 3, everything, [](const auto&) { return false; }));
  EXPECT_EQ(other.append(alice, 3, {"d"}), "stored") << "nor does it lock others out";
  EXPECT_EQ(session.highest(alice), 4u);
  EXPECT_EQ(session.append(alice, 4, {"e"}), "stored");
}

TEST_P(JournalContract, ASessionMayBeHandedToAnotherThread) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  std::string outcome;
  std::thread{[&] { outcome = session.append(alice, 1, {"b"}); }}.join();
  EXPECT_EQ(outcome, "stored");
  EXPECT_EQ(session.history(alice), "1:a 2:b");
}

}}}  // namespace nexus::v0::testkit
