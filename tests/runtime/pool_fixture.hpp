// A pool of sessions that only record calls, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <nexus/pool.hpp>
#include <string>
#include <vector>

namespace nexus::test {

using namespace std::chrono_literals;

/// The state of the sessions, and the test's orders to them.
struct pool_world {
  std::atomic<int> alive{0};
  std::atomic<int> most_alive{0};
  std::atomic<int> opened{0};
  std::atomic<bool> down{false};     // opening fails
  std::atomic<int> sick{0};          // this many validations fail
  std::atomic<bool> stuck{false};    // resets fail
  std::vector<std::string> queries;  // of resets and validations, when there is one thread
};

class test_session final : public poolable {
 public:
  test_session(pool_world& w, int n) : number{n}, world_{w} {
    const int now = ++world_.alive;
    int seen = world_.most_alive;
    while (seen < now && !world_.most_alive.compare_exchange_weak(seen, now)) {
    }
  }
  ~test_session() override { --world_.alive; }

  bool broken() const noexcept override { return is_broken || interrupted; }
  bool unfinished() const noexcept override { return in_transaction; }
  bool touched() const noexcept override { return is_touched; }
  result<void> finish() override {
    in_transaction = false;
    ++finishes;
    return world_.stuck ? result<void>{fail(errc::unavailable, "does not roll back")}
                        : result<void>{};
  }
  result<void> reset(const std::string& query) override {
    is_touched = false;
    world_.queries.push_back("reset " + query);
    return {};
  }
  result<void> validate(const std::string& query) override {
    world_.queries.push_back("validate " + query);
    if (world_.sick > 0 && world_.sick-- > 0) return fail(errc::unavailable, "is not valid");
    return {};
  }
  void interrupt() noexcept override { interrupted = true; }

  const int number;
  bool is_broken = false;
  bool in_transaction = false;
  bool is_touched = false;
  int finishes = 0;
  std::atomic<bool> interrupted{false};

 private:
  pool_world& world_;
};

/// Posted jobs wait until `run` is called.
class hand_cranked final : public executor {
 public:
  void post(work, std::function<void()> job) override { jobs_.push_back(std::move(job)); }
  std::chrono::steady_clock::time_point now() const noexcept override { return now_; }
  void pass(std::chrono::nanoseconds d) override { now_ += d; }

  void run() {
    while (!jobs_.empty()) {
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      job();
    }
  }

 private:
  std::deque<std::function<void()>> jobs_;
  std::chrono::steady_clock::time_point now_{std::chrono::hours{1}};
};

/// On one thread: nothing happens except in `go_on` and the calls themselves.
class PoolInVirtualTime : public ::testing::Test {
 protected:
  using test_pool = pool<test_session>;

  test_pool make(pool_options o) {
    o.runs_on = cranked;
    o.name = "test";
    o.on_event = [this](const pool_event& e) {
      auto text = std::string{to_string(e.what)};
      if (e.what == pool_event::kind::destroyed) text += " " + std::string{to_string(e.end)};
      events.push_back(std::move(text));
    };
    auto made = test_pool::make(std::move(o), [this]() -> result<std::unique_ptr<test_session>> {
      if (world.down) return fail(errc::unavailable, "the database is down");
      return std::make_unique<test_session>(world, ++world.opened);
    });
    EXPECT_TRUE(made) << made.error().message;
    cranked->run();
    return *std::move(made);
  }

  void go_on(const test_pool& p, std::chrono::nanoseconds d = {}) {
    cranked->pass(d);
    p.tend();
    cranked->run();
  }

  std::size_t told(const std::string& what) const {
    return static_cast<std::size_t>(std::count(events.begin(), events.end(), what));
  }

  pool_world world;
  std::shared_ptr<hand_cranked> cranked = std::make_shared<hand_cranked>();
  std::vector<std::string> events;
};

}
