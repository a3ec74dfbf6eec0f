// A program's statements are prepared at their second use, and nothing else about them changes.
#include "journal_fixture.hpp"
#include "own_statements.hpp"
#include "sql_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

class SqlPrepared : public PostgresTest {
 protected:
  SqlPrepared() { run("CREATE TABLE t (n bigint, s text)"); }

  template <class... A>
  sql_rows run(const std::string& text, const A&... with) {
    return must(sql.execute(text, with...));
  }
  // On the server, of this session's program. By a statement that is not prepared itself.
  std::int64_t prepared() {
    std::int64_t count = 0;
    const auto all = run("TABLE pg_prepared_statements");
    for (const auto& row : all.rows) {
      if (std::get<std::string>(row.at(0)).starts_with("nexus_own")) ++count;
    }
    return count;
  }
  void use_twice() {
    run(add, 1);
    run(add, 2);
    ASSERT_EQ(prepared(), 1);
  }
  std::string all(const std::string& table = "t") {
    std::string found;
    for (const auto& one : must(as_session().query<std::optional<std::string>>(
             "SELECT n::text FROM " + table + " ORDER BY 1"))) {
      found += (found.empty() ? "" : " ") + one.value_or("NULL");
    }
    return found;
  }
  nexus::session& as_session() { return sql; }

  const std::string add = "INSERT INTO t (n) VALUES ($1)";
  const std::string uri = pg.fresh_database();
  const std::shared_ptr<journal> store = open_journal(uri);
  terse_session events{must(store->open_session())};
  journal_session& sql = events.inner();
};

TEST_F(SqlPrepared, ATextIsPreparedAtItsSecondUse) {
  run(add, 1);
  EXPECT_EQ(prepared(), 0);
  for (int i = 2; i < 10; ++i) EXPECT_EQ(run(add, i).affected, 1);
  EXPECT_EQ(prepared(), 1);
  run("UPDATE t SET n = n + $1 WHERE n > $2", 10, 5);
  EXPECT_EQ(run("UPDATE t SET n = n + $1 WHERE n > $2", 10, 15).affected, 4);
  EXPECT_EQ(prepared(), 2);
  EXPECT_EQ(must(as_session().query<std::int64_t>("SELECT count(*) FROM t")).at(0), 9);
}

TEST_F(SqlPrepared, StatementsWithRowsAreToo) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(run("SELECT n FROM t WHERE n >= $1", 0).size(), 2U * static_cast<unsigned>(i));
    EXPECT_EQ(run("insert into t (n) values ($1) returning n", i).rows.at(0),
              (std::vector<sql_value>{std::int64_t{i}}));
    EXPECT_EQ(run("WITH x AS (INSERT INTO t (n) VALUES (1) RETURNING 7) TABLE x").size(), 1U);
    EXPECT_EQ(run("VALUES ($1::int), (2)", i).size(), 2U);
  }
  EXPECT_EQ(prepared(), 4);
}

TEST_F(SqlPrepared, StatementsThatAreNotOnRowsAndLongTextsAreNot) {
  const auto longest = "INSERT INTO t (n) VALUES (1) -- " +
                       std::string(postgres::own_statements::text_bytes_max - 32, 'x');
  for (int i = 0; i < 3; ++i) {
    run("SELECT n INTO TEMPORARY made FROM t");
    run("DROP TABLE made");
    run("SELECT set_config('work_mem', '7MB', false)");
    run("SHOW work_mem");
    run(longest + "y");
  }
  EXPECT_EQ(prepared(), 0);
  run(longest);
  run(longest);
  EXPECT_EQ(prepared(), 1);
}

TEST_F(SqlPrepared, TheOneNotUsedForTheLongestTimeIsDeallocated) {
  const auto text = [](std::size_t i) { return "DELETE FROM t WHERE n = " + std::to_string(i); };
  const auto most = postgres::own_statements::known_max;
  for (std::size_t i = 0; i < most + 8; ++i) {
    run(text(i));
    run(text(i));
  }
  EXPECT_EQ(prepared(), static_cast<std::int64_t>(most));
  run(text(0));
  run(text(0));
  EXPECT_EQ(prepared(), static_cast<std::int64_t>(most));
}

