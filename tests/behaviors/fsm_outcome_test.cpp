// The entity's reaction to every outcome of an append.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;

TEST(FsmOutcome, AConflictRefusesAllThatWasSpeculativeAndRecovers) {
  auto f = running_at(5);
  f->command(persists_two);
  f->drained();
  f->command(persists_one);
  f->command(reads);
  EXPECT_EQ(f->append_answers(conflict{6}),
            (words{"refuse 1 conflict", "refuse 2 conflict", "refuse 3 conflict", "load"}));
  f->command(persists_one);
  EXPECT_EQ(f->load_answer(6), words{"replay 1..6"});
  f->chunk(1, 6);
  EXPECT_EQ(f->fate_of(4).seen, 7);
  EXPECT_EQ(f->drained(), words{"append 7..7"});
}

TEST(FsmOutcome, AConflictWithAPossibleOwnAppendIsSettled) {
  auto f = running_at(5);
  f->command(persists_two);
  f->drained();
  EXPECT_EQ(f->append_answers(conflict{7}), words{"settle"});
  EXPECT_EQ(f->settles(settlement::stored), words{"release 1"});
  EXPECT_EQ(f->fsm().durable(), 7u);
}

TEST(FsmOutcome, AConflictWithAnothersEventsIsAConflict) {
  auto f = running_at(5);
  f->command(persists_two);
  f->drained();
  f->append_answers(conflict{7});
  EXPECT_EQ(f->settles(settlement::not_stored), (words{"refuse 1 conflict", "load"}));
}

TEST(FsmOutcome, OfStatesStoredInPartTheFirstAreReleasedTheNextRefusedTheRestDecidedAgain) {
  auto f = running_at(5);
  f->command(persists_one);
  f->command(persists_one);
  f->command(persists_one);
  f->command(reads);
  f->drained();
  EXPECT_EQ(f->append_answers(partly{1, {errc::constraint_violated, "a check"}}),
            (words{"release 1", "refuse 2 constraint_violated", "load"}));
  EXPECT_EQ(f->load_answer(6), words{"replay 1..6"});
  f->chunk(1, 6);
  EXPECT_EQ(f->fate_of(3).seen, 7);
  EXPECT_EQ(f->fate_of(4).seen, 7) << "its command saw the state of command 3";
  EXPECT_EQ(f->drained(), words{"append 7..7"});
}

TEST(FsmOutcome, IfTheFirstStateIsRefusedNothingIsReleased) {
  auto f = running_at(0);
  f->command(persists_one);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(partly{0, {errc::constraint_violated, "a check"}}),
            (words{"refuse 1 constraint_violated", "load"}));
  EXPECT_EQ(f->load_answer(0), words{});
  EXPECT_EQ(f->drained(), words{"append 1..1"});
  EXPECT_EQ(f->append_answers(stored{}), words{"release 2"});
}

TEST(FsmOutcome, ARejectedAppendLivesOn) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "too large"}}),
            (words{"refuse 1 too_large", "load"}));
}

TEST(FsmOutcome, AFailedAppendBacksOffAndRecovers) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "disk"}}),
            (words{"refuse 1 unavailable", "wait 0"}));
  EXPECT_EQ(f->command(reads), words{}) << "it waits for the next attempt";
  EXPECT_EQ(f->waited(), words{"load"});
  EXPECT_EQ(f->load_failed(errc::unavailable), (words{"refuse 2 unavailable", "wait 1"}));
  f->command(reads);
  EXPECT_EQ(f->waited(), words{"load"});
  EXPECT_EQ(f->load_answer(0), words{"release 3"});
}

TEST(FsmOutcome, ABackOffWithoutACommandEndsTheEntity) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(failed{{errc::unavailable, "disk"}});
  EXPECT_EQ(f->waited(), words{"stopped"});
}

TEST(FsmOutcome, AnUnknownOutcomeIsSettledBeforeAnythingElse) {
  auto f = running_at(3);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(unknown{{errc::unavailable, "cut"}}), words{"settle"});
  EXPECT_EQ(f->command(persists_one), words{});
  EXPECT_FALSE(f->fate_of(2).decided);
  EXPECT_EQ(f->settles(fail(errc::unavailable, "still cut")), words{"wait 0"});
  EXPECT_EQ(f->waited(), words{"settle"});
  EXPECT_EQ(f->settles(fail(errc::unavailable, "still cut")), words{"wait 1"});
  EXPECT_EQ(f->waited(), words{"settle"});
  EXPECT_EQ(f->settles(settlement::stored), (words{"release 1", "append 5..5"}));
}

