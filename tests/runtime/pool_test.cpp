#include <set>

#include "pool_fixture.hpp"

namespace nexus::test { namespace {

using lent = result<lease<test_session>>;

/// The lease of a request, if it has been granted.
std::optional<lent> collect(asked<lease<test_session>>& a) {
  if (!a.is_answered()) return std::nullopt;
  return a.get(0ns);
}

TEST_F(PoolInVirtualTime, KeepsMinIdleOpenAndLendsTheOneUsedLast) {
  auto p = make({.max = 4, .min_idle = 2});
  EXPECT_EQ(p.statistics().idle, 2u);
  int first = 0;
  {
    auto one = p.borrow();
    ASSERT_TRUE(one);
    first = (*one)->number;
    cranked->run();
    EXPECT_EQ(p.statistics().idle, 2u) << "one more was opened in its place";
    EXPECT_EQ(p.statistics().in_use, 1u);
  }
  auto again = p.borrow();
  EXPECT_EQ((*again)->number, first);
}

TEST_F(PoolInVirtualTime, NeverHasMoreThanMaxAlsoWhileOpening) {
  auto p = make({.max = 3, .min_idle = 0});
  std::vector<asked<lease<test_session>>> all;
  for (int i = 0; i < 5; ++i) all.push_back(p.request());
  EXPECT_EQ(p.statistics().opening, 3u);
  EXPECT_EQ(p.statistics().total, 3u);
  EXPECT_EQ(p.statistics().waiting, 5u);
  cranked->run();
  EXPECT_EQ(p.statistics().in_use, 3u);
  EXPECT_EQ(p.statistics().waiting, 2u);
  EXPECT_EQ(world.most_alive, 3);
}

TEST_F(PoolInVirtualTime, TheLongestWaitingIsServedFirst) {
  auto p = make({.max = 1, .min_idle = 1});
  std::optional held{p.borrow()};
  auto a = p.request();
  auto b = p.request();
  auto c = p.request();
  held.reset();
  auto first = collect(a);
  ASSERT_TRUE(first);
  EXPECT_FALSE(b.is_answered());
  first.reset();
  auto second = collect(b);
  ASSERT_TRUE(second);
  EXPECT_FALSE(c.is_answered());
}

TEST_F(PoolInVirtualTime, ATimeoutHasTheStatistics) {
  auto p = make({.max = 1, .min_idle = 0, .borrow_timeout = 5s});
  auto held = p.borrow({.borrower = "the one who has it"});
  auto late = p.request();
  go_on(p, 4'999ms);
  EXPECT_FALSE(late.is_answered());
  go_on(p, 1ms);
  auto got = collect(late);
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().code, errc::pool_exhausted);
  EXPECT_NE(
      got->error().message.find("no session became free within 5000 ms for runtime/pool_test"),
      std::string::npos)
      << got->error().message;
  EXPECT_NE(
      got->error().message.find("1 of 1 in use, 0 idle, 0 being opened, 0 waiting; the one who "
                                "has it has held one for 5.0 s"),
      std::string::npos)
      << got->error().message;
  EXPECT_EQ(p.statistics().timeouts, 1u);
}

TEST_F(PoolInVirtualTime, TooManyWaitersAreRefusedAtOnce) {
  auto p = make({.max = 1, .min_idle = 0, .max_waiters = 1});
  auto held = p.borrow();
  auto waits = p.request();
  auto refused = p.request();
  auto got = collect(refused);
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().code, errc::pool_exhausted);
  EXPECT_EQ(p.statistics().refused, 1u);
  EXPECT_FALSE(waits.is_answered());
}

TEST_F(PoolInVirtualTime, WaitingCanBeCancelled) {
  auto p = make({.max = 1, .min_idle = 0});
  std::optional held{p.borrow()};
  std::stop_source give_up;
  auto cancelled = p.request({.cancel = give_up.get_token()});
  auto next = p.request();
  give_up.request_stop();
  auto got = collect(cancelled);
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().code, errc::stopped);
  EXPECT_EQ(p.statistics().cancelled, 1u);
  held.reset();
  EXPECT_TRUE(next.is_answered()) << "the one behind is served";
  auto too_late = p.request({.cancel = give_up.get_token()});
  EXPECT_EQ(collect(too_late)->error().code, errc::stopped);
}

TEST_F(PoolInVirtualTime, AnUncollectedLeaseGoesBack) {
  auto p = make({.max = 1, .min_idle = 1});
  { auto dropped = p.request(); }
  EXPECT_EQ(p.statistics().in_use, 0u);
  std::optional held{p.borrow()};
  { auto dropped = p.request(); }
  held.reset();
  EXPECT_EQ(p.statistics().in_use, 0u);
  EXPECT_EQ(p.statistics().idle, 1u);
}