// Each pair of a column's type and two values, beside the same text that is never prepared.
TEST_F(SqlPrepared, ValuesOfOtherTypesDoWhatTheyDidUnprepared) {
  const std::vector<sql_value> values{
      std::int64_t{5}, std::string{"abc"}, std::string{"7"},    1.5, true,
      sql_value{},     sql_bytes{"xy"},    std::string{"\\x61"}};
  int unique = 0;
  for (const std::string type : {"bigint", "text", "boolean", "bytea", "numeric"}) {
    run("DROP TABLE IF EXISTS v, w");
    run("CREATE TABLE v (n " + type + ")");
    run("CREATE TABLE w (n " + type + ")");
    const auto both = [&](const sql_value& value) {
      const auto plain =
          sql.execute("INSERT INTO w VALUES ($1) --" + std::to_string(++unique), value);
      EXPECT_EQ(message_of(sql.execute("INSERT INTO v VALUES ($1)", value)), message_of(plain))
          << type;
    };
    for (const auto& first : values) {
      for (const auto& second : values) {
        both(first);
        both(first);
        both(second);
      }
    }
    EXPECT_NE(all("v"), "");
    EXPECT_EQ(all("v"), all("w")) << type;
  }
}

TEST_F(SqlPrepared, ADroppedTableIsAnErrorUntilItIsMadeAgain) {
  use_twice();
  run("DROP TABLE t");
  for (int i = 0; i < 3; ++i) {
    const auto done = sql.execute(add, 3);
    EXPECT_EQ(code_of(done), "query_failed");
    EXPECT_NE(message_of(done).find("42P01"), std::string::npos) << message_of(done);
  }
  run("CREATE TABLE t (n text)");
  run(add, "abc");
  run(add, "abd");
  EXPECT_EQ(prepared(), 1);
  EXPECT_EQ(all(), "abc abd");
}

TEST_F(SqlPrepared, ATypeThatTheSessionChangesIsInferredAgain) {
  use_twice();
  run("ALTER TABLE t ALTER COLUMN n TYPE text");
  run(add, "007");
  EXPECT_EQ(all(), "007 1 2");
}

TEST_F(SqlPrepared, ATypeThatAnotherSessionChangesIsInferredAgainAfterAnError) {
  use_twice();
  cluster::execute_at(uri, "ALTER TABLE t ALTER COLUMN n TYPE text");
  EXPECT_EQ(code_of(sql.execute(add, "abc")), "query_failed");
  run(add, "abc");
  cluster::execute_at(uri, "ALTER TABLE t ADD COLUMN more text DEFAULT 'x'");
  run(add, "abd");
  run(add, "abe");
  EXPECT_EQ(all(), "1 2 abc abd abe");
}

TEST_F(SqlPrepared, ColumnsThatTheSessionAddsAreReadAtOnce) {
  run("INSERT INTO t VALUES (1, 'a')");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run("SELECT * FROM t").columns.size(), 2U);
  run("ALTER TABLE t ADD COLUMN more bigint");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run("SELECT * FROM t").columns.size(), 3U);
  run("ALTER TABLE t DROP COLUMN more");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run("SELECT * FROM t").columns.size(), 2U);
}

// PostgreSQL refuses a plan whose columns have changed.
TEST_F(SqlPrepared, ColumnsThatAnotherSessionAddsAreReadAtOnce) {
  run("INSERT INTO t VALUES (1, 'a')");
  const std::string rows = "SELECT * FROM t WHERE n >= $1";
  const std::string added = "INSERT INTO t (n) VALUES ($1) RETURNING *";
  for (int i = 0; i < 3; ++i) run(rows, 1);
  for (int i = 0; i < 3; ++i) run(added, 0);
  EXPECT_EQ(prepared(), 2);
  cluster::execute_at(uri, "ALTER TABLE t ADD COLUMN more bigint");
  EXPECT_EQ(run(rows, 1).columns.size(), 3U);
  EXPECT_EQ(run(added, 0).columns.size(), 3U);
  EXPECT_EQ(run(rows, 0).size(), 5U) << "each was added once";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run(rows, 1).columns.size(), 3U);
  EXPECT_GE(prepared(), 1) << "again";
}

