// The alarm of an entity: what of it is written, and what happens when its time has come. Times
// are in microseconds, and the steps happen at 0 unless a test sets `now`.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

// The alarms of the tests, by the sum.
int later_each_time(int sum) { return 100 * sum; }
int earlier_each_time(int sum) { return 1'000 - 100 * sum; }
int until_three(int sum) { return sum < 3 ? 100 : 0; }
int from_three_on(int sum) { return sum < 3 ? 0 : 100; }
int always_at_100(int /*sum*/) { return 100; }
int throws_at_three(int sum) { return sum == 3 ? -1 : 100; }

timestamp at(int us) { return timestamp{std::chrono::microseconds{us}}; }

auto stored_at(int due) { return fsm_driver::stored_at(due); }
stored_alarm of_another_writer(int due) { return fsm_driver::stored_at(due, ulid{{9}}); }

}  // namespace

// -- what is written ------------------------------------------------------------------------------

TEST(FsmAlarm, ANewAlarmIsPartOfTheAppendThatCausedIt) {
  auto f = running_at(2, from_three_on);
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 3..3 alarm 100"});
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 100", "release 1"}));
}

TEST(FsmAlarm, AnEarlierOneIsWrittenAtOnce) {
  auto f = running_at(2, earlier_each_time, stored_at(800));
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 3..3 alarm 700"});
}

TEST(FsmAlarm, ALaterOneIsNotWrittenBeforeTheStoredTimeHasCome) {
  auto f = running_at(2, later_each_time, stored_at(200));
  for (int i = 1; i <= 50; ++i) {
    f->command(persists_one);
    EXPECT_EQ(f->drained(), words{fmt::format("append {0}..{0}", 2 + i)});
    EXPECT_EQ(f->append_stored(), words{fmt::format("release {}", i)});
  }
  f->now = at(200);
  EXPECT_EQ(f->alarm_due(200), words{});
  EXPECT_EQ(f->drained(), words{"after 52 alarm 5200"});
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 5200", "seen"}));
}

TEST(FsmAlarm, AppendsAfterTheStoredTimeHasComeCarryTheLaterOne) {
  auto f = running_at(2, later_each_time, stored_at(200));
  f->now = at(201);
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 3..3 alarm 300"});
}

TEST(FsmAlarm, OneThatGoesIsRemovedByTheAppend) {
  auto f = running_at(2, until_three, stored_at(100));
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 3..3 no alarm"});
  EXPECT_EQ(f->append_stored(), (words{"stored no alarm", "release 1"}));
}

TEST(FsmAlarm, ReadsAndRejectionsWriteNothing) {
  auto f = running_at(2, always_at_100, stored_at(100));
  f->command(reads);
  f->command({.rejects = true});
  EXPECT_EQ(f->drained(), words{});
}

TEST(FsmAlarm, MergedCommandsWriteTheAlarmOfTheLastState) {
  auto f = running_at(0, earlier_each_time);
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 1..1 alarm 900"});
  f->command(persists_one);
  f->command(persists_one);
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 900", "release 1", "append 2..3 alarm 700"}));
}

TEST(FsmAlarm, AnAppendThatIsSplitCarriesTheAlarmOfItsOwnEvents) {
  auto f = fsm_driver::running_at(0, {.append_events_max = 2}, earlier_each_time);
  f->command(persists_one);
  f->drained();
  f->command(persists_two);
  f->command(persists_two);  // no room for these in the same append
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 900", "release 1", "append 2..3 alarm 700"}));
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 700", "release 2", "append 4..5 alarm 500"}));
}

TEST(FsmAlarm, TheNextAppendTakesOverTheAlarmOfAnotherWriter) {
  auto f = running_at(2, always_at_100, of_another_writer(100));
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 3..3 alarm 100"});
  f->append_stored();
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 4..4"}) << "once";
}

TEST(FsmAlarm, ANewIdHasNone) {
  auto f = running_at(0, always_at_100);
  EXPECT_EQ(f->drained(), words{});
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 1..1 alarm 100"});
}

