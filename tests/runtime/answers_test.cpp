// Answers collected by a thread that waits: deadlines, chains, gathering.
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "hand_made.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

template <class R>
errc code_of(const result<R>& r) {
  EXPECT_FALSE(r.has_value());
  return r ? errc{} : r.error().code;
}

asked<int> answered(result<int> r) {
  question<int> q;
  q.answer(std::move(r));
  return q.asked();
}

}  // namespace

TEST(Asked, GetWaitsForAnAnswerThatAnotherThreadGives) {
  for (int i = 0; i < 1'000; ++i) {
    question<int> q;
    std::jthread other{[&] { q.answer(i); }};
    ASSERT_EQ(q.asked().get(10s), i);
  }
  EXPECT_EQ(calls_alive, 0);
}

TEST(Asked, GetWaitsUntilTheCommandsDeadlineAndNoLonger) {
  question<int> q{2ms};
  auto late = q.asked().get(1h);
  EXPECT_EQ(code_of(late), errc::timeout);
  EXPECT_NE(late.error().message.find("may still take effect"), std::string::npos);
  question<int> other{2ms};
  EXPECT_EQ(code_of(other.asked().get()), errc::timeout);
  question<int> third{1h};
  EXPECT_EQ(code_of(third.asked().get(2ms)), errc::timeout) << "the shorter of the two counts";
}

TEST(Asked, GetWithoutAnyDeadlineIsInvalidAnsweredOrNot) {
  EXPECT_EQ(code_of(question<int>{}.asked().get()), errc::invalid_argument);
  EXPECT_EQ(code_of(answered(1).get()), errc::invalid_argument);
  EXPECT_EQ(code_of(answered(1).map([](int) { return 2; }).get()), errc::invalid_argument);
}

TEST(Asked, AnAnswerThatIsThereCountsAfterTheDeadlineToo) {
  question<int> q{call_header{.deadline = std::chrono::steady_clock::now() - 1s}};
  q.answer(7);
  EXPECT_EQ(q.asked().get(), 7);
}

TEST(Asked, AnEndlessTimeoutDoesNotOverflow) {
  question<int> q;
  std::jthread other{[&] { q.answer(3); }};
  EXPECT_EQ(q.asked().map([](int n) { return n; }).get(std::chrono::nanoseconds::max()), 3);
}

TEST(Chain, MapsAValueAndPassesAnErrorOn) {
  EXPECT_EQ(answered(20).map([](int n) { return std::to_string(n + 1); }).get(1s), "21");
  auto refused = answered(fail(errc::rejected, "no")).map([](int) {
    ADD_FAILURE() << "there is no value";
    return 0;
  });
  EXPECT_EQ(std::move(refused).get(1s), (result<int>{fail(errc::rejected, "no")}));
}

TEST(Chain, MapsFromAndToNothing) {
  int seen = 0;
  answer<void> nothing = answered(4).map([&](int n) { seen = n; });
  EXPECT_EQ(std::move(nothing).map([&] { return seen + 1; }).get(1s), 5);
}

TEST(Chain, GoesOnWithAResultAQuestionOrAChain) {
  EXPECT_EQ(answered(1).and_then([](int n) { return result<long>{n + 1}; }).get(1s), 2);
  EXPECT_EQ(answered(1).and_then([](int n) { return answered(n + 2); }).get(1s), 3);
  auto chain = answered(1).and_then(
      [](int n) { return answered(n + 3).map([](int m) { return std::make_unique<int>(m); }); });
  EXPECT_EQ(*chain.get(1s).value(), 4);
  auto refused =
      answered(1).and_then([](int) -> result<int> { return fail(errc::rejected, "no"); });
  EXPECT_EQ(code_of(refused.get(1s)), errc::rejected);
  EXPECT_EQ(
      code_of(
          answered(fail(errc::stopped, "")).and_then([](int n) { return answered(n); }).get(1s)),
      errc::stopped);
}

TEST(Chain, AnErrorIsMendedByAValueAResultOrAQuestion) {
  auto stopped = [] { return answered(fail(errc::stopped, "gone")); };
  EXPECT_EQ(stopped().or_else([](const error&) { return 5; }).get(1s), 5);
  EXPECT_EQ(stopped().or_else([](const error&) { return answered(6); }).get(1s), 6);
  EXPECT_EQ(
      code_of(stopped().or_else([](error e) { return fail(errc::rejected, e.message); }).get(1s)),
      errc::rejected);
  EXPECT_EQ(answered(7).or_else([](const error&) { return answered(8); }).get(1s), 7);
}

