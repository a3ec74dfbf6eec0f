// A store's pool, with sessions of real databases.
#include <nexus/store.hpp>
#include <thread>
#include <vector>

#include "sql_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

class SqlPool : public SqlTransaction {
 protected:
  nexus::store opened(pool_options p = {}) {
    return must(nexus::open(uri, {sqlite_backend(), postgres_backend()}, {.pool = std::move(p)}));
  }
};

TEST_P(SqlPool, AnOpenTransactionOfALeaseIsRolledBackAndItsSettingsAreGone) {
  const auto s = opened({.max = 1, .min_idle = 1});
  must(s.sessions().with([&](nexus::session& mine) -> result<void> {
    must(mine.execute("CREATE TEMPORARY TABLE scratch (n bigint)"));
    must(mine.begin(isolation::read_committed, false));
    must(move_in(mine, "eve", 1));
    return {};
  }));
  must(s.sessions().with([&](nexus::session& next) -> result<void> {
    EXPECT_FALSE(next.in_transaction());
    EXPECT_EQ(guests(next), "ann bob");
    EXPECT_EQ(code_of(next.execute("SELECT * FROM scratch")), "query_failed");
    return {};
  }));
}

TEST_P(SqlPool, AFailedStatementKeepsTheSession) {
  const auto s = opened({.max = 1, .min_idle = 1});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(code_of(s.sessions().with([](nexus::session& mine) { return add(mine, 1, "eve"); })),
              "constraint_violated");
  }
  EXPECT_EQ(s.sessions().statistics().created, 1u);
}

TEST_P(SqlPool, ABrokenSessionIsReplaced) {
  if (is_sqlite()) GTEST_SKIP() << "a connection to a file cannot be ended";
  const auto s = opened({.max = 1, .min_idle = 1});
  const auto broke = s.sessions().with([&](nexus::session& mine) {
    return mine.execute("SELECT pg_terminate_backend(pg_backend_pid())");
  });
  EXPECT_FALSE(broke);
  EXPECT_EQ(must(s.sessions().with([](nexus::session& next) { return guests(next); })), "ann bob");
  EXPECT_EQ(s.sessions().statistics().destroyed_for(session_end::broken), 1u);
}

TEST_P(SqlPool, ASessionThatDiedWhileIdleIsFoundByValidation) {
  if (is_sqlite()) GTEST_SKIP() << "a connection to a file cannot be ended";
  const auto s = opened({.max = 1, .min_idle = 1, .validate_on_borrow = true});
  const auto pid = must(s.sessions().with(
      [](nexus::session& mine) { return mine.query<std::int64_t>("SELECT pg_backend_pid()"); }))[0];
  must(one->execute("SELECT pg_terminate_backend($1)", pid));
  ASSERT_TRUE(wait_until([&] {
    return must(one->execute("SELECT 1 FROM pg_stat_activity WHERE pid = $1", pid)).empty();
  }));
  EXPECT_EQ(must(s.sessions().with([](nexus::session& next) { return guests(next); })), "ann bob");
}

TEST_P(SqlPool, CollisionsAreTriedAgainUntilEveryIncrementCounts) {
  must(one->execute("CREATE TABLE counts (n bigint)"));
  must(one->execute("INSERT INTO counts VALUES (0)"));
  const auto s = opened({.max = 4});
  constexpr int threads = 6;
  constexpr int each = 20;
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        for (int k = 0; k < each; ++k) {
          EXPECT_EQ(
              message_of(transactional(
                  s.sessions(),
                  [](nexus::session& mine) -> result<void> {
                    auto n = mine.query<std::int64_t>("SELECT n FROM counts");
                    if (!n) return fail(n.error());
                    auto done = mine.execute("UPDATE counts SET n = $1", n->front() + 1);
                    if (!done) return fail(done.error());
                    return {};
                  },
                  {.level = isolation::serializable, .retries_max = 1'000, .retry_pause = 1ms})),
              "");
        }
      });
    }
  }
  EXPECT_EQ(must(one->query<std::int64_t>("SELECT n FROM counts")).front(), threads * each);
  EXPECT_TRUE(wait_until([&] { return s.sessions().statistics().in_use == 0; }));
  EXPECT_LE(s.sessions().statistics().created, 4u);
}

TEST_P(SqlPool, AnExceptionRollsBackAndReturnsTheSession) {
  const auto s = opened();
  EXPECT_THROW((void)transactional(s.sessions(),
                                   [](nexus::session& mine) -> result<void> {
                                     must(move_in(mine, "eve", 1));
                                     throw 7;
                                   }),
               int);
  EXPECT_EQ(guests(*one), "ann bob");
  EXPECT_EQ(s.sessions().statistics().in_use, 0u);
}

TEST_P(SqlPool, ClosingBreaksAStatementThatGoesOn) {
  make_endless();
  const auto s = opened();
  std::string ended;
  std::jthread busy{[&] {
    ended =
        code_of(s.sessions().with([&](nexus::session& mine) { return mine.execute(endless()); }));
  }};
  ASSERT_TRUE(wait_until([&] { return endless_runs(*one); }));
  EXPECT_FALSE(s.close(20ms));
  busy.join();
  EXPECT_EQ(ended, "pool_closed");
}

INSTANTIATE_TEST_SUITE_P(All, SqlPool, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& of) { return std::string{of.param}; });

}}  // namespace nexus::test
