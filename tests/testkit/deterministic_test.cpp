#include <gtest/gtest.h>

#include <nexus/nexus.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/faulty.hpp>
#include <string>
#include <vector>

#include "behaviors/tally.hpp"
#include "temporary_folder.hpp"

using namespace std::chrono_literals;
using nexus::entity_signal;
using nexus::errc;
using nexus::executor;
using nexus::test::tally;
using nexus::testkit::deterministic_system;
using nexus::testkit::fault;
using nexus::testkit::operation;

namespace {

// Records when each message came.
class diary final : public nexus::actor {
 public:
  struct note final : nexus::message {
    explicit note(bool l) : message{0}, last{l} {}
    bool last;
  };
  using done = std::function<verdict(const nexus::mailbox& self)>;

  explicit diary(done f) : f_{std::move(f)} {}
  void started(const nexus::mailbox& self) override { self_ = self; }
  verdict receive(nexus::envelope m) override {
    return m.as<note>().last ? verdict::stop : f_(self_);
  }

  static nexus::envelope page() { return nexus::envelope{new note{false}}; }

  /// Ends an actor that holds a reference to itself, and would live for ever.
  struct end {
    deterministic_system& det;
    nexus::mailbox of;
    ~end() {
      // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): a test without memory may end
      of.send(nexus::envelope{new note{true}});
      det.drain();
    }
  };

 private:
  done f_;
  nexus::mailbox self_;
};

class Deterministic : public testing::TestWithParam<const char*> {
 protected:
  nexus::result<nexus::store> open(deterministic_system& on, nexus::store_options options = {}) {
    return on.open(
        std::string{GetParam()} == "memory" ? "memory:" : "sqlite:" + folder_.path("test.db"),
        {nexus::testkit::faulty(nexus::memory_backend(), faults),
         nexus::testkit::faulty(nexus::sqlite_backend(), faults)},
        options);
  }

  std::shared_ptr<nexus::testkit::faults> faults = std::make_shared<nexus::testkit::faults>();

 private:
  nexus::test::temporary_folder folder_;
};

INSTANTIATE_TEST_SUITE_P(Journals, Deterministic, testing::Values("memory", "sqlite"),
                         [](const auto& of) { return std::string{of.param}; });

}  // namespace

TEST_P(Deterministic, NothingIsAnsweredBeforeItIsStepped) {
  deterministic_system det;
  auto store = open(det);
  nexus::entities<tally> tallies{det, *store};
  auto added = tallies.of("a").ask(tally::add{5});
  std::size_t steps = 0;
  for (; !added.is_answered(); ++steps) {
    ASSERT_FALSE(det.idle());
    ASSERT_TRUE(det.step());
    EXPECT_TRUE(faults->calls(operation::append) == 1 || !added.is_answered()) << steps;
  }
  EXPECT_GT(steps, 3u) << "load, highest number, append, answer";
  EXPECT_EQ(det.get(added), 5);
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::read{})), 5);
}

TEST_P(Deterministic, QueuedJobsAreOneCommit) {
  deterministic_system det;
  auto store = open(det);
  nexus::entities<tally> tallies{det, *store};
  std::vector<nexus::asked<std::int64_t>> all;
  det.steps().hold(executor::work::write);
  for (int i = 0; i < 50; ++i) all.push_back(tallies.of(std::to_string(i)).ask(tally::add{i}));
  det.drain();
  EXPECT_EQ(faults->calls(operation::append), 0u);
  for (auto& one : all) EXPECT_FALSE(one.is_answered());
  det.steps().release(executor::work::write);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(det.get(all[static_cast<std::size_t>(i)]), i);
  EXPECT_EQ(faults->batches(operation::append), std::vector<std::size_t>{50});
  EXPECT_TRUE(det.idle());
}

TEST_P(Deterministic, StateSurvivesTheSystem) {
  for (int run = 1; run <= 3; ++run) {
    deterministic_system det;
    auto store = open(det);
    nexus::entities<tally> tallies{det, *store};
    const auto expected = std::string{GetParam()} == "memory" ? 1 : run;
    EXPECT_EQ(det.get(tallies.of("a").ask(tally::add{1})), expected);
  }
}

