// The code of docs/timers.md, compiled and run.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <chrono>
#include <memory>
#include <nexus/nexus.hpp>
#include <nexus/stepping.hpp>
#include <nexus/supervisor.hpp>
#include <nexus/timers.hpp>
#include <string>
#include <vector>

#include "caf_dialect.hpp"

using namespace std::chrono_literals;

namespace {

class session : public caf::event_based_actor {
 public:
  session(caf::actor_config& config, std::vector<std::string>* log)
      : caf::event_based_actor{config}, log_{log} {}

  caf::behavior make_behavior() override {
    timers_.once("idle", 30s, [this] { quit(); });
    timers_.at_fixed_rate("tick", 10s, [this] { log_->push_back("tick"); });
    timers_.with_fixed_delay("poll", 15s, [this] { poll(); });
    return {[this](const std::string& line) {
      log_->push_back(line);
      timers_.once("idle", 30s, [this] { quit(); });  // replaces the timer set before
    }};
  }

 private:
  void poll() {
    log_->push_back("poll");
    timers_.cancel("poll");
  }

  std::vector<std::string>* log_;
  nexus::timers timers_{this};
};

}  // namespace

TEST(TimersPage, Timers) {
  nexus::system sys{{.stepped = true}};
  std::vector<std::string> log;
  auto one = sys.caf().spawn<session>(&log);
  ASSERT_TRUE(sys.stepping()->advance(25s));
  nexus::test::send(one, std::string{"hello"});
  ASSERT_TRUE(sys.stepping()->advance(1h));
  EXPECT_EQ(log,
            (std::vector<std::string>{"tick", "poll", "tick", "hello", "tick", "tick", "tick"}));
}

TEST(TimersPage, TimersOfASupervisedActor) {
  nexus::system sys{{.stepped = true}};
  int ticks = 0;
  nexus::supervisor group{sys, "group"};
  auto make = [&ticks](caf::event_based_actor* self) -> caf::behavior {
    auto timers = std::make_shared<nexus::timers>(self);
    timers->at_fixed_rate("tick", 1s, [&ticks] { ++ticks; });
    return {[timers](int) { throw std::runtime_error{"oops"}; }};
  };
  auto one = group.spawn("one", make).value();
  ASSERT_TRUE(sys.stepping()->advance(1500ms));
  EXPECT_EQ(ticks, 1);
  nexus::test::send(one, 1);
  ASSERT_TRUE(sys.stepping()->advance(1s));
  EXPECT_EQ(ticks, 1);  // the old one is gone, the new one is not due
  ASSERT_TRUE(sys.stepping()->advance(1s));
  EXPECT_EQ(ticks, 2);
}
