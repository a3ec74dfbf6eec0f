// Verified commands: decided only when the journal has confirmed that the state is the newest.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

words verified(fsm_driver& f, plan p = {}) { return f.command(p, {}, true); }

}  // namespace

TEST(FsmVerified, IsDecidedOnceTheJournalAgrees) {
  auto f = running_at(3);
  EXPECT_EQ(verified(*f), words{"read highest"});
  EXPECT_FALSE(f->fate_of(1).decided);
  EXPECT_EQ(f->highest_is(3), words{"release 1"});
  EXPECT_EQ(f->fate_of(1).seen, 3);
}

TEST(FsmVerified, OtherEventsInTheJournalAreRecoveredFirst) {
  auto f = running_at(3);
  verified(*f);
  EXPECT_EQ(f->highest_is(4), words{"load"});
  f->load_answer(4);
  EXPECT_EQ(f->chunk(1, 4), words{"release 1"});
  EXPECT_EQ(f->fate_of(1).seen, 4);
}

TEST(FsmVerified, FewerEventsInTheJournalAreRecoveredAsWell) {
  auto f = running_at(3);
  verified(*f);
  EXPECT_EQ(f->highest_is(0), words{"load"});
  EXPECT_EQ(f->load_answer(0), words{"release 1"});
  EXPECT_EQ(f->fate_of(1).seen, 0);
}

TEST(FsmVerified, AReadingThatFailsRefusesThoseItWasForAlone) {
  auto f = running_at(1);
  verified(*f);
  f->command(reads);
  verified(*f);
  f->command(persists_one);
  EXPECT_EQ(f->highest_is(fail(errc::unavailable, "the disk is gone")),
            (words{"refuse 1 unavailable", "release 2", "read highest"}));
  EXPECT_EQ(f->highest_is(1), (words{"release 3"}));
  EXPECT_EQ(f->drained(), words{"append 2..2"});
}

TEST(FsmVerified, OneReadingServesAllThatCameBeforeIt) {
  auto f = running_at(0);
  f->command(persists_one);
  EXPECT_EQ(verified(*f), words{"append 1..1"}) << "what it waits for is not left lying";
  verified(*f);
  f->command(persists_one);
  verified(*f);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "read highest"}));
  EXPECT_EQ(f->highest_is(1), (words{"release 2", "release 3"}));
  EXPECT_EQ(f->drained(), words{"append 2..2"});
  EXPECT_EQ(f->append_stored(), (words{"release 4", "release 5"}));
  EXPECT_EQ(f->fate_of(5).seen, 2);
}

TEST(FsmVerified, OneThatComesDuringAReadingNeedsANewOne) {
  auto f = running_at(2);
  verified(*f);
  EXPECT_EQ(verified(*f), words{});
  EXPECT_EQ(f->highest_is(2), (words{"release 1", "read highest"}));
  EXPECT_EQ(f->highest_is(3), words{"load"});
  f->load_answer(3);
  EXPECT_EQ(f->chunk(1, 3), words{"release 2"});
}

TEST(FsmVerified, OrdinaryCommandsKeepTheirPlaceBehindIt) {
  auto f = running_at(2);
  verified(*f, persists_one);
  EXPECT_EQ(f->command(reads), words{});
  EXPECT_EQ(f->drained(), words{});
  EXPECT_EQ(f->highest_is(2), words{});
  EXPECT_EQ(f->fate_of(2).seen, 3);
  EXPECT_EQ(f->drained(), words{"append 3..3"});
}

TEST(FsmVerified, ARecoveryServesAsACheck) {
  fsm_driver f;
  verified(f);
  EXPECT_EQ(f.load_answer(0), words{"release 1"});
}

TEST(FsmVerified, ARecoveryThatHadReadTheHighestIsNoCheckForLaterOnes) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(2);
  verified(f);
  EXPECT_EQ(f.chunk(1, 2), (words{"release 1", "read highest"}));
  EXPECT_EQ(f.highest_is(2), words{"release 2"});
}

TEST(FsmVerified, ARepeatedRecoveryCoversThem) {
  fsm_driver f;
  f.command(reads);
  verified(f);
  f.load_failed(errc::unavailable);
  verified(f);
  EXPECT_EQ(f.waited(), words{"load"});
  EXPECT_EQ(f.load_answer(0), words{"release 3"});
}

TEST(FsmVerified, ALostAppendIsRecoveredAndThatIsTheCheck) {
  auto f = running_at(1);
  f->command(persists_one);
  verified(*f);
  EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "no"}}),
            (words{"refuse 1 too_large", "load"}));
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 2"});
  EXPECT_EQ(f->fate_of(2).seen, 1);
}

TEST(FsmVerified, AnAppendLostForAWhileKeepsThemWaiting) {
  auto f = running_at(1);
  f->command(persists_one);
  verified(*f);
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "no"}}),
            (words{"refuse 1 unavailable", "wait 0"}));
  EXPECT_EQ(f->waited(), words{"load"});
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 2"});
}

