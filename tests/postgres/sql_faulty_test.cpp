// A faulty store fails SQL as the database itself does, and does or does not do what it says.
#include <fmt/format.h>

#include <nexus/store.hpp>
#include <nexus/testkit/faulty.hpp>
#include <thread>

#include "sql_fixture.hpp"

namespace nexus::test { namespace {

using testkit::fault;
using testkit::operation;
using namespace std::chrono_literals;

class SqlFaulty : public SqlTransaction {
 protected:
  std::unique_ptr<journal_session> faulty_session() {
    const auto inner = is_sqlite() ? sqlite_backend() : postgres_backend();
    return session_at(*must(testkit::faulty(inner, faults).open(must(nexus::uri::parse(uri)))));
  }
  // Whether ann has moved to another room by `done`.
  std::string moved(const result<sql_rows>& done) {
    const bool moved = guests(*one) == "- bob";
    must(one->execute("UPDATE rooms SET guest = 'ann' WHERE number = 1"));
    return code_of(done) + (moved ? " moved" : "");
  }
  result<sql_rows> move_out() {
    return s->execute("UPDATE rooms SET guest = NULL WHERE number = 1");
  }
  result<sql_rows> move_in_transaction() {
    return transactional(*s, [&](nexus::session&) { return move_out(); },
                         {.retries_max = 1, .retry_pause = 0ms});
  }