TEST_F(SqlPrepared, ATransactionWhoseColumnsHaveChangedIsTriedAgain) {
  const std::string rows = "SELECT * FROM t";
  for (int i = 0; i < 3; ++i) run(rows);
  int tries = 0;
  const auto done = transactional(as_session(), [&](nexus::session& s) -> result<sql_rows> {
    if (++tries == 1) cluster::execute_at(uri, "ALTER TABLE t ADD COLUMN more bigint");
    if (auto first = s.execute(add, 1); !first) return first;
    return s.execute(rows);
  });
  EXPECT_EQ(code_of(done), "") << message_of(done);
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(done->columns.size(), 3U);
  EXPECT_EQ(all(), "1");
}

TEST_F(SqlPrepared, UnsupportedStatementsAreNotTakenForChangedColumns) {
  const std::string wrong = "SELECT * FROM t, (SELECT count(*) FROM t FOR UPDATE) AS x";
  for (int i = 0; i < 3; ++i) {
    const auto done = sql.execute(wrong);
    EXPECT_EQ(code_of(done), "query_failed");
    EXPECT_NE(message_of(done).find("0A000"), std::string::npos) << message_of(done);
  }
}

TEST_F(SqlPrepared, ASearchPathDecidesWhichTableIsMeant) {
  run("CREATE SCHEMA other");
  run("CREATE TABLE other.t (n text)");
  use_twice();
  run("SET search_path = other, public");
  run(add, "007");
  run(add, "008");
  EXPECT_EQ(all("other.t"), "007 008");
  run("SELECT set_config('search_path', 'public', false)");
  run(add, 3);
  EXPECT_EQ(all("public.t"), "1 2 3");
  run("SET search_path = other");
  run(add, "009");
  run(add, "010");
  EXPECT_EQ(events.append(alice, 0, {"a"}), "stored") << "it goes back to its search_path";
  run(add, 4);
  EXPECT_EQ(all("public.t"), "1 2 3 4");
  EXPECT_EQ(all("other.t"), "007 008 009 010");
}

// Not even a function can change it unnoticed, as long as the types are the same.
TEST_F(SqlPrepared, TheServerPlansAgainForAnotherSearchPath) {
  run("CREATE SCHEMA other");
  run("CREATE TABLE other.t (n bigint)");
  run("CREATE FUNCTION go_there() RETURNS void LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM set_config('search_path', 'other', false); END $$");
  use_twice();
  run("SELECT go_there()");
  run(add, 3);
  EXPECT_EQ(prepared(), 1);
  EXPECT_EQ(all("other.t"), "3");
}

TEST_F(SqlPrepared, ASearchPathOfATransactionEndsWithIt) {
  run("CREATE SCHEMA other");
  run("CREATE TABLE other.t (n bigint)");
  run("ALTER TABLE t ALTER COLUMN n TYPE text");
  for (const auto* end : {"COMMIT", "ROLLBACK"}) {
    run("BEGIN");
    run("SET LOCAL search_path = other");
    run(add, 1);
    run(add, 2);
    EXPECT_EQ(prepared(), 1);
    run(end);
    run(add, "007");
  }
  EXPECT_EQ(all("public.t"), "007 007");
  EXPECT_EQ(all("other.t"), "1 2");
}

TEST_F(SqlPrepared, DeallocateAndDiscardOfTheProgramAreNoticed) {
  for (const auto* text : {"DEALLOCATE ALL", "/* all */ deallocate prepare all", "DISCARD ALL",
                           "DISCARD PLANS", "DEALLOCATE mine"}) {
    use_twice();
    run("PREPARE mine AS SELECT 1");
    run(text);
    run(add, 3);
    run(add, 4);
    EXPECT_LE(prepared(), 1) << text;
    must(sql.reset(""));
  }
  use_twice();
  const auto done = transactional(sql, [&](nexus::session& s) -> result<sql_rows> {
    must(s.execute(add, 5));
    must(s.execute("DEALLOCATE ALL"));
    must(s.execute(add, 6));
    return s.execute(add, 7);
  });
  EXPECT_EQ(code_of(done), "");
}