TEST_P(Deterministic, BackoffAfterFailuresGrowsInVirtualTime) {
  deterministic_system det;
  auto store = open(det, {.breaker_failures = 0});
  nexus::entities<tally> tallies{det, *store, {.backoff_min = 1s, .backoff_max = 1h}};
  faults->inject(fault::fail, operation::append, nexus::testkit::faults::forever);
  (void)det.get(tallies.of("a").ask(tally::add{1}));
  for (auto pause = 1s; pause <= 32s; pause *= 2) {
    const auto before = det.now();
    auto next = tallies.of("a").ask(tally::add{1});
    EXPECT_EQ(det.get(next, 1h).error().code, errc::unavailable);
    EXPECT_GE(det.now() - before, pause * 8 / 10) << "with jitter of a fifth";
    EXPECT_LE(det.now() - before, pause * 12 / 10);
  }
}

TEST_P(Deterministic, AnAnswerIsWaitedForInVirtualTime) {
  deterministic_system det;
  auto store = open(det);
  nexus::entities<tally> tallies{det, *store, {.backoff_min = 10min, .backoff_max = 10min}};
  faults->inject(fault::fail, operation::append);
  (void)det.get(tallies.of("a").ask(tally::add{1}));
  const auto before = det.now();
  auto next = tallies.of("a").ask(tally::add{2});
  EXPECT_EQ(det.get(next, 13min), 2);
  EXPECT_GE(det.now() - before, 8min);
  EXPECT_LE(det.now() - before, 12min);
}

TEST_P(Deterministic, ASilentStorageFailsTheRecoveryInTime) {
  deterministic_system det;
  auto store = open(det);
  std::vector<entity_signal::kind> told;
  nexus::entities<tally> tallies{
      det, *store, {.recovery_timeout = 30s, .on_signal = [&](const entity_signal& s) {
                      told.push_back(s.what);
                    }}};
  det.steps().hold(executor::work::read);
  auto added = tallies.of("a").ask(tally::add{1});
  det.advance(29s);
  EXPECT_FALSE(added.is_answered());
  EXPECT_TRUE(told.empty());
  det.advance(31s);
  ASSERT_TRUE(added.is_answered());
  EXPECT_EQ(det.get(added).error().code, errc::timeout);
  EXPECT_EQ(told, std::vector{entity_signal::kind::recovery_failed});
  det.steps().release(executor::work::read);
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::add{1}), 1min), 1);
}

TEST_P(Deterministic, TheBreakerOpensAndTriesInVirtualTime) {
  deterministic_system det;
  auto store = open(det, {.breaker_failures = 2, .breaker_reset = 10min});
  nexus::entities<tally> tallies{det, *store};
  faults->inject(fault::fail, operation::read, nexus::testkit::faults::forever);
  for (int i = 0; i < 2; ++i) (void)det.get(tallies.of(std::to_string(i)).ask(tally::add{1}));
  EXPECT_EQ(store->breaker().now, nexus::circuit::open);
  faults->clear();
  det.advance(9min);
  EXPECT_EQ(det.get(tallies.of("c").ask(tally::add{1})).error().code, errc::unavailable);
  det.advance(2min);
  EXPECT_EQ(det.get(tallies.of("d").ask(tally::add{1}), 1min), 1);
  EXPECT_EQ(store->breaker().now, nexus::circuit::closed);
}

TEST_P(Deterministic, ADelayOfTheStorageIsVirtualTimeToo) {
  deterministic_system det;
  auto store = open(det);
  nexus::entities<tally> tallies{det, *store};
  faults->delay(operation::append, 3h);
  const auto before = det.now();
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::add{1})), 1);
  EXPECT_EQ(det.now() - before, 3h);
}

TEST_P(Deterministic, EntitiesWhoseStorageIsSilentAreDestroyedAllTheSame) {
  deterministic_system det;
  auto store = open(det);
  nexus::entities<tally> tallies{det, *store};
  det.steps().hold(executor::work::write);
  det.steps().hold(executor::work::read);
  (void)tallies.of("a").tell(tally::add{1});
  det.drain();
}

TEST_P(Deterministic, EntitiesFinishWhatIsInFlightWhenTheyAreDestroyed) {
  deterministic_system det;
  auto store = open(det);
  auto tallies = std::make_unique<nexus::entities<tally>>(det, *store);
  ASSERT_EQ(det.get(tallies->of("a").ask(tally::add{1})), 1);
  auto added = tallies->of("a").ask(tally::add{1});
  EXPECT_FALSE(added.is_answered());
  tallies.reset();
  EXPECT_EQ(det.get(added), 2);
}

