// Alarms of real systems on PostgreSQL: a server that is down when they come due, and two systems
// on one database.
#include <atomic>
#include <deque>
#include <nexus/nexus.hpp>
#include <random>
#include <thread>

#include "behaviors/hold.hpp"
#include "journal_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

class PostgresAlarmSystems : public PostgresTest {
 protected:
  PostgresAlarmSystems() { expiry = at_expiry::expires; }
};

timestamp now() { return wall_clock{}.now(); }

/// None if the server is down.
std::optional<std::int64_t> count(const store& in, const std::string& of) {
  auto lent = in.sessions().borrow();
  if (!lent) return std::nullopt;
  const auto read = (*lent)->query<std::int64_t>("SELECT count(*) FROM " + of);
  return read ? std::optional{read->front()} : std::nullopt;
}

// Some holds are live then, some passive, and some appends are on their way when it stops.
TEST_F(PostgresAlarmSystems, AlarmsThatComeDueWhileTheServerIsDownFireSoonAfterItIsBack) {
  constexpr int ids = 100;
  cluster own{{.fsync = false}};
  const auto opened = must(nexus::open(own.fresh_database()));
  nexus::system sys{{.threads = 2}};
  const entities<hold> holds{sys, opened, {.passivate_after = 2s}};
  std::deque<asked<void>> answers;
  for (int i = 0; i < ids; ++i) {
    answers.push_back(holds.of(std::to_string(i)).ask(hold::reserve{1'000 + 40 * i}));
  }
  for (auto& one : answers) must(one.get(30s));
  const auto last_due = now() + 1'000ms + ids * 40ms;
  const auto expired = [&] {
    return count(opened, "nexus_event_journal WHERE event_type = 'expired'");
  };
  ASSERT_TRUE(wait_until([&] { return expired() >= 10; }));
  own.stop_immediate();
  ASSERT_TRUE(wait_until([&] { return now() > last_due; }));
  own.start();
  EXPECT_TRUE(
      wait_until([&] { return expired() >= ids && count(opened, "nexus_alarms") == 0; }, 60s));
  EXPECT_TRUE(wait_until([&] { return holds.live() == 0; }));
  EXPECT_EQ(expired(), ids);
  EXPECT_EQ(count(opened,
                  "(SELECT DISTINCT persistence_id FROM nexus_event_journal WHERE "
                  "event_type = 'expired') one"),
            ids);
}

/// A process, as far as the database can tell.
struct rival {
  explicit rival(const std::string& uri, std::string of) : name{std::move(of)}, in{*open(uri)} {}

  void note(const entity_signal& s) {
    const auto is_conflict = s.why.code == errc::conflict && !s.why.message.empty();
    conflicts += is_conflict ? 1 : 0;
  }
  // A burst of holds, most of which expire while the next ones are asked for.
  void reserve(std::minstd_rand& draw) {
    std::deque<asked<void>> answers;
    for (int i = 0; i < 100; ++i) {
      const auto to = holds.of(name + std::to_string(draw() % 200));
      answers.push_back(to.ask(hold::reserve{static_cast<std::int64_t>(draw() % 300)}));
    }
    for (auto& one : answers) {
      const auto done = one.get(30s);
      if (!done) ADD_FAILURE() << done.error().message;
    }
  }

  const std::string name;
  std::atomic<int> conflicts{0};
  nexus::system sys{{.threads = 2}};
  const store in;
  const entities<hold> holds{
      sys, in, {.passivate_after = 100ms, .on_signal = [this](const auto& s) { note(s); }}};
};

// For longer than a system watches the heartbeat of another one before it takes its alarms over.
TEST_F(PostgresAlarmSystems, OfTwoSystemsNeitherCausesConflictsOfTheOther) {
  const auto uri = pg.fresh_database();
  rival a{uri, "a"};
  rival b{uri, "b"};
  {
    const auto end = std::chrono::steady_clock::now() + 8s;
    std::vector<std::jthread> askers;
    for (auto* one : {&a, &b}) {
      askers.emplace_back([one, end] {
        std::minstd_rand draw{one->name == "a" ? 1U : 2U};
        while (std::chrono::steady_clock::now() < end) {
          one->reserve(draw);
          std::this_thread::sleep_for(std::chrono::milliseconds{draw() % 200});
        }
      });
    }
  }
  EXPECT_TRUE(wait_until([&] { return count(a.in, "nexus_alarms") == 0; }));
  for (auto* one : {&a, &b}) {
    EXPECT_EQ(one->conflicts, 0) << one->name;
    EXPECT_EQ(cluster::value_at(uri,
                                "SELECT count(DISTINCT writer_id) FROM nexus_event_journal "
                                "WHERE persistence_id LIKE 'hold|" +
                                    one->name + "%'"),
              "1");
    const auto labels = metric_labels{{"entity", "hold"}};
    EXPECT_EQ(one->sys.metrics().count("nexus_alarms_failed_total", "", labels).value(), 0U);
    EXPECT_GT(one->sys.metrics().count("nexus_alarms_fired_total", "", labels).value(), 100U);
  }
}

}}  // namespace nexus::test