// A pooler between us and the server has the same effect.
TEST_F(SqlPrepared, AServerThatForgetsStatementsFailsAtMostOneTransaction) {
  const std::string hidden = "SELECT forget()";
  run("CREATE FUNCTION forget() RETURNS void LANGUAGE plpgsql AS "
      "$$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
  run("DELETE FROM t");
  use_twice();
  run(hidden);
  run(add, 3);
  run(add, 4);
  run(add, 5);
  EXPECT_EQ(prepared(), 0) << "no more on this connection";
  EXPECT_EQ(all(), "1 2 3 4 5");

  terse_session second{must(store->open_session())};
  auto& s = second.inner();
  must(s.execute(add, 6));
  must(s.execute(add, 7));
  must(s.execute(hidden));
  int tries = 0;
  const auto done = transactional(static_cast<nexus::session&>(s), [&](nexus::session& in) {
    ++tries;
    return in.execute(add, 8);
  });
  EXPECT_EQ(code_of(done), "");
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(all(), "1 2 3 4 5 6 7 8");
}

TEST_F(SqlPrepared, NothingIsPreparedAfterAReset) {
  for (const auto* query : {"", "SELECT 1", "DISCARD ALL"}) {
    use_twice();
    must(sql.reset(query));
    EXPECT_EQ(prepared(), 0) << query;
    EXPECT_EQ(events.highest(alice), 0U);
  }
  use_twice();
}

TEST_F(SqlPrepared, AResetFindsThoseThatWereTakenForLost) {
  use_twice();
  run("PREPARE mine AS SELECT 1");
  run("DEALLOCATE mine -- not all");
  EXPECT_EQ(prepared(), 1);
  must(sql.reset(""));
  EXPECT_EQ(prepared(), 0);
  EXPECT_EQ(events.append(alice, 0, {"a"}), "stored");
}

TEST_F(SqlPrepared, AnErrorOfTheStatementKeepsIt) {
  run("CREATE UNIQUE INDEX ON t (n)");
  use_twice();
  EXPECT_EQ(code_of(sql.execute(add, 1)), "constraint_violated");
  EXPECT_EQ(prepared(), 1);
  EXPECT_EQ(code_of(sql.execute(add)), "query_failed") << "a parameter is missing";
  run(add, 3);
  EXPECT_EQ(all(), "1 2 3");
}

TEST_F(SqlPrepared, ALostConnectionLosesThem) {
  use_twice();
  const auto pid =
      std::to_string(must(as_session().query<std::int64_t>("SELECT pg_backend_pid()")).at(0));
  cluster::execute_at(uri, "SELECT pg_terminate_backend(" + pid + ")");
  EXPECT_TRUE(wait_until([&] {
    return cluster::value_at(uri, "SELECT 1 FROM pg_stat_activity WHERE pid = " + pid).empty();
  }));
  const auto code = code_of(sql.execute(add, 3));  // by whether the end was heard before sending
  EXPECT_TRUE(code == "unavailable" || code == "outcome_unknown") << code;
  run(add, 3);
  EXPECT_EQ(prepared(), 0);
  run(add, 4);
  EXPECT_EQ(prepared(), 1);
  EXPECT_EQ(all(), "1 2 3 4");
}

TEST_F(SqlPrepared, TheStatementTimeoutHolds) {
  auto patient = open_journal(uri + "&statement_timeout=3000");
  auto s = must(patient->open_session());
  const std::string slow = "INSERT INTO t (n) SELECT 1 FROM pg_sleep($1)";
  must(s->execute(slow, 0));
  must(s->execute(slow, 0));
  EXPECT_EQ(code_of(s->execute(slow, 600)), "query_failed");
  must(s->execute(slow, 0));
}

}}  // namespace nexus::test::
