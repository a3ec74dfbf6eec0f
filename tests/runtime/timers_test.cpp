#include "nexus/timers.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <map>
#include <string>
#include <vector>

#include "acting.hpp"
#include "caf_dialect.hpp"
#include "nexus/stepping.hpp"
#include "nexus/system.hpp"

using namespace std::chrono_literals;
using nexus::timers;

namespace {

// An actor that runs a test's code in virtual time, and records its runs with their times.
class Timers : public ::testing::Test {
 public:
  ~Timers() override {
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    one = nullptr;
    (void)steps().drain();
  }

 protected:
  using task = std::function<void(timers&)>;

  nexus::stepping& steps() { return *sys.stepping(); }

  void in_actor(task f) {
    next = std::move(f);
    nexus::test::send(one, 0);
    ASSERT_TRUE(steps().drain());
  }

  void pass(std::chrono::nanoseconds d) { ASSERT_TRUE(steps().advance(d)); }

  std::function<void()> note(std::string what) {
    return [this, what = std::move(what)] { seen.push_back({what, steps().now() - start}); };
  }

  struct entry {
    std::string what;
    std::chrono::nanoseconds when;
    bool operator==(const entry&) const = default;
    friend void PrintTo(const entry& e, std::ostream* out) {
      *out << e.what << " at " << e.when.count() / 1'000'000 << " ms";
    }
  };
  using entries = std::vector<entry>;

  nexus::system sys{{.stepped = true}};
  std::chrono::steady_clock::time_point start = steps().now();
  entries seen;
  task next;
  caf::actor one = nexus::test::spawn(sys.caf(), [this](caf::event_based_actor* self) {
    auto t = std::make_shared<timers>(self);
    return caf::behavior{[this, t](int) { std::exchange(next, nullptr)(*t); }};
  });
};

}  // namespace

TEST_F(Timers, ASingleOneRunsOnce) {
  in_actor([&](timers& t) { t.once("a", 3s, note("a")); });
  pass(2999ms);
  EXPECT_TRUE(seen.empty());
  pass(10s);
  EXPECT_EQ(seen, (entries{{"a", 3s}}));
}

TEST_F(Timers, TheSameKeyReplaces) {
  in_actor([&](timers& t) { t.once("a", 3s, note("long")); });
  in_actor([&](timers& t) { t.once("a", 1s, note("short")); });
  in_actor([&](timers& t) { t.once("b", 1s, note("early")); });
  in_actor([&](timers& t) { t.once("b", 4s, note("late")); });
  pass(10s);
  EXPECT_EQ(seen, (entries{{"short", 1s}, {"late", 4s}}));
}

TEST_F(Timers, AFixedRateAndAFixedDelayRepeat) {
  in_actor([&](timers& t) {
    t.at_fixed_rate("rate", 2s, note("rate"));
    t.with_fixed_delay("delay", 3s, note("delay"));
  });
  pass(6500ms);
  EXPECT_EQ(seen,
            (entries{{"rate", 2s}, {"delay", 3s}, {"rate", 4s}, {"rate", 6s}, {"delay", 6s}}));
}

TEST_F(Timers, ACancelledTimerNeverRunsAlsoWithItsMessageInTheMailbox) {
  in_actor([&](timers& t) { t.once("a", 1s, note("a")); });
  next = [&](timers& t) { EXPECT_TRUE(t.cancel("a")); };
  // Both are in the mailbox when the actor runs: the command first, then the timer's message.
  steps().on_step([&](const std::string& what) {
    if (what == "timer") nexus::test::send(one, 0);
  });
  pass(1s);
  EXPECT_EQ(next, nullptr);
  EXPECT_TRUE(seen.empty());
}

TEST_F(Timers, OneMayCancelItselfAndSetOthers) {
  in_actor([&](timers& t) {
    t.at_fixed_rate("a", 1s, [&, n = 0]() mutable {
      note("a")();
      if (++n < 2) return;
      EXPECT_TRUE(t.active("a"));
      EXPECT_TRUE(t.cancel("a"));
      t.once("b", 1s, note("b"));
    });
  });
  pass(10s);
  EXPECT_EQ(seen, (entries{{"a", 1s}, {"a", 2s}, {"b", 3s}}));
}

TEST_F(Timers, ALongOneIsNotForgottenForShortOnes) {
  in_actor([&](timers& t) {
    t.once("long", 1h, note("long"));
    t.with_fixed_delay("short", 1ms, [] {});
  });
  pass(10s);
  in_actor([&](timers& t) { t.cancel("short"); });
  pass(1h);
  EXPECT_EQ(seen, (entries{{"long", 1h}}));
}

TEST_F(Timers, SettingOneAgainAndAgainLeavesNothingInTheClock) {
  in_actor([&](timers& t) {
    for (int i = 0; i < 1'000; ++i) t.once("a", 10s + i * 1s, note("a"));
    for (int i = 0; i < 1'000; ++i) t.once("a", 2000s - i * 1s, note("a"));
    t.cancel_all();
    for (int i = 0; i < 1'000; ++i) t.once("b", 2000s - i * 1s, note("b"));
  });
  // One timer is left: its run is the next event in this system.
  EXPECT_EQ(steps().next_timer(), start + 1001s);
  pass(1001s);
  EXPECT_EQ(seen, (entries{{"b", 1001s}}));
  EXPECT_EQ(steps().next_timer(), std::nullopt);
}

TEST_F(Timers, AreGoneWithTheObject) {
  in_actor([&](timers& t) {
    t.at_fixed_rate("a", 1s, note("a"));
    timers other{std::move(t)};
    t = timers{static_cast<timers&&>(other)};
  });
  pass(1s);
  EXPECT_EQ(seen, (entries{{"a", 1s}}));
  in_actor([&](timers& t) { auto gone = std::move(t); });
  pass(10s);
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(Timers, AreGoneWithTheActor) {
  in_actor([&](timers& t) { t.at_fixed_rate("a", 1s, note("a")); });
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  pass(10s);
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(steps().next_timer(), std::nullopt);
}

TEST_F(Timers, OneThatThrowsIsAFailureOfItsActor) {
  bool down = false;
  one->attach_functor([&] { down = true; });
  in_actor([&](timers& t) { t.at_fixed_rate("a", 1s, [] { throw std::runtime_error{"oops"}; }); });
  pass(1s);
  EXPECT_TRUE(down);
}

TEST(TimersOfAClass, DoNotKeepTheirActorAfterItHasQuit) {
  struct ticking final : caf::event_based_actor {
    ticking(caf::actor_config& config, bool& is_gone)
        : caf::event_based_actor{config}, gone{is_gone} {
      t.at_fixed_rate("tick", 1s, [this] { quit(); });
    }
    ~ticking() override { gone = true; }
    caf::behavior make_behavior() override {
      return {[](int) {}};
    }
    bool& gone;
    timers t{this};
  };
  bool gone = false;
  nexus::system sys{{.stepped = true}};
  sys.caf().spawn<ticking>(std::ref(gone));
  ASSERT_TRUE(sys.stepping()->advance(500ms));
  EXPECT_FALSE(gone);  // only its timer keeps it alive
  ASSERT_TRUE(sys.stepping()->advance(500ms));
  EXPECT_TRUE(gone);
}
