// Alarms on PostgreSQL: transactions that wait for each other, plans, and rows that no journal
// wrote.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <future>
#include <regex>

#include "journal_fixture.hpp"
#include "statements.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using testkit::due_at;
using testkit::moment;
using testkit::no_alarm;
using testkit::other_writer;
using testkit::own_writer;
using testkit::state;

// A connection of another program, with a transaction that ends on demand.
class stranger {
 public:
  explicit stranger(const std::string& uri) : to_{PQconnectdb(uri.c_str()), &PQfinish} {
    run("BEGIN");
  }
  std::string run(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> done{PQexec(to_.get(), sql.c_str()),
                                                             &PQclear};
    const auto status = PQresultStatus(done.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error{PQerrorMessage(to_.get())};
    }
    std::string all;
    for (int row = 0; row < PQntuples(done.get()); ++row) {
      all += std::string{PQgetvalue(done.get(), row, 0)} + "\n";
    }
    return all;
  }
  // As an append of another process does.
  void append(const std::string& id, int number) {
    run(fmt::format(
        "INSERT INTO nexus_event_journal (persistence_id, sequence_nr, transaction_id, position, "
        "event_type, schema_version, codec, event_data, metadata, writer_id, timestamp, slice) "
        "VALUES ('{}', {}, pg_current_xact_id(), 1, 't', 1, 'msgpack', '', '', "
        "'01ARZ3NDEKTSV4RRFFQ69G5FAV', now(), 0)",
        id, number));
  }
  void set_alarm(const std::string& id, int seconds) {
    run(
        fmt::format("INSERT INTO nexus_alarms VALUES ('{}', 'account', to_timestamp({}), 0, "
                    "'{}') ON CONFLICT (persistence_id) DO UPDATE SET due = excluded.due, "
                    "writer_id = excluded.writer_id",
                    id, seconds, other_writer.to_string()));
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> to_;
};

class PostgresAlarms : public PostgresTest {
 protected:
  // Starts `work`, and returns once one of this journal's sessions waits for a lock.
  template <class Work>
  std::future<std::string> waiting(Work work) {
    auto made = std::async(std::launch::async, work);
    EXPECT_TRUE(wait_until([&] {
      return cluster::value_at(uri,
                               "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a "
                               "ON a.pid = l.pid WHERE NOT l.granted AND a.application_name = '" +
                                   name + "'") == "1";
    }));
    return made;
  }

  static inline int made = 0;
  const std::string name = "alarms" + std::to_string(getpid()) + "_" + std::to_string(++made);
  const std::string uri = pg.fresh_schema();
  const std::shared_ptr<journal> store = open_journal(uri + "&application_name=" + name);
  terse_session session{must(store->open_session())};
};

TEST_F(PostgresAlarms, ADueOnlyRequestSeesTheAppendThatItWaitedFor) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  stranger rival{uri};
  rival.append(alice.str(), 2);
  rival.set_alarm(alice.str(), 5);
  auto outcome = waiting([&] { return session.set_due(alice, 1, due_at(9)); });
  rival.run("COMMIT");
  EXPECT_EQ(outcome.get(), "conflict 2");
  EXPECT_EQ(session.alarm(alice), "5000000 x");
}

TEST_F(PostgresAlarms, AnEndOfAnAlarmWaitsForOneThatIsBeingSet) {
  for (const auto& id : {alice, bob}) ASSERT_EQ(session.append(id, 0, {"a"}), "stored");
  for (const bool with_event : {false, true}) {
    const auto& id = with_event ? alice : bob;
    stranger rival{uri};
    rival.set_alarm(id.str(), 5);
    auto outcome = waiting([&] {
      if (with_event) return session.append(request{id, 1, {"b"}, own_writer, no_alarm});
      return session.set_due(id, 1, no_alarm);
    });
    rival.run("COMMIT");
    EXPECT_EQ(outcome.get(), "stored");
    EXPECT_EQ(session.alarm(id), "none") << "no row was there when it began";
  }
}

TEST_F(PostgresAlarms, ADueOnlyRequestOfAStateSeesTheUpsertThatItWaitedFor) {
  ASSERT_EQ(session.upsert(alice, 0, 1, "one"), "stored");
  stranger rival{uri};
  rival.run("UPDATE nexus_durable_state SET version = 2 WHERE persistence_id = 'account|alice'");
  auto outcome = waiting([&] {
    return session.upsert({alice, 1, 1, {}, own_writer, {}, due_at(9)});
  });
  rival.run("COMMIT");
  EXPECT_EQ(outcome.get(), "conflict 2");
  EXPECT_EQ(session.alarm(alice), "none");
}

TEST_F(PostgresAlarms, ErasingWaitsForAnAppendThatSetsTheAlarmAndKeepsIt) {
  ASSERT_EQ(session.append(request{alice, 0, {"a"}, own_writer, due_at(9)}), "stored");
  stranger rival{uri};
  rival.append(alice.str(), 2);
  rival.set_alarm(alice.str(), 5);
  auto done = waiting([&] {
    session.erase_to(alice, 1);
    return std::string{"erased"};
  });
  rival.run("COMMIT");
  EXPECT_EQ(done.get(), "erased");
  EXPECT_EQ(session.alarm(alice), "5000000 x");
  session.erase_to(alice, 2);
  EXPECT_EQ(session.alarm(alice), "none");
}

