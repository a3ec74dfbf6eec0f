// The way from a new actor to a running entity, and its failures.
#include "fsm_harness.hpp"
#include "nexus/journal_errors.hpp"

using namespace nexus;
using namespace nexus::test;

// -- recovery -------------------------------------------------------------------------------------

TEST(FsmRecovery, CommandsDuringRecoveryWaitInOrder) {
  fsm_driver f;
  EXPECT_EQ(f.command(persists_one), words{"load"});
  EXPECT_EQ(f.command(reads), words{});
  EXPECT_EQ(f.load_answer(2), words{"replay 1..2"});
  EXPECT_EQ(f.command(persists_one), words{});
  EXPECT_EQ(f.chunk(1, 2), words{});
  EXPECT_EQ(f.drained(), words{"append 3..4"});
  EXPECT_EQ(f.append_stored(), (words{"release 1", "release 2", "release 3"}));
  EXPECT_EQ(f.fate_of(2).seen, 3);
}

TEST(FsmRecovery, WithoutAStateEachCommandHasOneReadThatBeganAfterItCame) {
  fsm_driver f;
  f.model().looks = true;
  EXPECT_EQ(f.command(reads), words{"load"});
  EXPECT_EQ(f.load_answer(0), words{"release 1"});
  EXPECT_EQ(f.command(reads), words{"load"});
  EXPECT_EQ(f.command(reads), words{});
  EXPECT_EQ(f.load_answer(0), (words{"release 2", "load"}));
  EXPECT_EQ(f.load_answer(1), words{"replay 1..1"});
  EXPECT_EQ(f.chunk(1, 1), words{"release 3"});
  EXPECT_EQ(f.command(reads), words{"release 4"});
  EXPECT_EQ(f.fate_of(2).seen, 0);
  EXPECT_EQ(f.fate_of(3).seen, 1);
}

TEST(FsmRecovery, AStatementThatTheDatabaseRefusedIsTriedAgain) {
  for (std::size_t i = 0; i < errcs; ++i) {
    const auto code = static_cast<errc>(i);
    fsm_driver f;
    f.command(reads);
    const auto did = f.load_failed(code);
    ASSERT_EQ(did.front(), "refuse 1 " + std::string{to_string(code)});
    EXPECT_EQ(did.back() == "wait 0", may_pass(code)) << to_string(code);
  }
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.load_failed(errc::query_failed), (words{"refuse 1 query_failed", "wait 0"}));
}

TEST(FsmRecovery, TwoChunksAreReadAtATime) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.load_answer(2500), (words{"replay 1..1000", "replay 1001..2000"}));
  EXPECT_EQ(f.chunk(1, 1000), words{"replay 2001..2500"});
  EXPECT_EQ(f.chunk(1001, 2000), words{});
  EXPECT_EQ(f.chunk(2001, 2500), words{"release 1"});
  EXPECT_EQ(f.fate_of(1).seen, 2500);
}

TEST(FsmRecovery, AChunkThatComesEarlyWaitsForItsTurn) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(2500);
  EXPECT_EQ(f.chunk(1001, 2000), words{}) << "two chunks are held: no third is read";
  EXPECT_EQ(f.fsm().applied(), 0u);
  EXPECT_EQ(f.chunk(1, 1000), words{"replay 2001..2500"});
  EXPECT_EQ(f.fsm().applied(), 2000u);
  EXPECT_EQ(f.chunk(2001, 2500), words{"release 1"});
}

TEST(FsmRecovery, TheRestOfAChunkCutShortIsReadFirst) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(2500);
  EXPECT_EQ(f.chunk_cut_short(1, 1000, 300), words{"replay 301..1000"});
  EXPECT_EQ(f.chunk(1001, 2000), words{});
  EXPECT_EQ(f.chunk(301, 1000), words{"replay 2001..2500"});
  EXPECT_EQ(f.chunk(2001, 2500), words{"release 1"});
  EXPECT_EQ(f.fate_of(1).seen, 2500);
}

