// A command whose deadline has passed is refused instead of decided.
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
  f->command({.persists = 1, .then = {.runs = true}});
  f->command(reads, until(5s));
  f->now = at(6s);
  f->append_stored();
  EXPECT_EQ(f->ran(), words{"refuse 2 timeout"});
}

TEST(FsmDeadline, ItPassesInTheStash) {
  auto f = running_at(0);
  f->command({.then = {.stashes = true}}, until(5s));
  f->now = at(6s);
  EXPECT_EQ(f->command({.persists = 1, .then = {.unstashes = true}}),
            (words{"refuse 1 timeout", "append 1..1"}));
  EXPECT_EQ(f->append_stored(), words{"run 2"});
  EXPECT_EQ(f->ran(), words{});
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
