// Behaviors with no runtime: decide and apply are plain functions of plain values.
#include <gtest/gtest.h>

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
    requires(Effect& e) { e.template then_ask<tally>("", tally::read{}, nullptr); };

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
