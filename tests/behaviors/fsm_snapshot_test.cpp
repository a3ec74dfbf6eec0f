// When snapshots are taken and saved, and how a recovery uses or skips one.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

stored_snapshot snapshot_at(sequence_nr number, std::string data) {
  stored_snapshot made;
  made.number = number;
  made.type = "sum";
  made.data = std::move(data);
  return made;
}

}  // namespace

TEST(FsmSnapshot, ABatchThatStepsOverAMultipleCounts) {
  auto f = running_at(3, {.snapshot_every = 5});
  f->command({.persists = 4});
  EXPECT_EQ(f->drained(), words{"append 4..7"});
  EXPECT_EQ(f->append_stored(), (words{"save 7", "release 1"}));
}

TEST(FsmSnapshot, ABehaviorMayAskForOne) {
  auto f = running_at(3);
  f->command({.persists = 1, .then = {.snapshots = true}});
  f->drained();
  EXPECT_EQ(f->append_stored(), (words{"save 4", "release 1"}));
}

TEST(FsmSnapshot, OneOfADurableStateIsSavedAtOnce) {
  auto f = running_at(3);
  EXPECT_EQ(f->command({.then = {.snapshots = true}}), (words{"save 3", "release 1"}));
}

TEST(FsmSnapshot, OneOfAnUndurableStateWaits) {
  auto f = running_at(3);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->command({.then = {.snapshots = true}}), words{});
  EXPECT_EQ(f->append_stored(), (words{"save 4", "release 1", "release 2"}));
}

TEST(FsmSnapshot, ANewEntityHasNothingToSave) {
  auto f = running_at(0);
  EXPECT_EQ(f->command({.then = {.snapshots = true}}), words{"release 1"});
}

TEST(FsmSnapshot, OneIsSavedAtATime) {
  auto f = running_at(0, {.snapshot_every = 1});
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_stored(), (words{"save 1", "release 1"}));
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_stored(), words{"release 2"}) << "the first is still being saved";
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_stored(), words{"release 3"});
  EXPECT_EQ(f->saved(), words{"save 3"}) << "for the one that was missed";
  EXPECT_EQ(f->saved(), words{});
}

TEST(FsmSnapshot, ASnapshotIsSavedOnceItsNumberIsDurable) {
  auto f = running_at(8, {.snapshot_every = 10});
  EXPECT_EQ(f->command(persists_two), words{});
  EXPECT_EQ(f->drained(), words{"append 9..10"});
  EXPECT_EQ(f->append_stored(), (words{"save 10", "release 1"}));
}

TEST(FsmSnapshot, ASnapshotOfALostStateIsNotSaved) {
  auto f = running_at(0, {.snapshot_every = 1});
  f->command(persists_one);
  f->drained();
  f->append_answers(conflict{0});
  f->load_answer(0);
  f->command(reads);
  EXPECT_EQ(f->command(persists_one), words{});
  f->drained();
  EXPECT_EQ(f->append_stored(), (words{"save 1", "release 3"}));
}

TEST(FsmSnapshot, ALongReplayIsFollowedByOneOnceTheFirstCommandIsAnswered) {
  fsm_driver f{{.snapshot_every = 5}};
  f.command(reads);
  f.load_answer(12, snapshot_at(6, "6"));
  EXPECT_EQ(f.chunk(7, 12), words{"release 1"});
  EXPECT_EQ(f.drained(), words{"save 12"});
  EXPECT_EQ(f.saved(), words{});
  EXPECT_EQ(f.drained(), words{}) << "once per recovery";
}

TEST(FsmSnapshot, AReplayOfSnapshotEveryEventsIsNotLong) {
  fsm_driver f{{.snapshot_every = 6}};
  f.command(reads);
  f.load_answer(12, snapshot_at(6, "6"));
  EXPECT_EQ(f.chunk(7, 12), words{"release 1"});
  EXPECT_EQ(f.drained(), words{});
}

TEST(FsmSnapshot, WithoutSnapshotEveryALongReplayIsFollowedByNone) {
  fsm_driver f;
  f.command(reads);
  f.load_answer(12);
  f.chunk(1, 12);
  EXPECT_EQ(f.drained(), words{});
}

TEST(FsmSnapshot, TheAppendOfTheFirstCommandGoesBeforeTheOneAfterALongReplay) {
  fsm_driver f{{.snapshot_every = 5}};
  f.command(persists_one);
  f.load_answer(12);
  EXPECT_EQ(f.chunk(1, 12), words{});
  EXPECT_EQ(f.drained(), words{"append 13..13"});
  EXPECT_EQ(f.append_stored(), words{"release 1"});
  EXPECT_EQ(f.drained(), words{"save 13"});
}

