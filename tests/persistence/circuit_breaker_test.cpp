// When the circuit breaker opens, tries and closes: a table of inputs and answers, without a clock.
#include "circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace nexus;
using namespace std::chrono_literals;

namespace {

using change = circuit_breaker::change;

struct CircuitBreaker : testing::Test {
  static circuit_breaker::time_point at(std::chrono::milliseconds t) {
    return circuit_breaker::time_point{t};
  }
  /// A call at `t` with its result.
  change succeed(std::chrono::milliseconds t) {
    auto entered = breaker.enter(at(t));
    EXPECT_TRUE(entered) << "at " << t.count();
    return breaker.succeeded(*entered);
  }
  change fail(std::chrono::milliseconds t) {
    auto entered = breaker.enter(at(t));
    EXPECT_TRUE(entered) << "at " << t.count();
    return breaker.failed(*entered, at(t), {errc::unavailable, "disk on fire"});
  }
  [[nodiscard]] bool refuses(std::chrono::milliseconds t) {
    const bool would = breaker.refusal(at(t)).has_value();
    if (!would) return false;  // entering would start a probe
    EXPECT_FALSE(breaker.enter(at(t)));
    return true;
  }
  circuit now() { return breaker.status().now; }

  circuit_breaker breaker{3, 100ms};
};

TEST_F(CircuitBreaker, OpensAfterSoManyFailuresInARow) {
  EXPECT_EQ(fail(1ms), change::none);
  EXPECT_EQ(fail(2ms), change::none);
  EXPECT_FALSE(refuses(2ms));
  EXPECT_EQ(fail(3ms), change::opened);
  EXPECT_EQ(now(), circuit::open);
  EXPECT_TRUE(refuses(3ms));
  EXPECT_TRUE(refuses(102ms));
}

TEST_F(CircuitBreaker, ASuccessBetweenFailuresResetsTheCount) {
  for (auto t : {1ms, 3ms, 5ms}) {
    EXPECT_EQ(fail(t), change::none);
    EXPECT_EQ(fail(t), change::none);
    EXPECT_EQ(succeed(t + 1ms), change::none);
  }
  EXPECT_EQ(now(), circuit::closed);
  EXPECT_EQ(breaker.status().openings, 0u);
}

TEST_F(CircuitBreaker, SaysWhyItIsOpen) {
  for (auto t : {1ms, 2ms, 3ms}) (void)fail(t);
  auto why = breaker.refusal(at(4ms));
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, errc::unavailable);
  EXPECT_EQ(why->message,
            "the journal's circuit breaker is open after 3 failures in a row: disk on fire");
  EXPECT_EQ(breaker.enter(at(4ms)).error(), *why);
}

TEST_F(CircuitBreaker, OneCallTriesWhenItWasOpenForAWhile) {
  for (auto t : {1ms, 2ms, 3ms}) (void)fail(t);
  EXPECT_FALSE(refuses(103ms)) << "asking is not trying";
  EXPECT_EQ(now(), circuit::open);
  auto trial = breaker.enter(at(103ms));
  ASSERT_TRUE(trial);
  EXPECT_EQ(now(), circuit::half_open);
  EXPECT_TRUE(refuses(104ms)) << "one at a time";
  EXPECT_TRUE(refuses(10'000ms));
  EXPECT_EQ(breaker.succeeded(*trial), change::closed);
  EXPECT_EQ(now(), circuit::closed);
  EXPECT_EQ(breaker.status().failures, 0u);
  EXPECT_EQ(fail(105ms), change::none) << "the count starts again";
}

TEST_F(CircuitBreaker, AFailedTrialOpensItAgainForAsLong) {
  for (auto t : {1ms, 2ms, 3ms}) (void)fail(t);
  EXPECT_EQ(fail(150ms), change::none) << "no news";
  EXPECT_EQ(now(), circuit::open);
  EXPECT_TRUE(refuses(249ms));
  EXPECT_EQ(succeed(250ms), change::closed);
  EXPECT_EQ(breaker.status().openings, 1u);
}

TEST_F(CircuitBreaker, ResultsOfEarlierCallsDoNotCount) {
  auto slow = breaker.enter(at(0ms));
  auto slower = breaker.enter(at(0ms));
  for (auto t : {1ms, 2ms, 3ms}) (void)fail(t);
  EXPECT_EQ(breaker.succeeded(*slow), change::none);
  EXPECT_EQ(now(), circuit::open);
  auto trial = breaker.enter(at(103ms));
  EXPECT_EQ(breaker.failed(*slower, at(104ms), {}), change::none);
  EXPECT_EQ(now(), circuit::half_open);
  EXPECT_EQ(breaker.succeeded(*trial), change::closed);
}

TEST_F(CircuitBreaker, CallsThatOverlapFailTogether) {
  std::vector<circuit_breaker::ticket> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(*breaker.enter(at(0ms)));
  std::vector<change> changes;
  for (auto call : calls) changes.push_back(breaker.failed(call, at(9ms), {}));
  EXPECT_EQ(changes,
            (std::vector{change::none, change::none, change::opened, change::none, change::none}));
}

TEST(CircuitBreakerOptions, NeverOpensWithoutALimit) {
  circuit_breaker never{0, 0ms};
  for (int i = 0; i < 1'000; ++i) {
    auto entered = never.enter({});
    ASSERT_TRUE(entered);
    EXPECT_EQ(never.failed(*entered, {}, {}), change::none);
  }
  EXPECT_EQ(never.status().now, circuit::closed);
  EXPECT_EQ(never.status().failures, 1'000u);
}

}  // namespace
