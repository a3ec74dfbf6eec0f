// Offsets of projections: their cells and leases, pauses, and skipped events; for journals whose
// sessions have a projection_storage.
#pragma once

#include "nexus/projection_storage.hpp"
#include "nexus/testkit/contract/fixture.hpp"
#include "nexus/testkit/contract/global_order.hpp"
#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Three events of an id, and three cells of a projection.
class kept_offsets {
 public:
  kept_offsets(terse_session& session, const persistence_id& id, const position& from)
      : session_{session}, id_{id}, start{from} {
    EXPECT_EQ(session.append(id, 0, {"a", "b", "c"}), "stored");
    for (const auto& one : follow(session, 3, start)) at.push_back(one.at);
    must(kept().add(report, std::vector<projection_cell>{{0, start}, {1, start}, {2, at.at(0)}}));
  }

  projection_storage& kept() { return *session_.inner().projections(); }

  /// As in "0:1/owner@1": cell 0 at the first event, its owner and its lease.
  std::string cells() {
    std::string all;
    for (const auto& one : must(kept().cells(report))) {
      const auto which = std::find(at.begin(), at.end(), one.at) - at.begin() + 1;
      all += (all.empty() ? "" : " ") + std::to_string(one.cell) + ":" +
             (one.at == start ? "0" : std::to_string(which)) + "/" + one.owner + "@" +
             std::to_string(one.lease) +
             (one.wanted_by.empty() ? "" : " wanted by " + one.wanted_by);
    }
    return all;
  }

  void take_all(std::string_view owner) {
    for (const auto& one : must(kept().cells(report))) {
      EXPECT_TRUE(must(kept().give(report, one, owner)));
    }
  }

  projection_failure failure(sequence_nr number, std::string why) {
    return {id_, number, at[number - 1], "happened", std::move(why), 6};
  }

 private:
  terse_session& session_;
  persistence_id id_;

 public:
  const position start;
  const projection_version report{"report", 1};
  std::vector<position> at;  // of the three events
};

TEST_P(JournalContract, CellsOfAProjectionAreAddedOnceAndKeepWhatTheyHave) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  EXPECT_EQ(o.cells(), "0:0/@0 1:0/@0 2:1/@0");
  o.take_all("me");
  must(o.kept().add(o.report, std::vector<projection_cell>{{2, o.start}, {3, o.at[1]}}));
  EXPECT_EQ(o.cells(), "0:0/me@1 1:0/me@1 2:1/me@1 3:2/@0");
  EXPECT_EQ(must(o.kept().cells({"report", 2})).size(), 0u);
  EXPECT_EQ(must(o.kept().cells({"repor", 1})).size(), 0u);
}

TEST_P(JournalContract, ACellIsGivenToOneOfTwoThatSawTheSame) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  const auto seen = must(o.kept().cells(o.report))[0];
  auto other = another_session();
  EXPECT_TRUE(must(o.kept().give(o.report, seen, "me")));
  EXPECT_FALSE(must(other.inner().projections()->give(o.report, seen, "you")));
  EXPECT_EQ(o.cells(), "0:0/me@1 1:0/@0 2:1/@0");
}

TEST_P(JournalContract, OnlyCellsOfTheOwnerAtThePlaceExpectedMove) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  o.take_all("me");
  EXPECT_EQ(must(o.kept().advance(o.report, "you", {0, 2, o.start, o.at[1]})), 0u);
  EXPECT_EQ(must(o.kept().advance(o.report, "me", {0, 2, o.start, o.at[1]})), 2u);
  EXPECT_EQ(o.cells(), "0:2/me@2 1:2/me@2 2:1/me@1");
  EXPECT_EQ(must(o.kept().advance(o.report, "me", {0, 2, o.start, o.at[1]})), 0u)
      << "a second time";
  EXPECT_EQ(must(o.kept().advance(o.report, "me", {2, 2, o.at[0], o.at[0]})), 1u)
      << "a sign of life";
  EXPECT_EQ(o.cells(), "0:2/me@2 1:2/me@2 2:1/me@2");
}

