// Entities with timers that need not survive: in virtual time, and twice in real time.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/faulty.hpp>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace nexus;
using namespace std::chrono_literals;
using nexus::testkit::deterministic_system;
using nexus::testkit::fault;
using nexus::testkit::operation;

namespace {

struct clockwork {
  static constexpr std::string_view entity_type = "clockwork";

  struct tick {
    std::int64_t n = 0;
  };
  struct set {
    std::string key;
    std::chrono::nanoseconds delay{};
    std::int64_t n = 0;
    timer_options how{};
    bool idle = false;
  };
  struct set_many {
    int count = 0;
  };
  struct cancel {
    std::string key;
  };
  struct beat {
    std::chrono::nanoseconds every{};
  };
  struct look {};
  struct last {};
  struct leave {};
  struct spoil {};
  struct fail_later {};
  using command =
      std::variant<tick, set, set_many, cancel, beat, look, last, leave, spoil, fail_later>;

  struct ticked {
    static constexpr std::string_view type_name = "ticked";
    std::int64_t n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  struct spoilt {
    static constexpr std::string_view type_name = "spoilt";
  };
  using event = std::variant<ticked, spoilt>;

  struct state {
    std::vector<std::int64_t> ticks;
    MSGPACK_DEFINE_MAP(ticks)
  };

  static auto decide(const state&, const tick& c) { return persist(ticked{c.n}); }
  static effect<clockwork> decide(const state&, const set& c) {
    if (c.idle) return when_idle(c.key, c.delay, tick{c.n}, c.how);
    return persist(ticked{0}).then_after(c.key, c.delay, tick{c.n}, c.how);
  }
  static auto decide(const state&, const set_many& c) {
    effect<clockwork> all = none();
    for (int i = 0; i < c.count; ++i) {
      effect<clockwork> one = after(std::to_string(i), 1h, tick{i});
      all.links().push_back(one.links().front());
    }
    return all;
  }
  static auto decide(const state&, const cancel& c) { return nexus::cancel(c.key); }
  static auto decide(const state&, const beat& c) {
    return persist(ticked{1}).then_after("beat", c.every, command{c});
  }
  static auto decide(const state& s, const look&) { return reply(s.ticks); }
  static auto decide(const state& s, const last&) {
    return reply(s.ticks.empty() ? -1 : s.ticks.back());
  }
  static auto decide(const state&, const leave&) { return passivate(); }
  static auto decide(const state&, const spoil&) { return persist(spoilt{}); }
  static auto decide(const state&, const fail_later&) { return after("fails", 1s, spoil{}); }

  static void apply(state& s, const ticked& e) {
    if (e.n != 0) s.ticks.push_back(e.n);
  }
  static void apply(state&, const spoilt&) { throw std::runtime_error{"spoilt"}; }
};

using ticks = std::vector<std::int64_t>;

/// A process that sets a timer whenever it has a new state.
struct starter : clockwork {
  static constexpr std::string_view entity_type = "starter";
  static effect<starter> decide(const state&, const tick& c) { return persist(ticked{c.n}); }
  static effect<starter, std::vector<std::int64_t>> decide(const state& s, const look&) {
    return reply(s.ticks);
  }
  using command = std::variant<tick, look>;
  static effect<starter> on_recovered(const state&) { return after("start", 10s, tick{1}); }
};

struct Timers : testing::Test {
  Timers() {
    options.on_signal = [this](const entity_signal& s) {
      if (s.what == entity_signal::kind::chain_failed) chains_failed.push_back(s.why);
    };
  }

  void make() { clocks.emplace(det, *journal, options); }
  void set(std::string key, std::chrono::nanoseconds delay, std::int64_t n, timer_options how = {},
           bool idle = false) {
    EXPECT_TRUE(det.get(clocks->of("a").ask(clockwork::set{std::move(key), delay, n, how, idle})));
    det.drain();
  }
  void cancel(std::string key) {
    EXPECT_TRUE(det.get(clocks->of("a").ask(clockwork::cancel{std::move(key)})));
    det.drain();
  }
  ticks seen(std::string_view id = "a", time_span within = {}) {
    return det.get(clocks->of(id).ask(clockwork::look{}), within).value();
  }

