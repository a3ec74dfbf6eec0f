// An entity that decides again after another writer wrote first.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

auto retrying_at(sequence_nr events, std::uint32_t retries = 10) {
  return running_at(events, {.conflict_retries_max = retries});
}

/// The recovery after another writer has reached `highest`.
words recovers(fsm_driver& f, sequence_nr highest) {
  if (auto asked = f.load_answer(highest); highest == 0) return asked;
  return f.chunk(1, highest);
}

}  // namespace

TEST(FsmConflict, ACommandIsDecidedAgainOnTheFreshState) {
  auto f = retrying_at(5);
  f->command(persists_two);
  EXPECT_EQ(f->drained(), words{"append 6..7"});
  EXPECT_EQ(f->append_answers(conflict{6}), words{"load"});
  EXPECT_EQ(f->fsm().held(), 1u) << "it has not left the gate";
  EXPECT_EQ(f->load_answer(6), words{"replay 1..6"});
  EXPECT_EQ(f->chunk(1, 6), words{});
  EXPECT_EQ(f->fate_of(1).seen, 8);
  EXPECT_EQ(f->drained(), words{"append 7..8"});
  EXPECT_EQ(f->append_stored(), words{"release 1"});
  EXPECT_EQ(f->fsm().held(), 0u);
}

TEST(FsmConflict, SpeculativeCommandsAreDecidedAgainInOrderBeforeLaterOnes) {
  auto f = retrying_at(5);
  f->command(persists_two);
  f->drained();
  f->command(persists_one);
  f->command(reads);
  EXPECT_EQ(f->append_answers(conflict{6}), words{"load"});
  f->command(persists_one);
  recovers(*f, 6);
  EXPECT_EQ(f->fate_of(1).seen, 8);
  EXPECT_EQ(f->fate_of(2).seen, 9);
  EXPECT_EQ(f->fate_of(3).seen, 9) << "a read that saw what never was";
  EXPECT_EQ(f->fate_of(4).seen, 10);
  EXPECT_EQ(f->drained(), words{"append 7..10"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2", "release 3", "release 4"}));
}

TEST(FsmConflict, ARefusalThatWasDecidedOnALostStateIsDecidedAgain) {
  auto f = retrying_at(5);
  f->command(persists_one);
  f->drained();
  f->command({.fails = true});
  EXPECT_EQ(f->append_answers(conflict{5}), words{"load"});
  recovers(*f, 5);
  f->drained();
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2"}));
  EXPECT_EQ(f->fate_of(2).answer, "decide_failed");
}

TEST(FsmConflict, ACommandWhoseApplyThrewIsDecidedAgain) {
  auto f = retrying_at(5);
  f->command(persists_one);
  f->command({.throws = true});
  EXPECT_EQ(f->append_answers(conflict{5}), words{"load"}) << "once, not for the rebuild as well";
  EXPECT_EQ(recovers(*f, 5), words{"append 6..6"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2", "load"}));
  EXPECT_EQ(f->fate_of(2).answer, "apply_failed");
}

// -- which outcomes ---------------------------------------------------------------------------

TEST(FsmConflict, AConflictWithAPossibleOwnAppendIsSettledFirst) {
  auto f = retrying_at(5);
  f->command(persists_two);
  f->drained();
  EXPECT_EQ(f->append_answers(conflict{7}), words{"settle"});
  EXPECT_EQ(f->settles(settlement::stored), words{"release 1"}) << "it is not decided again";
}

TEST(FsmConflict, ACommandSettledAsNotStoredIsDecidedAgain) {
  auto f = retrying_at(5);
  f->command(persists_two);
  f->drained();
  f->append_answers(conflict{7});
  EXPECT_EQ(f->settles(settlement::not_stored), words{"load"});
  recovers(*f, 7);
  EXPECT_EQ(f->fate_of(1).seen, 9);
  EXPECT_EQ(f->drained(), words{"append 8..9"});
}

TEST(FsmConflict, ACommandOfUnknownOutcomeIsNeverDecidedAgain) {
  auto f = retrying_at(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(conflict{1}), words{"settle"});
  EXPECT_EQ(f->settles(settlement::superseded), (words{"refuse 1 outcome_unknown", "load"}));
}

TEST(FsmConflict, TroubleOfTheStorageIsNoConflict) {
  auto f = retrying_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "cut"}});
  EXPECT_EQ(f->settles(settlement::not_stored), (words{"refuse 1 unavailable", "load"}));
  f->load_answer(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "too large"}}),
            (words{"refuse 2 too_large", "load"}));
  f->load_answer(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "disk"}}),
            (words{"refuse 3 unavailable", "wait 0"}));
}