TEST(FsmAlarm, WhatWasDecidedOnALostStateLeavesNoTrace) {
  auto f = running_at(2, earlier_each_time, stored_at(800));
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "no"}}),
            (words{"refuse 1 too_large", "load"}));
  f->load_answer(2, {}, stored_at(800));
  f->chunk(1, 2);
  EXPECT_EQ(f->drained(), words{});
  EXPECT_EQ(f->fsm().stored_due(), at(800));
}

TEST(FsmAlarm, OneThatThrowsRefusesItsCommandAndKeepsItsEventOut) {
  auto f = running_at(2, throws_at_three, stored_at(100));
  EXPECT_EQ(f->command(persists_one), (words{"release 1", "load"}));
  EXPECT_EQ(f->fate_of(1).answer, "apply_failed");
  f->load_answer(2, {}, stored_at(100));
  f->chunk(1, 2);
  EXPECT_EQ(f->drained(), words{});
}

TEST(FsmAlarm, OneThatThrowsAfterARecoveryFailsTheRecovery) {
  fsm_driver f{{}, throws_at_three};
  f.command(reads);
  f.load_answer(3);
  EXPECT_EQ(f.chunk(1, 3), (words{"refuse 1 apply_failed", "stopped"}));
}

// -- a changed function -----------------------------------------------------------------------------

