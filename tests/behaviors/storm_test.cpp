// Storms of sends while entities passivate by the thousand: no command is lost or handled twice.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <nexus/testkit/deterministic.hpp>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::testkit::deterministic_system;

namespace {

double passivated(nexus::system& sys, std::string_view reason) {
  double sum = 0;
  for (const auto& family : sys.metrics().collect()) {
    if (family.name != "nexus_passivations_total") continue;
    for (const auto& one : family.samples) {
      const bool wanted = std::any_of(one.labels.begin(), one.labels.end(),
                                      [&](const auto& l) { return l.second == reason; });
      if (wanted) sum += one.value;
    }
  }
  return sum;
}

}  // namespace

// A seed decides the order of the steps and what the sender does between them.
TEST(PassivationStorm, LosesAndDoublesNoSendInVirtualTime) {
  constexpr int sends = 2'000;
  constexpr std::size_t ids = 50;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    deterministic_system det{seed};
    const auto journal = det.open("memory:");
    entities<tally> tallies{
        det, *journal, {.passivate_after = 1ms, .live_max = 10, .mailbox_max = 1'000}};
    std::minstd_rand draw{seed};
    std::array<int, ids> sent{};
    std::deque<asked<std::int64_t>> answers;
    for (int i = 0; i < sends; ++i) {
      const auto id = draw() % ids;
      ++sent[id];
      answers.push_back(tallies.of(std::to_string(id)).ask(tally::add{1}));
      for (auto steps = draw() % 32; steps > 0; --steps) det.step();
      if (draw() % 20 == 0) det.advance(1ms);
    }
    int lost = 0;
    for (auto& one : answers) lost += !det.get(one);
    EXPECT_EQ(lost, 0);
    int wrong = 0;
    for (std::size_t id = 0; id < ids; ++id) {
      wrong += det.get(tallies.of(std::to_string(id)).ask(tally::read{})) != sent[id];
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(passivated(det, "idle"), 100);
    EXPECT_GT(passivated(det, "cap"), 100);
  }
}

TEST(PassivationStorm, LosesAndDoublesNoSendOfThreads) {
  const bool is_long = std::getenv("NEXUS_LONG_TESTS") != nullptr;
  const int sends = is_long ? 1'000'000 : 5'000;
  const int ids = is_long ? 10'000 : 500;
  constexpr int senders = 2;
  constexpr std::size_t in_flight = 100;
  nexus::system sys{{.threads = 2}};
  const auto journal = nexus::open("memory:");
  entities<tally> tallies{
      sys, *journal, {.passivate_after = 1ms, .live_max = 100, .mailbox_max = 1'000}};
  std::vector<std::atomic<int>> sent(static_cast<std::size_t>(ids));
  std::atomic<std::int64_t> lost{0};
  std::atomic<std::size_t> most_live{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < senders; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand draw(static_cast<unsigned>(t + 1));
      std::deque<asked<std::int64_t>> answers;
      auto collect = [&] {
        lost += !answers.front().get(60s);
        answers.pop_front();
      };
      for (int i = 0; i < sends / senders; ++i) {
        const auto id = draw() % sent.size();
        ++sent[id];
        answers.push_back(tallies.of(std::to_string(id)).ask(tally::add{1}));
        if (answers.size() >= in_flight) collect();
        if (i % 1'000 == 0) most_live = std::max(most_live.load(), tallies.live());
      }
      while (!answers.empty()) collect();
    });
  }
  for (auto& one : threads) one.join();
  EXPECT_EQ(lost, 0);
  EXPECT_LE(most_live, 100 + 2 * in_flight * senders) << "those that were busy";
  std::int64_t wrong = 0;
  for (std::size_t id = 0; id < sent.size(); ++id) {
    wrong += tallies.of(std::to_string(id)).ask(tally::read{}).get(60s) != sent[id];
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(passivated(sys, "idle") + passivated(sys, "cap"), ids);
}