TEST(FsmOutcome, WaitersAreToldOfAStorageThatDoesNotSettle) {
  auto f = running_at(3);
  f->command(persists_one);
  f->drained();
  f->command(persists_one);
  f->append_answers(unknown{{errc::unavailable, "cut"}});
  f->command(reads);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(f->settles(fail(errc::unavailable, "disk full")), words{fmt::format("wait {}", i)});
    EXPECT_EQ(f->waited(), words{"settle"});
  }
  EXPECT_EQ(f->settles(fail(errc::unavailable, "disk full")),
            (words{"refuse 1 outcome_unknown", "refuse 2 outcome_unknown", "refuse 3 unavailable",
                   "wait 5"}));
  EXPECT_EQ(f->last_error, "sum|one: disk full");
  EXPECT_EQ(f->command(reads), words{});
  EXPECT_EQ(f->waited(), words{"settle"});
  EXPECT_EQ(f->settles(fail(errc::unavailable, "disk full")),
            (words{"refuse 4 unavailable", "wait 6"}));
  f->command(reads);
  f->waited();
  EXPECT_EQ(f->settles(settlement::stored), words{"load"}) << "the truth is in the journal";
  EXPECT_EQ(f->load_answer(4), words{"replay 1..4"});
  f->chunk(1, 4);
  EXPECT_EQ(f->fate_of(5).seen, 4);
}

TEST(FsmOutcome, AReportedFailureIsNotReportedAgainAtTheEnd) {
  auto f = running_at(3);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "cut"}});
  for (int i = 0; i < 6; ++i) {
    f->settles(fail(errc::unavailable, "disk full"));
    f->waited();
  }
  EXPECT_EQ(f->close(), words{"stopped"});
}

TEST(FsmOutcome, AnUnknownOutcomeThatWasNotStoredIsTold) {
  auto f = running_at(3);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "cut"}});
  EXPECT_EQ(f->settles(settlement::not_stored), (words{"refuse 1 unavailable", "load"}));
}

TEST(FsmOutcome, ErrorsNameTheEntity) {
  auto f = running_at(3);
  f->command(persists_one);
  f->drained();
  f->append_answers(failed{{errc::unavailable, "disk on fire"}});
  EXPECT_EQ(f->last_error, "sum|one: disk on fire");
}

TEST(FsmOutcome, AStateThatWasOvertakenLeavesTheOutcomeUnknown) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "cut"}});
  EXPECT_EQ(f->settles(settlement::superseded), (words{"refuse 1 outcome_unknown", "load"}));
}

TEST(FsmOutcome, ALostAppendIsToldWithTheIdOfItsCommand) {
  auto f = running_at(0);
  f->command(persists_one, {.command_id = *ulid::parse("01BX5ZZKBKACTAV9WEVGEMMVRZ")});
  f->drained();
  f->append_answers(rejected{{errc::too_large, "too large"}});
  EXPECT_EQ(f->last_error, "sum|one: command 01BX5ZZKBKACTAV9WEVGEMMVRZ: too large");
}

TEST(FsmOutcome, OwnWorkIsRetriedOnlyAfterAPause) {
  fsm_driver f;
  f.model().persists_once_recovered = true;
  f.command(reads);
  f.load_answer(0);
  EXPECT_EQ(f.drained(), words{"append 1..1"});
  EXPECT_EQ(f.append_answers(rejected{{errc::too_large, "big"}}),
            (words{"refuse 0 too_large", "refuse 1 too_large", "wait 0"}))
      << "also if a caller is told";
  EXPECT_EQ(f.waited(), words{"load"});
  f.load_answer(0);
  EXPECT_EQ(f.drained(), words{"append 1..1"});
  EXPECT_EQ(f.append_answers(rejected{{errc::too_large, "big"}}),
            (words{"refuse 0 too_large", "wait 1"}));
  EXPECT_EQ(f.waited(), words{"load"});
}

TEST(FsmOutcome, LostOwnWorkIsRetriedOnlyAfterAPause) {
  fsm_driver f;
  f.model().persists_once_recovered = true;
  f.command(reads);
  f.load_answer(0);
  f.drained();
  f.append_stored();
  f.command({.throws = true});
  f.load_answer(1);
  f.chunk(1, 1);
  f.drained();
  EXPECT_EQ(f.append_answers(unknown{{errc::unavailable, "cut"}}), words{"settle"});
  EXPECT_EQ(f.settles(settlement::not_stored), (words{"refuse 0 unavailable", "wait 0"}));
}

TEST(FsmOutcome, PausesGrowWhileTheStorageReadsButDoesNotWrite) {
  auto f = running_at(0);
  for (int i = 0; i < 3; ++i) {
    f->command(persists_one);
    f->drained();
    const auto done = f->append_answers(failed{{errc::unavailable, "full"}});
    EXPECT_EQ(done.back(), "wait " + std::to_string(i));
    f->command(reads);
    EXPECT_EQ(f->waited(), words{"load"});
    f->load_answer(0);
  }
  f->command(persists_one);
  f->drained();
  f->append_stored();
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "full"}}).back(), "wait 0");
}
