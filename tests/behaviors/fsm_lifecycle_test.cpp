// Requests of others: to passivate now, to restart, to drop a command for a newer one.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;

// -- passivation that is asked for by others --------------------------------------------------

TEST(FsmPassivateNow, AnIdleEntityStops) {
  auto f = running_at(2);
  EXPECT_EQ(f->passivate_now(), words{"stopped"});
  EXPECT_EQ(f->ended, ending::passivated);
}

TEST(FsmPassivateNow, ABusyOneGoesOnAndForgetsIt) {
  auto f = running_at(0);
  f->command(persists_one);
  EXPECT_EQ(f->passivate_now(), words{});
  f->drained();
  EXPECT_EQ(f->passivate_now(), words{});
  EXPECT_EQ(f->append_stored(), words{"release 1"});
  EXPECT_EQ(f->drained(), words{});
  EXPECT_EQ(f->passivate_now(), words{"stopped"});
}

TEST(FsmPassivateNow, ARecoveringOneForgetsItToo) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.passivate_now(), words{});
  EXPECT_EQ(f.load_answer(0), words{"release 1"});
  EXPECT_EQ(f.drained(), words{});
}

TEST(FsmPassivateNow, SoDoesOneThatSettlesOrBacksOff) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{});
  EXPECT_EQ(f->passivate_now(), words{});
  EXPECT_EQ(f->settles(settlement::stored), words{"release 1"});
  EXPECT_EQ(f->drained(), words{});
  f->command(persists_one);
  f->drained();
  f->append_answers(failed{{errc::unavailable, "no"}});
  EXPECT_EQ(f->passivate_now(), words{});
  f->command(reads);
  f->waited();
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 3"});
  EXPECT_EQ(f->drained(), words{});
}

TEST(FsmPassivateNow, APassivateEffectOfTheBehaviorStillApplies) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.passivates = true}});
  f->drained();
  EXPECT_EQ(f->passivate_now(), words{});
  f->append_stored();
  EXPECT_EQ(f->drained(), words{"stopped"});
}

TEST(FsmPassivateNow, AStashKeepsItAlive) {
  auto f = running_at(0);
  f->command({.then = {.stashes = true}});
  EXPECT_EQ(f->passivate_now(), words{});
  EXPECT_EQ(f->fsm().held(), 1U);
}

TEST(FsmPassivateNow, ASnapshotOnItsWayKeepsItAlive) {
  auto f = running_at(1);
  EXPECT_EQ(f->command({.then = {.snapshots = true}}), (words{"save 1", "release 1"}));
  EXPECT_EQ(f->passivate_now(), words{});
  EXPECT_EQ(f->saved(), words{});
  EXPECT_EQ(f->passivate_now(), words{"stopped"});
}

// -- displacing -------------------------------------------------------------------------------

TEST(FsmPassivate, WaitsForItsSnapshotAlsoWhenItsRecoveryFails) {
  auto f = running_at(1);
  EXPECT_EQ(f->command({.then = {.snapshots = true}}), (words{"save 1", "release 1"}));
  EXPECT_EQ(f->restart(), words{"load"});
  EXPECT_EQ(f->passivate(), words{});
  EXPECT_EQ(f->load_failed(errc::unavailable), words{"wait 0"});
  EXPECT_EQ(f->waited(), words{"wait 1"});
  EXPECT_FALSE(f->ended);
  EXPECT_EQ(f->saved(), words{});
  EXPECT_EQ(f->waited(), words{"stopped"});
  EXPECT_EQ(f->ended, ending::passivated);
}

TEST(FsmDisplace, TheOldestThatWaitsGoes) {
  fsm_driver f;
  f.command(reads);
  f.command(reads);
  EXPECT_EQ(f.displace(), words{"refuse 1 overloaded"});
  EXPECT_EQ(f.load_answer(0), words{"release 2"});
}

TEST(FsmDisplace, DecidedCommandsStay) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->displace(), words{});
  EXPECT_EQ(f->append_stored(), words{"release 1"});
}

TEST(FsmDisplace, StashedCommandsStay) {
  auto f = running_at(0);
  f->command({.then = {.stashes = true}});
  EXPECT_EQ(f->displace(), words{});
  EXPECT_EQ(f->fsm().held(), 1U);
}

TEST(FsmDisplace, CommandsBehindAChainMayBeDisplaced) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.runs = true}});
  f->command(reads);
  f->command(reads);
  EXPECT_EQ(f->displace(), words{"refuse 2 overloaded"});
  EXPECT_EQ(f->append_stored(), words{"run 1"});
  EXPECT_EQ(f->ran(), words{"release 3"});
}

TEST(FsmDisplace, TheLastThatWaitedForAStorageInTroubleMayGo) {
  fsm_driver f;
  f.command(reads);
  f.load_failed(errc::unavailable);
  f.command(reads);
  EXPECT_EQ(f.displace(), words{"refuse 2 overloaded"});
  EXPECT_EQ(f.waited(), words{"stopped"});
  EXPECT_EQ(f.ended, ending::failed);
}

