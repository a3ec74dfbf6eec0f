// Supervised actors that fail at random under a storm of questions from many threads: every
// question is answered.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <caf/all.hpp>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "caf_dialect.hpp"
#include "nexus/supervisor.hpp"
#include "nexus/system.hpp"

using namespace std::chrono_literals;
using nexus::directive;
using nexus::failure;
using nexus::strategy;
using nexus::supervision;
using nexus::supervisor;

namespace {

constexpr int threads = 8;
constexpr int asked_each = 2'000;
constexpr std::size_t in_flight = 50;

// What a question makes its actor do.
enum : int { answer, promise, resume, restart, quit, stop };
constexpr std::array kinds{answer, promise, resume, restart, quit, stop};

struct wants {
  directive what;
};

struct tally {
  std::atomic<int> answered{0}, failed{0}, unanswered{0}, made{0}, thrown{0};
};

nexus::actor_factory moody(tally& all) {
  return [&all](caf::event_based_actor* self) -> caf::behavior {
    ++all.made;
    return {[&all, self](int kind) -> caf::result<int> {
      if (kind == promise) {
        auto p = self->make_response_promise();
        p.deliver(1);
        return p;
      }
      if (kind == quit) {
        ++all.thrown;
        self->quit(caf::make_error(caf::sec::cannot_open_file));
      }
      if (kind == resume) throw wants{directive::resume};
      if (kind == stop) throw wants{directive::stop};
      if (kind == restart) {
        ++all.thrown;
        throw wants{directive::restart};
      }
      return 1;
    }};
  };
}

supervision eager(supervision how = {}) {
  how.restarts_max = supervision::unlimited;
  how.backoff_min = 20us;
  how.backoff_max = 500us;
  how.quiet_after = 1ms;
  how.decide = [](const failure& f) {
    if (f.cause == nullptr) return directive::restart;
    try {
      std::rethrow_exception(f.cause);
    } catch (const wants& w) {
      return w.what;
    }
  };
  return how;
}

/// Asks actors of `whom` at random; `weights` says how many of a hundred questions do what.
void storm(nexus::system& sys, const std::vector<caf::actor>& whom,
           std::array<int, kinds.size()> weights, tally& all) {
  auto ask = [&](int seed) {
    std::minstd_rand random(static_cast<unsigned>(seed));
    std::discrete_distribution<int> kind(weights.begin(), weights.end());
    caf::scoped_actor self{sys.caf()};
    auto one = [&] {
      return nexus::test::request(*self, whom[random() % whom.size()], 60s, kind(random));
    };
    for (int left = asked_each; left > 0;) {
      std::vector<decltype(one())> open;
      for (; left > 0 && open.size() < in_flight; --left) open.push_back(one());
      for (auto& r : open) {
        std::move(r).receive([&](int) { ++all.answered; },
                             [&](const caf::error& e) {
                               ++(e == caf::sec::request_timeout ? all.unanswered : all.failed);
                             });
      }
    }
  };
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(ask, i + 1);
  for (auto& t : running) t.join();
}

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

std::vector<caf::actor> spawned(supervisor& in, int n, tally& all) {
  std::vector<caf::actor> actors;
  for (int i = 0; i < n; ++i) {
    actors.push_back(in.spawn("actor " + std::to_string(i), moody(all)).value());
  }
  return actors;
}

}  // namespace

TEST(SupervisorStorm, EveryQuestionIsAnsweredAndEveryRestartHappens) {
  tally all;
  nexus::system sys{{.threads = 4}};
  supervisor group{sys, "group", eager()};
  auto actors = spawned(group, 6, all);
  storm(sys, actors, {60, 20, 8, 8, 4, 0}, all);
  EXPECT_EQ(all.unanswered, 0);
  EXPECT_EQ(all.answered + all.failed, threads * asked_each);
  EXPECT_GT(all.failed, 0);
  EXPECT_TRUE(eventually([&] { return all.made == 6 + all.thrown; }));
  EXPECT_EQ(group.counts().restarts, static_cast<std::uint64_t>(all.thrown));
  EXPECT_EQ(group.children().size(), 6U);
}

TEST(SupervisorStorm, AlsoWhenAllAreRestartedForOne) {
  tally all;
  nexus::system sys{{.threads = 4}};
  supervisor group{sys, "group", eager({.scope = strategy::all_for_one})};
  auto actors = spawned(group, 6, all);
  storm(sys, actors, {85, 10, 2, 2, 1, 0}, all);
  EXPECT_EQ(all.unanswered, 0);
  EXPECT_EQ(all.answered + all.failed, threads * asked_each);
  const auto restarts = static_cast<std::uint64_t>(all.thrown) * 6;
  EXPECT_TRUE(eventually([&] { return group.counts().restarts == restarts; }));
}

TEST(SupervisorStorm, AlsoWhenActorsStop) {
  tally all;
  nexus::system sys{{.threads = 4}};
  supervisor group{sys, "group", eager()};
  auto actors = spawned(group, 200, all);
  storm(sys, actors, {80, 10, 3, 3, 2, 2}, all);
  EXPECT_EQ(all.unanswered, 0);
  EXPECT_EQ(all.answered + all.failed, threads * asked_each);
  EXPECT_TRUE(eventually([&] { return group.counts().stops == 200 - group.children().size(); }));
}

TEST(SupervisorStorm, AlsoWhenAParentRestartsGroups) {
  tally all;
  nexus::system sys{{.threads = 4}};
  supervisor top{sys, "top", eager()};
  auto how = eager();
  how.restarts_max = 3;
  how.restarts_window = 10s;
  how.when_exceeded = directive::escalate;
  supervisor left{sys, "left", how, &top};
  supervisor right{sys, "right", how, &top};
  auto actors = spawned(left, 3, all);
  std::ranges::copy(spawned(right, 3, all), std::back_inserter(actors));
  storm(sys, actors, {70, 20, 4, 4, 2, 0}, all);
  EXPECT_EQ(all.unanswered, 0);
  EXPECT_EQ(all.answered + all.failed, threads * asked_each);
  EXPECT_GT(left.counts().escalations, 0U);
  EXPECT_EQ(left.children().size() + right.children().size(), 6U);
}

TEST(SupervisorStorm, AlsoWhenTheSupervisorGoesInTheMiddle) {
  for (int round = 0; round < 5; ++round) {
    tally all;
    nexus::system sys{{.threads = 4}};
    auto group = std::make_unique<supervisor>(sys, "group", eager());
    auto actors = spawned(*group, 20, all);
    std::thread going{[&] {
      (void)eventually([&] { return all.answered > 1'000; });
      group.reset();
    }};
    storm(sys, actors, {80, 10, 4, 4, 2, 0}, all);
    going.join();
    EXPECT_EQ(all.unanswered, 0);
    EXPECT_EQ(all.answered + all.failed, threads * asked_each);
  }
}