// -- bounds -----------------------------------------------------------------------------------

TEST(FsmConflict, ACommandIsDecidedAgainABoundedNumberOfTimes) {
  auto f = retrying_at(0, 2);
  f->command(persists_two);
  for (sequence_nr others = 1; others <= 2; ++others) {
    f->drained();
    EXPECT_EQ(f->append_answers(conflict{others}), words{"load"});
    recovers(*f, others);
  }
  f->drained();
  f->command(persists_one);
  EXPECT_EQ(f->append_answers(conflict{3}), (words{"refuse 1 conflict", "load"}))
      << "the second command has all its retries left";
  recovers(*f, 3);
  EXPECT_EQ(f->fate_of(2).seen, 4);
}

TEST(FsmConflict, ADeadlineThatPassedMeanwhileIsATimeout) {
  auto f = retrying_at(0);
  f->command(persists_one, {.deadline = f->now.steady + std::chrono::seconds{1}});
  f->drained();
  f->append_answers(conflict{0});
  f->now.steady += std::chrono::seconds{2};
  EXPECT_EQ(f->load_answer(0), words{"refuse 1 timeout"}) << "nothing of it was done";
}

TEST(FsmConflict, WaitersForAFailingRecoveryAreTold) {
  auto f = retrying_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(conflict{0});
  EXPECT_EQ(f->load_failed(errc::unavailable), (words{"refuse 1 unavailable", "wait 0"}));
}

TEST(FsmConflict, TheOldestMayBeDroppedForANewerOne) {
  auto f = retrying_at(0);
  f->command(persists_one);
  f->drained();
  f->command(persists_one);
  f->append_answers(conflict{0});
  EXPECT_EQ(f->displace(), words{"refuse 1 overloaded"});
  f->load_answer(0);
  EXPECT_EQ(f->fate_of(2).seen, 1);
}

// -- effects ----------------------------------------------------------------------------------

TEST(FsmConflict, AChainRunsOnceOnTheStateThatIsStored) {
  auto f = retrying_at(0);
  EXPECT_EQ(f->command({.persists = 2, .then = {.runs = true}}), words{"append 1..2"});
  EXPECT_EQ(f->append_answers(conflict{1}), words{"load"});
  EXPECT_EQ(f->fate_of(1).ran_at, -1);
  EXPECT_EQ(recovers(*f, 1), words{"append 2..3"});
  EXPECT_EQ(f->append_stored(), words{"run 1"});
  EXPECT_EQ(f->fate_of(1).ran_at, 3);
}

TEST(FsmConflict, AnEntityStopsOnceItsStopIsStored) {
  auto f = retrying_at(0);
  f->command({.persists = 2, .then = {.stops = true}});
  EXPECT_EQ(f->append_answers(conflict{1}), words{"load"});
  EXPECT_EQ(recovers(*f, 1), words{"append 2..3"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "stopped"}));
}

TEST(FsmConflict, APassivationThatWasLostIsForgotten) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.passivates = true}});
  f->drained();
  EXPECT_EQ(f->append_answers(conflict{0}), (words{"refuse 1 conflict", "load"}));
  f->load_answer(0);
  EXPECT_EQ(f->drained(), words{}) << "it stays";
}

TEST(FsmConflict, ASnapshotOfALostStateIsNotSaved) {
  auto f = retrying_at(0);
  f->command({.persists = 2, .then = {.snapshots = true}});
  f->drained();
  f->append_answers(conflict{1});
  recovers(*f, 1);
  EXPECT_EQ(f->drained(), words{"append 2..3"});
  EXPECT_EQ(f->append_stored(), (words{"save 3", "release 1"}));
}

