// The pool with threads that wait for each other.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "pool_fixture.hpp"

namespace nexus::test { namespace {

class PoolOfThreads : public ::testing::Test {
 protected:
  pool<test_session> make(pool_options o) {
    auto made =
        pool<test_session>::make(std::move(o), [this]() -> result<std::unique_ptr<test_session>> {
          if (world.down) return fail(errc::unavailable, "the database is down");
          return std::make_unique<test_session>(world, ++world.opened);
        });
    EXPECT_TRUE(made);
    return *std::move(made);
  }
  pool_world world;
};

TEST_F(PoolOfThreads, AThreadWaitsUntilOneComesBack) {
  auto p = make({.max = 1, .min_idle = 0});
  std::optional held{p.borrow()};
  std::jthread gives_back{[&] {
    while (p.statistics().waiting == 0) std::this_thread::yield();
    held.reset();
  }};
  EXPECT_TRUE(p.borrow());
  EXPECT_EQ(p.statistics().waits, 2u) << "the first one waited until it was opened";
}

TEST_F(PoolOfThreads, AThreadGivesUpAfterItsTimeout) {
  auto p = make({.max = 1, .min_idle = 0});
  auto held = p.borrow();
  auto late = p.borrow({.timeout = 10ms});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::pool_exhausted);
  EXPECT_EQ(p.statistics().waiting, 0u);
}

TEST_F(PoolOfThreads, AThreadThatWaitsCanBeCancelled) {
  auto p = make({.max = 1, .min_idle = 0});
  auto held = p.borrow();
  std::stop_source give_up;
  std::jthread cancels{[&] {
    while (p.statistics().waiting == 0) std::this_thread::yield();
    give_up.request_stop();
  }};
  auto got = p.borrow({.timeout = 1h, .cancel = give_up.get_token()});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::stopped);
}

TEST_F(PoolOfThreads, TheTimerEndsRequestsAndIdleSessions) {
  auto p = make({.max = 1, .min_idle = 0, .idle_ttl = 5ms});
  {
    auto held = p.borrow();
    auto late = p.request({.timeout = 5ms});
    EXPECT_EQ(late.get(1h).error().code, errc::pool_exhausted);
  }
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (world.alive > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(world.alive, 0);
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
TEST_F(PoolOfThreads, ABorrowThatNeedNotWaitTakesLessThanAMicrosecond) {
  auto p = make({.max = 4, .min_idle = 1, .reset_on_return = false});
  { auto opened = p.borrow(); }
  constexpr int batch = 1'000;
  std::vector<std::chrono::nanoseconds> each(201);
  for (auto& one : each) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < batch; ++i) auto lent = p.borrow();
    one = (std::chrono::steady_clock::now() - begin) / batch;
  }
  std::nth_element(each.begin(), each.begin() + 100, each.end());
  std::printf("borrowing and returning: %jd ns, the median of %zu times %d\n",
              static_cast<std::intmax_t>(each[100].count()), each.size(), batch);
  EXPECT_LT(each[100], 1us);
}
#endif

TEST_F(PoolOfThreads, ClosingWaitsForLeases) {
  auto p = make({.max = 2, .min_idle = 0});
  std::optional held{p.borrow()};
  std::jthread gives_back{[&] {
    // Waits until closing has begun; a timeout of 1 ms alone would prove less.
    for (auto other = p.borrow({.timeout = 1ms}); other || other.error().code != errc::pool_closed;
         other = p.borrow({.timeout = 1ms})) {
    }
    held.reset();
  }};
  EXPECT_TRUE(p.close(1h));
  EXPECT_EQ(world.alive, 0);
}

}}  // namespace nexus::test