TEST(FsmRecovery, AnEarlyChunkMayBeCutShortToo) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(2000);
  EXPECT_EQ(f.chunk_cut_short(1001, 2000, 1200), words{});
  EXPECT_EQ(f.chunk(1, 1000), words{"replay 1201..2000"});
  EXPECT_EQ(f.chunk(1201, 2000), words{"release 1"});
}

TEST(FsmRecovery, RecoveryStartsAfterTheSnapshot) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.load_answer(12, stored_snapshot{.number = 10, .data = "100"}),
            words{"replay 11..12"});
  EXPECT_EQ(f.chunk(11, 12), words{"release 1"});
  EXPECT_EQ(f.fate_of(1).seen, 102);
}

TEST(FsmRecovery, ASnapshotOfTheLastEventIsAllItTakes) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.load_answer(10, stored_snapshot{.number = 10, .data = "100"}), words{"release 1"});
}

TEST(FsmRecovery, ASnapshotBeyondTheHighestIsRefused) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.load_answer(9, stored_snapshot{.number = 10, .data = "100"}),
            (words{"refuse 1 corrupt", "stopped"}));
  EXPECT_EQ(f.last_error, "sum|one: snapshot 10 is beyond the highest event 9");
}

TEST(FsmRecovery, AGapIsRefusedByNumber) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(5);
  EXPECT_EQ(f.step(d::replayed{f.last_epoch(), 1, 5, fsm_driver::records(2, 5)}),
            (words{"refuse 1 corrupt", "stopped"}));
  EXPECT_EQ(f.last_error, "sum|one: event 1 is missing, the next one stored is 2");
}

TEST(FsmRecovery, AMissingTailIsRefusedByNumber) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(5);
  EXPECT_EQ(f.chunk_cut_short(1, 5, 3), words{"replay 4..5"});
  EXPECT_EQ(f.chunk_cut_short(4, 5, 3), (words{"refuse 1 corrupt", "stopped"}));
  EXPECT_EQ(f.last_error, "sum|one: event 4 is missing, the highest is 5");
}

TEST(FsmRecovery, ACorruptEventIsToldByIdAndNumber) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(5);
  EXPECT_EQ(f.chunk(1, 5, "bad"), (words{"refuse 1 corrupt", "stopped"}));
  EXPECT_EQ(f.last_error, "sum|one: event 1: does not decode");
}

TEST(FsmRecovery, AChunkOfAnEarlierRecoveryIsIgnored) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(3000);
  const auto before = f.last_epoch();
  EXPECT_EQ(f.chunk(1, 1000, "bad"), (words{"replay 2001..3000", "refuse 1 corrupt", "stopped"}));
  EXPECT_EQ(f.command(reads), words{"load"});
  f.load_answer(1000);
  EXPECT_EQ(f.step(d::replayed{before, 1, 1000, fsm_driver::records(1, 1000)}), words{});
  EXPECT_EQ(f.chunk(1, 1000), words{"release 2"});
}

TEST(FsmRecovery, AnEntityThatCouldNotRecoverTriesAgainWithTheNextCommand) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(1);
  f.chunk(1, 1, "bad");
  EXPECT_EQ(f.command(reads), words{"load"});
}

TEST(FsmRecovery, ABatchThatStepsOverAMultipleCounts) {
  auto f = running_at(9, {.snapshot_every = 10});
  f->command(persists_two);
  f->drained();
  EXPECT_EQ(f->append_stored(), (words{"save 11", "release 1"}));
}

TEST(FsmRecovery, OneThatStandsStillFailsAndBacksOff) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.stalled(), (words{"refuse 1 timeout", "wait 0"}));
  EXPECT_EQ(f.load_answer(3), words{}) << "too late";
}

TEST(FsmRecovery, ItsEndIsTold) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(0);
  ASSERT_EQ(f.signals.size(), 1u);
  EXPECT_EQ(f.signals[0].what, entity_signal::kind::recovered);
}

TEST(FsmRecovery, ItsFailureIsTold) {
  fsm_driver f;
  f.command(reads);
  f.load_failed(errc::unavailable);
  ASSERT_EQ(f.signals.size(), 1u);
  EXPECT_EQ(f.signals[0].what, entity_signal::kind::recovery_failed);
}
