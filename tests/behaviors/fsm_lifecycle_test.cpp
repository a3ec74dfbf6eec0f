// What ends an entity or starts it anew, and what ends a command before it is decided.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

using steady_point = std::chrono::steady_clock::time_point;

d::moment at(std::chrono::seconds s) { return {timestamp{}, steady_point{s}}; }

call_header until(std::chrono::seconds s) {
  call_header made;
  made.deadline = steady_point{s};
  return made;
}

}  // namespace

// -- deadlines --------------------------------------------------------------------------------

TEST(FsmDeadline, OnePassedIsRefusedUndecided) {
  auto f = running_at(0);
  f->now = at(10s);
  EXPECT_EQ(f->command(persists_one, until(9s)), words{"refuse 1 timeout"});
  EXPECT_EQ(f->command(persists_one, until(10s)), words{"refuse 2 timeout"});
  EXPECT_FALSE(f->fate_of(1).decided);
  EXPECT_EQ(f->drained(), words{}) << "it left nothing behind";
  EXPECT_EQ(f->fsm().held(), 0U);
}

TEST(FsmDeadline, OneToComeIsNoHindrance) {
  auto f = running_at(0);
  f->now = at(10s);
  EXPECT_EQ(f->command(reads, until(11s)), words{"release 1"});
}

TEST(FsmDeadline, OnceDecidedACommandIsAnsweredHoweverLate) {
  auto f = running_at(0);
  f->now = at(10s);
  f->command(persists_one, until(11s));
  f->drained();
  f->now = at(20s);
  EXPECT_EQ(f->append_stored(), words{"release 1"});
}

TEST(FsmDeadline, ItPassesDuringARecovery) {
  fsm_driver f;
  f.command(reads, until(5s));
  f.command(reads);
  f.now = at(6s);
  EXPECT_EQ(f.load_answer(0), (words{"refuse 1 timeout", "release 2"}));
}

TEST(FsmDeadline, ItPassesBehindAFullAppend) {
  auto f = running_at(0, {.undurable_max = 1});
  EXPECT_EQ(f->command(persists_one), words{"append 1..1"});
  f->command(persists_one, until(5s));
  f->command(persists_one);
  f->now = at(6s);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "refuse 2 timeout", "append 2..2"}));
}

TEST(FsmDeadline, ItPassesBehindAChain) {
  auto f = running_at(0);
  f->command({.persists = 1, .runs = true});
  f->command(reads, until(5s));
  f->now = at(6s);
  f->append_stored();
  EXPECT_EQ(f->ran(), words{"refuse 2 timeout"});
}

TEST(FsmDeadline, ItPassesInTheStash) {
  auto f = running_at(0);
  f->command({.stashes = true}, until(5s));
  f->now = at(6s);
  f->command({.persists = 1, .unstashes = true});
  EXPECT_EQ(f->append_stored(), words{"run 2"});
  EXPECT_EQ(f->ran(), words{"refuse 1 timeout"});
  EXPECT_EQ(f->fsm().held(), 0U);
}

TEST(FsmDeadline, ItPassesDuringAReading) {
  auto f = running_at(0);
  f->command(persists_one, until(5s), true);
  f->now = at(6s);
  EXPECT_EQ(f->highest_is(0), words{"refuse 1 timeout"});
}

TEST(FsmDeadline, OneThatPassedBetweenTwoOthersLeavesTheirNumbers) {
  auto f = running_at(0);
  f->now = at(6s);
  f->command(persists_one);
  EXPECT_EQ(f->command(persists_two, until(5s)), words{"refuse 2 timeout"});
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 1..2"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 3"}));
}

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

TEST(FsmPassivateNow, WhatTheBehaviorAskedForIsNotForgotten) {
  auto f = running_at(0);
  f->command({.persists = 1, .passivates = true});
  f->drained();
  EXPECT_EQ(f->passivate_now(), words{});
  f->append_stored();
  EXPECT_EQ(f->drained(), words{"stopped"});
}

TEST(FsmPassivateNow, AStashKeepsItAlive) {
  auto f = running_at(0);
  f->command({.stashes = true});
  EXPECT_EQ(f->passivate_now(), words{});
  EXPECT_EQ(f->fsm().held(), 1U);
}

TEST(FsmPassivateNow, ASnapshotOnItsWayKeepsItAlive) {
  auto f = running_at(1);
  EXPECT_EQ(f->command({.snapshots = true}), (words{"save 1", "release 1"}));
  EXPECT_EQ(f->passivate_now(), words{});
  EXPECT_EQ(f->saved(), words{});
  EXPECT_EQ(f->passivate_now(), words{"stopped"});
}

// -- displacing -------------------------------------------------------------------------------

TEST(FsmDisplace, TheOldestThatWaitsGoes) {
  fsm_driver f;
  f.command(reads);
  f.command(reads);
  EXPECT_EQ(f.displace(), words{"refuse 1 overloaded"});
  EXPECT_EQ(f.load_answer(0), words{"release 2"});
}

TEST(FsmDisplace, WhatIsDecidedStays) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->displace(), words{});
  EXPECT_EQ(f->append_stored(), words{"release 1"});
}

TEST(FsmDisplace, WhatIsStashedStays) {
  auto f = running_at(0);
  f->command({.stashes = true});
  EXPECT_EQ(f->displace(), words{});
  EXPECT_EQ(f->fsm().held(), 1U);
}

TEST(FsmDisplace, WhatWaitsBehindAChainMayGo) {
  auto f = running_at(0);
  f->command({.persists = 1, .runs = true});
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

TEST(FsmRestart, WhatIsDecidedIsMadeDurableFirst) {
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
  EXPECT_EQ(f->command({.persists = 1, .runs = true}), words{"append 1..1"});
  EXPECT_EQ(f->restart(), words{});
  EXPECT_EQ(f->append_stored(), words{"run 1"});
  EXPECT_EQ(f->fate_of(1).ran_at, 1);
  EXPECT_EQ(f->ran(), words{"load"});
}

TEST(FsmRestart, AStopGoesFirst) {
  auto f = running_at(0);
  f->command({.persists = 1, .stops = true});
  f->restart();
  EXPECT_EQ(f->append_stored(), (words{"release 1", "stopped"}));
  f->command(reads);
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 2"}) << "a new incarnation is not restarted";
}

TEST(FsmRestart, TheStashOutlivesIt) {
  auto f = running_at(0);
  f->command({.stashes = true});
  EXPECT_EQ(f->restart(), words{"load"});
  EXPECT_EQ(f->load_answer(0), words{});
  EXPECT_EQ(f->fsm().held(), 1U);
  f->command({.persists = 1, .unstashes = true});
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
