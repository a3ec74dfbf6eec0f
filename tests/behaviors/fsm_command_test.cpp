// How commands become answers: durability, bounds, chains, an apply that throws.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;

// -- commands and durability ----------------------------------------------------------------------

TEST(FsmCommand, AReplyWaitsForItsOwnEvents) {
  auto f = running_at(7);
  EXPECT_EQ(f->command(persists_two), words{});
  EXPECT_EQ(f->drained(), words{"append 8..9"});
  EXPECT_EQ(f->append_stored(), words{"release 1"});
  EXPECT_EQ(f->fsm().durable(), 9u);
}

TEST(FsmCommand, AReadAloneIsAnsweredAtOnce) {
  auto f = running_at(7);
  EXPECT_EQ(f->command(reads), words{"release 1"});
  EXPECT_EQ(f->drained(), words{});
}

TEST(FsmCommand, AReadWaitsForTheAppendItSaw) {
  auto f = running_at(7);
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 8..8"});
  EXPECT_EQ(f->command(reads), words{});
  EXPECT_EQ(f->fate_of(2).seen, 8) << "it is decided on the speculative state";
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2"}));
}

TEST(FsmCommand, CommandsDecidedDuringAnAppendShareTheNextOne) {
  auto f = running_at(0);
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 1..1"});
  f->command(persists_one);
  f->command(persists_two);
  EXPECT_EQ(f->drained(), words{}) << "one append is in flight";
  EXPECT_EQ(f->append_stored(), (words{"release 1", "append 2..4"}));
  EXPECT_EQ(f->append_stored(), (words{"release 2", "release 3"}));
}

TEST(FsmCommand, OneUndurableCommandIsTheClassicalWay) {
  auto f = running_at(0, {.undurable_max = 1});
  EXPECT_EQ(f->command(persists_one), words{"append 1..1"}) << "nothing to wait for";
  f->command(persists_one);
  EXPECT_FALSE(f->fate_of(2).decided);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "append 2..2"}));
}

TEST(FsmCommand, UndurableCommandsAreBoundedByNumber) {
  auto f = running_at(0, {.undurable_max = 3});
  f->command(persists_one);
  f->command(persists_one);
  EXPECT_EQ(f->command(persists_one), words{"append 1..3"});
  f->command(persists_one);
  EXPECT_FALSE(f->fate_of(4).decided);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2", "release 3", "append 4..4"}));
}

TEST(FsmCommand, UndurableCommandsAreBoundedByBytes) {
  auto f = running_at(0, {.undurable_bytes_max = 20});  // a planned command counts 10
  f->command(persists_one);
  EXPECT_EQ(f->command(persists_one), words{"append 1..2"});
  f->command(persists_one);
  EXPECT_FALSE(f->fate_of(3).decided);
}

TEST(FsmCommand, AReadAtTheBoundWaitsUndecided) {
  auto f = running_at(0, {.undurable_max = 1});
  f->command(persists_one);
  f->command(reads);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2"}));
}

TEST(FsmCommand, CommandsMergeIntoNoMoreThanAnAppendTakes) {
  auto f = running_at(0, {.append_events_max = 4});
  f->command(persists_two);
  f->command(reads);
  EXPECT_EQ(f->command({.persists = 3}), words{"append 1..2"}) << "whole, or in the next one";
  EXPECT_EQ(f->fate_of(3).seen, 5) << "decided already";
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{}) << "one append is in flight";
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2", "append 3..6"}));
  EXPECT_EQ(f->append_stored(), (words{"release 3", "release 4"}));
  EXPECT_EQ(f->fsm().durable(), 6u);
}