TEST(FsmDisplace, TheLastThatWaitedForARecoveryMayGo) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.displace(), words{"refuse 1 overloaded"});
  EXPECT_EQ(f.load_answer(0), words{});
  EXPECT_EQ(f.passivate_now(), words{"stopped"});
}

// -- restarts ---------------------------------------------------------------------------------

TEST(FsmRestart, AnIdleEntityRecoversAtOnce) {
  auto f = running_at(2);
  EXPECT_EQ(f->restart(), words{"load"});
  f->load_answer(3);
  EXPECT_EQ(f->chunk(1, 3), words{});
  EXPECT_EQ(f->fsm().durable(), 3U);
  EXPECT_EQ(f->command(reads), words{"release 1"});
}

TEST(FsmRestart, DecidedCommandsAreMadeDurableFirst) {
  auto f = running_at(0);
  f->command(persists_one);
  EXPECT_EQ(f->restart(), words{"append 1..1"});
  f->command(persists_one);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "load"}));
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{});
  EXPECT_EQ(f->fate_of(2).seen, 2);
}

TEST(FsmRestart, WithAnAppendInFlightTheNextOneComesFirst) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->command(persists_one);
  EXPECT_EQ(f->restart(), words{});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "append 2..2"}));
  EXPECT_EQ(f->append_stored(), (words{"release 2", "load"}));
}

TEST(FsmRestart, ALostAppendIsTheRestart) {
  auto f = running_at(0);
  f->command(persists_one);
  f->restart();
  EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "no"}}),
            (words{"refuse 1 too_large", "load"}));
  EXPECT_EQ(f->load_answer(0), words{}) << "and not a second one";
}

TEST(FsmRestart, AFailingStorageIsNotAwaitedWithoutACommand) {
  auto f = running_at(0);
  f->command(persists_one);
  f->restart();
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "no"}}),
            (words{"refuse 1 unavailable", "wait 0"}));
  EXPECT_EQ(f->waited(), words{"stopped"});
}

TEST(FsmRestart, AskedWhileItSettlesItComesAfterwards) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{});
  EXPECT_EQ(f->restart(), words{});
  EXPECT_EQ(f->settles(settlement::stored), (words{"release 1", "load"}));
}

TEST(FsmRestart, ARecoveryUnderWayIsOne) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.restart(), words{});
  EXPECT_EQ(f.load_answer(0), words{"release 1"});
}

TEST(FsmRestart, AfterAChainHasRun) {
  auto f = running_at(0);
  EXPECT_EQ(f->command({.persists = 1, .then = {.runs = true}}), words{"append 1..1"});
  EXPECT_EQ(f->restart(), words{});
  EXPECT_EQ(f->append_stored(), words{"run 1"});
  EXPECT_EQ(f->fate_of(1).ran_at, 1);
  EXPECT_EQ(f->ran(), words{"load"});
}

TEST(FsmRestart, AStopGoesFirst) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.stops = true}});
  f->restart();
  EXPECT_EQ(f->append_stored(), (words{"release 1", "stopped"}));
  f->command(reads);
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 2"}) << "a new incarnation is not restarted";
}

TEST(FsmRestart, TheStashOutlivesIt) {
  auto f = running_at(0);
  f->command({.then = {.stashes = true}});
  EXPECT_EQ(f->restart(), words{"load"});
  EXPECT_EQ(f->load_answer(0), words{});
  EXPECT_EQ(f->fsm().held(), 1U);
  f->command({.persists = 1, .then = {.unstashes = true}});
  f->append_stored();
  EXPECT_EQ(f->ran(), words{"release 1"});
}

TEST(FsmRestart, ClosingMeanwhileEndsIt) {
  auto f = running_at(0);
  f->command(persists_one);
  f->restart();
  f->command(reads);
  EXPECT_EQ(f->close(), words{"refuse 2 stopped"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "stopped"}));
  EXPECT_EQ(f->ended, ending::closed);
  EXPECT_EQ(f->fsm().held(), 0U);
}

TEST(FsmRestart, AFreshEntityHasNothingToRestart) {
  fsm_driver f;
  EXPECT_EQ(f.restart(), words{});
}

// The next recovery runs it again: without a pause the two would retry endlessly.
TEST(FsmRecovered, AnApplyThatFailsBacksOffLongerEachTime) {
  fsm_driver f;
  f.model().fails_once_recovered = true;
  EXPECT_EQ(f.command(reads), words{"load"});
  EXPECT_EQ(f.load_answer(0), (words{"refuse 1 apply_failed", "wait 0"}));
  EXPECT_EQ(f.waited(), words{"load"});
  EXPECT_EQ(f.load_answer(0), words{"wait 1"});
  f.model().fails_once_recovered = false;
  f.model().process = true;
  f.command(reads);
  EXPECT_EQ(f.waited(), words{"load"});
  EXPECT_EQ(f.load_answer(0), (words{"release 0", "release 2"}));
}
