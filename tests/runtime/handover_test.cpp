#include "nexus/detail/handover.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

namespace {

struct parcel : nexus::detail::handed_over {
  std::size_t from = 0;
  std::size_t number = 0;
};
using queue = nexus::detail::handover<parcel>;
using pushed = queue::pushed;

// Hands over numbered parcels, and wakes the consumer if needed; returns how many were accepted.
std::size_t hand_over(queue& to, std::vector<parcel>& mine, std::size_t from) {
  std::size_t taken = 0;
  for (auto& one : mine) {
    one.from = from;
    one.number = taken;
    const auto how = to.push(one);
    if (how == pushed::refused) break;
    if (how == pushed::woke) to.wake();
    ++taken;
  }
  return taken;
}

// Pops until it is closed; returns the numbers by producer.
template <std::size_t Producers>
std::array<std::vector<std::size_t>, Producers> consume(queue& q) {
  std::array<std::vector<std::size_t>, Producers> got;
  while (true) {
    if (auto* one = q.front()) {
      got.at(one->from).push_back(one->number);
      q.pop();
    } else if (q.closed()) {
      return got;
    } else {
      q.wait();
    }
  }
}

}  // namespace

TEST(Handover, GivesInTheOrderItGot) {
  queue q;
  std::vector<parcel> parcels(5);
  EXPECT_EQ(hand_over(q, parcels, 0), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    ASSERT_NE(q.front(), nullptr);
    EXPECT_EQ(q.front()->number, i);
    q.pop();
  }
  EXPECT_EQ(q.front(), nullptr);
}

TEST(Handover, OnlyTheProducerThatFindsItAsleepIsToldToWakeIt) {
  queue q;
  std::vector<parcel> p(4);
  EXPECT_EQ(q.push(p[0]), pushed::queued) << "it has not looked yet";
  EXPECT_EQ(q.front(), &p[0]);
  EXPECT_EQ(q.push(p[1]), pushed::queued);
  q.pop();
  EXPECT_EQ(q.front(), &p[1]);
  q.pop();
  EXPECT_EQ(q.front(), nullptr);
  EXPECT_EQ(q.push(p[2]), pushed::woke);
  EXPECT_EQ(q.push(p[3]), pushed::queued);
}

TEST(Handover, FinishedItGivesWhatItHasAndTakesNoMore) {
  queue q;
  std::vector<parcel> p(3);
  (void)q.push(p[0]);
  q.finish();
  EXPECT_EQ(q.push(p[1]), pushed::queued) << "until it has been seen";
  EXPECT_EQ(q.front(), &p[0]);
  q.pop();
  EXPECT_FALSE(q.closed());
  EXPECT_EQ(q.front(), &p[1]);
  q.pop();
  EXPECT_EQ(q.front(), nullptr);
  EXPECT_TRUE(q.closed());
  EXPECT_EQ(q.push(p[2]), pushed::refused);
}

TEST(Handover, ItMayBeFinishedTwice) {
  queue q;
  std::vector<parcel> p(2);
  (void)q.push(p[0]);
  q.finish();
  (void)q.push(p[1]);
  q.finish();
  for (auto& one : p) {
    EXPECT_EQ(q.front(), &one);
    q.pop();
  }
  EXPECT_EQ(q.front(), nullptr);
  EXPECT_TRUE(q.closed());
  q.finish();
  EXPECT_EQ(q.front(), nullptr);
}

TEST(Handover, NothingIsLostOrDoubledAndEachProducersOrderIsKept) {
  constexpr std::size_t producers = 4;
  constexpr std::size_t each = 50'000;
  queue q;
  std::vector<std::vector<parcel>> parcels(producers);
  for (auto& mine : parcels) mine = std::vector<parcel>(each);
  std::array<std::vector<std::size_t>, producers> got;
  std::jthread consumer{[&] { got = consume<producers>(q); }};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < producers; ++i) {
      threads.emplace_back([&, i] { EXPECT_EQ(hand_over(q, parcels[i], i), each); });
    }
  }
  q.finish();
  consumer.join();
  for (const auto& numbers : got) {
    ASSERT_EQ(numbers.size(), each);
    for (std::size_t i = 0; i < each; ++i) ASSERT_EQ(numbers[i], i);
  }
}

TEST(Handover, ASleeperIsWokenByEachOfMany) {
  // One at a time, so that the consumer sleeps in between as often as possible.
  constexpr std::size_t rounds = 20'000;
  queue q;
  std::vector<parcel> parcels(rounds);
  std::atomic<std::size_t> seen{0};
  std::jthread consumer{[&] {
    while (true) {
      if (q.front() != nullptr) {
        q.pop();
        seen.fetch_add(1);
        seen.notify_one();
      } else if (q.closed()) {
        return;
      } else {
        q.wait();
      }
    }
  }};
  for (std::size_t i = 0; i < rounds; ++i) {
    if (q.push(parcels[i]) == pushed::woke) q.wake();
    seen.wait(i);
  }
  q.finish();
  consumer.join();
  EXPECT_EQ(seen.load(), rounds);
}

TEST(Handover, APushDuringFinishIsTakenOrRefused) {
  for (int round = 0; round < 300; ++round) {
    constexpr std::size_t producers = 3;
    queue q;
    std::vector<std::vector<parcel>> parcels(producers);
    for (auto& mine : parcels) mine = std::vector<parcel>(200);
    std::array<std::vector<std::size_t>, producers> got;
    std::array<std::size_t, producers> taken{};
    {
      std::jthread consumer{[&] { got = consume<producers>(q); }};
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < producers; ++i) {
        threads.emplace_back([&, i] { taken.at(i) = hand_over(q, parcels[i], i); });
      }
      q.finish();
    }
    for (std::size_t i = 0; i < producers; ++i) ASSERT_EQ(got.at(i).size(), taken.at(i));
  }
}
