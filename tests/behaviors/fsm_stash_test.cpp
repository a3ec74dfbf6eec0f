// Stashed commands, and what unstashes them.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// Stashes itself while the sum is 0; unstashes with its event.
const plan stashes{.then = {.stashes = true}};
const plan opens{.persists = 1, .then = {.unstashes = true}};

}  // namespace

TEST(FsmStash, AStashedCommandIsHeldAndNotAnswered) {
  auto f = running_at(0);
  EXPECT_EQ(f->command(stashes), words{});
  EXPECT_EQ(f->drained(), words{});
  EXPECT_FALSE(f->fate_of(1).decided);
  EXPECT_EQ(f->fsm().held(), 1u);
}

TEST(FsmStash, UnstashingWaitsUntilItsCommandIsDurable) {
  auto f = running_at(0);
  f->command(stashes);
  EXPECT_EQ(f->command(opens), words{"append 1..1"}) << "a hold: nothing to wait for";
  EXPECT_FALSE(f->fate_of(1).decided);
  EXPECT_EQ(f->append_stored(), words{"run 2"});
  EXPECT_EQ(f->ran(), words{"release 1"});
}

TEST(FsmStash, TheStashComesBeforeWhatWaitsAndInItsOrder) {
  auto f = running_at(0);
  f->command(stashes);
  f->command(stashes);
  f->command(opens);
  f->command(reads);
  f->append_stored();
  EXPECT_EQ(f->ran(), (words{"release 1", "release 2", "release 4"}));
}

TEST(FsmStash, AStashedCommandMayPutItselfAsideAgain) {
  auto f = running_at(0);
  f->command(stashes);
  EXPECT_EQ(f->command({.then = {.unstashes = true}}), words{"run 2"}) << "the sum is still 0";
  EXPECT_EQ(f->ran(), words{});
  EXPECT_EQ(f->fsm().held(), 1u);
}

TEST(FsmStash, AFullStashIsATypedError) {
  auto f = running_at(0, {.stash_max = 2});
  f->command(stashes);
  f->command(stashes);
  EXPECT_EQ(f->command(stashes), words{"release 3"});
  EXPECT_EQ(f->fate_of(3).answer, "overloaded");
  EXPECT_EQ(f->fsm().held(), 2u);
}

TEST(FsmStash, ALostAppendHasTheStashDecidedAgain) {
  auto f = running_at(0);
  f->command(stashes);
  f->command(opens);
  EXPECT_EQ(f->append_answers(conflict{.highest = 0}), (words{"refuse 2 conflict", "load"}));
  EXPECT_EQ(f->load_answer(1), words{"replay 1..1"}) << "another writer was there";
  EXPECT_EQ(f->chunk(1, 1), words{"release 1"});
}

TEST(FsmStash, AStopLeavesTheStashToTheNextIncarnation) {
  auto f = running_at(0);
  f->command(stashes);
  EXPECT_EQ(f->command({.persists = 1, .then = {.stops = true}}), words{"append 1..1"});
  EXPECT_EQ(f->append_stored(), (words{"release 2", "load"}));
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 1"});
}

TEST(FsmStash, ClosingRefusesTheStash) {
  auto f = running_at(0);
  f->command(stashes);
  EXPECT_EQ(f->close(), (words{"refuse 1 stopped", "stopped"}));
}

TEST(FsmStash, ClosingBetweenAnUnstashAndItsAppendLosesNoCommand) {
  auto f = running_at(0);
  f->command(stashes);
  f->command(opens);
  EXPECT_EQ(f->close(), words{"refuse 1 stopped"});
  EXPECT_EQ(f->append_stored(), words{"run 2"});
  EXPECT_EQ(f->ran(), words{"stopped"});
}
