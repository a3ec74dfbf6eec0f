// Durable states: a value, and a version that only rises.
#pragma once

#include <limits>

#include "nexus/testkit/contract/hostile_ids.hpp"
#include "nexus/testkit/contract/limits.hpp"
#include "nexus/testkit/contract/records.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, AnUnknownIdHasNoState) {
  EXPECT_EQ(session.state(alice), "none");
  EXPECT_EQ(session.state_ids(""), texts{});
}

TEST_P(JournalContract, AStateIsStoredInThePlaceOfTheOneBefore) {
  EXPECT_EQ(session.upsert(alice, 0, 1, "one"), "stored");
  EXPECT_EQ(session.state(alice), "1:one");
  EXPECT_EQ(session.upsert(alice, 1, 2, "two"), "stored");
  EXPECT_EQ(session.state(alice), "2:two");
  EXPECT_EQ(session.state(bob), "none");
}

TEST_P(JournalContract, ConsecutiveStatesMayBeCollapsedIntoOne) {
  EXPECT_EQ(session.upsert(alice, 0, 3, "three"), "stored");
  EXPECT_EQ(session.upsert(alice, 2, 4, "x"), "conflict 3");
  EXPECT_EQ(session.upsert(alice, 3, 1'000, "thousand"), "stored");
  EXPECT_EQ(session.state(alice), "1000:thousand");
}

TEST_P(JournalContract, AStateIsStoredOnlyOnTheVersionItExpects) {
  ASSERT_EQ(session.upsert(alice, 0, 3, "three"), "stored");
  for (sequence_nr expected :
       {sequence_nr{0}, sequence_nr{2}, sequence_nr{4}, sequence_nr_max - 1}) {
    EXPECT_EQ(session.upsert(alice, expected, expected + 1, "x"), "conflict 3") << expected;
    EXPECT_EQ(session.upsert({alice, expected, expected + 1}), "conflict 3") << expected;
  }
  EXPECT_EQ(session.upsert(bob, 1, 2, "x"), "conflict 0");
  EXPECT_EQ(session.state(alice), "3:three");
  EXPECT_EQ(session.state(bob), "none");
}

TEST_P(JournalContract, AVersionThatDoesNotRiseIsRejected) {
  ASSERT_EQ(session.upsert(alice, 0, 3, "three"), "stored");
  EXPECT_EQ(session.upsert(alice, 3, 3, "x"), "rejected invalid_argument");
  EXPECT_EQ(session.upsert(alice, 3, 2, "x"), "rejected invalid_argument");
  EXPECT_EQ(session.upsert({alice, 3, 3}), "rejected invalid_argument");
  EXPECT_EQ(session.upsert(bob, 0, 0, "x"), "rejected invalid_argument");
  EXPECT_EQ(session.upsert(alice, 3, sequence_nr_max + 1, "x"), "rejected invalid_argument");
  EXPECT_EQ(session.state(alice), "3:three");
  EXPECT_EQ(session.upsert(alice, 3, sequence_nr_max, "last"), "stored");
  EXPECT_EQ(session.state(alice), std::to_string(sequence_nr_max) + ":last");
}

TEST_P(JournalContract, AnErasedStateLeavesItsVersion) {
  ASSERT_EQ(session.upsert(alice, 0, 1, "one"), "stored");
  EXPECT_EQ(session.upsert({alice, 1, 2}), "stored");
  EXPECT_EQ(session.state(alice), "2 erased");
  EXPECT_EQ(session.upsert(alice, 0, 1, "x"), "conflict 2") << "as a stale writer would";
  EXPECT_EQ(session.upsert({alice, 2, 5}), "stored") << "erased again";
  EXPECT_EQ(session.state(alice), "5 erased");
  EXPECT_EQ(session.upsert(alice, 5, 6, "six"), "stored");
  EXPECT_EQ(session.state(alice), "6:six");
  EXPECT_EQ(session.upsert({bob, 0, 1}), "stored") << "what never was";
  EXPECT_EQ(session.state(bob), "1 erased");
}

TEST_P(JournalContract, EveryFieldOfAStateComesBack) {
  const auto bytes = all_bytes();
  sequence_nr version = 0;
  for (auto time : telling_times(store->limits())) {
    const state_view given{"it's größe", 0xffff'ffff, "code'c", bytes};
    ASSERT_EQ(session.upsert({alice, version, version + 1, given, other_writer, time}), "stored");
    auto found = must(session.inner().get_state(alice));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->version, ++version);
    EXPECT_FALSE(found->erased);
    EXPECT_EQ(found->type, given.type);
    EXPECT_EQ(found->schema_version, given.schema_version);
    EXPECT_EQ(found->codec, given.codec);
    EXPECT_EQ(found->data, bytes);
    EXPECT_EQ(found->writer, other_writer);
    EXPECT_EQ(found->time.time_since_epoch().count(), time.time_since_epoch().count());
  }
}

TEST_P(JournalContract, ATombstoneHasTheWriterAndTheTimeOfTheErasure) {
  const timestamp when{std::chrono::microseconds{7}};
  ASSERT_EQ(session.upsert(alice, 0, 1, "one"), "stored");
  ASSERT_EQ(session.upsert({alice, 1, 2, {}, other_writer, when}), "stored");
  auto found = must(session.inner().get_state(alice));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->erased);
  EXPECT_EQ(found->writer, other_writer);
  EXPECT_EQ(found->time, when);
  EXPECT_EQ(found->type + found->codec + found->data, "");
}

TEST_P(JournalContract, AnEmptyStateIsNotATombstone) {
  ASSERT_EQ(session.upsert({alice, 0, 1, state_view{.type = "none", .data = {}}}), "stored");
  EXPECT_EQ(session.state(alice), "1:");
  EXPECT_EQ(session.state_ids(""), texts{"account|alice"});
}

TEST_P(JournalContract, UpsertsThatConflictOrAreRejectedFailAlone) {
  EXPECT_EQ(session.upsert_all({}), "");
  ASSERT_EQ(session.upsert_all({{alice, 0, 1, state("a")}, {bob, 0, 2, state("b")}}),
            "stored, stored");
  EXPECT_EQ(session.upsert_all({{carol, 0, 1, state("c")},
                                {bob, 1, 2, state("x")},
                                {"account|dave"_id, 1, 1, state("x")},
                                {alice, 1, 2}}),
            "stored, conflict 2, rejected invalid_argument, stored");
  EXPECT_EQ(session.state(alice), "2 erased");
  EXPECT_EQ(session.state(bob), "2:b");
  EXPECT_EQ(session.state(carol), "1:c");
  EXPECT_EQ(session.state("account|dave"_id), "none");
}

TEST_P(JournalContract, StatesAndEventsAreSeparate) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.upsert(alice, 0, 1, "one"), "stored");
  ASSERT_EQ(session.upsert(bob, 0, 1, "one"), "stored");
  ASSERT_EQ(session.append(carol, 0, {"c"}), "stored");
  EXPECT_EQ(session.highest(alice), 3u);
  EXPECT_EQ(session.highest(bob), 0u);
  EXPECT_EQ(session.ids("account"), (texts{"account|alice", "account|carol"}));
  EXPECT_EQ(session.state_ids("account"), (texts{alice.str(), bob.str()}));
  session.prune({{alice, sequence_nr_max, sequence_nr_max}});
  EXPECT_EQ(session.state(alice), "1:one");
  ASSERT_EQ(session.upsert({alice, 1, 2}), "stored");
  EXPECT_EQ(session.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(session.history(alice), "4:d");
  EXPECT_EQ(session.load(bob), "none");
}

