// Ending an entity without losing a command.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;

TEST(FsmStop, AStopEffectStopsOnceDurable) {
  auto f = running_at(0);
  EXPECT_EQ(f->command({.persists = 1, .then = {.stops = true}}), words{"append 1..1"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "stopped"}));
}

TEST(FsmStop, AChainOfACommandThatStopsSeesItsState) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.runs = true, .stops = true}});
  EXPECT_EQ(f->append_stored(), words{"run 1"});
  EXPECT_EQ(f->fate_of(1).ran_at, 1);
  EXPECT_EQ(f->ran(), words{"stopped"});
}

TEST(FsmStop, CommandsBehindAStopAreForTheNextIncarnation) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.stops = true}});
  f->command(reads);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "load"}));
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 2"});
}

TEST(FsmStop, ClosingFinishesWhatIsInFlightAndTakesNoMore) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->command(persists_one);
  EXPECT_EQ(f->close(), words{});
  EXPECT_EQ(f->command(persists_one), words{"refuse 3 stopped"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "append 2..2"}));
  EXPECT_EQ(f->append_stored(), (words{"release 2", "stopped"}));
}

TEST(FsmStop, ClosingAppendsWhatWasDecided) {
  auto f = running_at(0);
  f->command(persists_one);
  EXPECT_EQ(f->close(), words{"append 1..1"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "stopped"}));
}

TEST(FsmStop, ClosingLetsARunHappen) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.runs = true}});
  EXPECT_EQ(f->close(), words{});
  EXPECT_EQ(f->append_stored(), words{"run 1"});
  EXPECT_EQ(f->ran(), words{"stopped"});
}

TEST(FsmStop, ClosingDuringRecoveryRefusesTheWaiting) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.close(), (words{"refuse 1 stopped", "stopped"}));
  EXPECT_EQ(f.load_answer(3), words{}) << "too late";
}

TEST(FsmStop, ClosingWhileSettlingSaysThatTheOutcomeIsUnknown) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "cut"}});
  EXPECT_EQ(f->close(), (words{"refuse 1 outcome_unknown", "stopped"}));
}

TEST(FsmStop, ClosingDoesNotWaitForAStorageThatIsGone) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->close();
  EXPECT_EQ(f->append_answers(unknown{{errc::unavailable, "cut"}}), words{"settle"});
  EXPECT_EQ(f->settles(fail(errc::unavailable, "cut")),
            (words{"refuse 1 outcome_unknown", "stopped"}));
}

TEST(FsmStop, ClosingAfterAFailureDoesNotRecover) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->close();
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "disk"}}),
            (words{"refuse 1 unavailable", "stopped"}));
}

TEST(FsmStop, PassivatingWaitsUntilNoCommandIsOnItsWay) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.passivates = true}});
  f->command(reads);
  EXPECT_EQ(f->drained(), words{"append 1..1"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2"}));
  EXPECT_EQ(f->drained(), words{"stopped"}) << "without a recovery between";
}

TEST(FsmStop, AnIdleEntityPassivatesWhenAsked) {
  auto f = running_at(3);
  EXPECT_EQ(f->passivate(), words{"stopped"});
}

TEST(FsmStop, AnEntityWithAStashIsNotIdle) {
  auto f = running_at(0);
  f->command({.then = {.stashes = true}});
  EXPECT_EQ(f->passivate(), words{});
  EXPECT_EQ(f->drained(), words{});
}

TEST(FsmStop, AnEntityThatSavesASnapshotIsNotIdle) {
  auto f = running_at(3);
  f->command({.then = {.snapshots = true}});
  EXPECT_EQ(f->passivate(), words{});
  f->saved();
  EXPECT_EQ(f->drained(), words{"stopped"});
}
