// Transactions, savepoints and retries.
#include "sql_fixture.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

constexpr transaction_options at_once{.retries_max = 3, .retry_pause = 0ms};

TEST_P(SqlTransaction, ACommittedTransactionIsVisibleToOthers) {
  const auto other = session();
  const auto done = transactional(*one, [&](nexus::session& s) -> result<std::int64_t> {
    EXPECT_TRUE(s.in_transaction());
    auto moved = move_in(s, "carol", 1);
    if (!moved) return fail(moved.error());
    EXPECT_EQ(guests(*other), "ann bob") << "not yet";
    return moved->affected;
  });
  EXPECT_EQ(must(done), 1);
  EXPECT_EQ(guests(*other), "carol bob");
  EXPECT_FALSE(one->in_transaction());
}

TEST_P(SqlTransaction, AnErrorRollsBack) {
  const auto done = transactional(*one, [&](nexus::session& s) -> result<void> {
    must(move_in(s, "carol", 1));
    return fail(errc::rejected, "no");
  });
  EXPECT_EQ(code_of(done), "rejected");
  EXPECT_EQ(guests(*one), "ann bob");
}

TEST_P(SqlTransaction, AnExceptionRollsBack) {
  EXPECT_THROW((void)transactional(*one,
                                   [&](nexus::session& s) {
                                     must(move_in(s, "carol", 1));
                                     throw std::runtime_error{"no"};
                                   }),
               std::runtime_error);
  EXPECT_FALSE(one->in_transaction());
  EXPECT_EQ(guests(*one), "ann bob");
}

TEST_P(SqlTransaction, CallsWithinCallsAreUndoneAlone) {
  must(transactional(*one, [&](nexus::session& outer) -> result<void> {
    must(move_in(outer, "carol", 1));
    const auto refused = transactional(outer, [&](nexus::session& s) -> result<void> {
      must(move_in(s, "dan", 2));
      must(transactional(s, [&](nexus::session& inner) { return add(inner, 3, "eve"); }));
      return fail(errc::rejected, "no");
    });
    EXPECT_EQ(code_of(refused), "rejected");
    EXPECT_EQ(guests(outer), "carol bob");
    const auto taken =
        transactional(outer, [&](nexus::session& s) { return add(s, 1, "one too many"); });
    EXPECT_EQ(code_of(taken), "constraint_violated");
    must(transactional(outer, [&](nexus::session& s) { return add(s, 3, "eve"); }));
    return {};
  }));
  EXPECT_EQ(guests(*one), "carol bob eve");
}

TEST_P(SqlTransaction, AnErrorThatIsPassedOverIsNoSuccess) {
  const auto done = transactional(*one, [&](nexus::session& s) -> result<void> {
    must(move_in(s, "carol", 1));
    const auto taken = add(s, 2, "one too many");
    EXPECT_EQ(code_of(taken), "constraint_violated");
    EXPECT_EQ(message_of(move_in(s, "dan", 1)), message_of(taken))
        << "nothing is accepted any more";
    return {};
  });
  EXPECT_EQ(code_of(done), "constraint_violated");
  EXPECT_EQ(guests(*one), "ann bob");
}

TEST_P(SqlTransaction, AnErrorThatIsPassedOverWithinACallIsThatCallsAlone) {
  must(transactional(*one, [&](nexus::session& outer) -> result<void> {
    must(move_in(outer, "carol", 1));
    const auto inner = transactional(outer, [&](nexus::session& s) {
      must(move_in(s, "dan", 1));
      EXPECT_FALSE(add(s, 2, "one too many"));
    });
    EXPECT_EQ(code_of(inner), "constraint_violated");
    must(add(outer, 3, "eve"));
    return {};
  }));
  EXPECT_EQ(guests(*one), "carol bob eve");
}