TEST(FsmAlarm, ARecoveryCorrectsAStoredTimeThatIsTooLateOrMissingOrOfNoAlarm) {
  auto late = running_at(2, always_at_100, stored_at(5'000));
  EXPECT_EQ(late->drained(), words{"after 2 alarm 100"});
  EXPECT_EQ(late->append_stored(), words{"stored alarm 100"});
  auto missing = running_at(2, always_at_100);
  EXPECT_EQ(missing->drained(), words{"after 2 alarm 100"});
  auto needless = running_at(2, from_three_on, stored_at(5'000));
  EXPECT_EQ(needless->drained(), words{"after 2 no alarm"});
}

TEST(FsmAlarm, ARecoveryLeavesAStoredTimeThatIsTooEarly) {
  auto f = running_at(2, always_at_100, stored_at(50));
  EXPECT_EQ(f->drained(), words{});
  f->sweep_asks(40);
  EXPECT_EQ(f->drained(), words{"seen"});
}

// What it decided might not be durable when the answer comes, and the sweep would go on.
TEST(FsmAlarm, ASweepIsAnsweredWhenTheDueTimeIsStoredAlsoIfItHasCome) {
  fsm_driver f{{}, always_at_100};
  EXPECT_EQ(f.sweep_asks(5'000), words{"load"});
  f.load_answer(2);
  EXPECT_EQ(f.chunk(1, 2), words{});
  EXPECT_EQ(f.drained(), words{"after 2 alarm 100"});
  EXPECT_EQ(f.append_stored(), (words{"stored alarm 100", "seen"}));
}

TEST(FsmAlarm, AnAppendBeforeTheCorrectionWritesTheAlarmEvenIfItIsLater) {
  fsm_driver f{{}, later_each_time};
  f.command(persists_one);
  f.load_answer(2, {}, stored_at(250));  // 200 is right
  f.chunk(1, 2);
  EXPECT_EQ(f.drained(), words{"append 3..3 alarm 300"});
}

TEST(FsmAlarm, ACorrectionThatConflictsIsMadeAgainOnTheNewState) {
  auto f = running_at(2, later_each_time);
  EXPECT_EQ(f->drained(), words{"after 2 alarm 200"});
  EXPECT_EQ(f->append_answers(conflict{3}), words{"load"});
  f->load_answer(3, {}, of_another_writer(300));
  f->chunk(1, 3);
  EXPECT_EQ(f->drained(), words{});
}

TEST(FsmAlarm, ACorrectionThatTheStorageRefusesDoesNotSpin) {
  auto f = running_at(2, always_at_100);
  f->drained();
  EXPECT_EQ(f->append_answers(rejected{{errc::invalid_argument, "no"}}), words{"wait 0"});
  EXPECT_EQ(f->waited(), words{"stopped"}) << "no command waits for it";
}

TEST(FsmAlarm, ACorrectionWithoutAnAnswerIsSettledBeforeAnythingElse) {
  auto f = running_at(2, always_at_100);
  f->drained();
  EXPECT_EQ(f->append_answers(unknown{{errc::unavailable, "gone"}}), words{"settle"});
  EXPECT_EQ(f->command(persists_one), words{});
  EXPECT_EQ(f->settles(settlement::stored), (words{"stored alarm 100", "append 3..3"}));
  EXPECT_EQ(f->append_stored(), words{"release 1"});
}

TEST(FsmAlarm, AnEntityUnderLoadCorrectsOnlyOnce) {
  auto f = running_at(2, later_each_time);  // none is stored
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 3..3 alarm 300"});
  f->command(persists_one);
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 300", "release 1", "append 4..4"}));
}

// Another process, at the same number, may have corrected the stored time without a trace.
TEST(FsmAlarm, AnAppendBeforeTheCorrectionRemovesWhatAnotherEntityMayHaveCorrected) {
  fsm_driver f{{}, until_three};
  f.command(persists_one);
  f.load_answer(2);  // 100 is right
  f.chunk(1, 2);
  EXPECT_EQ(f.drained(), words{"append 3..3 no alarm"});
}

TEST(FsmAlarm, AStoredTimeThatHasComeIsWrittenAgainWithEachAppend) {
  auto f = running_at(2, always_at_100, stored_at(100));
  f->now = at(99);
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 3..3"});
  f->append_stored();
  f->now = at(100);  // another process may move it to the time of the state that it knows
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 4..4 alarm 100"});
}

TEST(FsmAlarm, WhatEndsTheStateWaitsForACorrectionInFlight) {
  const words correction{"after 2 alarm 100"};
  auto stops = running_at(2, always_at_100);
  EXPECT_EQ(stops->drained(), correction);
  EXPECT_EQ(stops->command({.then = {.stops = true}}), words{});
  EXPECT_EQ(stops->append_stored(), (words{"stored alarm 100", "release 1", "stopped"}));
  auto throws = running_at(2, always_at_100);
  EXPECT_EQ(throws->drained(), correction);
  EXPECT_EQ(throws->command({.throws = true}), words{});
  EXPECT_EQ(throws->append_stored(), (words{"stored alarm 100", "release 1", "load"}));
  auto restarts = running_at(2, always_at_100);
  EXPECT_EQ(restarts->drained(), correction);
  EXPECT_EQ(restarts->restart(), words{});
  EXPECT_EQ(restarts->append_stored(), (words{"stored alarm 100", "load"}));
  auto verified = running_at(2, always_at_100);
  EXPECT_EQ(verified->drained(), correction);
  EXPECT_EQ(verified->command(reads, {}, true), words{});
  EXPECT_EQ(verified->append_stored(), (words{"stored alarm 100", "read highest"}));
}

TEST(FsmAlarm, NothingIsCorrectedWhileTheHighestNumberIsRead) {
  fsm_driver f{{}, always_at_100};
  f.command(reads);
  f.load_answer(2);
  f.command(reads, {}, true);
  EXPECT_EQ(f.chunk(1, 2), (words{"release 1", "read highest"}));
  EXPECT_EQ(f.drained(), words{});
  EXPECT_EQ(f.highest_is(2), words{"release 2"});
  EXPECT_EQ(f.drained(), words{"after 2 alarm 100"});
}

// -- when the time has come -----------------------------------------------------------------------

TEST(FsmAlarm, TheCommandOfADueAlarmIsDecidedAndItsAppendMovesTheAlarm) {
  auto f = running_at(2, later_each_time, stored_at(200));
  plan expire{.persists = 1};
  f->model().once_due = &expire;
  f->now = at(205);
  EXPECT_EQ(f->alarm_due(205), words{});
  EXPECT_EQ(f->drained(), words{"append 3..3 alarm 300"});
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 300", "release 0"}));
}

TEST(FsmAlarm, APassiveEntityIsRecoveredFirst) {
  fsm_driver f{{}, always_at_100};
  EXPECT_EQ(f.alarm_due(100), words{"load"});
  f.load_answer(2, {}, stored_at(100));
  EXPECT_EQ(f.chunk(1, 2), words{"release 0"});
}

TEST(FsmAlarm, TheCommandsTimeIsNeverBeforeTheDueTime) {
  auto f = running_at(2, always_at_100, stored_at(100));
  f->now = at(40);  // its clock stepped backwards after the waker had looked
  EXPECT_EQ(f->alarm_due(100), words{"release 0"});
  EXPECT_EQ(of_alarms().now, at(100));
}

TEST(FsmAlarm, AStateThatNamesNoCommandAnyMoreDropsTheAlarmUndecided) {
  fsm_driver f{{}, from_three_on};
  of_alarms().decided = false;
  f.alarm_due(100);
  f.load_answer(2, {}, stored_at(100));
  f.chunk(1, 2);
  EXPECT_EQ(f.drained(), words{"after 2 no alarm"});
  EXPECT_EQ(f.append_stored(), (words{"stored no alarm", "seen"}));
  EXPECT_FALSE(of_alarms().decided);
}

TEST(FsmAlarm, AnAlarmThatIsNotDueYetByEitherClockIsOnlySeen) {
  auto f = running_at(2, always_at_100, stored_at(100));
  f->alarm_due(50);
  EXPECT_EQ(f->drained(), words{"seen"});
}

TEST(FsmAlarm, AnEntityThatAnotherWriterHasOvertakenNoticesItByAFiring) {
  auto f = running_at(2, from_three_on);  // by another process, to 5
  EXPECT_EQ(f->alarm_due(100, 100), words{});
  EXPECT_EQ(f->drained(), words{"after 2 no alarm"}) << "which is what it knows to be stored";
  EXPECT_EQ(f->append_answers(conflict{5}), (words{"seen conflict", "load"}));
  auto later = running_at(2, later_each_time, stored_at(200));
  EXPECT_EQ(later->alarm_due(100, 100), words{});
  EXPECT_EQ(later->drained(), words{"after 2 alarm 200"});
}

TEST(FsmAlarm, AFiringThatIsStoredAsTheEntityKnowsWritesNothingMore) {
  auto f = running_at(2, later_each_time, stored_at(150));
  f->now = at(150);
  EXPECT_EQ(f->alarm_due(150, 150), words{});
  EXPECT_EQ(f->drained(), words{"after 2 alarm 200"});
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 200", "seen"}));
}

TEST(FsmAlarm, ARecoveryAfterAFiringReadsWhatIsStored) {
  fsm_driver f{{}, from_three_on};
  EXPECT_EQ(f.alarm_due(100, 100), words{"load"});
  f.load_answer(2);
  f.chunk(1, 2);
  EXPECT_EQ(f.drained(), words{"seen"}) << "the alarm went before the recovery";
}

TEST(FsmAlarm, AnAlarmThatWaitsForTheEndOfAPauseDoesNotMakeItShorter) {
  auto f = running_at(2, always_at_100, stored_at(100));
  f->command(persists_one);
  f->drained();
  f->append_answers(failed{{errc::unavailable, "disk"}});
  f->alarm_due(100);
  EXPECT_EQ(f->passivate(), words{});
  EXPECT_EQ(f->waited(), words{"load"});
}

TEST(FsmAlarm, ADueAlarmIsDecidedOnTheStateOfTheCommandsBeforeIt) {
  auto f = running_at(2, until_three, stored_at(100));
  of_alarms().decided = false;
  f->command(persists_one);  // takes the reason away
  f->alarm_due(100);
  EXPECT_EQ(f->drained(), words{"append 3..3 no alarm"});
  EXPECT_EQ(f->append_stored(), (words{"stored no alarm", "seen", "release 1"}));
  EXPECT_FALSE(of_alarms().decided);
}

TEST(FsmAlarm, ALostAppendOfAnAlarmIsRefusedAndNotDecidedAgain) {
  auto f = fsm_driver::running_at(2, {.conflict_retries_max = 5}, later_each_time, stored_at(200));
  plan expire{.persists = 1};
  f->model().once_due = &expire;
  f->alarm_due(200);
  f->drained();
  EXPECT_EQ(f->append_answers(conflict{2}), (words{"refuse 0 conflict", "load"}));
  f->load_answer(2, {}, stored_at(200));
  f->chunk(1, 2);
  EXPECT_EQ(f->drained(), words{});
}

TEST(FsmAlarm, ARecoveryThatFailsAnswersTheWaker) {
  fsm_driver f{{}, always_at_100};
  f.alarm_due(100);
  EXPECT_EQ(f.load_failed(errc::unavailable), (words{"seen unavailable", "wait 0"}));
  EXPECT_EQ(f.waited(), words{"stopped"});
}

TEST(FsmAlarm, AnEntityThatBacksOffDecidesItsAlarmAfterThePause) {
  auto f = running_at(2, always_at_100, stored_at(100));
  f->command(persists_one);
  f->drained();
  f->append_answers(failed{{errc::unavailable, "disk"}});
  EXPECT_EQ(f->alarm_due(100), words{});
  EXPECT_EQ(f->waited(), words{"load"});
  f->load_answer(2, {}, stored_at(100));
  EXPECT_EQ(f->chunk(1, 2), words{"release 0"});
}

TEST(FsmAlarm, AClosingEntityAnswersTheWaker) {
  fsm_driver f{{}, always_at_100};
  f.alarm_due(100);
  EXPECT_EQ(f.close(), (words{"seen stopped", "stopped"}));
  auto g = running_at(2, always_at_100, stored_at(100));
  g->command(persists_one);
  g->close();
  EXPECT_EQ(g->alarm_due(100), words{"seen stopped"});
}

TEST(FsmAlarm, AnEntityThatStopsStartsAgainForAnAlarmThatWaits) {
  auto f = running_at(2, always_at_100, stored_at(100));
  f->command({.persists = 1, .then = {.stops = true}});
  f->alarm_due(100);  // nothing is decided before the entity stops
  EXPECT_EQ(f->append_stored(), (words{"release 1", "load"}));
  f->load_answer(3, {}, stored_at(100));
  EXPECT_EQ(f->chunk(1, 3), words{"release 0"});
}

TEST(FsmAlarm, TheCommandOfAnAlarmMayStopTheEntity) {
  auto f = running_at(2, later_each_time, stored_at(200));
  plan expire{.persists = 1, .then = {.stops = true}};
  f->model().once_due = &expire;
  f->now = at(200);
  f->alarm_due(200);
  EXPECT_EQ(f->append_stored(), (words{"stored alarm 300", "release 0", "stopped"}));
  EXPECT_EQ(f->ended, ending::stopped);
}

TEST(FsmAlarm, TimesPastWhatTheJournalStoresAreItsLastOnes) {
  d::fsm_options bounds{.due_min = at(500), .due_max = at(750)};
  auto f = fsm_driver::running_at(2, bounds, earlier_each_time, stored_at(750));
  EXPECT_EQ(f->drained(), words{}) << "800 is stored as 750";
  f->command(persists_two);
  EXPECT_EQ(f->drained(), words{"append 3..4 alarm 600"});
  f->append_stored();
  f->command(persists_two);
  EXPECT_EQ(f->drained(), words{"append 5..6 alarm 500"}) << "400 is stored as 500";
}
