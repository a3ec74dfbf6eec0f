// Alarms of real systems on PostgreSQL: a server that is down when they come due, and two systems
// on one database.
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
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

/// How often the holds "0" to `ids` - 1 have expired, together; none if the server is down.
std::optional<std::vector<int>> times_expired(const store& in, int ids) {
  auto session = in.open_session();
  if (!session) return std::nullopt;
  std::vector<int> all;
  for (int i = 0; i < ids; ++i) {
    int n = 0;
    const auto id = *persistence_id::make("hold", std::to_string(i));
    const auto read = (*session)->replay(id, 1, sequence_nr_max, 1'000, [&](const record_view& r) {
      n += r.event.type == "expired" ? 1 : 0;
      return true;
    });
    if (!read) return std::nullopt;
    all.push_back(n);
  }
  return all;
}

int expired(const store& in, int ids) {
  const auto all = times_expired(in, ids);
  return all ? static_cast<int>(
                   std::count_if(all->begin(), all->end(), [](int n) { return n > 0; }))
             : -1;
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
  ASSERT_TRUE(wait_until([&] { return expired(opened, ids) >= 10; }));
  own.stop_immediate();
  ASSERT_TRUE(wait_until([&] { return now() > last_due; }));
  own.start();
  EXPECT_TRUE(wait_until([&] { return expired(opened, ids) == ids; }, 60s));
  EXPECT_EQ(times_expired(opened, ids), std::vector<int>(ids, 1));
  EXPECT_TRUE(wait_until([&] { return holds.live() == 0; }));
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
  const auto alarms = [&] { return cluster::value_at(uri, "SELECT count(*) FROM nexus_alarms"); };
  EXPECT_TRUE(wait_until([&] { return alarms() == "0"; })) << alarms();
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