TEST(FsmCommand, NothingMoreIsDecidedWhileCommandsWaitForASecondAppend) {
  auto f = running_at(0, {.append_events_max = 2});
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 1..1"});
  f->command(persists_one);
  f->command(persists_two);
  f->command(persists_one);
  EXPECT_TRUE(f->fate_of(3).decided);
  EXPECT_FALSE(f->fate_of(4).decided);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "append 2..2"}));
  EXPECT_TRUE(f->fate_of(4).decided);
  EXPECT_EQ(f->append_stored(), (words{"release 2", "append 3..4"}));
  EXPECT_EQ(f->append_stored(), (words{"release 3", "append 5..5"}));
  EXPECT_EQ(f->append_stored(), words{"release 4"});
}

TEST(FsmCommand, ALostAppendLosesWhatWaitedForTheNextOne) {
  auto f = running_at(0, {.append_events_max = 2});
  f->command(persists_two);
  EXPECT_EQ(f->command(persists_one), words{"append 1..2"});
  EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "no"}}),
            (words{"refuse 1 too_large", "refuse 2 too_large", "load"}));
  f->load_answer(0);
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 1..1"}) << "and nothing of what was lost";
}

TEST(FsmCommand, ClosingWaitsForWhatTheAppendHadNoRoomFor) {
  auto f = running_at(0, {.append_events_max = 2});
  f->command(persists_two);
  EXPECT_EQ(f->command(persists_one), words{"append 1..2"});
  EXPECT_EQ(f->close(), words{});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "append 3..3"}));
  EXPECT_EQ(f->append_stored(), (words{"release 2", "stopped"}));
}

TEST(FsmCommand, AnAppendIsBoundedByBytesToo) {
  auto f = running_at(0, {.append_bytes_max = 3});  // an event is one byte
  f->command(persists_two);
  EXPECT_EQ(f->command(persists_two), words{"append 1..2"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "append 3..4"}));
}

// -- chains ---------------------------------------------------------------------------------------

TEST(FsmCommand, NothingIsDecidedWhileARunWaits) {
  auto f = running_at(0);
  EXPECT_EQ(f->command({.persists = 1, .then = {.runs = true}}), words{"append 1..1"});
  f->command(persists_one);
  EXPECT_FALSE(f->fate_of(2).decided);
  EXPECT_EQ(f->append_stored(), words{"run 1"});
  EXPECT_EQ(f->fate_of(1).ran_at, 1) << "it sees the state its command produced";
  f->ran();
  EXPECT_TRUE(f->fate_of(2).decided);
  EXPECT_EQ(f->drained(), words{"append 2..2"});
}

TEST(FsmCommand, ARunWaitsForAllThatItsStateIsMadeOf) {
  auto f = running_at(0);
  f->command(persists_one);
  EXPECT_EQ(f->drained(), words{"append 1..1"});
  EXPECT_EQ(f->command({.persists = 0, .then = {.runs = true}}), words{});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "run 2"}));
}

TEST(FsmCommand, ALostRunDoesNotHappen) {
  auto f = running_at(0);
  f->command({.persists = 1, .then = {.runs = true}});
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "disk"}}),
            (words{"refuse 1 unavailable", "wait 0"}));
  EXPECT_EQ(f->fate_of(1).ran_at, -1);
}

// -- apply throws ---------------------------------------------------------------------------------

TEST(FsmCommand, AThrowingApplyRefusesItsCommandAlone) {
  auto f = running_at(1);
  f->command(persists_one);
  EXPECT_EQ(f->command({.throws = true}), words{"append 2..2"});
  f->command(persists_one);
  EXPECT_FALSE(f->fate_of(3).decided) << "the state is spoilt";
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2", "load"}));
  EXPECT_EQ(f->fate_of(2).answer, "apply_failed");
  EXPECT_EQ(f->load_answer(2), words{"replay 1..2"});
  f->chunk(1, 2);
  EXPECT_EQ(f->fate_of(3).seen, 3) << "decided on the state rebuilt without it";
  EXPECT_EQ(f->drained(), words{"append 3..3"});
}

TEST(FsmCommand, AThrowingApplyWithNothingInFlightRebuildsAtOnce) {
  auto f = running_at(1);
  EXPECT_EQ(f->command({.throws = true}), (words{"release 1", "load"}));
}
