// Behaviors with no runtime: decide and apply are plain functions of plain values.
#include <gtest/gtest.h>

#include <chrono>

#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

template <class Effect>
concept can_chain_on_an_lvalue = requires(Effect& e) { e.then_reply(&tally::state::sum); };

template <class Effect>
concept can_unstash_an_lvalue =
    requires(Effect& e) { e.then_unstash(); } || requires(Effect& e) { e.then_stop(); } ||
    requires(Effect& e) { e.then_run(nullptr); } ||
    requires(Effect& e) { e.with_metadata("", ""); } ||
    requires(Effect& e) { e.template then_ask<tally>("", tally::read{}, nullptr); } ||
    requires(Effect& e) { e.then_after("", std::chrono::seconds{1}, tally::read{}); } ||
    requires(Effect& e) { e.then_when_idle("", std::chrono::seconds{1}, tally::read{}); } ||
    requires(Effect& e) { e.then_cancel(""); };

template <class Effect>
concept can_chain = requires(Effect e) { std::move(e).then_reply(&tally::state::sum); };

}  // namespace

// Code that must not compile does not compile.
static_assert(!can_chain_on_an_lvalue<decltype(persist(tally::added{1}))>,
              "a chain on a kept effect would be ignored");
static_assert(!can_chain<decltype(reject("no"))>, "a refusal runs no chain");
static_assert(!can_chain<decltype(stash())>, "neither does a command that is put aside");
static_assert(!can_unstash_an_lvalue<decltype(persist(tally::added{1}))>, "no chain is");

// Replies are deduced from decide.
static_assert(std::is_same_v<reply_t<tally, tally::add>, std::int64_t>);
static_assert(std::is_same_v<reply_t<tally, tally::read_text>, std::string>);
static_assert(std::is_void_v<reply_t<tally, tally::write_down>>);
static_assert(std::is_void_v<reply_t<tally, tally::refuse>>);

TEST(Effect, PersistCarriesItsEvents) {
  auto e = decide<tally>({.sum = 1, .text = {}}, tally::add{4});
  ASSERT_EQ(e.events().size(), 1u);
  EXPECT_EQ(std::get<tally::added>(e.events()[0]).n, 4);
  EXPECT_FALSE(e.rejected());
}

TEST(Effect, TheReplyIsMadeFromTheStateAfterwards) {
  auto e = decide<tally>({}, tally::add{4});
  EXPECT_EQ(e.reply({.sum = 4, .text = {}}), 4);
}

TEST(Effect, ARejectionPersistsNothing) {
  auto e = decide<tally>({}, tally::refuse{});
  EXPECT_TRUE(e.rejected());
  EXPECT_TRUE(e.events().empty());
  EXPECT_EQ(e.error().message, "no, thank you");
}

TEST(Effect, EventsOfOnePersistKeepTheirOrder) {
  effect<tally> e = persist(tally::added{1}, tally::written{"x"}, tally::added{2});
  ASSERT_EQ(e.events().size(), 3u);
  EXPECT_EQ(std::get<tally::written>(e.events()[1]).text, "x");
}

TEST(Effect, ChainsKeepTheirOrderAroundTheReply) {
  effect<tally, int> e = none()
                             .then_run([](const tally::state&) {})
                             .then_reply([](const tally::state&) { return 1; })
                             .then_run([](const tally::state&) {});
  EXPECT_EQ(e.links().size(), 2u);
  EXPECT_EQ(e.links_before_reply(), 1u);
}

TEST(Effect, StopStops) { EXPECT_TRUE(decide<tally>({}, tally::retire{}).stops()); }

TEST(Effect, TimersAreValuesInTheOrderOfTheChain) {
  using namespace std::chrono_literals;
  effect<tally> e =
      persist(tally::added{1})
          .then_after("a", 5s, tally::add{7}, {.lets_passivate = true})
          .then_cancel("b")
          .then_when_idle("c", std::chrono::hours::max(), tally::command{tally::read{}});
  ASSERT_EQ(e.links().size(), 3u);
  const auto& set = *e.links()[0].timer;
  EXPECT_EQ(set.key, "a");
  EXPECT_EQ(set.delay, 5s);
  EXPECT_EQ(std::get<tally::add>(*set.command).n, 7);
  EXPECT_TRUE(set.how.lets_passivate);
  EXPECT_FALSE(set.when_idle);
  const auto& cancelled = *e.links()[1].timer;
  EXPECT_EQ(cancelled.key, "b");
  EXPECT_FALSE(cancelled.command);
  const auto& idle = *e.links()[2].timer;
  EXPECT_TRUE(idle.when_idle);
  EXPECT_EQ(idle.delay, std::chrono::nanoseconds::max()) << "no limit";
  EXPECT_TRUE(std::holds_alternative<tally::read>(*idle.command));
  EXPECT_FALSE(e.runs()) << "later commands need not wait for a timer to be set";
}

TEST(Effect, AnEffectWithATimerIsCopied) {
  using namespace std::chrono_literals;
  effect<tally> e = after("a", 1s, tally::add{7}).then_cancel("b");
  const auto copy = e;
  EXPECT_EQ(std::get<tally::add>(*copy.links()[0].timer->command).n, 7);
}

TEST(Effect, AQuestionHasItsDelayAndItsDeadline) {
  using namespace std::chrono_literals;
  auto heard = [](const result<std::int64_t>&) { return tally::read{}; };
  effect<tally> plain = ask<tally>("x", tally::add{1}, heard);
  EXPECT_EQ(std::chrono::nanoseconds{plain.links()[0].ask->how().after}, 0ns);
  EXPECT_FALSE(detail::is_timed(plain.links()[0].ask->how()));
  effect<tally> timed = ask<tally>("x", tally::add{1}, heard, {.after = 1s, .within = 2s});
  EXPECT_EQ(std::chrono::nanoseconds{timed.links()[0].ask->how().after}, 1s);
  EXPECT_EQ(std::chrono::nanoseconds{timed.links()[0].ask->how().within}, 2s);
}
