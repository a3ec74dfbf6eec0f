// Transactions that really collide, and a network that breaks during them.
#include <latch>
#include <thread>

#include "proxy.hpp"
#include "sql_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

// Row locks; SQLite has one lock for the whole file.
class SqlRows : public SqlTransaction {};
class SqlFile : public SqlTransaction {};

// Each one reads, and then writes what the other one has read.
TEST_P(SqlRows, WriteSkewIsTriedAgain) {
  const auto two = session();
  std::latch both_have_read{2};
  const auto swap = [&](nexus::session& on, int from, int to, int& tries) {
    return transactional(on,
                         [&](nexus::session& s) -> result<sql_rows> {
                           auto guest = s.query<std::string>(
                               "SELECT guest FROM rooms WHERE number = $1", from);
                           if (!guest) return fail(guest.error());
                           if (++tries == 1) both_have_read.arrive_and_wait();
                           return move_in(s, guest->at(0), to);
                         },
                         {.level = isolation::serializable, .retry_pause = 0ms});
  };
  int tries_of_one = 0;
  int tries_of_two = 0;
  result<sql_rows> done;
  std::thread other{[&] { done = swap(*two, 2, 1, tries_of_two); }};
  EXPECT_EQ(code_of(swap(*one, 1, 2, tries_of_one)), "");
  other.join();
  EXPECT_EQ(code_of(done), "");
  EXPECT_GE(tries_of_one + tries_of_two, 3);
  const auto end = guests(*one);
  EXPECT_TRUE(end == "ann ann" || end == "bob bob") << end << ": as if one after the other";
}

TEST_P(SqlRows, AConcurrentUpdateIsTriedAgainOnWhatTheOtherOneLeft) {
  const auto two = session();
  int tries = 0;
  must(transactional(*one,
                     [&](nexus::session& s) -> result<sql_rows> {
                       const auto before = guests(s);
                       if (++tries == 1) must(move_in(*two, "carol", 1));
                       return move_in(s, before.substr(0, before.find(' ')) + "+", 1);
                     },
                     {.level = isolation::repeatable_read, .retry_pause = 0ms}));
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(guests(*one), "carol+ bob");
}

TEST_P(SqlRows, ACollisionThatWasPassedOverIsTriedAgainToo) {
  const auto two = session();
  int tries = 0;
  must(transactional(*one,
                     [&](nexus::session& s) {
                       EXPECT_FALSE(guests(s).empty());
                       if (++tries == 1) must(move_in(*two, "carol", 1));
                       (void)move_in(s, "dan", 1);
                       (void)move_in(s, "dan", 2);
                     },
                     {.level = isolation::repeatable_read, .retry_pause = 0ms}));
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(guests(*one), "dan dan");
}

TEST_P(SqlRows, TheVictimOfADeadlockIsRetried) {
  const auto two = session();
  std::latch both_have_one{2};
  const auto both_rooms = [&](nexus::session& on, int first, int second, std::string_view guest,
                              int& tries) {
    return transactional(on,
                         [&](nexus::session& s) -> result<sql_rows> {
                           if (auto done = move_in(s, guest, first); !done) return done;
                           if (++tries == 1) both_have_one.arrive_and_wait();
                           return move_in(s, guest, second);
                         },
                         {.retry_pause = 0ms});
  };
  int tries_of_one = 0;
  int tries_of_two = 0;
  result<sql_rows> done;
  std::thread other{[&] { done = both_rooms(*two, 2, 1, "dan", tries_of_two); }};
  EXPECT_EQ(code_of(both_rooms(*one, 1, 2, "carol", tries_of_one)), "");
  other.join();
  EXPECT_EQ(code_of(done), "");
  EXPECT_GE(tries_of_one + tries_of_two, 3);
  const auto end = guests(*one);
  EXPECT_TRUE(end == "carol carol" || end == "dan dan") << end;
}

TEST_P(SqlFile, ABusyFileIsTriedAgainABoundedNumberOfTimes) {
  const auto two = session();
  must(two->execute("PRAGMA busy_timeout = 1"));
  must(one->begin(isolation::read_committed, false));
  int calls = 0;
  const auto move = [&](nexus::session& s) {
    ++calls;
    return move_in(s, "carol", 1);
  };
  const auto refused = transactional(*two, move, {.retries_max = 2, .retry_pause = 1ms});
  EXPECT_EQ(code_of(refused), "serialization_failed");
  EXPECT_EQ(calls, 0) << "the lock is taken by BEGIN";
  EXPECT_FALSE(two->broken());

  // A read transaction that writes after another writer must be restarted.
  must(one->rollback());
  must(two->execute("BEGIN"));
  EXPECT_EQ(guests(*two), "ann bob");
  must(move_in(*one, "dan", 2));
  EXPECT_EQ(code_of(move_in(*two, "carol", 1)), "serialization_failed");
  must(two->rollback());
  EXPECT_EQ(code_of(transactional(*two, move)), "");
  EXPECT_EQ(guests(*two), "carol dan");
}