TEST_F(PoolInVirtualTime, AnOpenTransactionIsRolledBackAndWhatWasTouchedIsReset) {
  auto p = make({.max = 1, .min_idle = 1, .reset_query = "DISCARD"});
  {
    auto one = p.borrow();
    (*one)->in_transaction = true;
    (*one)->is_touched = true;
  }
  auto next = p.borrow();
  EXPECT_EQ((*next)->number, 1);
  EXPECT_EQ((*next)->finishes, 1);
  EXPECT_EQ(world.queries, std::vector<std::string>{"reset DISCARD"});
}

TEST_F(PoolInVirtualTime, ASessionReturnedByAnActorIsCleanedOnThePoolsThreads) {
  auto p = make({.max = 1, .min_idle = 1});
  auto asked = p.request();
  {
    auto one = asked.get(0ns);
    (*one)->is_touched = true;
  }
  EXPECT_TRUE(world.queries.empty());
  EXPECT_EQ(p.statistics().in_use, 1u);
  cranked->run();
  EXPECT_EQ(world.queries.size(), 1u);
  EXPECT_EQ(p.statistics().idle, 1u);
}

TEST_F(PoolInVirtualTime, WithoutResetsOnlyTransactionsAreEnded) {
  auto p = make({.max = 1, .min_idle = 1, .reset_on_return = false});
  {
    auto one = p.borrow();
    (*one)->is_touched = (*one)->in_transaction = true;
  }
  EXPECT_EQ((*p.borrow())->finishes, 1);
  EXPECT_TRUE(world.queries.empty());
}

TEST_F(PoolInVirtualTime, BrokenPoisonedAndStuckOnesAreDestroyedAndTheirPlaceGoesToAWaiter) {
  using end = session_end;
  const std::pair<end, std::function<void(lease<test_session>&)>> ways[] = {
      {end::broken, [](auto& l) { l->is_broken = true; }},
      {end::poisoned, [](auto& l) { l.poison(); }},
      {end::not_reset, [this](auto& l) {
         l->in_transaction = true;
         world.stuck = true;
       }}};
  auto p = make({.max = 1, .min_idle = 0});
  for (const auto& [why, spoil] : ways) {
    auto one = p.borrow();
    ASSERT_TRUE(one);
    auto waits = p.request();
    spoil(*one);
    one->give_back();
    EXPECT_FALSE(waits.is_answered()) << "it has not gone yet";
    cranked->run();
    EXPECT_TRUE(waits.is_answered());
    EXPECT_EQ(p.statistics().destroyed_for(why), 1u) << to_string(why);
    EXPECT_EQ(told("destroyed " + std::string{to_string(why)}), 1u);
    EXPECT_EQ(world.most_alive, 1);
  }
}

TEST_F(PoolInVirtualTime, IdleOnesPastMinIdleGoAfterTheirTime) {
  auto p = make({.max = 4, .min_idle = 1, .idle_ttl = 300s});
  {
    auto a = p.borrow();
    auto b = p.borrow();
    auto c = p.borrow();
  }
  cranked->run();
  ASSERT_EQ(p.statistics().idle, 4u) << "three, and one that was to be idle meanwhile";
  go_on(p, 299s);
  EXPECT_EQ(p.statistics().idle, 4u);
  go_on(p, 1s);
  EXPECT_EQ(p.statistics().idle, 1u);
  EXPECT_EQ(p.statistics().destroyed_for(session_end::idle), 3u);
}

