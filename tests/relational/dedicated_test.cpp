// Relational entities that hold a connection for their lives.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <nexus/detail/dedicated_sessions.hpp>
#include <nexus/nexus.hpp>
#include <nexus/relational.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <string>
#include <thread>
#include <vector>

#include "jar.hpp"
#include "postgres/cluster.hpp"
#include "temporary_folder.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;
using testkit::must;

struct tin {
  static constexpr std::string_view entity_type = "tin";
  struct state {
    std::int64_t n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  struct add {};
  using command = std::variant<add>;
  static effect<tin> decide(const state& s, const add&) { return persist(state{s.n + 1}); }
};

// -- in virtual time ------------------------------------------------------------------------------

class DedicatedInVirtualTime : public ::testing::Test {
 protected:
  DedicatedInVirtualTime() { must(plain_->execute(jars_table)); }
  std::int64_t add(const entities<jar>& to, int id, std::int64_t n = 1) {
    return must(det_.get(to.of(std::to_string(id)).ask(jar::add{n})));
  }
  /// Sessions of the pool of jars, by their state.
  double sessions(std::string_view state) { return value("nexus_pool_sessions", state); }
  double waiting() { return value("nexus_pool_waiting", {}); }
  double value(std::string_view metric, std::string_view state) {
    double sum = 0;
    for (const auto& family : store_.metrics().collect()) {
      if (family.name != metric) continue;
      for (const auto& one : family.samples) {
        bool of_jars = false, in_state = state.empty();
        for (const auto& [name, value] : one.labels) {
          of_jars = of_jars || (name == "pool" && value.ends_with(" of jar"));
          in_state = in_state || value == state;
        }
        if (of_jars && in_state) sum += one.value;
      }
    }
    return sum;
  }

  temporary_folder folder_{};
  testkit::deterministic_system det_{};
  store store_ = must(det_.open("sqlite:" + folder_.path("jars.db"), {sqlite_backend()}));
  std::unique_ptr<journal_session> plain_ = must(store_.open_session());
};

TEST_F(DedicatedInVirtualTime, TheFifthOfFourTakesThePlaceOfTheOneUsedLeastRecently) {
  std::vector<std::string> left;
  auto options = dedicated(4);
  options.on_signal = [&](const entity_signal& s) {
    if (s.what == entity_signal::kind::passivated) left.emplace_back(s.id);
  };
  const entities<jar> jars{det_, store_, options};
  ASSERT_TRUE(jars.status()) << jars.status().error().message;
  for (int id = 1; id <= 4; ++id) {
    EXPECT_EQ(add(jars, id), 1);
    det_.advance(1s);
  }
  EXPECT_EQ(sessions("in_use"), 4);
  EXPECT_EQ(add(jars, 1), 2);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(add(jars, 5), 1) << "with no time passing";
  EXPECT_EQ(left, (std::vector<std::string>{"jar|2"}));
  EXPECT_EQ(jars.live(), 4u);
  EXPECT_EQ(add(jars, 2), 2);
  EXPECT_EQ(left, (std::vector<std::string>{"jar|2", "jar|3"}));
  EXPECT_EQ(sessions("in_use"), 4);
}

TEST_F(DedicatedInVirtualTime, TheFifthGoesOnTheMomentOneOfFourBusyOnesIsIdle) {
  const entities<jar> jars{det_, store_, dedicated(4)};
  std::deque<asked<std::int64_t>> full;
  for (int id = 1; id <= 4; ++id) {
    full.push_back(jars.of(std::to_string(id)).ask(jar::when_full{10}));
  }
  det_.drain();
  auto fifth = jars.of("5").ask(jar::add{1});
  auto sixth = jars.of("6").ask(jar::add{1});
  det_.advance(20s);
  EXPECT_FALSE(fifth.is_answered());
  EXPECT_EQ(jars.live(), 6u);
  const auto before = det_.now();
  EXPECT_EQ(add(jars, 3, 10), 10);
  EXPECT_EQ(must(det_.get(full[2])), 10);
  EXPECT_EQ(must(det_.get(fifth)), 1);
  EXPECT_EQ(must(det_.get(sixth)), 1) << "the fifth is idle, and the sixth has waited";
  EXPECT_EQ(det_.now(), before);
  EXPECT_EQ(jars.live(), 4u);
  EXPECT_FALSE(full[0].is_answered());
}

TEST_F(DedicatedInVirtualTime, ACommandIsToldWhyThereWasNoConnectionForItsEntity) {
  const entities<jar> jars{det_, store_, dedicated(1, {.recovery_timeout = 5s})};
  auto full = jars.of("1").ask(jar::when_full{10});
  det_.drain();
  auto second = jars.of("2").ask(jar::add{1});
  det_.advance(4s);
  EXPECT_FALSE(second.is_answered());
  det_.advance(1s);
  const auto late = det_.get(second);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::pool_exhausted);
  EXPECT_EQ(late.error().message,
            "jar|2: no connection became free within 5000 ms: 1 of 1 are held, and 1 entities "
            "wait");
  EXPECT_EQ(add(jars, 1, 10), 10);
  EXPECT_EQ(must(det_.get(full)), 10);
  EXPECT_EQ(must(det_.get(jars.of("2").ask(jar::add{1}), 1s)), 1) << "after its pause";
}