TEST_P(Deterministic, AFlushDoesTheWritersWorkAtOnce) {
  deterministic_system det;
  auto store = open(det);
  nexus::entities<tally> tallies{det, *store};
  det.steps().hold(executor::work::write);
  auto added = tallies.of("a").ask(tally::add{1});
  det.drain();
  EXPECT_EQ(store->statistics().requests, 0u);
  EXPECT_TRUE(store->flush({}));
  EXPECT_EQ(store->statistics().requests, 1u);
  EXPECT_FALSE(added.is_answered()) << "the entity has not heard of it";
  EXPECT_EQ(det.get(added), 1);
}

TEST_P(Deterministic, AClosedStoreHasDoneItsWorkAndTakesNoMore) {
  deterministic_system det;
  auto store = open(det);
  nexus::entities<tally> tallies{det, *store};
  ASSERT_EQ(det.get(tallies.of("a").ask(tally::add{1})), 1);
  auto added = tallies.of("a").ask(tally::add{1});
  while (store->participant()->is_quiet()) ASSERT_TRUE(det.step());
  EXPECT_TRUE(store->close({}));
  EXPECT_EQ(det.get(added), 2);
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::add{1})).error().code, errc::stopped);
}

TEST_P(Deterministic, AShutdownIsSteppedToo) {
  deterministic_system det;
  auto store = open(det);
  nexus::entities<tally> tallies{det, *store};
  auto added = tallies.of("a").ask(tally::add{1});
  auto report = det.sys().shutdown(10s);
  EXPECT_TRUE(report.complete()) << (report.missed.empty() ? "" : report.missed.front());
  EXPECT_TRUE(report.drained);
  EXPECT_EQ(det.get(added), 1);
  EXPECT_EQ(store->open_session().error().code, errc::stopped);
}

namespace {

// The steps of a small world's run.
std::vector<std::string> run_of_a_world(std::uint64_t seed) {
  deterministic_system det{seed};
  std::vector<std::string> steps;
  det.steps().on_step([&](const std::string& what) {
    steps.push_back(what + " at " + std::to_string(det.now().time_since_epoch().count()));
  });
  auto faults = std::make_shared<nexus::testkit::faults>();
  auto store = det.open("memory:", {nexus::testkit::faulty(nexus::memory_backend(), faults)});
  nexus::entities<tally> tallies{det, *store, {.snapshot_every = 3}};
  faults->inject(fault::lose_answer, operation::append, 2);
  faults->inject(fault::fail, operation::read, 2);
  for (int i = 0; i < 40; ++i) (void)tallies.of(std::to_string(i % 7)).tell(tally::add{i});
  det.drain();
  det.advance(1min);
  return steps;
}

}  // namespace

TEST(DeterministicSystem, TwoRunsTakeTheSameSteps) {
  for (std::uint64_t seed : {0u, 1u, 2u}) {
    const auto once = run_of_a_world(seed);
    EXPECT_GT(once.size(), 60u);
    EXPECT_EQ(once, run_of_a_world(seed)) << "seed " << seed;
  }
}

TEST(DeterministicSystem, AnotherSeedIsAnotherOrder) {
  EXPECT_NE(run_of_a_world(1), run_of_a_world(2));
  EXPECT_NE(run_of_a_world(0), run_of_a_world(1));
}

TEST(DeterministicSystem, EverySeedKeepsEachActorsOrder) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    deterministic_system det{seed};
    auto store = det.open("memory:");
    nexus::entities<tally> tallies{det, *store};
    std::vector<nexus::asked<std::int64_t>> all;
    for (int i = 0; i < 30; ++i)
      all.push_back(tallies.of(std::to_string(i % 3)).ask(tally::add{1}));
    for (int i = 0; i < 30; ++i) {
      EXPECT_EQ(det.get(all[static_cast<std::size_t>(i)]), i / 3 + 1) << "seed " << seed;
    }
  }
}