TEST(FsmConflict, OnRecoveredComesOnceAfterEachRecovery) {
  fsm_driver f{{.conflict_retries_max = 10}};
  f.model().persists_once_recovered = true;
  f.command(persists_one);
  f.load_answer(0);
  EXPECT_EQ(f.drained(), words{"append 1..2"});
  EXPECT_EQ(f.append_answers(conflict{1}), (words{"refuse 0 conflict", "load"}));
  recovers(f, 1);
  EXPECT_EQ(f.fate_of(1).seen, 3);
  EXPECT_EQ(f.drained(), words{"append 2..3"});
  EXPECT_EQ(f.append_stored(), (words{"release 0", "release 1"}));
}

// -- the stash --------------------------------------------------------------------------------

TEST(FsmConflict, TheStashComesAfterTheCommandsThatHadPassedIt) {
  auto f = retrying_at(0);
  f->command({.then = {.stashes = true}});
  f->command({.persists = 1, .then = {.unstashes = true}});
  f->command(reads);
  EXPECT_EQ(f->append_answers(conflict{0}), words{"load"});
  EXPECT_EQ(f->load_answer(0), words{"append 1..1"});
  EXPECT_FALSE(f->fate_of(1).decided) << "its gate opens once that is stored";
  EXPECT_EQ(f->append_stored(), words{"run 2"});
  EXPECT_EQ(f->ran(), (words{"release 1", "release 3"}));
}

TEST(FsmConflict, ACommandMayBePutAsideTheSecondTime) {
  auto f = retrying_at(5);
  f->command(persists_one);
  f->drained();
  f->command({.then = {.stashes = true}});
  EXPECT_EQ(f->fate_of(2).seen, 6) << "the sum is positive";
  f->append_answers(conflict{5});
  f->load_answer(5);
  f->chunk(1, 5, "-1");
  f->drained();
  EXPECT_EQ(f->append_stored(), words{"release 1"});
  EXPECT_EQ(f->fsm().held(), 1u) << "it waits for a sum that is";
  EXPECT_EQ(f->command({.persists = 9, .then = {.unstashes = true}}), words{"append 7..15"});
  EXPECT_EQ(f->append_stored(), words{"run 3"});
  EXPECT_EQ(f->ran(), words{"release 2"});
}

// -- the end ----------------------------------------------------------------------------------

TEST(FsmConflict, AnEntityThatClosesRefuses) {
  auto f = retrying_at(0);
  f->command(persists_one);
  EXPECT_EQ(f->close(), words{"append 1..1"});
  EXPECT_EQ(f->append_answers(conflict{0}), (words{"refuse 1 conflict", "stopped"}));
}

TEST(FsmConflict, ClosingRefusesCommandsThatWaitToBeDecidedAgain) {
  auto f = retrying_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(conflict{0});
  EXPECT_EQ(f->close(), (words{"refuse 1 stopped", "stopped"}));
}

TEST(FsmConflict, ItGoesOnWhenItWasAskedToRestart) {
  auto f = retrying_at(0);
  f->command(persists_two);
  f->drained();
  f->restart();
  EXPECT_EQ(f->append_answers(conflict{1}), words{"load"}) << "which is the restart";
  recovers(*f, 1);
  EXPECT_EQ(f->drained(), words{"append 2..3"});
  EXPECT_EQ(f->append_stored(), words{"release 1"});
}

TEST(FsmConflict, AVerifiedCommandIsAsFreshAsItsRecovery) {
  auto f = retrying_at(0);
  EXPECT_EQ(f->command(persists_two, {}, true), words{"read highest"});
  f->highest_is(0);
  f->drained();
  EXPECT_EQ(f->append_answers(conflict{1}), words{"load"});
  EXPECT_EQ(recovers(*f, 1), words{}) << "it needs no other reading";
  EXPECT_EQ(f->fate_of(1).seen, 3);
}
