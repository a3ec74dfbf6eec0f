// Timers that need not survive, in the entity state machine.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

const plan runs{.persists = 1, .then = {.runs = true}};

constexpr auto longest = std::chrono::nanoseconds::max();

}  // namespace

TEST(FsmTimers, ATimersCommandIsDecidedWhenItsDelayIsOver) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 5s, persists_one));
  EXPECT_EQ(f->passes(5s - 1ns), words{});
  EXPECT_FALSE(f->fate_of(1).decided);
  f->passes(1ns);
  EXPECT_TRUE(f->fate_of(1).decided);
  EXPECT_EQ(f->drained(), words{"append 8..8"});
  EXPECT_EQ(f->append_stored(), words{"release 1"});
  EXPECT_EQ(f->passes(1h), words{});
  EXPECT_EQ(f->fsm().timers(), nullptr) << "an entity without timers is one pointer larger";
}

TEST(FsmTimers, TheSameKeyReplaces) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 1s));
  ASSERT_TRUE(f->sets_timer("a", 3s));
  ASSERT_TRUE(f->sets_timer("b", 2s));
  f->passes(1s);
  EXPECT_FALSE(f->fate_of(1).decided);
  f->passes(1s);
  EXPECT_TRUE(f->fate_of(3).decided);
  EXPECT_FALSE(f->fate_of(2).decided);
  f->passes(1s);
  EXPECT_TRUE(f->fate_of(2).decided);
  f->passes(1h);
  EXPECT_FALSE(f->fate_of(1).decided);
}

TEST(FsmTimers, TimersDueAtOnceComeInTheOrderInWhichTheyWereSet) {
  auto f = running_at(7);
  for (auto key : {"c", "a", "b"}) ASSERT_TRUE(f->sets_timer(key, 1s, reads));
  EXPECT_EQ(f->passes(2s), (words{"release 1", "release 2", "release 3"}));
}

TEST(FsmTimers, ACancelledOneNeverComes) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 1s));
  f->fsm().cancel_timer("b");
  f->fsm().cancel_timer("a");
  f->fsm().cancel_timer("a");
  EXPECT_EQ(f->fsm().timers(), nullptr);
  f->passes(1h);
  EXPECT_FALSE(f->fate_of(1).decided);
}

// The entity waits for a then_run: what is due meanwhile waits undecided.
TEST(FsmTimers, OneThatIsDueAndWaitsIsVoidOnceItIsCancelled) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 1s));
  f->command(runs);
  EXPECT_EQ(f->passes(1s), words{});
  EXPECT_EQ(f->fsm().held(), 2u);
  f->append_stored();
  f->fsm().cancel_timer("a");  // by that chain
  EXPECT_EQ(f->ran(), words{"discard 1"});
  EXPECT_FALSE(f->fate_of(1).decided);
  EXPECT_EQ(f->fsm().held(), 0u);
}

TEST(FsmTimers, OneThatIsDueAndWaitsGivesWayToTheNextOfItsKey) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 1s));
  ASSERT_TRUE(f->sets_timer("b", 1s));
  f->command(runs);
  f->passes(1s);
  f->append_stored();
  ASSERT_TRUE(f->sets_timer("a", 1s));
  EXPECT_EQ(f->ran(), (words{"discard 1", "release 2"}));
  EXPECT_EQ(f->passes(1s), words{"release 4"});
}

TEST(FsmTimers, ADelayOfNothingOrLessIsOverAtOnce) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 0s));
  ASSERT_TRUE(f->sets_timer("b", -1s));
  ASSERT_TRUE(f->sets_timer("c", std::chrono::nanoseconds::min()));
  EXPECT_EQ(f->passes(0s), (words{"release 1", "release 2", "release 3"}));
}

TEST(FsmTimers, TheLongestDelayIsNeverOver) {
  auto f = running_at(7);
  f->now.steady += 1h;
  ASSERT_TRUE(f->sets_timer("a", longest));
  ASSERT_TRUE(f->sets_timer("b", longest, {}, true));
  EXPECT_EQ(f->passes(24h * 365 * 100), words{});
  EXPECT_TRUE(f->fsm().timers()->keeps_live());
}

TEST(FsmTimers, OneForIdlenessIsPutOffByEveryCommandButThoseOfTimers) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("idle", 10s, reads, true));
  ASSERT_TRUE(f->sets_timer("tick", 9s, reads));
  f->passes(4s);
  f->command(reads);
  EXPECT_EQ(f->passes(9s), words{"release 2"}) << "the tick does not put it off";
  EXPECT_EQ(f->passes(1s), words{"release 1"}) << "10 s after the command";
  f->passes(1h);
  EXPECT_EQ(f->fsm().timers(), nullptr) << "it comes once";
}

TEST(FsmTimers, BothBoundsRefuseAndChangeNothing) {
  auto f = running_at(7, {.timers_max = 2, .timers_bytes_max = 25});  // 10 bytes each
  ASSERT_TRUE(f->sets_timer("a", 1s));
  ASSERT_TRUE(f->sets_timer("b", 1s));
  auto third = f->sets_timer("c", 1s);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, errc::overloaded);
  EXPECT_NE(third.error().message.find("sum|one: the timer \"c\""), std::string::npos)
      << third.error().message;
  ASSERT_TRUE(f->sets_timer("b", 2s)) << "in the place of another one";
  EXPECT_EQ(f->passes(2s), (words{"release 1", "release 4"}));
  ASSERT_TRUE(f->sets_timer("c", 1s)) << "there is room again";

  auto g = running_at(7, {.timers_max = 9, .timers_bytes_max = 25});
  ASSERT_TRUE(g->sets_timer("a", 1s));
  ASSERT_TRUE(g->sets_timer("b", 1s));
  EXPECT_EQ(g->sets_timer("c", 1s).error().code, errc::overloaded);
  g->fsm().cancel_timer("a");
  EXPECT_TRUE(g->sets_timer("c", 1s));
  auto none = running_at(7, {.timers_max = 0});
  EXPECT_FALSE(none->sets_timer("a", 1s));
  EXPECT_EQ(none->fsm().timers(), nullptr);
}