TEST_P(SqlTransaction, BeginAndCommitStatementsWorkToo) {
  must(one->execute("BEGIN"));
  EXPECT_TRUE(one->unfinished());
  must(add(*one, 3, "eve"));
  EXPECT_EQ(code_of(add(*one, 3, "eve")), "constraint_violated");
  EXPECT_EQ(code_of(one->execute("COMMIT")), "constraint_violated") << "it had failed";
  EXPECT_FALSE(one->unfinished());
  must(one->execute("BEGIN"));
  must(one->execute("SAVEPOINT here"));
  EXPECT_EQ(code_of(add(*one, 1, "ann")), "constraint_violated");
  must(one->execute("ROLLBACK TO SAVEPOINT here"));
  must(add(*one, 3, "eve"));
  must(one->execute("COMMIT"));
  EXPECT_EQ(guests(*one), "ann bob eve");
}

TEST_P(SqlTransaction, BeginAndEndArePaired) {
  EXPECT_EQ(code_of(one->commit()), "invalid_argument");
  EXPECT_EQ(code_of(one->rollback()), "invalid_argument");
  must(one->begin(isolation::read_committed, false));
  EXPECT_EQ(code_of(one->begin(isolation::read_committed, false)), "invalid_argument");
  must(move_in(*one, "carol", 1));
  must(one->finish());
  EXPECT_FALSE(one->unfinished());
  must(one->finish());
  EXPECT_EQ(guests(*one), "ann bob");
}

TEST_P(SqlTransaction, AReadOnlyOneRefusesWrites) {
  const auto done = transactional(*one,
                                  [&](nexus::session& s) {
                                    EXPECT_EQ(guests(s), "ann bob");
                                    return move_in(s, "carol", 1);
                                  },
                                  {.read_only = true});
  EXPECT_EQ(code_of(done), "query_failed");
  EXPECT_NE(message_of(done).find("read-only transaction"), std::string::npos) << message_of(done);
  must(move_in(*one, "carol", 1));
  EXPECT_EQ(guests(*one), "carol bob");
}

TEST_P(SqlTransaction, AReadOnlyOneSeesOneMoment) {
  const auto other = session();
  must(transactional(*one,
                     [&](nexus::session& s) {
                       EXPECT_EQ(guests(s), "ann bob");
                       must(move_in(*other, "carol", 1));
                       EXPECT_EQ(guests(s), "ann bob");
                     },
                     {.level = isolation::repeatable_read, .read_only = true}));
  EXPECT_EQ(guests(*one), "carol bob");
}

TEST_P(SqlTransaction, WithinOneNothingStricterCanBeHad) {
  const auto strict = [](nexus::session& s) {
    return transactional(s, [](nexus::session&) {}, {.level = isolation::serializable});
  };
  EXPECT_EQ(code_of(transactional(*one, strict)), is_sqlite() ? "" : "invalid_argument");
  EXPECT_EQ(code_of(transactional(*one, strict, {.level = isolation::repeatable_read})),
            is_sqlite() ? "" : "invalid_argument");
  EXPECT_EQ(code_of(transactional(*one, strict, {.level = isolation::serializable})), "");
}

TEST_P(SqlTransaction, ACollisionIsRetriedABoundedNumberOfTimes) {
  int tries = 0;
  const auto never = [&](nexus::session& s) -> result<void> {
    ++tries;
    must(move_in(s, "carol", 1));
    return fail(errc::serialization_failed, "again");
  };
  EXPECT_EQ(code_of(transactional(*one, never, at_once)), "serialization_failed");
  EXPECT_EQ(tries, 4);
  EXPECT_EQ(guests(*one), "ann bob");

  tries = 0;
  const auto outer = [&](nexus::session& s) -> result<void> {
    if (tries < 2) return transactional(s, never, at_once);
    must(move_in(s, "dan", 1));
    return {};
  };
  must(transactional(*one, outer, at_once));
  EXPECT_EQ(tries, 2) << "a call within is tried again with the whole only";
  EXPECT_EQ(guests(*one), "dan bob");
}

INSTANTIATE_TEST_SUITE_P(All, SqlTransaction, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& of) { return std::string{of.param}; });

}}  // namespace nexus::test