TEST_F(DedicatedInVirtualTime, PassivationReturnsTheConnection) {
  const entities<jar> jars{det_, store_, dedicated(4, {.passivate_after = 60s})};
  add(jars, 1);
  add(jars, 2);
  EXPECT_EQ(sessions("in_use"), 2);
  det_.advance(3min);
  EXPECT_EQ(jars.live(), 0u);
  EXPECT_EQ(sessions("in_use"), 0);
  EXPECT_EQ(add(jars, 1), 2);
}

TEST_F(DedicatedInVirtualTime, AFlushWritesWhatWaitsForADedicatedConnection) {
  const entities<jar> jars{det_, store_, dedicated(4)};
  add(jars, 1);
  det_.steps().hold(executor::work::read);  // the threads of dedicated sessions, too
  auto added = jars.of("1").ask(jar::add{1});
  det_.drain();
  const auto beans = [&] { return must(plain_->query<std::int64_t>("SELECT beans FROM jars")); };
  EXPECT_EQ(beans().at(0), 1);
  EXPECT_TRUE(store_.flush(1s));
  EXPECT_EQ(beans().at(0), 2);
  EXPECT_EQ(must(det_.get(added)), 2);
  det_.steps().release(executor::work::read);
}

TEST_F(DedicatedInVirtualTime, ASessionThatOutlivesItsHolderIsALeakThatIsNamed) {
  const auto sessions = must(detail::dedicated_to(store_, "jar", 1));
  detail::session_holder holder;
  sessions->ask("jar|7", {}, [&](auto got) { holder = must(std::move(got)); });
  det_.drain();
  ASSERT_TRUE(holder);
  det_.advance(1h);
  sessions->tend();
  EXPECT_EQ(sessions->statistics().leaks, 0u) << "its holder lives";
  det_.steps().hold(executor::work::read);
  ASSERT_TRUE(sessions->read(holder, [](auto&) { return result<void>{}; }));
  holder = {};
  det_.advance(29s);
  sessions->tend();
  EXPECT_EQ(sessions->statistics().leaks, 0u);
  det_.advance(1s);
  testing::internal::CaptureStderr();
  sessions->tend();
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("of jar: jar|7 has ended, and its session is not back after 30.0 s"),
            std::string::npos)
      << said;
  EXPECT_EQ(sessions->statistics().leaks, 1u);
  det_.steps().release(executor::work::read);
  det_.drain();
  EXPECT_EQ(sessions->statistics().in_use, 0u);
}