TEST(FsmTimers, TheStateAfterALostAppendBeginsWithoutThem) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 1h));
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "gone"}}),
            (words{"refuse 2 unavailable", "wait 0"}));
  EXPECT_EQ(f->fsm().timers(), nullptr);
}

TEST(FsmTimers, TheStateAfterAnotherWritersBeginsWithoutThemAndDropsWhatWaits) {
  auto f = running_at(7, {.undurable_max = 1});
  ASSERT_TRUE(f->sets_timer("a", 1s));
  ASSERT_TRUE(f->sets_timer("b", 1h));
  f->command(persists_one);
  f->passes(1s);  // it waits
  EXPECT_EQ(f->append_answers(conflict{7}), (words{"refuse 3 conflict", "load"}));
  EXPECT_EQ(f->fsm().timers(), nullptr);
  f->load_answer(7);
  EXPECT_EQ(f->chunk(1, 7), words{"discard 1"});
  EXPECT_EQ(f->fsm().held(), 0u);
}

TEST(FsmTimers, ASpoiltStateTakesThemAlong) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 1h));
  EXPECT_EQ(f->command({.throws = true}), (words{"release 2", "load"}));
  EXPECT_EQ(f->fsm().timers(), nullptr);
}

TEST(FsmTimers, WhatWasDecidedOnceIsDecidedAgainAfterAConflict) {
  auto f = running_at(7, {.conflict_retries_max = 3});
  ASSERT_TRUE(f->sets_timer("a", 1s, persists_one));
  f->passes(1s);
  EXPECT_EQ(f->drained(), words{"append 8..8"});
  EXPECT_EQ(f->append_answers(conflict{7}), words{"load"});
  f->load_answer(7);
  f->chunk(1, 7);
  EXPECT_EQ(f->drained(), words{"append 8..8"});
  EXPECT_EQ(f->append_stored(), words{"release 1"});
}

TEST(FsmTimers, AnUnknownOutcomeLeavesThemUntilTheTruthIsKnown) {
  auto f = running_at(7);
  ASSERT_TRUE(f->sets_timer("a", 1s, persists_one));
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(unknown{{errc::unavailable, "?"}}), words{"settle"});
  EXPECT_EQ(f->passes(1s), words{}) << "due, and waits";
  EXPECT_EQ(f->settles(settlement::stored), (words{"release 2", "append 9..9"}));
  EXPECT_EQ(f->append_stored(), words{"release 1"});
}

TEST(FsmTimers, EveryEndTakesThemAlong) {
  auto passivated = running_at(7);
  ASSERT_TRUE(passivated->sets_timer("a", 1s));
  EXPECT_EQ(passivated->passivate(), words{"stopped"}) << "it was asked to";
  EXPECT_EQ(passivated->fsm().timers(), nullptr);

  auto closed = running_at(7);
  ASSERT_TRUE(closed->sets_timer("a", 1s));
  EXPECT_EQ(closed->close(), words{"stopped"});
  EXPECT_EQ(closed->fsm().timers(), nullptr);

  auto stopped = running_at(7);
  ASSERT_TRUE(stopped->sets_timer("a", 1s));
  EXPECT_EQ(stopped->command({.then = {.stops = true}}), (words{"release 2", "stopped"}));
  EXPECT_EQ(stopped->fsm().timers(), nullptr);
}

// A chain runs after the step that released its command.
TEST(FsmTimers, AChainWhoseStateIsGoneSetsNone) {
  auto stopped = running_at(7);
  stopped->command({.then = {.stops = true}});
  ASSERT_TRUE(stopped->sets_timer("a", 1s));
  EXPECT_EQ(stopped->fsm().timers(), nullptr);

  auto rebuilt = running_at(7);
  EXPECT_EQ(rebuilt->command({.throws = true}), (words{"release 1", "load"}));
  ASSERT_TRUE(rebuilt->sets_timer("a", 1s));
  EXPECT_EQ(rebuilt->fsm().timers(), nullptr);
}

TEST(FsmTimers, OneThatLetsItPassivateDoesNotKeepIt) {
  auto f = running_at(7);
  fate unused;
  auto wish = [&](const char* key, bool lets) {
    auto* call = new planned_call{reads, unused};
    d::timer_wish made{key, envelope{call}, 1s, false, lets};
    call->leave();
    return made;
  };
  ASSERT_TRUE(f->fsm().set_timer(f->now, wish("a", true)));
  EXPECT_FALSE(f->fsm().timers()->keeps_live());
  ASSERT_TRUE(f->fsm().set_timer(f->now, wish("b", false)));
  EXPECT_TRUE(f->fsm().timers()->keeps_live());
  ASSERT_TRUE(f->fsm().set_timer(f->now, wish("b", true)));
  EXPECT_FALSE(f->fsm().timers()->keeps_live());
}