TEST(FsmVerified, TheyWaitForASettlement) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(unknown{}), words{"settle"});
  EXPECT_EQ(verified(*f), words{});
  EXPECT_EQ(f->settles(settlement::stored), (words{"release 1", "read highest"}));
  EXPECT_EQ(f->highest_is(1), words{"release 2"});
}

TEST(FsmVerified, ASecondAnswerToAReadingIsTooLate) {
  auto f = running_at(0);
  verified(*f);
  EXPECT_EQ(f->highest_is(fail(errc::timeout, "silent")), words{"refuse 1 timeout"});
  f->command(persists_one);
  EXPECT_EQ(verified(*f), words{"append 1..1"});
  EXPECT_EQ(f->highest_is(1), words{}) << "its own event, on its way";
  EXPECT_EQ(f->append_stored(), (words{"release 2", "read highest"}));
  EXPECT_EQ(f->highest_is(1), words{"release 3"});
}

TEST(FsmVerified, AnAnswerToAnOlderReadingDoesNotCount) {
  auto f = running_at(0);
  verified(*f);
  f->highest_is(fail(errc::timeout, "silent"));
  verified(*f);
  EXPECT_EQ(f->step(d::highest_checked{1, sequence_nr{7}}), words{});
  EXPECT_EQ(f->highest_is(0), words{"release 2"});
  EXPECT_EQ(f->highest_is(5), words{}) << "no read was asked for";
}

TEST(FsmVerified, AChainBeforeItRunsFirst) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.runs = true}});
  EXPECT_EQ(verified(*f), words{});
  EXPECT_EQ(f->append_stored(), words{"run 1"});
  EXPECT_EQ(f->ran(), words{"read highest"});
  EXPECT_EQ(f->highest_is(1), words{"release 2"});
}

TEST(FsmVerified, BehindAStopTheNextIncarnationsRecoveryIsTheCheck) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.stops = true}});
  verified(*f);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "load"}));
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 2"});
}

TEST(FsmVerified, BehindARebuildTheRecoveryIsTheCheck) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->command({.throws = true});
  verified(*f);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2", "load"}));
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 3"});
}

TEST(FsmVerified, ClosingDuringAReadingRefusesAll) {
  auto f = running_at(0);
  verified(*f);
  f->command(reads);
  EXPECT_EQ(f->close(), (words{"refuse 1 stopped", "refuse 2 stopped", "stopped"}));
  EXPECT_EQ(f->highest_is(0), words{});
  EXPECT_EQ(f->fsm().held(), 0U);
  EXPECT_EQ(verified(*f), words{"refuse 3 stopped"});
}

TEST(FsmVerified, ClosingBeforeItsReadingFinishesTheAppend) {
  auto f = running_at(0);
  f->command(persists_one);
  verified(*f);
  EXPECT_EQ(f->close(), words{"refuse 2 stopped"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "stopped"}));
  EXPECT_EQ(f->fsm().held(), 0U);
}

TEST(FsmVerified, ADisplacedOneLeavesItsReadUnused) {
  auto f = running_at(0);
  verified(*f);
  EXPECT_EQ(f->displace(), words{"refuse 1 overloaded"});
  EXPECT_EQ(f->command(persists_one), words{}) << "the reading is still under way";
  EXPECT_EQ(f->highest_is(0), words{});
  EXPECT_EQ(f->drained(), words{"append 1..1"});
}

TEST(FsmVerified, ARestartAskedDuringAReadingComesAfterIt) {
  auto f = running_at(0);
  verified(*f);
  EXPECT_EQ(f->restart(), words{});
  EXPECT_EQ(f->highest_is(0), words{"load"});
  EXPECT_EQ(f->load_answer(0), words{"release 1"});
}

TEST(FsmVerified, AStashedOneIsNotCheckedAgain) {
  auto f = running_at(0);
  verified(*f, {.then = {.stashes = true}});
  EXPECT_EQ(f->highest_is(0), words{});
  EXPECT_EQ(f->fsm().held(), 1U);
  f->command({.persists = 1, .then = {.unstashes = true}});
  EXPECT_EQ(f->append_stored(), words{"run 2"});
  EXPECT_EQ(f->ran(), words{"release 1"}) << "the state is newer than the check";
}

TEST(FsmVerified, PassivationWaitsForAReading) {
  auto f = running_at(0);
  verified(*f);
  EXPECT_EQ(f->passivate(), words{});
  EXPECT_EQ(f->displace(), words{"refuse 1 overloaded"});
  EXPECT_EQ(f->drained(), words{});
  EXPECT_EQ(f->highest_is(0), words{});
  EXPECT_EQ(f->drained(), words{"stopped"});
}
