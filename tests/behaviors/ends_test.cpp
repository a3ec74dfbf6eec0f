// The order in which a program destroys its objects: every order works, on a thread and in an
// actor, or the program ends with a line that says why.
#include <gtest/gtest.h>

#include <algorithm>
#include <caf/all.hpp>
#include <future>
#include <memory>
#include <nexus/live_reader.hpp>
#include <nexus/nexus.hpp>
#include <nexus/stepping.hpp>
#include <nexus/supervisor.hpp>
#include <optional>
#include <random>
#include <vector>

#include "scripted_actor.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

constexpr auto long_time = 30s;

/// One of each object that a program keeps.
struct program {
  std::optional<nexus::system> sys{std::in_place, system_options{.threads = 1}};
  std::optional<store> journal = *nexus::open("memory:");
  std::optional<entities<tally>> tallies{std::in_place, *sys, *journal};
  std::optional<entity_ref<tally>> ref = tallies->of("a");
  std::optional<asked<std::int64_t>> answer = ref->ask(tally::add{1});
  std::optional<pool<journal_session>> sessions = journal->sessions();
  std::optional<live_reader> reader = *live_reader::open(*journal);
  std::optional<supervisor> top{std::in_place, *sys, "top"};
  std::optional<dead_letters::subscription> listens = sys->letters().subscribe([](const auto&) {});

  void end(int which) {
    switch (which) {
      case 0:
        return sys.reset();
      case 1:
        return journal.reset();
      case 2:
        return tallies.reset();
      case 3:
        return use_ref();
      case 4:
        return answer.reset();
      case 5:
        return sessions.reset();
      case 6:
        return reader.reset();
      case 7:
        return top.reset();
      default:
        listens.reset();
    }
  }

  // Whatever was destroyed before: an answer comes, possibly an error.
  void use_ref() {
    auto late = ref->ask(tally::add{1}, 5s).get(long_time);
    EXPECT_TRUE(late || late.error().code == errc::stopped) << late.error().message;
    EXPECT_EQ(late.has_value(), sys.has_value() && tallies.has_value());
    ref.reset();
  }
};

}  // namespace

TEST(Ends, AnyOrderOfEndsWorks) {
  constexpr int parts = 9;
  std::vector<int> order(parts);
  for (int i = 0; i < parts; ++i) order[i] = i;
  std::minstd_rand draw{7};
  for (int round = 0; round < 60; ++round) {
    program p;
    for (int one : order) p.end(one);
    std::shuffle(order.begin(), order.end(), draw);
  }
}

TEST(Ends, ASystemThatGoesFirstFinishesWhatWasAdmitted) {
  auto sys = std::make_unique<nexus::system>(system_options{.threads = 1});
  auto journal = nexus::open("memory:");
  entities<tally> tallies{*sys, *journal};
  std::vector<asked<std::int64_t>> answers;
  for (int i = 0; i < 100; ++i) answers.push_back(tallies.of("a").ask(tally::add{1}));
  sys.reset();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(answers[i].get(0s), i + 1);
  EXPECT_EQ(tallies.live(), 0u);
  EXPECT_EQ(tallies.status().error().code, errc::stopped);
  EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(0s).error().code, errc::stopped);
  nexus::system next{{.threads = 1}};
  entities<tally> again{next, *journal};
  EXPECT_EQ(again.of("a").ask(tally::read{}).get(long_time), 100) << "the store goes on";
}

TEST(Ends, AnAdoptedSystemMayGoBeforeItsEntities) {
  caf::actor_system_config config;
  caf::actor_system theirs{config};
  auto sys = std::make_unique<nexus::system>(theirs);
  auto journal = nexus::open("memory:");
  entities<tally> tallies{*sys, *journal};
  auto added = tallies.of("a").ask(tally::add{1});
  sys.reset();
  EXPECT_EQ(added.get(0s), 1);
  EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(0s).error().code, errc::stopped);
}

TEST(Ends, ASteppedSystemMayGoBeforeItsEntities) {
  auto sys = std::make_unique<nexus::system>(system_options{.stepped = true});
  auto journal = nexus::open("memory:", {.runs_on = sys->stepping()->storages()});
  entities<tally> tallies{*sys, *journal};
  auto added = tallies.of("a").ask(tally::add{1});
  sys.reset();
  EXPECT_EQ(added.get(0s), 1);
  EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(0s).error().code, errc::stopped);
}

TEST(Ends, EntitiesMayEndInAnActor) {
  nexus::system sys{{.threads = 1}};
  auto journal = nexus::open("memory:");
  auto tallies = std::make_unique<entities<tally>>(sys, *journal);
  ASSERT_TRUE(tallies->of("a").ask(tally::add{1}).get(long_time));
  const auto ref = tallies->of("a");
  std::promise<void> done;
  sys.caf().spawn<scripted_actor>([&](caf::event_based_actor*) {
    tallies.reset();
    done.set_value();
  });
  ASSERT_EQ(done.get_future().wait_for(long_time), std::future_status::ready);
  EXPECT_EQ(ref.ask(tally::read{}).get(long_time).error().code, errc::stopped);
}

TEST(Ends, ASupervisorMayEndInAnActor) {
  nexus::system sys{{.threads = 1}};
  auto top = std::make_unique<supervisor>(sys, "top");
  ASSERT_TRUE(
      top->spawn("one", [](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; }));
  std::promise<void> done;
  sys.caf().spawn<scripted_actor>([&](caf::event_based_actor*) {
    top.reset();
    done.set_value();
  });
  ASSERT_EQ(done.get_future().wait_for(long_time), std::future_status::ready);
}

TEST(EndsDeathTest, ASystemThatEndsInAnActorOfItsOwnSaysSo) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        auto* sys = new nexus::system{system_options{.threads = 1}};
        sys->caf().spawn<scripted_actor>([sys](caf::event_based_actor*) { delete sys; });
        std::promise<void>{}.get_future().wait();
      },
      "destroyed in an actor of its own");
}

// The child has all of them as statics, and leaves main with commands on their way.
namespace {

[[noreturn]] void leave_with_statics() {
  static nexus::system sys{{.threads = 1}};
  static auto journal = nexus::open("memory:");
  static entities<tally> tallies{sys, *journal};
  static auto ref = tallies.of("a");
  static auto answer = ref.ask(tally::add{1});
  std::exit(answer.get(long_time) ? 0 : 1);
}

[[noreturn]] void leave_with_statics_the_other_way_round() {
  static std::optional<entities<tally>> tallies;
  static std::optional<entity_ref<tally>> ref;
  static auto journal = nexus::open("memory:");
  static nexus::system sys{{.threads = 1}};
  tallies.emplace(sys, *journal);
  ref.emplace(tallies->of("a"));
  std::exit(ref->ask(tally::add{1}).get(long_time) ? 0 : 1);
}

}  // namespace

TEST(EndsDeathTest, StaticsEndInAnyOrder) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(leave_with_statics(), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(leave_with_statics_the_other_way_round(), testing::ExitedWithCode(0), "");
}