// Its calls have neither a statement nor a look-up for alarms.
TEST_F(PostgresAlarms, AWriteThatLeavesTheAlarmAloneDoesNotTouchTheTable) {
  stranger holder{uri};
  holder.run("LOCK TABLE nexus_alarms IN ACCESS EXCLUSIVE MODE");
  EXPECT_EQ(session.append_all({{alice, 0, {"a"}}, {bob, 0, {"x"}}}), "stored, stored");
  EXPECT_EQ(session.append_all({{alice, 0, {"stale"}}, {bob, 1, {"y"}}}), "conflict 1, stored");
  EXPECT_EQ(session.upsert_all({{alice, 0, 1, state("one")}, {bob, 1, 2}}), "stored, conflict 0");
}

TEST_F(PostgresAlarms, APageOfDueAlarmsReadsNoMoreThanItsRowsOfEachType) {
  for (const auto* const type : {"account", "order"}) {
    cluster::execute_at(
        uri, fmt::format("INSERT INTO nexus_alarms SELECT '{0}|' || n, '{0}', to_timestamp(7), 0, "
                         "'{1}' FROM generate_series(1, 5000) n",
                         type, own_writer.to_string()));
  }
  cluster::execute_at(uri, "ANALYZE nexus_alarms");
  const postgres::statements all{schema_choices{}};
  stranger asks{uri};
  asks.run("SET plan_cache_mode = force_generic_plan");
  asks.run("PREPARE due AS " + all.read_due.sql);
  asks.run("PREPARE types AS " + all.read_due_types.sql);
  const auto rows_read = [&](const std::string& call) {
    const auto plan = asks.run("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) EXECUTE " + call);
    EXPECT_EQ(plan.find("Seq Scan on nexus_alarms"), std::string::npos) << plan;
    // Rows and loops of the nodes that read the table, and rows that they dropped.
    const std::regex node{
        "on nexus_alarms.*rows=(\\d+) loops=(\\d+)|Rows Removed by Filter: (\\d+)"};
    int read = 0;
    for (std::sregex_iterator at{plan.begin(), plan.end(), node}, end; at != end; ++at) {
      const auto& found = *at;
      read += found[3].matched ? std::stoi(found[3]) : std::stoi(found[1]) * std::stoi(found[2]);
    }
    EXPECT_GT(read, 0) << plan;
    return read;
  };
  EXPECT_LE(rows_read("due ('{account,order}', now(), '-infinity', '', 10)"), 20);
  EXPECT_LE(rows_read("due ('{account,order}', now(), to_timestamp(7), 'account|3', 10)"), 20);
  EXPECT_LE(rows_read("types (now(), 10)"), 40);
  const auto page = session.alarms({"account", "order"}, timestamp::max(), 10);
  ASSERT_EQ(page.size(), 10U);
  EXPECT_EQ(page[1].id.str(), "account|10") << "bytewise";
}

TEST_F(PostgresAlarms, ACorruptAlarmIsAnErrorThatNamesItsId) {
  ASSERT_EQ(session.append(request{alice, 0, {"a"}, own_writer, due_at(9)}), "stored");
  for (std::string column : {"writer_id = 'nobody'", "due = '-infinity'"}) {
    cluster::execute_at(uri, "UPDATE nexus_alarms SET " + column);
    const auto bad =
        "the alarm of account|alice is corrupt: bad " + column.substr(0, column.find(' '));
    const std::array<std::string_view, 1> types{"account"};
    const auto listed = session.inner().due(0, {types}, 10);
    ASSERT_FALSE(listed) << column;
    EXPECT_EQ(listed.error().code, errc::corrupt);
    EXPECT_NE(listed.error().message.find(bad), std::string::npos) << listed.error().message;
    const auto read = session.inner().alarm_of(alice);
    ASSERT_FALSE(read) << column;
    EXPECT_NE(read.error().message.find(bad), std::string::npos) << read.error().message;
  }
  const auto bob = "account|bob"_id;
  ASSERT_EQ(session.append(request{bob, 0, {"a"}, own_writer, due_at(10)}), "stored");
  std::vector<std::string> told;
  const std::function<void(const error&)> tell = [&](const error& e) { told.push_back(e.message); };
  const std::array<std::string_view, 1> accounts{"account"};
  const auto left = session.inner().due(0, {accounts, timestamp::max(), nullptr, &tell}, 10);
  ASSERT_TRUE(left) << "a reader that is told of it goes on";
  EXPECT_EQ(left->size(), 1u);
  EXPECT_EQ(left->front().id, bob);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told.front().find("account|alice"), std::string::npos) << told.front();
  ASSERT_EQ(session.set_due(bob, 1, due_change::clear()), "stored");
  EXPECT_EQ(testkit::code_of(session.inner().due_types(0, timestamp::max(), 1)), "corrupt");
  EXPECT_EQ(session.set_due(alice, 1, due_at(5)), "stored") << "it is written over";
  cluster::execute_at(uri, "UPDATE nexus_alarms SET entity_type = 'order'");
  EXPECT_EQ(testkit::code_of(session.inner().alarm_of(alice)), "corrupt");
  cluster::execute_at(uri, "UPDATE nexus_alarms SET persistence_id = 'no bar'");
  const std::array<std::string_view, 1> types{"order"};
  EXPECT_EQ(testkit::code_of(session.inner().due(0, {types}, 10)), "corrupt");
  EXPECT_EQ(session.history(alice), "1:a");
}

}}  // namespace nexus::test