TEST_P(JournalContract, ACellIsWantedByTheFirstThatAsks) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  o.take_all("me");
  EXPECT_FALSE(must(o.kept().want(o.report, 0, "you", "him"))) << "not the owner";
  EXPECT_TRUE(must(o.kept().want(o.report, 0, "me", "him")));
  EXPECT_FALSE(must(o.kept().want(o.report, 0, "me", "her")));
  EXPECT_EQ(o.cells(), "0:0/me@1 wanted by him 1:0/me@1 2:1/me@1");
  EXPECT_TRUE(must(o.kept().give(o.report, must(o.kept().cells(o.report))[0], "him")));
  EXPECT_EQ(o.cells(), "0:0/him@2 1:0/me@1 2:1/me@1");
}

TEST_P(JournalContract, ARestartOfAProjectionLeavesNoOwnerAndFencesTheOldOne) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  o.take_all("me");
  std::vector<position> from;
  for (std::uint32_t i = 0; i < store->strands(); ++i) from.push_back(position::start_of(i));
  must(o.kept().restart(o.report, from));
  for (const auto& one : must(o.kept().cells(o.report))) {
    EXPECT_EQ(one.at, position::start_of(0)) << one.cell;
    EXPECT_EQ(one.owner, "");
  }
  EXPECT_EQ(must(o.kept().advance(o.report, "me", {0, 2, position::start_of(0), o.at[1]})), 0u);
}

TEST_P(JournalContract, ARestartOfAProjectionRemovesTheFailuresThatComeAgain) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  must(o.kept().add_failure(o.report, o.failure(1, "x")));
  must(o.kept().add_failure(o.report, o.failure(3, "y")));
  std::vector<position> from;
  for (std::uint32_t i = 0; i < store->strands(); ++i) from.push_back(position::start_of(i));
  from[o.at[1].strand] = o.at[1];
  must(o.kept().restart(o.report, from));
  auto left = must(o.kept().failures(o.report, 10));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].number, 1u);
}

TEST_P(JournalContract, WhatAProjectionReadsIsDeclaredOnce) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  must(o.kept().pause(o.report, true));
  EXPECT_EQ(must(o.kept().declare(o.report, "account")), "account");
  EXPECT_EQ(must(o.kept().declare(o.report, "order")), "account");
  EXPECT_TRUE(must(o.kept().paused(o.report)));
  must(o.kept().pause(o.report, false));
  EXPECT_EQ(must(o.kept().declare(o.report, "order")), "account");
}

TEST_P(JournalContract, AFailureOfAProjectionThatIsGoneIsNotUpdated) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  EXPECT_FALSE(must(o.kept().update_failure(o.report, o.failure(1, "x"))));
  must(o.kept().add_failure(o.report, o.failure(1, "x")));
  EXPECT_TRUE(must(o.kept().update_failure(o.report, o.failure(1, "y"))));
  EXPECT_EQ(must(o.kept().failures(o.report, 9)).at(0).error, "y");
}

TEST_P(JournalContract, APauseOfAProjectionIsKeptByVersion) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  EXPECT_FALSE(must(o.kept().paused(o.report)));
  must(o.kept().pause(o.report, true));
  EXPECT_TRUE(must(another_session().inner().projections()->paused(o.report)));
  EXPECT_FALSE(must(o.kept().paused({"report", 2})));
  must(o.kept().pause(o.report, false));
  EXPECT_FALSE(must(o.kept().paused(o.report)));
}