TEST_P(SqlFile, ATransactionIsTriedAgainUntilTheFileIsFree) {
  const auto two = session();
  must(two->execute("PRAGMA busy_timeout = 1"));
  must(one->begin(isolation::read_committed, false));
  result<sql_rows> done;
  std::thread other{[&] {
    done = transactional(*two, [](nexus::session& s) { return move_in(s, "carol", 1); },
                         {.retries_max = 1'000, .retry_pause = 1ms});
  }};
  must(move_in(*one, "dan", 2));
  must(one->commit());
  other.join();
  EXPECT_EQ(code_of(done), "");
  EXPECT_EQ(guests(*one), "carol dan");
}

INSTANTIATE_TEST_SUITE_P(Of, SqlRows, ::testing::Values("postgresql"),
                         [](const auto& of) { return std::string{of.param}; });
INSTANTIATE_TEST_SUITE_P(Of, SqlFile, ::testing::Values("sqlite"),
                         [](const auto& of) { return std::string{of.param}; });

// -- a network that breaks -----------------------------------------------------------------------

class SqlNetwork : public ::testing::Test {
 protected:
  SqlNetwork() {
    must(one->execute("CREATE TABLE t (n bigint)"));
    must(one->execute("INSERT INTO t VALUES (0)"));
  }
  std::int64_t count() { return std::stoll(cluster::value_at(direct, "SELECT count(*) FROM t")); }
  static result<sql_rows> add(nexus::session& s) { return s.execute("INSERT INTO t VALUES (1)"); }

  cluster& pg = cluster::shared();
  proxy net{pg.port()};
  const std::string direct = pg.fresh_database();
  const std::shared_ptr<journal> store = must(postgres_backend().open(
      must(nexus::uri::parse(pg.tcp_uri(database_of(direct), net.port())))));
  const std::unique_ptr<journal_session> one = must(store->open_session());
};

TEST_F(SqlNetwork, ACommitWhoseAnswerIsLostIsOfUnknownOutcome) {
  net.once(fault::cut_after, executes("COMMIT"));
  int tries = 0;
  const auto done = transactional(*one, [&](nexus::session& s) {
    ++tries;
    return add(s);
  });
  EXPECT_EQ(code_of(done), "outcome_unknown") << message_of(done);
  EXPECT_EQ(tries, 1) << "it would be done twice";
  EXPECT_TRUE(one->broken());
  EXPECT_TRUE(wait_until([&] { return net.happened() == 1; }));
  EXPECT_EQ(count(), 2) << "it was committed";
  must(transactional(*one, add));
  EXPECT_EQ(count(), 3) << "the session comes back by itself";
}

TEST_F(SqlNetwork, AConnectionThatIsLostWithinATransactionUndoesTheWhole) {
  net.once(fault::cut_after, executes("UPDATE"));
  const auto done = transactional(*one, [&](nexus::session& s) -> result<void> {
    must(add(s));
    EXPECT_EQ(code_of(s.execute("UPDATE t SET n = 7")), "unavailable");
    EXPECT_TRUE(s.in_transaction());
    EXPECT_EQ(code_of(add(s)), "unavailable") << "on another connection it would be committed";
    return {};
  });
  EXPECT_EQ(code_of(done), "unavailable");
  EXPECT_TRUE(wait_until([&] { return net.happened() == 1; }));
  EXPECT_EQ(count(), 1);
  must(transactional(*one, add));
  EXPECT_EQ(count(), 2);
}

TEST_F(SqlNetwork, AStatementByItselfWhoseAnswerIsLostIsOfUnknownOutcome) {
  net.once(fault::cut_after, executes("INSERT"));
  EXPECT_EQ(code_of(add(*one)), "outcome_unknown");
  EXPECT_TRUE(one->broken());
  must(add(*one));
  EXPECT_EQ(count(), 3);
}

TEST_F(SqlNetwork, SettingsOfALostConnectionAreMissedOnce) {
  must(one->execute("SET work_mem = '7MB'"));
  net.cut();
  EXPECT_TRUE(wait_until([&] { return pg.backends(direct).empty(); }));
  EXPECT_EQ(code_of(one->execute("SHOW work_mem")), "unavailable");
  must(add(*one));
  must(one->reset(""));
  net.cut();
  EXPECT_TRUE(wait_until([&] { return pg.backends(direct).empty(); }));
  must(add(*one));  // no setting was lost: no error is needed
  EXPECT_EQ(count(), 3);
}

TEST_F(SqlNetwork, TheServersEndOfASessionIsUnavailable) {
  must(one->begin(isolation::read_committed, false));
  must(add(*one));
  cluster::execute_at(direct,
                      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_EQ(code_of(add(*one)), "unavailable");
  EXPECT_EQ(code_of(one->commit()), "unavailable");
  EXPECT_EQ(count(), 1);
}

TEST_F(SqlNetwork, AnInterruptedCommitIsOfUnknownOutcome) {
  must(one->begin(isolation::read_committed, false));
  must(add(*one));
  net.once(fault::silent_after, executes("COMMIT"));
  result<void> done;
  std::thread committing{[&] { done = one->commit(); }};
  EXPECT_TRUE(wait_until([&] { return net.happened() == 1; }));
  one->interrupt();
  committing.join();
  EXPECT_EQ(code_of(done), "outcome_unknown");
  EXPECT_EQ(code_of(one->execute("SELECT 1")), "pool_closed");
}

}}  // namespace nexus::test