TEST_P(JournalContract, StatesAreListedUnlessErased) {
  std::vector<put> batch;
  for (const char* id : {"b|1", "a|2", "ab|1", "a|1", "a_|1", "a|3", "a|10"}) {
    batch.push_back({must(persistence_id::parse(id)), 0, 1, state("s")});
  }
  for (const auto& outcome : session.outcomes_of(batch)) ASSERT_EQ(told(outcome), "stored");
  ASSERT_EQ(session.upsert({"a|2"_id, 1, 2}), "stored");
  EXPECT_EQ(session.state_ids("a"), (texts{"a|1", "a|10", "a|3"}));
  EXPECT_EQ(session.state_ids("a", "1", 1), texts{"a|10"});
  EXPECT_EQ(session.state_ids("a", "10"), texts{"a|3"});
  EXPECT_EQ(session.state_ids("a", "3"), texts{});
  EXPECT_EQ(session.state_ids("a", "", 0), texts{});
  EXPECT_EQ(session.state_ids(""), (texts{"a_|1", "ab|1", "a|1", "a|10", "a|3", "b|1"}));
  EXPECT_EQ(session.state_ids("", "a|1", 2), (texts{"a|10", "a|3"}));
  ASSERT_EQ(session.upsert("a|2"_id, 2, 3, "back"), "stored");
  EXPECT_EQ(session.state_ids("a", "10"), (texts{"a|2", "a|3"}));
}

TEST_P(JournalContract, HostileIdsHaveStatesApart) {
  auto ids = hostile_ids();
  std::vector<put> batch;
  for (const auto& id : ids) batch.push_back({id, 0, 1, state(id.str())});
  for (const auto& outcome : session.outcomes_of(batch)) ASSERT_EQ(told(outcome), "stored");
  for (const auto& id : ids) EXPECT_EQ(session.state(id), "1:" + id.str());
  std::vector<put> erased;
  texts left;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % 2 == 0) {
      erased.push_back({ids[i], 1, 2});
    } else {
      left.push_back(ids[i].str());
    }
  }
  for (const auto& outcome : session.outcomes_of(erased)) ASSERT_EQ(told(outcome), "stored");
  std::sort(left.begin(), left.end());
  EXPECT_EQ(session.state_ids(""), left);
}

TEST_P(JournalContract, AStateAtTheLimitIsStoredAndOnePastItIsRejectedAlone) {
  auto bytes_max = store->limits().payload_bytes_max;
  if (bytes_max > tested_bytes_max) GTEST_SKIP() << too_much;
  const auto too_large = payload_of(bytes_max + 1);
  const auto largest = std::string_view{too_large}.substr(1);
  ASSERT_EQ(session.upsert(alice, 0, 1, largest), "stored");
  auto found = must(session.inner().get_state(alice));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->data == largest) << "got " << found->data.size() << " bytes";
  EXPECT_EQ(session.upsert_all({{bob, 0, 1, state(too_large)}, {carol, 0, 1, state("c")}}),
            "rejected too_large, stored");
  EXPECT_EQ(session.state(bob), "none");
  EXPECT_EQ(session.state(carol), "1:c");
}

TEST_P(JournalContract, ReopeningKeepsStatesAndTombstones) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.upsert_all({{alice, 0, 7, state("seven")}, {bob, 0, 3}}), "stored, stored");
  reopen();
  EXPECT_EQ(session.state(alice), "7:seven");
  EXPECT_EQ(session.state(bob), "3 erased");
  EXPECT_EQ(session.state_ids("account"), texts{"account|alice"});
  EXPECT_EQ(session.upsert(bob, 0, 1, "x"), "conflict 3");
  EXPECT_EQ(session.upsert(bob, 3, 4, "four"), "stored");
}

}}}  // namespace nexus::v0::testkit
