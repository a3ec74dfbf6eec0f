// Reads that are made together, between begin_reads and end_reads.
#pragma once

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, ReadsMadeTogetherSeeWhatWasStoredBefore) {
  auto writer = another_session();
  for (sequence_nr n = 0; n < 3; ++n) {
    ASSERT_EQ(writer.append(alice, n, {"a"}), "stored");
    ASSERT_EQ(writer.upsert({bob, n, n + 1, state("s")}), "stored");
    session.inner().begin_reads();
    EXPECT_EQ(must(session.inner().highest(alice)), n + 1);
    EXPECT_EQ(session.replay(alice, n + 1, n + 1, everything), std::to_string(n + 1) + ":a");
    EXPECT_EQ(session.state(bob), std::to_string(n + 1) + ":s");
    session.inner().end_reads();
  }
}

TEST_P(JournalContract, OtherCallsWorkAmongReadsMadeTogether) {
  auto& reads = session.inner();
  reads.begin_reads();
  EXPECT_EQ(must(reads.highest(alice)), 0u);
  EXPECT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  EXPECT_EQ(must(reads.highest(alice)), 2u);
  session.save(alice, 2, "state");
  reads.begin_reads();
  EXPECT_EQ(session.load(alice), "2:state");
  EXPECT_EQ(session.records(alice).size(), 2u);
  EXPECT_EQ(session.upsert({bob, 0, 1, state("s")}), "stored");
  reads.end_reads();
  reads.end_reads();
  auto other = another_session();
  EXPECT_EQ(other.history(alice), "1:a 2:b");
  EXPECT_EQ(other.load(alice), "2:state");
  EXPECT_EQ(other.state(bob), "1:s");
}

}}}  // namespace nexus::v0::testkit