  deterministic_system det;
  std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  result<store> journal = det.open("memory:", {testkit::faulty(memory_backend(), faults)});
  std::vector<error> chains_failed;
  entity_options options{.passivate_after = 10s};
  std::optional<entities<clockwork>> clocks;
};

}  // namespace

TEST_F(Timers, ACommandIsDecidedAfterItsDelayAndNotBefore) {
  make();
  set("a", 1min, 7);
  det.advance(1min - 1us);
  EXPECT_EQ(seen(), ticks{});
  det.advance(1us);
  EXPECT_EQ(seen(), ticks{7});
  det.advance(24h);
  EXPECT_EQ(seen(), ticks{7}) << "once";
}

TEST_F(Timers, KeysReplaceAndCancel) {
  make();
  set("a", 5s, 1);
  set("b", 6s, 2);
  set("c", 7s, 3);
  set("a", 8s, 4);
  cancel("b");
  cancel("unknown");
  det.advance(9s);
  EXPECT_EQ(seen(), (ticks{3, 4}));
}

TEST_F(Timers, AnEarlierOneSetLaterComesFirst) {
  make();
  set("late", 1h, 1);
  set("early", 1s, 2);
  det.advance(1s);
  EXPECT_EQ(seen(), ticks{2});
  det.advance(1h);
  EXPECT_EQ(seen(), (ticks{2, 1}));
}

TEST_F(Timers, ADelayOfNothingOrLessIsTheNextTurn) {
  make();
  for (auto delay : {0ns, -1ns, std::chrono::nanoseconds::min()}) set("a", delay, 7);
  EXPECT_EQ(seen(), (ticks{7, 7, 7})) << "no time has passed";
}

TEST_F(Timers, TheLongestDelayIsNeverOver) {
  make();
  set("a", std::chrono::nanoseconds::max(), 7);
  set("b", std::chrono::nanoseconds::max(), 7, {}, true);
  det.advance(24h);
  EXPECT_EQ(clocks->live(), 1u) << "it waits for ever";
  EXPECT_EQ(seen(), ticks{});
}

TEST_F(Timers, AnEntityWithATimerStaysLiveUntilItIsOver) {
  options.live_max = 1;
  make();
  set("a", 1h, 7);
  EXPECT_EQ(seen("b"), ticks{});
  det.advance(59min);
  EXPECT_EQ(clocks->live(), 1u) << "b passivated, a did not";
  EXPECT_EQ(clocks->of("b").watch().get(0s).error().code, errc::stopped);
  det.advance(1min + 1s);
  EXPECT_EQ(clocks->live(), 1u) << "a timer's command counts as use";
  det.advance(20s);
  EXPECT_EQ(clocks->live(), 0u);
  EXPECT_EQ(seen(), ticks{7});
}

TEST_F(Timers, OneThatLetsItPassivateIsGoneWithIt) {
  make();
  set("a", 1h, 7, {.lets_passivate = true});
  det.advance(30s);
  EXPECT_EQ(clocks->live(), 0u);
  det.advance(2h);
  EXPECT_EQ(seen(), ticks{});
}

TEST_F(Timers, OneThatLetsItPassivateAndComesBeforeIsNoUseOfTheEntity) {
  make();
  for (int i = 0; i < 9; ++i) set(std::to_string(i), 9s, 7, {.lets_passivate = true});
  det.advance(9s);
  EXPECT_EQ(clocks->live(), 1u);
  det.advance(2s);
  EXPECT_EQ(clocks->live(), 0u) << "idle since the last command that no timer brought";
  EXPECT_EQ(seen(), ticks(9, 7));
}

TEST_F(Timers, PassivatingByItselfDropsThem) {
  make();
  set("a", 1h, 7);
  EXPECT_TRUE(det.get(clocks->of("a").ask(clockwork::leave{})));
  det.drain();
  EXPECT_EQ(clocks->live(), 0u);
  det.advance(2h);
  EXPECT_EQ(seen(), ticks{});
}

TEST_F(Timers, ALostAppendSetsNoneAndTakesAllAlong) {
  make();
  set("before", 1h, 1);
  faults->inject(fault::fail, operation::append);
  auto lost = clocks->of("a").ask(clockwork::set{"lost", 1s, 2});
  EXPECT_FALSE(det.get(lost));
  EXPECT_EQ(seen("a", 1s), ticks{}) << "recovered, after a pause";
  det.advance(2h);
  EXPECT_EQ(seen(), ticks{});
}

TEST_F(Timers, ARebuiltStateSetsThemAgainInOnRecovered) {
  entities<starter> starters{det, *journal};
  auto look = [&] { return det.get(starters.of("a").ask(starter::look{})).value(); };
  EXPECT_EQ(look(), ticks{});
  det.advance(9s);
  faults->inject(fault::fail, operation::append);
  EXPECT_FALSE(det.get(starters.of("a").ask(starter::tick{2})));
  det.drain();
  det.advance(9s);
  EXPECT_EQ(look(), ticks{}) << "10 s after the recovery, and not after the first start";
  det.advance(2s);
  EXPECT_EQ(look(), ticks{1});
}

TEST_F(Timers, OneForIdlenessComesWhenNoCommandCameForSoLong) {
  make();
  set("idle", 5s, 7, {}, true);
  for (int i = 0; i < 10; ++i) {
    det.advance(4s);
    EXPECT_EQ(seen(), ticks{});
  }
  det.advance(5s);
  EXPECT_EQ(seen(), ticks{7});
  det.advance(1h);
  EXPECT_EQ(seen(), ticks{7}) << "once";
}

TEST_F(Timers, TooManyAreAFailedChainAndTheCommandStands) {
  options.timers_max = 10;
  make();
  EXPECT_TRUE(det.get(clocks->of("a").ask(clockwork::set_many{12})));
  det.drain();
  ASSERT_EQ(chains_failed.size(), 2u);
  EXPECT_EQ(chains_failed[0].code, errc::overloaded);
  EXPECT_NE(chains_failed[0].message.find("clockwork|a: the timer \"10\" was not set"),
            std::string::npos)
      << chains_failed[0].message;
  det.advance(1h);
  EXPECT_EQ(seen(), (ticks{1, 2, 3, 4, 5, 6, 7, 8, 9})) << "0 leaves no trace";
}

TEST_F(Timers, ATimersCommandThatFailsIsADeadLetter) {
  std::vector<dead_letter> dead;
  auto listening = det.sys().letters().subscribe([&](const dead_letter& l) { dead.push_back(l); });
  make();
  EXPECT_TRUE(det.get(clocks->of("a").ask(clockwork::fail_later{})));
  det.advance(2s);
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].target, "clockwork|a");
  EXPECT_EQ(dead[0].why.code, errc::apply_failed);
}

