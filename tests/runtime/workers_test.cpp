// Jobs that threads take together.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <nexus/workers.hpp>
#include <stdexcept>
#include <vector>

namespace nexus::test { namespace {

using namespace std::chrono_literals;

// The sizes of the batches of `jobs` jobs that wait when `threads` threads become free.
std::vector<std::size_t> batches_of(unsigned threads, std::size_t most, std::size_t jobs) {
  std::mutex lock;
  std::vector<std::size_t> sizes;
  std::size_t ran = 0;
  {
    std::latch all_busy{threads + 1}, go_on{1};
    workers all{"test",
                threads,
                1'000,
                {most, [&](unsigned, std::size_t count, const std::function<void()>& run) {
                   {
                     const std::lock_guard guard{lock};
                     sizes.push_back(count);
                   }
                   run();
                 }}};
    for (unsigned i = 0; i < threads; ++i) {
      EXPECT_TRUE(all.submit([&](unsigned) {
        all_busy.arrive_and_wait();
        go_on.wait();
      }));
    }
    all_busy.arrive_and_wait();
    for (std::size_t i = 0; i < jobs; ++i) {
      EXPECT_TRUE(all.submit([&](unsigned) {
        const std::lock_guard guard{lock};
        ++ran;
      }));
    }
    go_on.count_down();
    all.finish();
    EXPECT_TRUE(all.wait_until_ended(std::chrono::steady_clock::now() + 60s));
  }
  EXPECT_EQ(ran, jobs);
  sizes.erase(sizes.begin(), sizes.begin() + threads);
  return sizes;
}

TEST(Workers, AThreadTakesJobsTogetherUpToTheBound) {
  EXPECT_EQ(batches_of(1, 4, 10), (std::vector<std::size_t>{4, 4, 2}));
  EXPECT_EQ(batches_of(1, 1, 3), (std::vector<std::size_t>{1, 1, 1}));
}

TEST(Workers, AThreadLeavesTheOthersTheirShare) {
  const auto sizes = batches_of(2, 100, 10);
  ASSERT_FALSE(sizes.empty());
  EXPECT_LE(sizes.front(), 5u);
}

TEST(Workers, AJobThatThrowsLeavesThoseTakenWithIt) {
  std::atomic<int> ran{0};
  workers all{"test", 1, 10, {10, {}}};
  std::latch go_on{1};
  ASSERT_TRUE(all.submit([&](unsigned) { go_on.wait(); }));
  ASSERT_TRUE(all.submit([](unsigned) { throw std::runtime_error{"oops"}; }));
  ASSERT_TRUE(all.submit([&](unsigned) { ++ran; }));
  go_on.count_down();
  all.finish();
  ASSERT_TRUE(all.wait_until_ended(std::chrono::steady_clock::now() + 60s));
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(all.failed(), 1u);
  EXPECT_TRUE(all.is_quiet());
}

}}  // namespace nexus::test
