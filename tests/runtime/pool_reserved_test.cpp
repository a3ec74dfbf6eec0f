// Common and reserved borrowers of one pool, which never wait for each other.
#include <nexus/log.hpp>
#include <random>
#include <set>

#include "pool_fixture.hpp"

namespace nexus::test { namespace {

using lent = result<lease<test_session>>;
using asked_lease = asked<lease<test_session>>;

std::optional<lent> collect(asked_lease& a) {
  if (!a.is_answered()) return std::nullopt;
  return a.get(0ns);
}

TEST_F(PoolInVirtualTime, AReservedBorrowerNeverWaitsForCommonOnes) {
  auto p = make({.max = 2, .reserved = 1, .min_idle = 0});
  auto a = p.borrow();
  auto b = p.borrow();
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(p.borrow()) << "both of the common ones are lent";
  auto mine = p.borrow({.reserved = true});
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_FALSE(p.borrow({.reserved = true}));
  mine->give_back();
  EXPECT_FALSE(p.borrow()) << "the idle one is reserved";
  EXPECT_TRUE(p.borrow({.reserved = true}));
  EXPECT_EQ(world.most_alive, 3);
}

TEST_F(PoolInVirtualTime, ACommonBorrowerNeverWaitsForReservedOnes) {
  auto p = make({.max = 1, .reserved = 2, .min_idle = 0});
  auto a = p.borrow({.reserved = true});
  auto b = p.borrow({.reserved = true});
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(p.borrow());
}

TEST_F(PoolInVirtualTime, TheErrorOfAShareTellsOfThatShareAlone) {
  auto p = make({.max = 1, .reserved = 1, .min_idle = 0, .borrow_timeout = 1s});
  auto a = p.borrow({.borrower = "a handler"});
  auto b = p.borrow({.borrower = "a recovery", .reserved = true});
  auto common = p.request();
  auto reserved = p.request({.borrower = "another recovery", .reserved = true});
  go_on(p, 1s);
  const auto why = collect(common)->error().message;
  EXPECT_NE(why.find("1 of 1 in use, 0 idle, 0 being opened, 0 waiting; a handler has held one for "
                     "1.0 s"),
            std::string::npos)
      << why;
  const auto why_reserved = collect(reserved)->error().message;
  EXPECT_NE(why_reserved.find("for another recovery: 1 of 1 reserved in use"), std::string::npos)
      << why_reserved;
  EXPECT_NE(why_reserved.find("a recovery has held one"), std::string::npos) << why_reserved;
}

TEST_F(PoolInVirtualTime, OfBothSharesTheLongestWaitingIsServedFirst) {
  auto p = make({.max = 1, .reserved = 1, .min_idle = 0});
  world.down = true;
  auto first = p.request({.reserved = true});
  cranked->pass(1ms);
  auto second = p.request();
  world.down = false;
  EXPECT_FALSE(first.is_answered() || second.is_answered());
  cranked->run();
  auto got_first = collect(first);
  auto got_second = collect(second);
  ASSERT_TRUE(got_first && *got_first && got_second && *got_second);
  EXPECT_LT((**got_first)->number, (**got_second)->number);
}

// A session being closed still counts: otherwise its share would take the other share's place.
TEST_F(PoolInVirtualTime, AClosingSessionCountsToTheShareThatHadIt) {
  auto p = make({.max = 1, .reserved = 1, .min_idle = 0});
  auto one = p.borrow();
  auto waits = p.request();
  (*one)->is_broken = true;
  one->give_back();
  EXPECT_EQ(p.statistics().in_use, 1u) << "it is being closed";
  EXPECT_FALSE(waits.is_answered());
  auto mine = p.borrow({.reserved = true});
  ASSERT_TRUE(mine) << mine.error().message;
  cranked->run();
  EXPECT_TRUE(*collect(waits));
  EXPECT_EQ(world.most_alive, 2);
}

TEST_F(PoolInVirtualTime, AWaiterGetsAnIdleOneAsSoonAsItsShareHasRoom) {
  auto p = make({.max = 1, .reserved = 1, .min_idle = 0});
  auto mine = p.borrow({.reserved = true});
  auto one = p.borrow();
  mine->give_back();
  EXPECT_EQ(p.statistics().idle, 1u);
  auto waits = p.request();
  EXPECT_FALSE(waits.is_answered()) << "the idle one is reserved";
  one->poison();
  one->give_back();
  EXPECT_FALSE(waits.is_answered()) << "it is being closed";
  world.down = true;  // so a new one is impossible
  cranked->run();
  auto got = collect(waits);
  ASSERT_TRUE(got && *got);
}

TEST_F(PoolInVirtualTime, AReservedBorrowerIsToldWhyIfOnlyCommonOnesAreThereAndNoneCanBeOpened) {
  auto p = make({.max = 1, .reserved = 1, .min_idle = 1});
  auto held = p.borrow();
  world.down = true;
  auto waits = p.request({.reserved = true});
  cranked->run();
  auto got = collect(waits);
  ASSERT_TRUE(got && !*got) << "the holder of the other one may wait for this";
  EXPECT_EQ(got->error().message, "the database is down");
}

TEST_F(PoolInVirtualTime, WithoutReservedSessionsAskingForOneIsAnError) {
  auto p = make({.max = 1, .min_idle = 0});
  auto got = p.borrow({.reserved = true});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(),
            (error{errc::invalid_argument, "test: the pool has no reserved sessions"}));
}

TEST_F(PoolInVirtualTime, EachShareKeepsItsBoundAndEveryRequestIsAnswered) {
  constexpr std::size_t max = 3, reserved = 2;
  for (unsigned seed = 0; seed < 50; ++seed) {
    auto p = make(
        {.max = max, .reserved = reserved, .min_idle = 1, .borrow_timeout = 1h, .max_borrows = 5});
    std::minstd_rand random{seed};
    std::vector<std::pair<bool, asked_lease>> waiting;
    std::vector<std::pair<bool, lease<test_session>>> held;
    const auto of = [&](bool r) {
      return std::count_if(held.begin(), held.end(), [&](auto& h) { return h.first == r; });
    };
    const auto take = [&] {
      for (auto at = waiting.begin(); at != waiting.end();) {
        auto got = collect(at->second);
        if (!got) {
          ++at;
          continue;
        }
        if (*got) held.emplace_back(at->first, **std::move(got));
        at = waiting.erase(at);
      }
      ASSERT_LE(of(false), static_cast<long>(max));
      ASSERT_LE(of(true), static_cast<long>(reserved));
      const auto s = p.statistics();
      ASSERT_LE(s.total, max + reserved);
      ASSERT_EQ(s.max, max + reserved);
    };
    for (int i = 0; i < 200; ++i) {
      const auto what = random() % 6;
      world.down = random() % 8 == 0;
      if (what < 3) {
        const bool r = what == 0;
        waiting.emplace_back(r, p.request({.reserved = r}));
      } else if (what < 5 && !held.empty()) {
        auto at = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
        if (random() % 4 == 0) at->second->is_broken = true;
        held.erase(at);
      } else {
        go_on(p, 100ms);
      }
      ASSERT_NO_FATAL_FAILURE(take());
    }
    world.down = false;
    for (int i = 0; i < 1'000 && !waiting.empty(); ++i) {
      held.clear();
      go_on(p, 100ms);
      ASSERT_NO_FATAL_FAILURE(take());
    }
    EXPECT_TRUE(waiting.empty()) << "seed " << seed;
  }
}

std::string leak_warning(pool_options o, std::chrono::nanoseconds held,
                         const std::shared_ptr<hand_cranked>& cranked) {
  pool_world world;
  o.runs_on = cranked;
  auto p = *pool<test_session>::make(std::move(o), [&]() -> result<std::unique_ptr<test_session>> {
    return std::make_unique<test_session>(world, 1);
  });
  auto one = p.borrow({.borrower = "it"});
  cranked->pass(held);
  testing::internal::CaptureStderr();
  p.tend();
  auto text = testing::internal::GetCapturedStderr();
  one->give_back();
  return text;
}

TEST_F(PoolInVirtualTime, TheLeakWarningSaysHowLongInAUnitThatShowsIt) {
  const std::pair<std::chrono::nanoseconds, const char*> all[] = {
      {20ms, "it has held a session for 20 ms"},
      {999ms, "it has held a session for 999 ms"},
      {1'200ms, "it has held a session for 1.2 s"},
      {90min, "it has held a session for 5400.0 s"}};
  for (const auto& [held, text] : all) {
    const auto said = leak_warning({.max = 1, .min_idle = 0, .leak_after = 10ms}, held, cranked);
    EXPECT_NE(said.find(text), std::string::npos) << said;
  }
}

}  // namespace
}
