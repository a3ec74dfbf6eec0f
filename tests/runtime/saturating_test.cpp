// "No limit" as a duration or a count, in each function of the runtime that takes one.
#include <gtest/gtest.h>

#include <atomic>
#include <caf/event_based_actor.hpp>
#include <limits>
#include <nexus/detail/timer_table.hpp>
#include <nexus/pool.hpp>
#include <nexus/stepping.hpp>
#include <nexus/supervision.hpp>
#include <nexus/system.hpp>
#include <nexus/time_span.hpp>
#include <nexus/timers.hpp>
#include <thread>

#include "pool_fixture.hpp"
#include "scripted_actor.hpp"

namespace nexus::test { namespace {

using namespace nexus::detail;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using float_seconds = std::chrono::duration<double>;

TEST(Saturating, AUnitThatIsTooSmallForADurationHoldsItsBound) {
  static_assert(saturated<nanoseconds>(5ms) == 5'000'000ns);
  static_assert(saturated<nanoseconds>(-5ms) == -5'000'000ns);
  static_assert(saturated<milliseconds>(1'999us) == 1ms);
  static_assert(saturated<nanoseconds>(hours::max()) == nanoseconds::max());
  static_assert(saturated<nanoseconds>(hours::min()) == nanoseconds::min());
  static_assert(saturated<microseconds>(milliseconds::max()) == microseconds::max());
  static_assert(saturated<seconds>(nanoseconds::max()).count() == 9'223'372'036);
  static_assert(saturated<nanoseconds>(std::chrono::years{1'000}) == nanoseconds::max());
  static_assert(saturated<nanoseconds>(std::chrono::duration<int>{7}) == 7s);
  EXPECT_EQ(saturated<nanoseconds>(float_seconds{1.5}), 1'500ms);
  EXPECT_EQ(saturated<nanoseconds>(float_seconds{1e300}), nanoseconds::max());
  EXPECT_EQ(saturated<nanoseconds>(float_seconds{-1e300}), nanoseconds::min());
  EXPECT_EQ(saturated<nanoseconds>(float_seconds{std::numeric_limits<double>::infinity()}),
            nanoseconds::max());
  EXPECT_EQ(saturated<nanoseconds>(float_seconds{std::numeric_limits<double>::quiet_NaN()}), 0ns);
}

TEST(Saturating, SumsStayWithinWhatClocksTell) {
  constexpr steady_time now{hours{5}};
  static_assert(later(now, 1s) == now + 1s);
  static_assert(later(now, nanoseconds::max()) == never);
  static_assert(later(now, hours::max()) == never);
  static_assert(later(now, nanoseconds::min()) < now);
  static_assert(later(steady_time::min(), nanoseconds::min()) == steady_time::min());
  static_assert(later(never, -1ns) == never - 1ns);
  static_assert(earlier(now, 1s) == now - 1s);
  static_assert(earlier(now, hours::max()) < now);
  static_assert(earlier(steady_time::min(), 1s) == steady_time::min());
  static_assert(earlier(never, nanoseconds::min()) == never);
  static_assert(between(now, never) == never - now);
  static_assert(between(steady_time::min(), never) == nanoseconds::max());
  static_assert(between(never, steady_time::min()) == nanoseconds::min());
  static_assert(deadline_at(now, -hours{5}) != steady_time{});
  static_assert(saturated_sum(7u, 8u) == 15u);
  static_assert(saturated_sum(~0u, 1u) == ~0u);
  static_assert(saturated_sum(std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max()) ==
                std::numeric_limits<std::uint64_t>::max());
  static_assert(doubled(100ms, 3) == 800ms);
  static_assert(doubled(100ms, 4'000'000'000u) == milliseconds::max());
  static_assert(doubled(0ms, 4'000'000'000u) == 0ms);
  static_assert(doubled(milliseconds::max(), 0) == milliseconds::max());
}

TEST(Saturating, AParameterTakesAnyUnit) {
  constexpr auto as_ns = [](time_span s) { return nanoseconds{s}; };
  static_assert(as_ns(5s) == 5s);
  static_assert(as_ns({}) == 0s);
  static_assert(as_ns(std::chrono::years::max()) == nanoseconds::max());
  static_assert(as_ns(seconds::min()) == nanoseconds::min());
}

TEST(Saturating, ATimerTableThatRepeatsForEverIsDueOnceAndThenNever) {
  timer_table<int> timers;
  const steady_time now{1h};
  for (auto kind : {timer_rule::kind::fixed_rate, timer_rule::kind::fixed_delay}) {
    timers.set("t", {now, kind, nanoseconds::max()}, 1);
    auto due = timers.fire(now);
    ASSERT_TRUE(due);
    timers.done(*std::move(due), now);
    EXPECT_EQ(timers.next(), never);
    EXPECT_FALSE(timers.fire(now + hours{24 * 365}));
  }
}

TEST(Saturating, TimersOfAnActorThatNeverComeDoNotComeAndThePastComesAtOnce) {
  nexus::system sys{{.stepped = true}};
  int early = 0, late = 0;
  std::shared_ptr<timers> own;
  auto self = sys.caf().spawn<scripted_actor>([&](caf::event_based_actor* a) {
    own = std::make_shared<timers>(a);
    own->once("past", nanoseconds::min(), [&] { ++early; });
    own->once("never", hours::max(), [&] { ++late; });
    own->at_fixed_rate("rate", nanoseconds::max(), [&] { ++late; });
    own->with_fixed_delay("delay", std::chrono::years::max(), [&] { ++late; });
  });
  ASSERT_TRUE(sys.stepping()->advance(hours{24 * 365 * 200}));
  EXPECT_EQ(early, 1);
  EXPECT_EQ(late, 0);
  own.reset();
  caf::anon_send_exit(self, caf::exit_reason::kill);
  ASSERT_TRUE(sys.stepping()->drain());
}

struct bell_ringer final : actor {
  explicit bell_ringer(std::atomic<int>& n) : rung{n} {}
  void started(const mailbox&) override {}
  verdict receive(envelope) override {
    ++rung;
    return verdict::stop;
  }
  std::atomic<int>& rung;
};

struct ring final : message {
  ring() : message{1} {}
};

TEST(Saturating, AMessageSentAfterForEverDoesNotComeNow) {
  std::atomic<int> rung{0};
  for (const bool stepped : {true, false}) {
    nexus::system sys{{.stepped = stepped}};
    auto to = sys.spawn(std::make_unique<bell_ringer>(rung));
    to.send_after(microseconds::max(), envelope{new ring});
    to.send_after(hours::max(), envelope{new ring});
    if (stepped) {
      ASSERT_TRUE(sys.stepping()->advance(hours{24 * 365}));
      EXPECT_EQ(rung, 0);
      to.send_after(nanoseconds::min(), envelope{new ring});
      ASSERT_TRUE(sys.stepping()->drain());
      EXPECT_EQ(rung, 1);
      continue;
    }
    to.send_after(nanoseconds::min(), envelope{new ring});
    while (rung < 2) std::this_thread::yield();
    EXPECT_EQ(rung, 2);
  }
}

TEST(Saturating, SteppingForEverEndsWhenNothingIsLeftToComeAndTimeStandsStill) {
  nexus::system sys{{.stepped = true}};
  const auto before = sys.stepping()->now();
  EXPECT_FALSE(sys.stepping()->run_until([] { return false; }, nanoseconds::max()));
  EXPECT_EQ(sys.stepping()->now(), before);
  EXPECT_TRUE(sys.shutdown(nanoseconds::max()).drained);
  ASSERT_TRUE(sys.stepping()->advance(nanoseconds::min()));
  EXPECT_EQ(sys.stepping()->now(), before);
}

TEST(Saturating, AShutdownWithoutALimitEnds) {
  nexus::system sys;
  EXPECT_TRUE(sys.shutdown(hours::max()).drained);
}

TEST(Saturating, BackoffsOfSupervisionAtTheirBounds) {
  const steady_time now{1h};
  supervision how{.restarts_max = supervision::unlimited,
                  .restarts_window = nanoseconds::max(),
                  .backoff_min = nanoseconds::max(),
                  .backoff_max = nanoseconds::max(),
                  .jitter = 1,
                  .quiet_after = nanoseconds::max()};
  ASSERT_TRUE(check(how));
  failure_record record;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(record.failed(how, directive::restart, now, 1.0).after, nanoseconds::max());
  }
  how.backoff_min = 1ns;
  failure_record growing;
  nanoseconds last{};
  for (int i = 0; i < 200; ++i) {
    const auto next = growing.failed(how, directive::restart, now, 1.0).after;
    EXPECT_GE(next, last);
    last = next;
  }
}

// Each duration and count at its largest, one after the other and all at once.
TEST(Saturating, EveryOptionOfAPoolAtItsLargest) {
  using change = std::function<void(pool_options&)>;
  const change all[] = {[](auto& o) { o.borrow_timeout = milliseconds::max(); },
                        [](auto& o) { o.idle_ttl = milliseconds::max(); },
                        [](auto& o) { o.max_lifetime = milliseconds::max(); },
                        [](auto& o) { o.leak_after = milliseconds::max(); },
                        [](auto& o) { o.max_borrows = std::numeric_limits<std::uint64_t>::max(); },
                        [](auto& o) { o.max_waiters = std::numeric_limits<std::size_t>::max(); },
                        [](auto& o) { o.lifetime_jitter = 1; },
                        [](auto& o) { o.reserved = 10'000; }};
  const auto walk = [](pool_options o) {
    pool_world world;
    o.max = 1;
    o.min_idle = 1;
    auto made = pool<test_session>::make(o, [&]() -> result<std::unique_ptr<test_session>> {
      return std::make_unique<test_session>(world, ++world.opened);
    });
    ASSERT_TRUE(made) << made.error().message;
    for (int i = 0; i < 3; ++i) {
      auto lent = made->borrow();
      ASSERT_TRUE(lent) << lent.error().message;
      made->tend();
      EXPECT_EQ(made->statistics().leaks, 0u);
      EXPECT_FALSE(made->borrow({.timeout = nanoseconds::min()}));
      std::jthread returns{[&] {
        while (made->statistics().waiting == 0) std::this_thread::yield();
        lent->give_back();
      }};
      EXPECT_TRUE(made->borrow({.timeout = hours::max()}));
    }
    for (int i = 0; i < 3; ++i) {  // with the pool's own timeout, if that is not too long
      std::optional lent{made->borrow()};
      std::jthread returns{[&] {
        while (made->statistics().waiting == 0) std::this_thread::yield();
        lent.reset();
      }};
      EXPECT_TRUE(made->borrow());
    }
    EXPECT_TRUE(made->close(hours::max()));
  };
  pool_options most;
  for (const auto& f : all) {
    pool_options o;
    f(o);
    f(most);
    walk(o);
  }
  walk(most);
}

}  // namespace
}