TEST_F(DedicatedInVirtualTime, AStoreClosesUnderEntitiesThatHoldItsSessions) {
  const entities<jar> jars{det_, store_, dedicated(4)};
  add(jars, 1);
  EXPECT_TRUE(store_.close(1s));
  EXPECT_EQ(sessions("in_use"), 0);
  const auto refused = det_.get(jars.of("1").ask(jar::add{1}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::stopped);
}

// They were called one within the other when a connection became free at last.
TEST_F(DedicatedInVirtualTime, EntitiesThatHaveGivenUpLeaveTheQueue) {
  const entities<jar> jars{det_, store_, dedicated(1, {.recovery_timeout = 1s})};
  auto full = jars.of("1").ask(jar::when_full{10});
  det_.drain();
  for (int i = 0; i < 3; ++i) {
    std::deque<asked<std::int64_t>> all;
    for (int id = 2; id < 500; ++id) all.push_back(jars.of(std::to_string(id)).ask(jar::add{1}));
    det_.advance(10s);
    for (auto& one : all) EXPECT_EQ(det_.get(one).error().code, errc::pool_exhausted);
    EXPECT_EQ(jars.live(), 1u);
    EXPECT_EQ(sessions("in_use"), 1);
  }
  EXPECT_EQ(waiting(), 0);
  EXPECT_EQ(add(jars, 1, 10), 10);
  EXPECT_EQ(must(det_.get(full)), 10);
  EXPECT_EQ(add(jars, 2), 1);
}

TEST_F(DedicatedInVirtualTime, AnIdleOneGoesInsteadOfOneThatWasAskedAndCouldNot) {
  const entities<jar> jars{det_, store_, dedicated(2)};
  add(jars, 1);
  det_.advance(1s);
  add(jars, 2);
  // The first is asked to leave for the third, and gets a command before it is.
  auto third = jars.of("3").ask(jar::add{1});
  auto busy = jars.of("1").ask(jar::when_full{10});
  EXPECT_EQ(must(det_.get(third)), 1);
  EXPECT_FALSE(busy.is_answered());
}

TEST_F(DedicatedInVirtualTime, OptionsThatCannotBeKeptAreTold) {
  const entities<jar> none{det_, store_, dedicated(0)};
  ASSERT_FALSE(none.status());
  EXPECT_EQ(none.status().error().message,
            "entities \"jar\": dedicated_max must be within 1 and 10000");
  const entities<tin> tins{det_, store_, dedicated(1)};
  ASSERT_FALSE(tins.status());
  EXPECT_EQ(tins.status().error().message,
            "entities \"tin\": only relational entities hold connections");
}

// -- on real databases ----------------------------------------------------------------------------

class Dedicated : public ::testing::TestWithParam<const char*> {
 protected:
  Dedicated() { run(jars_table); }
  void run(std::string_view sql) { must(plain_->execute(sql)); }
  std::int64_t number(std::string_view sql) { return must(plain_->query<std::int64_t>(sql)).at(0); }
  [[nodiscard]] bool is_sqlite() const { return std::string_view{GetParam()} == "sqlite"; }

  temporary_folder folder_{};
  const std::string uri_ =
      is_sqlite() ? "sqlite:" + folder_.path("jars.db") : cluster::shared().fresh_database();
  store store_ = must(nexus::open(uri_));
  std::unique_ptr<journal_session> plain_ = must(store_.open_session());
};

TEST_P(Dedicated, ManyEntitiesShareAFewConnections) {
  nexus::system sys{{.threads = 2}};
  const entities<jar> jars{sys, store_, dedicated(4)};
  ASSERT_TRUE(jars.status()) << jars.status().error().message;
  constexpr int ids = 40, rounds = 5;
  for (int i = 0; i < rounds; ++i) {
    std::deque<asked<std::int64_t>> all;
    for (int id = 0; id < ids; ++id) {
      all.push_back(jars.of(std::to_string(id)).ask(jar::add{1}));
      all.push_back(jars.of(std::to_string(id)).ask(jar::add{1}));
    }
    for (auto& one : all) {
      const auto done = one.get(60s);
      ASSERT_TRUE(done) << done.error().message;
    }
  }
  EXPECT_EQ(number("SELECT count(*) FROM jars WHERE beans = 10"), ids);
  EXPECT_TRUE(wait_until([&] { return jars.live() <= 4; }));
}

TEST_P(Dedicated, AStoreClosesUnderEntitiesThatHoldItsSessions) {
  nexus::system sys{{.threads = 2}};
  const entities<jar> jars{sys, store_, dedicated(4)};
  for (int id = 0; id < 3; ++id) {
    ASSERT_TRUE(jars.of(std::to_string(id)).ask(jar::add{1}).get(60s));
  }
  plain_.reset();
  const auto closed = store_.close(60s);
  EXPECT_TRUE(closed) << closed.error().message;
  const auto refused = jars.of("1").ask(jar::add{1}).get(60s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::stopped) << refused.error().message;
}

// Answers are lost with the connections: what was acknowledged is stored, once.
TEST_P(Dedicated, NoAcknowledgedWriteIsLostOrDoubledWhenConnectionsBreak) {
  if (is_sqlite()) GTEST_SKIP() << "SQLite has no connections that break";
  nexus::system sys{{.threads = 2}};
  const entities<jar> jars{sys, store_, dedicated(4, {.backoff_min = 1ms, .backoff_max = 20ms})};
  constexpr int ids = 6;
  std::map<int, std::int64_t> stored, unknown;
  std::atomic<bool> over{false};
  std::jthread breaker{[&] {
    while (!over) {
      for (const auto pid : cluster::shared().backends(uri_)) ::kill(pid, SIGTERM);
      std::this_thread::sleep_for(30ms);
    }
  }};
  for (int i = 0; i < 60; ++i) {
    std::vector<std::pair<int, asked<std::int64_t>>> all;
    for (int id = 0; id < ids; ++id) {
      all.emplace_back(id, jars.of(std::to_string(id)).ask(jar::add{1}));
    }
    for (auto& [id, one] : all) {
      const auto done = one.get(60s);
      if (done) {
        ++stored[id];
      } else if (done.error().code == errc::outcome_unknown) {
        ++unknown[id];
      } else {
        EXPECT_NE(done.error().code, errc::timeout) << done.error().message;
      }
    }
  }
  over = true;
  breaker.join();
  plain_ = must(store_.open_session());
  std::int64_t acknowledged = 0;
  for (int id = 0; id < ids; ++id) {
    auto counted = jars.of(std::to_string(id)).ask(jar::count{}).get(60s);
    // The last breaks may still be noticed, and the circuit breaker may be open.
    EXPECT_TRUE(wait_until([&] {
      if (!counted) counted = jars.of(std::to_string(id)).ask(jar::count{}).get(60s);
      return counted.has_value();
    }));
    const auto beans = must(std::move(counted));
    EXPECT_GE(beans, stored[id]);
    EXPECT_LE(beans, stored[id] + unknown[id]);
    acknowledged += stored[id];
  }
  EXPECT_GT(acknowledged, 0);
}

INSTANTIATE_TEST_SUITE_P(Databases, Dedicated, ::testing::Values("sqlite", "postgres"),
                         [](const auto& of) { return std::string{of.param}; });

}}  // namespace nexus::test