TEST_F(PoolInVirtualTime, LifetimesEndAPartApart) {
  auto p = make(
      {.max = 8, .min_idle = 8, .idle_ttl = 0s, .max_lifetime = 1'000s, .lifetime_jitter = 0.5});
  go_on(p, 499s);
  EXPECT_EQ(p.statistics().destroyed_for(session_end::lifetime), 0u);
  std::set<std::uint64_t> steps;
  for (int s = 499; s < 1'000; ++s) {
    go_on(p, 1s);
    steps.insert(p.statistics().destroyed_for(session_end::lifetime));
  }
  EXPECT_GE(p.statistics().destroyed_for(session_end::lifetime), 8u);
  EXPECT_GT(steps.size(), 4u) << "not all at once";
  EXPECT_EQ(p.statistics().idle, 8u) << "others have taken their places";
}

TEST_F(PoolInVirtualTime, ALentOneThatIsTooOldGoesWhenItComesBack) {
  auto p = make({.max = 1, .min_idle = 0, .max_lifetime = 10s, .leak_after = 0s});
  auto one = p.borrow();
  go_on(p, 11s);
  EXPECT_EQ(world.alive, 1);
  one->give_back();
  cranked->run();
  EXPECT_EQ(world.alive, 0);
  EXPECT_EQ(p.statistics().destroyed_for(session_end::lifetime), 1u);
}

TEST_F(PoolInVirtualTime, AfterMaxBorrowsASessionIsReplaced) {
  auto p = make({.max = 1, .min_idle = 0, .max_borrows = 2});
  for (const int expected : {1, 1, 2, 2, 3}) {
    EXPECT_EQ((*p.borrow())->number, expected);
    cranked->run();
  }
  EXPECT_EQ(p.statistics().destroyed_for(session_end::borrows), 2u);
}

TEST_F(PoolInVirtualTime, AnIdleOneIsValidatedBeforeItIsLent) {
  auto p =
      make({.max = 3, .min_idle = 1, .validate_on_borrow = true, .validation_query = "SELECT 2"});
  EXPECT_EQ((*p.borrow())->number, 1);
  EXPECT_EQ(world.queries, std::vector<std::string>{"validate SELECT 2"});
  cranked->run();
  world.sick = 1;
  auto asked = p.request();
  cranked->run();
  auto fresh = collect(asked);
  ASSERT_TRUE(fresh && *fresh);
  EXPECT_GE(p.statistics().destroyed_for(session_end::not_valid), 1u);
}

TEST_F(PoolInVirtualTime, AValidationThatNeverPassesIsNotTriedForEver) {
  auto p = make({.max = 4, .min_idle = 2, .validate_on_borrow = true});
  for (int i = 0; i < 3; ++i) {
    world.sick = 1'000;
    auto asked = p.request();
    cranked->run();
    auto got = collect(asked);
    ASSERT_TRUE(got) << "a new one, or why there is none";
    EXPECT_EQ(*got ? "is not valid" : got->error().message, "is not valid");
    EXPECT_GT(world.sick, 1'000 - 10);
  }
}

TEST_F(PoolInVirtualTime, ABorrowerKeepsItsTurnWhenAnIdleOneIsNotValid) {
  auto p = make({.max = 1, .min_idle = 1, .validate_on_borrow = true});
  world.sick = 1;
  auto first = p.request();
  auto second = p.request();
  cranked->run();
  EXPECT_TRUE(first.is_answered());
  EXPECT_FALSE(second.is_answered());
}

TEST_F(PoolInVirtualTime, TheBorrowerOfALeakIsNamedOnce) {
  auto p = make({.max = 1, .min_idle = 0, .leak_after = 30s});
  auto one = p.borrow();
  go_on(p, 29s);
  EXPECT_EQ(told("leaked"), 0u);
  go_on(p, 1s);
  go_on(p, 60s);
  EXPECT_EQ(told("leaked"), 1u);
  EXPECT_EQ(p.statistics().leaks, 1u);
}

TEST_F(PoolInVirtualTime, ALoanForLifeIsNoLeakUntilItsHolderHasEnded) {
  auto p = make({.max = 1, .min_idle = 0, .leak_after = 30s});
  auto one = p.borrow({.borrower = "it", .for_life = true});
  go_on(p, 1h);
  EXPECT_EQ(told("leaked"), 0u);
  one->due_back();
  go_on(p, 29s);
  EXPECT_EQ(told("leaked"), 0u);
  go_on(p, 1s);
  EXPECT_EQ(told("leaked"), 1u);
  one->give_back();
  go_on(p);
  auto next = p.borrow();
  ASSERT_TRUE(next);
  go_on(p, 29s);
  EXPECT_EQ(told("leaked"), 1u) << "the next loan is a usual one";
  go_on(p, 1s);
  EXPECT_EQ(told("leaked"), 2u);
}

TEST_F(PoolInVirtualTime, WaitersAreToldWhyIfThereIsNothingAndNothingCanBeOpened) {
  world.down = true;
  auto p = make({.max = 2, .min_idle = 1});
  EXPECT_EQ(p.statistics().open_failures, 1u);
  auto waits = p.request();
  EXPECT_FALSE(waits.is_answered()) << "after a pause it is tried again";
  go_on(p, 50ms);
  auto got = collect(waits);
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().code, errc::unavailable);
  EXPECT_EQ(got->error().message, "the database is down");
  world.down = false;
  auto again = p.request();
  go_on(p, 2s);
  EXPECT_TRUE(*collect(again));
}

TEST_F(PoolInVirtualTime, WaitersGoOnWaitingWhileOthersMayReturn) {
  auto p = make({.max = 2, .min_idle = 0});
  auto held = p.borrow();
  world.down = true;
  auto waits = p.request();
  cranked->run();
  EXPECT_EQ(p.statistics().open_failures, 1u);
  EXPECT_FALSE(waits.is_answered());
  held->give_back();
  EXPECT_TRUE(*collect(waits));
}

TEST_F(PoolInVirtualTime, ClosingEndsWaitingAndBreaksWhatIsLent) {
  auto p = make({.max = 1, .min_idle = 1});
  auto held = p.borrow();
  auto waits = p.request();
  EXPECT_FALSE(p.close(1s));
  EXPECT_EQ(collect(waits)->error().code, errc::pool_closed);
  EXPECT_TRUE((*held)->interrupted);
  auto after = p.borrow();
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().message, "test: the pool is closed");
  held->give_back();
  cranked->run();
  EXPECT_EQ(world.alive, 0);
  EXPECT_EQ(p.statistics().destroyed_for(session_end::pool_closed), 1u);
  EXPECT_EQ(told("closed"), 1u);
}

TEST_F(PoolInVirtualTime, ALeaseOutlivesItsPool) {
  std::optional p{make({.max = 1, .min_idle = 1})};
  auto held = p->borrow();
  p.reset();
  EXPECT_TRUE((*held)->interrupted);
  EXPECT_EQ(world.alive, 1);
  held->give_back();
  EXPECT_EQ(world.alive, 0);
}

TEST_F(PoolInVirtualTime, WithCallsAndReturnsResultsAlsoWhenItThrows) {
  auto p = make({.max = 1, .min_idle = 1});
  EXPECT_EQ(p.with([](test_session& s) { return s.number; }), 1);
  EXPECT_TRUE(p.with([](test_session&) {}));
  EXPECT_EQ(p.with([](test_session&) -> result<int> { return fail(errc::rejected, "no"); })
                .error()
                .message,
            "no");
  EXPECT_THROW((void)p.with([](test_session&) { throw 1; }), int);
  EXPECT_EQ(p.statistics().in_use, 0u);
}

TEST_F(PoolInVirtualTime, EveryChangeIsCountedAndExported) {
  auto counts = metrics::make();
  auto p = make({.max = 1, .min_idle = 1, .metrics = counts});
  { auto one = p.borrow(); }
  const auto text = to_text(*counts);
  for (const auto* line : {"nexus_pool_sessions{pool=\"test\",state=\"idle\"} 1",
                           "nexus_pool_borrows_total{outcome=\"lent\",pool=\"test\"} 1",
                           "nexus_pool_created_total{pool=\"test\"} 1",
                           "nexus_pool_destroyed_total{pool=\"test\",reason=\"idle\"} 0"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
  }
}

TEST(PoolOptions, ThatMakeNoSenseAreRefusedInOneLine) {
  const std::pair<pool_options, std::string> bad[] = {
      {{.max = 0}, "pool pool: max is 0, so there would never be a session"},
      {{.max = 2, .min_idle = 3}, "pool pool: min_idle is 3, more than max, which is 2"},
      {{.max = 20'000}, "pool pool: max is 20000, more than 10000"},
      {{.borrow_timeout = 0ms}, "pool pool: borrow_timeout is not above 0"},
      {{.idle_ttl = -1ms}, "pool pool: idle_ttl is -1 ms, below 0"},
      {{.max_lifetime = -1ms}, "pool pool: max_lifetime is -1 ms, below 0"},
      {{.lifetime_jitter = 2}, "pool pool: lifetime_jitter is 2, not within 0 and 1"},
      {{.leak_after = -1ms}, "pool pool: leak_after is -1 ms, below 0"},
      {{.max_waiters = 0}, "pool pool: max_waiters is 0, so no borrower could ever wait"},
      {{.reset_on_return = false, .reset_query = "X"},
       "pool pool: there is a reset_query, but reset_on_return is off"},
      {{.threads = 0}, "pool pool: threads is 0, so nothing could be opened"}};
  for (const auto& [options, why] : bad) {
    auto made = pool<test_session>::make(options, []() -> result<std::unique_ptr<test_session>> {
      return fail(errc::unavailable, "");
    });
    ASSERT_FALSE(made) << why;
    EXPECT_EQ(made.error(), (error{errc::invalid_argument, why}));
  }
}

#ifndef NDEBUG
TEST_F(PoolInVirtualTime, ReturningTwiceOrToAnotherPoolIsAnAssert) {
  auto p = make({.max = 1, .min_idle = 1});
  auto other = make({.max = 1, .min_idle = 1});
  EXPECT_DEATH(
      {
        auto one = p.borrow();
        one->give_back();
        one->give_back();
      },
      "a lease is returned once");
  EXPECT_DEATH(
      {
        auto one = p.borrow();
        other.give_back(*std::move(one));
      },
      "a lease returns to its own pool");
}
#endif

}}  // namespace nexus::test