TEST(FsmSnapshot, OneThatIsDueAnywayServesALongReplayToo) {
  fsm_driver f{{.snapshot_every = 5}};
  f.command({.persists = 3});
  f.load_answer(12);
  f.chunk(1, 12);
  EXPECT_EQ(f.drained(), words{"append 13..15"});
  EXPECT_EQ(f.append_stored(), (words{"save 15", "release 1"}));
  EXPECT_EQ(f.drained(), words{});
  EXPECT_EQ(f.saved(), words{});
}

TEST(FsmSnapshot, AnEntityStaysUntilTheOneAfterALongReplayIsSaved) {
  fsm_driver f{{.snapshot_every = 5}};
  f.command(reads);
  f.load_answer(12);
  f.chunk(1, 12);
  EXPECT_EQ(f.drained(), words{"save 12"});
  EXPECT_EQ(f.passivate(), words{});
  EXPECT_EQ(f.saved(), words{});
  EXPECT_EQ(f.drained(), words{"stopped"});
}

TEST(FsmSnapshot, ARecoveryThatFailsIsFollowedByNone) {
  fsm_driver f{{.snapshot_every = 5}};
  f.command(reads);
  f.load_answer(12);
  EXPECT_EQ(f.chunk(1, 12, "bad"), (words{"refuse 1 corrupt", "stopped"}));
  EXPECT_EQ(f.drained(), words{});
}

TEST(FsmSnapshot, ACorruptSnapshotIsToldByIdAndNumber) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.load_answer(5, stored_snapshot{.number = 3, .data = "bad"}),
            (words{"refuse 1 corrupt", "stopped"}));
  EXPECT_EQ(f.last_error, "sum|one: snapshot 3: does not decode");
}

TEST(FsmSnapshot, OneThatDoesNotDecodeFailsTheRecovery) {
  fsm_driver f;
  f.command(reads);
  EXPECT_EQ(f.load_answer(3, snapshot_at(2, "bad")), (words{"refuse 1 corrupt", "stopped"}));
}

TEST(FsmSnapshot, AnOptionalOneIsPassedOver) {
  fsm_driver f{{.snapshot_optional = true}};
  f.command(reads);
  EXPECT_EQ(f.load_answer(3, snapshot_at(2, "bad")), words{"replay 1..3"});
  ASSERT_FALSE(f.signals.empty());
  EXPECT_EQ(f.signals.front().what, entity_signal::kind::snapshot_ignored);
  EXPECT_EQ(f.chunk(1, 3), words{"release 1"});
  EXPECT_EQ(f.fate_of(1).seen, 3);
}

TEST(FsmSnapshot, AnOptionalOneThatCannotBeReadNowIsNotPassedOver) {
  fsm_driver f{{.snapshot_optional = true}};
  f.command(reads);
  EXPECT_EQ(f.snapshot_fails(3, {errc::unavailable, "gone"}),
            (words{"refuse 1 unavailable", "wait 0"}));
}

TEST(FsmSnapshot, WhereEventsAreErasedAGapIsLoadedAgain) {
  fsm_driver f{{.erases_events = true}};
  f.command(reads);
  f.load_answer(4, snapshot_at(1, "1"));
  EXPECT_EQ(f.chunk_cut_short(2, 4, 1), words{"load"}) << "a retention was faster";
  EXPECT_EQ(f.load_answer(4, snapshot_at(4, "4")), words{"release 1"});
  EXPECT_EQ(f.fate_of(1).seen, 4);
}

TEST(FsmSnapshot, AGapThatStaysIsAnErrorAlsoThere) {
  fsm_driver f{{.erases_events = true}};
  f.command(reads);
  for (int i = 0; i < 3; ++i) {
    f.load_answer(4, snapshot_at(1, "1"));
    EXPECT_EQ(f.chunk_cut_short(2, 4, 1), words{"load"});
  }
  f.load_answer(4, snapshot_at(1, "1"));
  EXPECT_EQ(f.chunk_cut_short(2, 4, 1), (words{"refuse 1 corrupt", "stopped"}));
}

TEST(FsmSnapshot, GapsThatMoveAreARetentionFasterThanTheRecovery) {
  fsm_driver f{{.erases_events = true}};
  f.command(reads);
  for (sequence_nr n = 1; n <= 3; ++n) {
    f.load_answer(9, snapshot_at(n, "1"));
    EXPECT_EQ(f.chunk_cut_short(n + 1, 9, n), words{"load"});
  }
  f.load_answer(9, snapshot_at(4, "1"));
  EXPECT_EQ(f.chunk_cut_short(5, 9, 4), (words{"refuse 1 unavailable", "wait 0"}));
}