  const std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  const std::unique_ptr<journal_session> s = faulty_session();
};

TEST_P(SqlFaulty, WithoutFaultsItIsTheDatabase) {
  EXPECT_EQ(s->dialect(), one->dialect());
  EXPECT_EQ(s->dialect(), std::string_view{GetParam()});
  EXPECT_EQ(moved(move_out()), " moved");
  EXPECT_EQ(moved(move_in_transaction()), " moved");
  const auto nested = transactional(*s, [&](nexus::session& outer) -> result<sql_rows> {
    EXPECT_EQ(code_of(transactional(outer, [&](nexus::session&) { return s->execute("no SQL"); })),
              "query_failed");
    return move_out();
  });
  EXPECT_EQ(moved(nested), " moved");
}

TEST_P(SqlFaulty, AStatementByItself) {
  const auto with = [&](testkit::told_fault what) {
    faults->inject(std::move(what), operation::sql);
    const auto told = moved(move_out());
    EXPECT_FALSE(s->in_transaction());
    EXPECT_EQ(moved(move_out()), " moved") << "used up";
    return told;
  };
  EXPECT_EQ(with(fault::fail), "unavailable");
  EXPECT_EQ(with(fault::reject), "query_failed");
  EXPECT_EQ(with(fault::conflict), "serialization_failed");
  EXPECT_EQ(with(fault::lose_answer), "outcome_unknown moved");
  EXPECT_EQ(with(fault::lose_request), "outcome_unknown");
  const broken_constraint taken{constraint_kind::unique, "one_guest", "rooms", {"guest"}};
  const error violated{errc::constraint_violated, "taken", taken};
  faults->inject({fault::reject, violated}, operation::sql);
  EXPECT_EQ(move_out().error(), violated);
}

TEST_P(SqlFaulty, AStatementInATransactionFailsAllOfIt) {
  for (const auto what : {fault::fail, fault::reject, fault::lose_answer, fault::lose_request}) {
    faults->inject_sql(what, "beds");
    must(s->begin(isolation::read_committed, false));
    must(move_out());
    const auto failed = s->execute("SELECT 1 AS beds");
    EXPECT_EQ(code_of(failed), what == fault::reject ? "query_failed" : "unavailable");
    EXPECT_EQ(message_of(move_out()), message_of(failed)) << "the same error again";
    EXPECT_EQ(message_of(s->commit()), message_of(failed));
    EXPECT_FALSE(s->in_transaction());
    EXPECT_EQ(moved({}), "");
  }
}

TEST_P(SqlFaulty, ASavepointBeforeItIsUndoneAlone) {
  faults->inject_sql(fault::reject, "number = $2");
  const auto done = transactional(*s, [&](nexus::session& outer) -> result<sql_rows> {
    const auto inner =
        transactional(outer, [&](nexus::session& in) { return move_in(in, "carol", 2); });
    EXPECT_EQ(code_of(inner), "query_failed");
    return move_out();
  });
  EXPECT_EQ(moved(done), " moved");
}

TEST_P(SqlFaulty, ALostConnectionTakesTheTransactionWithIt) {
  faults->inject_sql(fault::lose_answer, "number = $2");
  const auto done = transactional(*s, [&](nexus::session& outer) -> result<sql_rows> {
    const auto inner =
        transactional(outer, [&](nexus::session& in) { return move_in(in, "carol", 2); });
    EXPECT_EQ(code_of(inner), "unavailable");
    EXPECT_TRUE(s->broken());
    EXPECT_EQ(moved({}), "") << "its locks are free";
    return move_out();
  });
  EXPECT_EQ(moved(done), "unavailable");
  EXPECT_TRUE(s->broken());
  EXPECT_EQ(moved(move_out()), " moved");
  EXPECT_FALSE(s->broken());
}

TEST_P(SqlFaulty, ACollisionIsTriedAgain) {
  faults->inject(fault::conflict, operation::sql);
  EXPECT_EQ(moved(move_in_transaction()), " moved");
  faults->inject(fault::conflict, operation::commit);
  EXPECT_EQ(moved(move_in_transaction()), " moved");
  faults->inject(fault::conflict, operation::commit, 2);
  EXPECT_EQ(moved(move_in_transaction()), "serialization_failed");
}

TEST_P(SqlFaulty, ACommit) {
  const auto with = [&](fault what) {
    faults->inject(what, operation::commit);
    return moved(move_in_transaction());
  };
  EXPECT_EQ(with(fault::fail), "unavailable");
  EXPECT_EQ(with(fault::reject), "constraint_violated");
  EXPECT_EQ(with(fault::lose_answer), "outcome_unknown moved");
  EXPECT_EQ(with(fault::lose_request), "outcome_unknown");
  faults->inject(fault::lose_request, operation::commit);
  must(s->execute("BEGIN"));
  must(move_out());
  EXPECT_EQ(moved(s->execute("COMMIT")), "outcome_unknown");
  EXPECT_FALSE(s->in_transaction());
}

TEST_P(SqlFaulty, ABegin) {
  for (const auto what : {fault::fail, fault::lose_answer, fault::lose_request}) {
    faults->inject(what, operation::begin);
    EXPECT_EQ(moved(move_in_transaction()), "unavailable");
    EXPECT_FALSE(s->in_transaction());
    EXPECT_EQ(moved(move_in_transaction()), " moved");
  }
}

TEST_P(SqlFaulty, StatementsAreToldAndCounted) {
  faults->forget_statements();
  must(move_in_transaction());
  faults->inject(fault::fail, operation::begin);
  EXPECT_FALSE(move_in_transaction());
  EXPECT_EQ(faults->statements(),
            (std::vector<std::string>{"BEGIN", "UPDATE rooms SET guest = NULL WHERE number = 1",
                                      "COMMIT", "BEGIN"}));
  EXPECT_EQ(faults->calls(operation::begin), 2U);
  EXPECT_EQ(faults->calls(operation::sql), 1U);
  EXPECT_EQ(faults->calls(operation::commit), 1U);
}

TEST_P(SqlFaulty, AHeldStatementWaits) {
  faults->hold(operation::sql);
  result<sql_rows> done;
  std::thread other{[&] { done = move_out(); }};
  EXPECT_TRUE(faults->wait_for(operation::sql, 1));
  EXPECT_EQ(guests(*one), "ann bob");
  faults->release(operation::sql);
  other.join();
  EXPECT_EQ(moved(done), " moved");
}

TEST_P(SqlFaulty, ThePoolReplacesASessionThatLostItsConnection) {
  const auto inner = is_sqlite() ? sqlite_backend() : postgres_backend();
  const auto pooled =
      must(nexus::open(uri, {testkit::faulty(inner, faults)}, {.pool = {.max = 1, .min_idle = 1}}));
  const auto add_one = [&] {
    return transactional(pooled.sessions(), [](nexus::session& in) { return add(in, 3, "eve"); });
  };
  faults->inject(fault::lose_request, operation::commit);
  EXPECT_EQ(code_of(add_one()), "outcome_unknown");
  must(add_one());
  EXPECT_EQ(pooled.sessions().statistics().destroyed_for(session_end::broken), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, SqlFaulty, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& of) { return std::string{of.param}; });

}}  // namespace nexus::test::
