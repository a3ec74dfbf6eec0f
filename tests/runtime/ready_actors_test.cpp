// Actors with messages share the jobs of CAF's scheduler.
#include <gtest/gtest.h>

#include <atomic>
#include <caf/all.hpp>
#include <functional>
#include <latch>
#include <memory>
#include <nexus/actor.hpp>
#include <nexus/system.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "caf_dialect.hpp"

namespace nexus::test { namespace {

struct token final : message {
  token() : message{1} {}
};

// Calls a function per message; an empty message stops it.
class calling final : public actor {
 public:
  explicit calling(std::function<void(const mailbox& self)> f) : f_{std::move(f)} {}
  void started(const mailbox& self) override { self_ = self; }
  verdict receive(envelope m) override {
    if (!m) return verdict::stop;
    f_(self_);
    return verdict::go_on;
  }

 private:
  const std::function<void(const mailbox& self)> f_;
  mailbox self_;
};

// Keeps no mailbox of its own, so it ends with the last one of others.
class silent final : public actor {
 public:
  explicit silent(std::shared_ptr<int> held) : held_{std::move(held)} {}
  void started(const mailbox&) override {}
  verdict receive(envelope) override { return verdict::go_on; }

 private:
  const std::shared_ptr<int> held_;
};

class caf_listener final : public caf::event_based_actor {
 public:
  caf_listener(caf::actor_config& config, std::latch& heard)
      : caf::event_based_actor{config}, heard_{heard} {}
  caf::behavior make_behavior() override {
    return {[this](int) { heard_.count_down(); }};
  }

 private:
  std::latch& heard_;
};

class ReadyActors : public testing::TestWithParam<unsigned> {};

INSTANTIATE_TEST_SUITE_P(Threads, ReadyActors, testing::Values(1u, 2u, 4u, 20u));

TEST_P(ReadyActors, EachMessageIsHandledOnceAndByOneThreadAtATime) {
  constexpr std::size_t actors = 100;
  constexpr std::size_t senders = 3;
  constexpr std::size_t rounds = 200;
  struct state {
    std::atomic<bool> busy{false};
    std::atomic<std::size_t> handled{0};
  };
  std::vector<state> states(actors);
  std::atomic<std::size_t> left{actors * senders * rounds * 2};
  std::latch done{1};
  std::vector<mailbox> all(actors);
  {
    nexus::system sys{{.threads = GetParam()}};
    for (std::size_t i = 0; i < actors; ++i) {
      all[i] = sys.spawn(std::make_unique<calling>([&, i](const mailbox& self) {
        auto& mine = states[i];
        EXPECT_FALSE(mine.busy.exchange(true));
        // Every other message is one of its own.
        if (mine.handled.fetch_add(1) < senders * rounds) self.send(envelope{new token});
        mine.busy = false;
        if (left.fetch_sub(1) == 1) done.count_down();
      }));
    }
    std::vector<std::jthread> threads;
    for (std::size_t s = 0; s < senders; ++s) {
      threads.emplace_back([&] {
        for (std::size_t n = 0; n < rounds; ++n) {
          for (const auto& one : all) one.send(envelope{new token});
        }
      });
    }
    done.wait();
    for (auto& one : all) std::exchange(one, {}).send(envelope{});
  }
  for (const auto& one : states) EXPECT_EQ(one.handled, senders * rounds * 2);
}

TEST(ReadyActor, ABusyOneLeavesTheThreadToCafsOwnActors) {
  nexus::system sys{{.threads = 1}};
  std::atomic<bool> over{false};
  const auto busy = sys.spawn(std::make_unique<calling>([&](const mailbox& self) {
    if (!over) self.send(envelope{new token});
  }));
  busy.send(envelope{new token});
  std::latch heard{100};
  const auto other = sys.caf().spawn<caf_listener>(std::ref(heard));
  for (int i = 0; i < 100; ++i) send(other, i);
  heard.wait();
  over = true;
  busy.send(envelope{});
}

TEST(ReadyActor, OneThatGetsNoMessageEndsWithItsMailbox) {
  nexus::system sys{{.threads = 1}};
  const auto alive = std::make_shared<int>();
  sys.spawn(std::make_unique<silent>(alive));
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(ReadyActor, ThoseThatAreQueuedWhenTheSchedulerEndsAreReleased) {
  const auto alive = std::make_shared<int>();
  for (int round = 0; round < 20; ++round) {
    caf::actor_system_config config;
    caf::actor_system adopted{config};
    adopted.await_actors_before_shutdown(false);
    nexus::system sys{adopted};
    for (int i = 0; i < 500; ++i) {
      sys.spawn(std::make_unique<silent>(alive)).send(envelope{new token});
    }
  }
  EXPECT_EQ(alive.use_count(), 1);
}

}}  // namespace nexus::test