TEST(Chain, NothingRunsBeforeItIsCollectedAndAllOfItOnTheWaitingThread) {
  question<int> first;
  question<int> second;
  std::vector<std::thread::id> ran;
  auto chain = first.asked()
                   .and_then([&](int) {
                     ran.push_back(std::this_thread::get_id());
                     return second.asked();
                   })
                   .map([&](int n) {
                     ran.push_back(std::this_thread::get_id());
                     return n;
                   });
  EXPECT_FALSE(chain.is_answered());
  std::jthread{[&] { first.answer(1); }}.join();
  EXPECT_TRUE(chain.is_answered()) << "what was asked so far";
  EXPECT_TRUE(ran.empty());
  std::jthread other{[&] { second.answer(2); }};
  EXPECT_EQ(chain.get(10s), 2);
  EXPECT_EQ(ran, (std::vector{2, std::this_thread::get_id()}));
}

TEST(Chain, OneTimeoutIsForAllOfIt) {
  question<int> never_answered;
  question<int> second{1h};
  auto chain = answered(1)
                   .and_then([&](int) { return never_answered.asked(); })
                   .or_else([&](const error& e) {
                     EXPECT_EQ(e.code, errc::timeout);
                     return second.asked();
                   });
  EXPECT_EQ(code_of(chain.get(2ms)), errc::timeout) << "the second has no time left";
}

TEST(Chain, AnExceptionOfAFunctionLeavesGet) {
  question<int> q;
  auto chain = q.asked().map([](int) -> int { throw std::runtime_error{"oh"}; });
  q.answer(1);
  EXPECT_THROW((void)chain.get(1s), std::runtime_error);
  EXPECT_EQ(calls_alive, 0);
}

TEST(Chain, ALateAnswerIsDropped) {
  question<int> q;
  EXPECT_EQ(code_of(q.asked().map([](int) { return 1; }).get(1ms)), errc::timeout);
  EXPECT_EQ(calls_alive, 1);
  q.answer(2);
  EXPECT_EQ(calls_alive, 0);
}

TEST(Gather, AnswersInOrderWithFailuresInTheirPlaces) {
  question<int> open;
  std::vector<asked<int>> many;
  many.push_back(answered(1));
  many.push_back(answered(fail(errc::rejected, "no")));
  many.push_back(open.asked());
  {
    question<int> dropped;
    many.push_back(dropped.asked());
  }
  many.push_back(answered(5));
  auto gathered = gather(std::move(many));
  EXPECT_FALSE(gathered.is_answered());
  auto all = gathered.get(2ms).value();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0], 1);
  EXPECT_EQ(code_of(all[1]), errc::rejected);
  EXPECT_EQ(code_of(all[2]), errc::timeout);
  EXPECT_EQ(code_of(all[3]), errc::stopped);
  EXPECT_EQ(all[4], 5);
}

TEST(Gather, OfNothingIsThere) {
  EXPECT_TRUE(gather(std::vector<asked<int>>{}).get(0s).value().empty());
  EXPECT_TRUE(gather(std::vector<asked<int>>{}).get().value().empty());
}

TEST(Gather, DifferentTypesBecomeATuple) {
  question<std::string> text;
  question<void> nothing;
  text.answer("a");
  auto [a, b, c] =
      gather(answered(1), text.asked().map([](auto s) { return s + "b"; }), nothing.asked())
          .get(1ms)
          .value();
  EXPECT_EQ(a, 1);
  EXPECT_EQ(b, "ab");
  EXPECT_EQ(code_of(c), errc::timeout);
}

TEST(Gather, EachQuestionHasItsOwnDeadline) {
  question<int> soon{1ms};
  question<int> without;
  question<int> later{1h};
  std::jthread other;
  // The answered one is answered only after the first was given up.
  auto first = soon.asked().or_else([&](const error& e) -> result<int> {
    other = std::jthread{[&] { later.answer(3); }};
    return fail(e);
  });
  auto [a, b, c] = gather(std::move(first), without.asked(), later.asked()).get().value();
  EXPECT_EQ(code_of(a), errc::timeout);
  EXPECT_EQ(code_of(b), errc::invalid_argument);
  EXPECT_EQ(c, 3);
}

TEST(Gather, ChainsOfChainsAreGatheredToo) {
  std::vector<answer<int>> inner;
  for (int i = 0; i < 3; ++i) inner.push_back(answered(i).map([](int n) { return n * n; }));
  auto sum = gather(std::move(inner)).map([](const std::vector<result<int>>& all) {
    return std::accumulate(all.begin(), all.end(), 0, [](int s, const auto& r) { return s + *r; });
  });
  EXPECT_EQ(sum.get(1s), 5);
}

TEST(Gather, ManyThousandsAnsweredByManyThreads) {
  constexpr int count = 10'000;
  std::vector<question<int>> questions(count);
  std::vector<asked<int>> many;
  for (auto& q : questions) many.push_back(q.asked());
  std::vector<std::jthread> others;
  for (int t = 0; t < 4; ++t) {
    others.emplace_back([&questions, t] {
      for (int i = t; i < count; i += 4) questions[i].answer(i);
    });
  }
  auto all = gather(std::move(many)).get(30s).value();
  ASSERT_EQ(all.size(), std::size_t{count});
  for (int i = 0; i < count; ++i) ASSERT_EQ(all[i], i);
}
