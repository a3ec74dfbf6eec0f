// What a pool requires of a session: changes are undone, and calls can be interrupted.
#include <thread>

#include "sql_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

class SqlPooled : public Sql {};

TEST_P(SqlPooled, AFreshSessionIsUntouched) {
  EXPECT_FALSE(one->touched());
  EXPECT_FALSE(one->unfinished());
  EXPECT_FALSE(one->broken());
  must(one->validate("SELECT 1"));
  EXPECT_FALSE(one->touched());
  EXPECT_EQ(code_of(one->validate("SELECT nothing")), "query_failed");
}

TEST_P(SqlPooled, TemporaryTablesAndSettingsDoNotOutliveAReset) {
  const auto set = is_sqlite() ? "PRAGMA cache_size = 7" : "SET work_mem = '7MB'";
  const auto show = is_sqlite() ? "PRAGMA cache_size" : "SHOW work_mem";
  const auto before = must(one->execute(show)).at(0, 0);
  must(one->execute("CREATE TEMPORARY TABLE scratch (n bigint)"));
  must(one->execute(set));
  EXPECT_NE(must(one->execute(show)).at(0, 0), before);
  EXPECT_TRUE(one->touched());
  must(one->reset(""));
  EXPECT_FALSE(one->touched());
  EXPECT_FALSE(one->broken());
  EXPECT_EQ(code_of(one->execute("SELECT * FROM scratch")), "query_failed");
  EXPECT_EQ(must(one->execute(show)).at(0, 0), before);
}

TEST_P(SqlPooled, AResetMayBeACustomQuery) {
  must(one->execute("CREATE TEMPORARY TABLE scratch (n bigint)"));
  must(one->reset("DROP TABLE scratch"));
  EXPECT_FALSE(one->touched());
  EXPECT_EQ(code_of(one->execute("SELECT * FROM scratch")), "query_failed");
  EXPECT_EQ(code_of(one->reset("DROP TABLE scratch")), "query_failed");
}

TEST_P(SqlPooled, AnUnfinishedTransactionIsUndone) {
  must(one->execute("CREATE TABLE t (n bigint)"));
  must(one->begin(isolation::read_committed, false));
  must(one->execute("INSERT INTO t VALUES (1)"));
  EXPECT_TRUE(one->unfinished());
  must(one->finish());
  must(one->reset(""));
  EXPECT_EQ(must(one->query<std::int64_t>("SELECT count(*) FROM t")).at(0), 0);
}

TEST_P(SqlPooled, AnInterruptEndsAStatementAndAllThatFollow) {
  make_endless();
  const auto other = session();
  const auto pid =
      is_sqlite() ? 0 : must(one->query<std::int64_t>("SELECT pg_backend_pid()")).at(0);
  result<sql_rows> done;
  std::thread long_one{[&] { done = one->execute(endless()); }};
  EXPECT_TRUE(wait_until([&] { return endless_runs(*other); }));
  one->interrupt();
  long_one.join();
  EXPECT_EQ(code_of(done), "pool_closed");
  EXPECT_NE(message_of(done).find("interrupted"), std::string::npos) << message_of(done);
  EXPECT_TRUE(one->broken());
  EXPECT_EQ(code_of(one->execute("SELECT 1")), "pool_closed");
  EXPECT_EQ(code_of(one->begin(isolation::read_committed, false)), "pool_closed");
  EXPECT_EQ(code_of(one->highest("account|alice"_id)), "pool_closed");
  EXPECT_EQ(code_of(one->validate("SELECT 1")), "pool_closed");
  if (is_sqlite()) return;
  const auto there = "SELECT 1 FROM pg_stat_activity WHERE pid = $1";
  EXPECT_TRUE(wait_until([&] { return must(other->execute(there, pid)).empty(); }))
      << "the server has seen that its client is gone";
}

TEST_P(SqlPooled, AnInterruptedTransactionIsNotCommitted) {
  must(one->execute("CREATE TABLE t (n bigint)"));
  const auto other = session();
  must(one->begin(isolation::read_committed, false));
  must(one->execute("INSERT INTO t VALUES (1)"));
  one->interrupt();
  EXPECT_EQ(code_of(one->commit()), "pool_closed");
  EXPECT_FALSE(one->unfinished());
  EXPECT_EQ(must(other->query<std::int64_t>("SELECT count(*) FROM t")).at(0), 0);
}

TEST_P(SqlPooled, AnInterruptAtAnyMomentEndsTheSession) {
  for (int i = 0; i < 40; ++i) {
    const auto victim = session();
    std::thread busy{[&] {
      while (victim->execute("SELECT 1") || !victim->broken()) {
      }
    }};
    victim->interrupt();
    busy.join();
    EXPECT_EQ(code_of(victim->execute("SELECT 1")), "pool_closed");
  }
}

TEST_P(SqlPooled, AnInterruptEndsWaitingForALock) {
  must(one->execute("CREATE TABLE t (n bigint)"));
  must(one->execute("INSERT INTO t VALUES (1)"));
  must(one->begin(isolation::read_committed, false));
  must(one->execute("UPDATE t SET n = 2"));
  const auto victim = session();
  const auto pid =
      is_sqlite() ? 0 : must(victim->query<std::int64_t>("SELECT pg_backend_pid()")).at(0);
  result<sql_rows> done;
  const auto begun = std::chrono::steady_clock::now();
  std::thread waiting{[&] { done = victim->execute("UPDATE t SET n = 3"); }};
  // SQLite's waiting cannot be observed from outside; there it may not have begun yet.
  const auto waits = "SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted";
  if (!is_sqlite()) {
    EXPECT_TRUE(wait_until([&] { return !must(one->execute(waits, pid)).empty(); }));
  }
  victim->interrupt();
  waiting.join();
  EXPECT_FALSE(done);
  // The server waits until it checks whether its client is still there.
  if (!is_sqlite()) {
    EXPECT_TRUE(wait_until([&] { return must(one->execute(waits, pid)).empty(); }));
  } else {
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s) << "SQLite waits for 5 s";
  }
  must(one->rollback());
  EXPECT_EQ(must(one->query<std::int64_t>("SELECT n FROM t")).at(0), 1);
}

INSTANTIATE_TEST_SUITE_P(All, SqlPooled, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& of) { return std::string{of.param}; });

}}  // namespace nexus::test