TEST_F(Timers, AShutdownWaitsForNone) {
  make();
  set("a", 1h, 7);
  EXPECT_TRUE(det.get(clocks->of("b").ask(clockwork::beat{1ms})));
  det.advance(100ms);
  EXPECT_GT(seen("b").size(), 50u);
  const auto before = det.now();
  const auto report = det.sys().shutdown(1min);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.drained) << "a timer that is set again and again is no work in flight";
  EXPECT_LT(det.now() - before, 1s);
}

TEST_F(Timers, ThousandsOfEntitiesHaveTheirOwn) {
  make();
  for (int i = 1; i <= 2'000; ++i) {
    auto set = clockwork::set{"a", std::chrono::seconds{i}, i};
    EXPECT_TRUE(det.get(clocks->of(std::to_string(i)).ask(std::move(set))));
  }
  det.advance(2'000s);
  for (int i = 1; i <= 2'000; ++i) ASSERT_EQ(seen(std::to_string(i)), ticks{i});
}

// What is set, replaced and cancelled at random, beside a model that is a map.
TEST_F(Timers, BehaveLikeAMapOfKeysToTimes) {
  options.passivate_after = 0s;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    make();
    std::mt19937 random{seed};
    auto below = [&](unsigned n) { return random() % n; };
    const auto id = "map " + std::to_string(seed);
    std::map<std::string, std::pair<int, std::int64_t>> model;  // key: due, number
    ticks expected;
    auto over = [&](int time) {  // at most one is due at a time
      for (auto at = model.begin(); at != model.end(); ++at) {
        if (at->second.first != time) continue;
        expected.push_back(at->second.second);
        model.erase(at);
        return;
      }
    };
    for (int time = 0, n = 1; time < 300; ++time, ++n) {
      over(time);
      const auto key = std::string(1, static_cast<char>('a' + below(5)));
      if (below(3) == 0) {
        EXPECT_TRUE(det.get(clocks->of(id).ask(clockwork::cancel{key})));
        model.erase(key);
      } else {
        int due = time + 1 + static_cast<int>(below(20));
        auto taken = [&](int t) {
          return std::any_of(model.begin(), model.end(),
                             [&](auto& m) { return m.second.first == t; });
        };
        model.erase(key);
        while (taken(due)) ++due;
        model[key] = {due, n};
        auto set = clockwork::set{key, std::chrono::seconds{due - time}, n};
        EXPECT_TRUE(det.get(clocks->of(id).ask(std::move(set))));
      }
      det.drain();
      det.advance(1s);
    }
    over(300);
    ASSERT_EQ(seen(id), expected) << "seed " << seed;
    clocks.reset();
  }
}

TEST(RealTimeTimers, AreDecidedInTheOrderOfTheirDelays) {
  nexus::system sys{{.threads = 2}};
  auto store = nexus::open("memory:");
  entities<clockwork> clocks{sys, *store};
  auto a = clocks.of("a");
  ASSERT_TRUE(a.ask(clockwork::set{"late", 60ms, 2}).get(20s));
  ASSERT_TRUE(a.ask(clockwork::set{"early", 20ms, 1}).get(20s));
  ASSERT_TRUE(a.ask(clockwork::set{"never", 1h, 3}).get(20s));
  const auto patience = std::chrono::steady_clock::now() + 20s;
  while (a.ask(clockwork::last{}).get(20s) != 2 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(a.ask(clockwork::look{}).get(20s), (ticks{1, 2}));
  EXPECT_TRUE(sys.shutdown(20s).drained);
}

TEST(RealTimeTimers, ManyEntitiesSetAndReplaceTheirsAtOnce) {
  nexus::system sys{{.threads = 4}};
  auto store = nexus::open("memory:");
  entities<clockwork> clocks{sys, *store};
  constexpr int count = 300;
  std::vector<asked<void>> all;
  for (int round = 1; round <= 20; ++round) {
    for (int i = 0; i < count; ++i) {
      const auto delay = round == 20 ? 1ms : 1h;
      all.push_back(clocks.of(std::to_string(i)).ask(clockwork::set{"a", delay, round}));
    }
  }
  for (auto& one : all) ASSERT_TRUE(one.get(60s));
  const auto patience = std::chrono::steady_clock::now() + 60s;
  for (int i = 0; i < count; ++i) {
    auto one = clocks.of(std::to_string(i));
    while (one.ask(clockwork::last{}).get(60s) != 20 &&
           std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(1ms);
    }
    ASSERT_EQ(one.ask(clockwork::look{}).get(60s), ticks{20});
  }
}
