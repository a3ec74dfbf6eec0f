// Alarms on threads and in real time, on SQLite: many of them, beside commands, passivation, ends
// and other processes.
#include <atomic>
#include <deque>
#include <random>
#include <thread>

#include "hold.hpp"
#include "snooze.hpp"
#include "store_fixture.hpp"
#include "waker.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

/// Everything about other processes goes faster; nothing else.
nexus::detail::alarm_times fast() {
  nexus::detail::alarm_times t;
  t.look_every = 100ms;
  t.beat_every = 20ms;
  t.stopped_after = 500ms;
  return t;
}

struct AlarmRealTime : testing::Test {
  AlarmRealTime() { expiry = at_expiry::expires; }

  temporary_folder folder;
  const std::string uri = "sqlite:" + folder.path("test.db") + "?synchronous=normal";

  result<store> open() const { return nexus::open(uri, {sqlite_backend()}); }

  static bool eventually(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < end) {
      if (holds()) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }
  /// How often the holds "0" to `ids` - 1 have expired, together; -1 if one expired twice.
  static std::int64_t all_expired(const store& in, int ids) {
    auto session = *in.open_session();
    std::int64_t sum = 0;
    for (int i = 0; i < ids; ++i) {
      std::int64_t n = 0;
      const auto id = *persistence_id::make("hold", std::to_string(i));
      EXPECT_TRUE(session->replay(id, 1, 1'000, 1'000, [&](const record_view& r) {
        n += r.event.type == "expired";
        return true;
      }));
      if (n > 1) return -1;
      sum += n;
    }
    return sum;
  }
  static void reserve(entities<hold>& holds, int ids, std::int64_t ms) {
    std::deque<asked<void>> answers;
    for (int i = 0; i < ids; ++i) {
      answers.push_back(holds.of(std::to_string(i)).ask(hold::reserve{ms + i}));
    }
    for (auto& one : answers) ASSERT_TRUE(one.get(30s));
  }
};

}  // namespace

TEST_F(AlarmRealTime, EveryHoldExpiresOnce) {
  nexus::system sys{{.threads = 2}};
  const auto journal = open();
  entities<hold> holds{sys, *journal, {.passivate_after = 20ms}};
  reserve(holds, 500, 50);
  EXPECT_TRUE(eventually([&] { return all_expired(*journal, 500) == 500; }));
  EXPECT_TRUE(eventually([&] { return holds.live() == 0; }));
  EXPECT_EQ(all_expired(*journal, 500), 500);
  EXPECT_EQ(sys.metrics().count("nexus_alarms_failed_total", "", {{"entity", "hold"}}).value(), 0u);
}

TEST_F(AlarmRealTime, CommandsAndAlarmsOfOneEntityDoNotDisturbEachOther) {
  nexus::system sys{{.threads = 2}};
  const auto journal = open();
  entities<hold> holds{sys, *journal, {.passivate_after = 1ms}};
  std::atomic<int> failed{0};
  std::vector<std::jthread> askers;
  for (unsigned t = 0; t < 3; ++t) {
    askers.emplace_back([&, t] {
      std::minstd_rand draw{t + 1};
      for (int i = 0; i < 300; ++i) {
        const auto to = holds.of(std::to_string(draw() % 20));
        failed += !to.ask(hold::reserve{static_cast<std::int64_t>(draw() % 4)}).get(30s);
        if (draw() % 4 == 0) std::this_thread::sleep_for(1ms);
      }
    });
  }
  askers.clear();
  EXPECT_EQ(failed, 0);
  EXPECT_TRUE(eventually([&] {
    auto session = *journal->open_session();
    for (int i = 0; i < 20; ++i) {
      const auto left = session->alarm_of(*persistence_id::make("hold", std::to_string(i)));
      if (!left || *left) return false;
    }
    return true;
  }));
}

TEST_F(AlarmRealTime, ASystemMayEndAtAnyMoment) {
  for (int round = 0; round < 20; ++round) {
    nexus::system sys{{.threads = 2}};
    const auto journal = open();
    entities<hold> holds{sys, *journal};
    reserve(holds, 30, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds{round});
    if (round % 2 != 0) continue;
    EXPECT_TRUE(sys.shutdown(30s).complete());
  }
  nexus::system sys{{.threads = 2}};
  const auto journal = open();
  entities<hold> holds{sys, *journal};
  EXPECT_TRUE(eventually([&] {
    auto session = *journal->open_session();
    for (int i = 0; i < 30; ++i) {
      const auto left = session->alarm_of(*persistence_id::make("hold", std::to_string(i)));
      if (!left || *left) return false;
    }
    return true;
  })) << "what the others left is run";
}

TEST_F(AlarmRealTime, EntitiesMayEndAndBeginWhileTheSystemGoesOn) {
  nexus::system sys{{.threads = 2}};
  const auto journal = open();
  for (int round = 0; round < 20; ++round) {
    entities<hold> holds{sys, *journal};
    reserve(holds, 10, 0);
  }
  entities<hold> holds{sys, *journal};
  EXPECT_TRUE(eventually([&] {
    auto session = *journal->open_session();
    for (int i = 0; i < 10; ++i) {
      const auto left = session->alarm_of(*persistence_id::make("hold", std::to_string(i)));
      if (!left || *left) return false;
    }
    return true;
  }));
}

TEST_F(AlarmRealTime, AnotherProcessTakesOverWhenOneEnds) {
  const auto in_b = open();
  nexus::system b{{.threads = 2}};
  const auto waker_b = nexus::detail::waker::of(b, fast());
  entities<hold> holds_b{b, *in_b};
  {
    const auto in_a = open();
    nexus::system a{{.threads = 2}};
    const auto waker_a = nexus::detail::waker::of(a, fast());
    entities<hold> holds_a{a, *in_a};
    reserve(holds_a, 50, 2'000);
  }
  EXPECT_TRUE(eventually([&] { return all_expired(*in_b, 50) == 50; }));
}

TEST_F(AlarmRealTime, TwoStoresOfOneSystemHaveOneWaker) {
  nexus::system sys{{.threads = 2}};
  const auto first = open();
  const auto second = nexus::open("memory:");
  entities<hold> holds{sys, *first};
  entities<snooze<2>> naps{sys, *second};
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(naps.of(std::to_string(i)).ask(snooze<2>::set{50}).get(30s));
  }
  reserve(holds, 10, 50);
  EXPECT_EQ(nexus::detail::waker::of(sys), nexus::detail::waker::of(sys));
  EXPECT_TRUE(eventually([&] { return all_expired(*first, 10) == 10; }));
  EXPECT_TRUE(eventually([&] {
    int rung = 0;
    for (int i = 0; i < 10; ++i) {
      rung += naps.of(std::to_string(i)).ask(snooze<2>::rings{}).get(30s) == 1;
    }
    return rung == 10;
  }));
}
