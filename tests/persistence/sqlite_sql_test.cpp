// SQLite only: names of parameters, full disks during a commit, waiting for its one lock.
#include <thread>

#include "nexus/transaction.hpp"
#include "sqlite_faulty_disk.hpp"
#include "sqlite_fixture.hpp"

namespace {

class SqliteSql : public SqliteTest {
 public:
  ~SqliteSql() override { faulty_disk::heal(); }

 protected:
  SqliteSql() {
    faulty_disk::install();
    faulty_disk::heal();
    one = session();
    EXPECT_TRUE(one->execute("CREATE TABLE t (n INTEGER, s TEXT)"));
  }
  static nexus::result<nexus::sql_rows> add(nexus::session& s) {
    return s.execute("INSERT INTO t (n) VALUES (1)");
  }
  static std::int64_t count(nexus::session& s) {
    return s.query<std::int64_t>("SELECT count(*) FROM t").value().at(0);
  }

  std::unique_ptr<nexus::journal_session> one;  // opened on the disk that fails
};

TEST_F(SqliteSql, ParametersHaveNumbers) {
  EXPECT_TRUE(one->execute("INSERT INTO t VALUES (?2, ?1)", "a", 5));
  EXPECT_TRUE(one->execute("INSERT INTO t VALUES ($2, $1)", "b", 6));
  EXPECT_TRUE(one->execute("INSERT INTO t VALUES (?, ?)", 7, "c"));
  EXPECT_EQ(one->query<std::string>("SELECT n || s FROM t ORDER BY n").value(),
            (std::vector<std::string>{"5a", "6b", "7c"}));
  const auto named = one->execute("SELECT :name", 1);
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, nexus::errc::query_failed);
  expect_names(named.error(), ":name");
}

TEST_F(SqliteSql, ACommitWhoseSyncFailedIsOfUnknownOutcome) {
  auto other = session();
  faulty_disk::syncs_to_fail = 1;
  const auto done = nexus::transactional(*one, add);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, nexus::errc::outcome_unknown) << done.error().message;
  EXPECT_TRUE(one->broken());
  EXPECT_FALSE(one->in_transaction());
  EXPECT_TRUE(nexus::transactional(*one, add)) << "the file is reopened";
  EXPECT_FALSE(one->broken());
  EXPECT_EQ(count(*one), count(*other));
}

TEST_F(SqliteSql, AWriteByItselfWhoseSyncFailedIsOfUnknownOutcome) {
  faulty_disk::syncs_to_fail = 1;
  const auto done = add(*one);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, nexus::errc::outcome_unknown) << done.error().message;
  EXPECT_TRUE(one->broken());
  EXPECT_TRUE(add(*one));
}

TEST_F(SqliteSql, StatementsAfterAFullDiskAreNotCommittedByThemselves) {
  ASSERT_TRUE(one->execute("PRAGMA cache_size = 1"));
  ASSERT_TRUE(one->execute("PRAGMA cache_spill = 1"));
  const auto done = nexus::transactional(*one, [&](nexus::session& s) -> nexus::result<void> {
    EXPECT_TRUE(add(s));
    faulty_disk::log_full = true;
    const auto full = s.execute("INSERT INTO t (s) VALUES ($1)", std::string(8 << 20, 'x'));
    faulty_disk::log_full = false;
    EXPECT_FALSE(full);
    EXPECT_FALSE(add(s)) << "SQLite has rolled back, and would commit this at once";
    EXPECT_TRUE(s.in_transaction());
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, nexus::errc::unavailable) << done.error().message;
  EXPECT_EQ(count(*one), 0);
  EXPECT_TRUE(add(*one));
}

TEST_F(SqliteSql, AFullDiskIsToldAndNothingWasDone) {
  faulty_disk::log_full = true;
  for (const auto& done : {nexus::transactional(*one, add), add(*one)}) {
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, nexus::errc::unavailable) << done.error().message;
    expect_names(done.error(), "full");
    EXPECT_FALSE(one->in_transaction());
  }
  faulty_disk::log_full = false;
  EXPECT_EQ(count(*one), 0);
  EXPECT_TRUE(nexus::transactional(*one, add));
}

// One of two files may be committed and the other not.
TEST_F(SqliteSql, AFullDiskUnderAnAttachedFileLeavesTheOutcomeUnknown) {
  sql("PRAGMA journal_mode = wal; CREATE TABLE t2 (n)", "other.db");
  ASSERT_TRUE(one->execute("ATTACH $1 AS other", path("other.db")));
  const auto done = nexus::transactional(*one, [](nexus::session& s) {
    EXPECT_TRUE(add(s));
    EXPECT_TRUE(s.execute("INSERT INTO other.t2 VALUES (1)"));
    faulty_disk::log_full = true;
    return nexus::result<void>{};
  });
  faulty_disk::log_full = false;
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, nexus::errc::outcome_unknown) << done.error().message;
}

TEST_F(SqliteSql, AnOuterSavepointIsACommitToo) {
  auto other = session();
  ASSERT_TRUE(one->execute("SAVEPOINT here"));
  ASSERT_TRUE(add(*one));
  faulty_disk::syncs_to_fail = 1;
  const auto done = one->execute("RELEASE here");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, nexus::errc::outcome_unknown) << done.error().message;
  EXPECT_FALSE(one->in_transaction());
  EXPECT_TRUE(add(*one));
}

TEST_F(SqliteSql, AnInterruptEndsWaitingForTheLock) {
  auto other = session();
  ASSERT_TRUE(other->execute("BEGIN"));  // without a turn, like another process
  ASSERT_TRUE(add(*other));
  int waits = 0;
  faulty_disk::on_wait = [&] {
    if (++waits == 3) one->interrupt();
  };
  EXPECT_FALSE(add(*one));
  EXPECT_EQ(waits, 3);
  EXPECT_TRUE(one->broken());
}

TEST_F(SqliteSql, ADeferredConstraintIsToldByTheCommit) {
  ASSERT_TRUE(one->execute("CREATE TABLE parent (n INTEGER PRIMARY KEY)"));
  ASSERT_TRUE(
      one->execute("CREATE TABLE child (n REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"));
  const auto done = nexus::transactional(
      *one, [](nexus::session& s) { return s.execute("INSERT INTO child VALUES (5)"); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, nexus::errc::constraint_violated);
  EXPECT_FALSE(one->in_transaction());
  EXPECT_FALSE(one->broken());
}

}  // namespace
