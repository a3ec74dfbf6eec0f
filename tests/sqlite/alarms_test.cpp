// Alarms in SQLite: what an append without one costs, what a page reads, and rows that no journal
// wrote.
#include <fmt/format.h>

#include <array>
#include <nexus/testkit/contract/terse_session.hpp>

#include "persistence/sqlite_fixture.hpp"
#include "session.hpp"

namespace {

using nexus::errc;
using namespace nexus::testkit;
namespace sqlite = nexus::sqlite;

class SqliteAlarms : public SqliteTest {
 protected:
  SqliteAlarms() {
    const auto where = sqlite::address::from(nexus::uri::parse("sqlite:" + path()).value()).value();
    (void)session();  // makes the tables
    auto first = sqlite::open_database(where, sqlite::open_mode::existing).value();
    auto file = sqlite::journal_file::of(path(), where.name, first->getHandle()).value();
    auto opened = sqlite::session::connect(where, *file).value();
    under = opened.get();
    one = terse_session{std::make_unique<sqlite::session>(
        where, file, std::move(opened), std::make_shared<nexus::commit_signal>())};
  }

  // The sum of a counter over the prepared statements about alarms.
  [[nodiscard]] int counted(int counter) const {
    int sum = 0;
    auto* db = under->db->getHandle();
    for (auto* s = sqlite3_next_stmt(db, nullptr); s != nullptr; s = sqlite3_next_stmt(db, s)) {
      if (std::string_view{sqlite3_sql(s)}.find("nexus_alarms") == std::string_view::npos) continue;
      sum += sqlite3_stmt_status(s, counter, 1);
    }
    return sum;
  }

  const nexus::persistence_id alice = "account|alice"_id;
  const nexus::persistence_id bob = "account|bob"_id;
  terse_session one;
  sqlite::connection* under = nullptr;
};

TEST_F(SqliteAlarms, AWriteThatLeavesTheAlarmAloneRunsNoStatementForIt) {
  EXPECT_EQ(one.append_all({{alice, 0, {"a"}}, {bob, 0, {"x"}}}), "stored, stored");
  EXPECT_EQ(one.append_all({{alice, 0, {"stale"}}, {bob, 1, {"y"}}}), "conflict 1, stored");
  EXPECT_EQ(one.upsert_all({{alice, 0, 1, state("one")}, {bob, 1, 2}}), "stored, conflict 0");
  EXPECT_EQ(counted(SQLITE_STMTSTATUS_RUN), 0);
  EXPECT_EQ(one.append_all({{alice, 1, {"b"}, own_writer, due_at(7)}, {bob, 2, {"z"}}}),
            "stored, stored");
  EXPECT_EQ(counted(SQLITE_STMTSTATUS_RUN), 1) << "for alice alone";
}

TEST_F(SqliteAlarms, APageOfDueAlarmsReadsNoMoreThanItsRowsOfEachType) {
  for (const auto* const type : {"account", "order", "stay"}) {
    sql(
        fmt::format("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                    "5000) INSERT INTO nexus_alarms SELECT '{0}|' || i, '{0}', 7, 0, '{1}' FROM n",
                    type, own_writer.to_string()));
  }
  const nexus::stored_alarm after{"account|3"_id, moment(7), own_writer};
  for (const auto* from : {static_cast<const nexus::stored_alarm*>(nullptr), &after}) {
    (void)counted(SQLITE_STMTSTATUS_VM_STEP);
    const auto page = one.alarms({"account", "order"}, moment(7), 10, from);
    ASSERT_EQ(page.size(), 10U);
    EXPECT_EQ(page[0].id.str(), from == nullptr ? "account|1" : "account|30");
    EXPECT_EQ(counted(SQLITE_STMTSTATUS_SORT), 0);
    EXPECT_EQ(counted(SQLITE_STMTSTATUS_FULLSCAN_STEP), 0);
    EXPECT_LT(counted(SQLITE_STMTSTATUS_VM_STEP), 1'000);
  }
  const auto types = must(one.inner().due_types(0, moment(7), 10));
  EXPECT_EQ(types.size(), 3U);
  EXPECT_LT(counted(SQLITE_STMTSTATUS_VM_STEP), 1'000);
}

TEST_F(SqliteAlarms, ACorruptAlarmIsAnErrorThatNamesItsId) {
  ASSERT_EQ(one.append(request{alice, 0, {"a"}, own_writer, due_at(9)}), "stored");
  const std::array<std::string_view, 1> types{"account"};
  for (std::string column : {"writer_id = 'nobody'", "writer_id = x'00'", "due = 1.5"}) {
    sql("UPDATE nexus_alarms SET " + column);
    const auto bad = "bad " + column.substr(0, column.find(' '));
    for (const auto& why :
         {one.inner().due(0, {types}, 10).error(), one.inner().alarm_of(alice).error()}) {
      EXPECT_EQ(why.code, errc::corrupt) << column;
      expect_names(why, "the alarm of account|alice");
      expect_names(why, bad);
    }
  }
  ASSERT_EQ(one.append(request{bob, 0, {"a"}, own_writer, due_at(10)}), "stored");
  std::vector<std::string> told;
  const std::function<void(const nexus::error&)> tell = [&](const nexus::error& e) {
    told.push_back(e.message);
  };
  const auto left = one.inner().due(0, {types, moment(99), nullptr, &tell}, 10);
  ASSERT_TRUE(left) << "a reader that is told of it goes on";
  EXPECT_EQ(left->size(), 1u);
  EXPECT_EQ(left->front().id, bob);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told.front().find("account|alice"), std::string::npos) << told.front();
  ASSERT_EQ(one.set_due(bob, 1, nexus::due_change::clear()), "stored");
  sql("UPDATE nexus_alarms SET due = 'soon'");
  const auto read = one.inner().alarm_of(alice);
  ASSERT_FALSE(read);
  expect_names(read.error(), "bad due");
  EXPECT_EQ(one.set_due(alice, 1, due_at(5)), "stored") << "it is written over";
  EXPECT_EQ(one.alarm(alice), "5 o");
  sql("UPDATE nexus_alarms SET entity_type = 'order'");
  EXPECT_EQ(code_of(one.inner().alarm_of(alice)), "corrupt");
  sql("UPDATE nexus_alarms SET persistence_id = 'no bar', entity_type = 'account'");
  EXPECT_EQ(code_of(one.inner().due(0, {types}, 10)), "corrupt");
  sql("UPDATE nexus_alarms SET entity_type = x'00'");
  EXPECT_EQ(code_of(one.inner().due_types(0, moment(9), 1)), "corrupt");
  EXPECT_EQ(one.history(alice), "1:a");
}

}  // namespace