TEST(DeterministicSystem, ADelayedMessageComesAtItsTime) {
  deterministic_system det;
  const auto begin = det.now();
  std::vector<std::chrono::nanoseconds> came;
  auto to = det.sys().spawn(std::make_unique<diary>([&](const nexus::mailbox&) {
    came.push_back(det.now() - begin);
    return nexus::actor::verdict::go_on;
  }));
  const diary::end at_last{det, to};
  for (auto delay : {3s, 1s, 2s}) to.send_after(delay, diary::page());
  det.drain();
  EXPECT_TRUE(came.empty());
  det.advance(1s - 1ns);
  EXPECT_TRUE(came.empty());
  det.advance(1ns);
  EXPECT_EQ(came, std::vector<std::chrono::nanoseconds>{1s});
  det.advance(1h);
  EXPECT_EQ(came, (std::vector<std::chrono::nanoseconds>{1s, 2s, 3s}));
}

TEST(DeterministicSystem, APeriodicTimerFiresOncePerPeriod) {
  deterministic_system det;
  const auto begin = det.now();
  std::vector<std::chrono::nanoseconds> came;
  auto to = det.sys().spawn(std::make_unique<diary>([&](const nexus::mailbox& self) {
    came.push_back(det.now() - begin);
    self.send_after(1s, diary::page());
    return nexus::actor::verdict::go_on;
  }));
  const diary::end at_last{det, to};
  to.send_after(1s, diary::page());
  det.advance(10s);
  ASSERT_EQ(came.size(), 10u);
  for (std::size_t i = 0; i < came.size(); ++i) EXPECT_EQ(came[i], (i + 1) * 1s);
  EXPECT_TRUE(det.idle());
}

TEST(DeterministicSystem, TheTimeOfDayMovesAlong) {
  deterministic_system det;
  EXPECT_EQ(det.sys().time().now(), std::chrono::sys_days{std::chrono::year{2000} / 1 / 1});
  const auto steady = det.sys().steady();
  det.advance(36h);
  EXPECT_EQ(det.sys().time().now(),
            std::chrono::sys_days{std::chrono::year{2000} / 1 / 2} + std::chrono::hours{12});
  EXPECT_EQ(det.sys().steady() - steady, 36h);
}

TEST(DeterministicSystem, PendingCountsMessages) {
  deterministic_system det;
  EXPECT_TRUE(det.idle());
  int handled = 0;
  auto to = det.sys().spawn(std::make_unique<diary>([&](const nexus::mailbox&) {
    ++handled;
    return nexus::actor::verdict::go_on;
  }));
  const diary::end at_last{det, to};
  det.drain();
  for (int i = 0; i < 3; ++i) to.send(diary::page());
  EXPECT_EQ(det.pending(), 3u);
  EXPECT_TRUE(det.step());
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(det.pending(), 2u);
  det.drain();
  EXPECT_EQ(handled, 3);
  EXPECT_FALSE(det.step());
}

TEST(DeterministicSystem, AnEndlessLoopOfStepsIsAFailure) {
  deterministic_system det;
  bool over = false;
  auto to = det.sys().spawn(std::make_unique<diary>([&](const nexus::mailbox& self) {
    if (!over) self.send(diary::page());
    return nexus::actor::verdict::go_on;
  }));
  const diary::end at_last{det, to};
  to.send(diary::page());
  auto drained = det.steps().drain(1'000);
  ASSERT_FALSE(drained);
  EXPECT_NE(drained.error().message.find("not idle after 1000 steps"), std::string::npos);
  over = true;
  det.drain();
}

TEST(DeterministicSystem, NoActorIsStarvedByOneThatTalksToItself) {
  deterministic_system det;
  bool heard = false;
  auto other = det.sys().spawn(std::make_unique<diary>([&](const nexus::mailbox&) {
    heard = true;
    return nexus::actor::verdict::go_on;
  }));
  auto to = det.sys().spawn(std::make_unique<diary>([&](const nexus::mailbox& self) {
    if (!heard) self.send(diary::page());
    return nexus::actor::verdict::go_on;
  }));
  const diary::end at_last{det, to};
  const diary::end before{det, other};
  to.send(diary::page());
  other.send(diary::page());
  det.drain(100);
  EXPECT_TRUE(heard);
}

TEST(DeterministicSystem, AnActorThatNeverStopsIsNotWaitedFor) {
  deterministic_system det;
  auto to = det.sys().spawn(std::make_unique<diary>([](const nexus::mailbox& self) {
    self.send_after(1s, diary::page());
    return nexus::actor::verdict::go_on;
  }));
  to.send(diary::page());
  det.advance(5s);
}

TEST(DeterministicSystem, AThreadedSystemHasNoSteps) {
  nexus::system sys;
  EXPECT_EQ(sys.stepping(), nullptr);
}