TEST_P(JournalContract, FailuresOfAProjectionAreListedReplacedAndRemoved) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  must(o.kept().add_failure(o.report, o.failure(2, "no such seat")));
  must(o.kept().add_failure(o.report, o.failure(1, "x")));
  must(o.kept().add_failure(o.report, o.failure(1, "y")));
  auto all = must(o.kept().failures(o.report, 10));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].of, alice);
  EXPECT_EQ(all[0].error, "y");
  EXPECT_EQ(all[1].number, 2u);
  EXPECT_EQ(all[1].at, o.at[1]);
  EXPECT_EQ(all[1].event_type, "happened");
  EXPECT_EQ(all[1].error, "no such seat");
  EXPECT_EQ(all[1].attempts, 6u);
  EXPECT_GT(all[1].time, timestamp{});
  EXPECT_EQ(must(o.kept().failures(o.report, 1)).size(), 1u);
  EXPECT_EQ(must(o.kept().count_failures(o.report)), 2u);
  EXPECT_TRUE(must(o.kept().remove_failure(o.report, alice, 2)));
  EXPECT_FALSE(must(o.kept().remove_failure(o.report, alice, 2)));
  EXPECT_EQ(must(o.kept().count_failures(o.report)), 1u);
}

TEST_P(JournalContract, ForgettingAVersionOfAProjectionLeavesTheOthers) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  const projection_version next{"report", 2};
  must(o.kept().add(next, std::vector<projection_cell>{{0, o.start}}));
  must(o.kept().add_failure(o.report, o.failure(1, "x")));
  must(o.kept().pause(o.report, true));
  EXPECT_EQ(must(o.kept().versions()), (std::vector<projection_version>{o.report, next}));
  must(o.kept().forget(o.report));
  EXPECT_EQ(must(o.kept().versions()), (std::vector<projection_version>{next}));
  EXPECT_FALSE(must(o.kept().paused(o.report)));
  EXPECT_EQ(must(o.kept().count_failures(o.report)), 0u);
}

TEST_P(JournalContract, ARollBackTakesTheMoveOfAProjectionBack) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  if (!session.inner().has_sql()) GTEST_SKIP() << "it has no transactions";
  o.take_all("me");
  auto done = transactional(session.inner(), [&](nexus::session& on) -> result<void> {
    EXPECT_EQ(must(on.projections()->advance(o.report, "me", {0, 2, o.start, o.at[1]})), 2u);
    must(on.projections()->add_failure(o.report, o.failure(1, "x")));
    return fail(errc::rejected, "the handler failed");
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(o.cells(), "0:0/me@1 1:0/me@1 2:1/me@1");
  EXPECT_EQ(must(o.kept().count_failures(o.report)), 0u);
}

TEST_P(JournalContract, AFreeCellThatAnotherIsTakingIsNotWaitedFor) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  if (!session.inner().has_sql()) GTEST_SKIP() << "it has no transactions";
  if (store->writers() < 2) GTEST_SKIP() << "one writer at a time";
  const auto seen = must(o.kept().cells(o.report))[0];
  auto other = another_session();
  must(other.inner().begin(isolation::read_committed, false));
  EXPECT_TRUE(must(other.inner().projections()->give(o.report, seen, "you")));
  EXPECT_FALSE(must(o.kept().give(o.report, seen, "me")));
  must(other.inner().rollback());
  EXPECT_TRUE(must(o.kept().give(o.report, seen, "me")));
}

TEST_P(JournalContract, AnOpenMoveOfASessionThatIsCutOffIsEnded) {
  if (session.inner().projections() == nullptr) GTEST_SKIP() << "it keeps no offsets";
  kept_offsets o{session, alice, start};
  if (!session.inner().has_sql()) GTEST_SKIP() << "it has no transactions";
  if (store->writers() < 2) GTEST_SKIP() << "its transactions end with their process";
  o.take_all("me");
  auto cut_off = another_session();
  must(cut_off.inner().begin(isolation::read_committed, false));
  EXPECT_EQ(must(cut_off.inner().projections()->advance(o.report, "me", {0, 1, o.start, o.at[1]})),
            2u);
  must(o.kept().end_others(o.report, 0, 2));
  const auto seen = must(o.kept().cells(o.report))[0];
  EXPECT_TRUE(must(o.kept().give(o.report, seen, "you")));
  EXPECT_FALSE(cut_off.inner().commit());
  EXPECT_EQ(o.cells(), "0:0/you@2 1:0/me@1 2:1/me@1");
}

}}}  // namespace nexus::v0::testkit
