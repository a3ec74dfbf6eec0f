// Values that go in and come out, invalid statements, and the session after them.
#include <cmath>
#include <limits>

#include "sql_fixture.hpp"

namespace nexus::test { namespace {

TEST_P(Sql, EveryValueComesBackAsItWent) {
  must(one->execute("CREATE TABLE v (n int, i bigint, d double precision, t text, b bytea)"));
  const std::string all_bytes = [] {
    std::string made;
    for (int i = 0; i < 256; ++i) made += static_cast<char>(i);
    return made;
  }();
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  must(one->execute("INSERT INTO v VALUES ($1, $2, $3, $4, $5)", 1, least, 0.1, "grüße 'n' \"\\",
                    sql_bytes{all_bytes}));
  must(one->execute("INSERT INTO v VALUES ($1, $2, $3, $4, $5)", 2, most, -1.7976931348623157e308,
                    std::string{}, sql_bytes{}));
  must(one->execute("INSERT INTO v VALUES ($1, $2, $3, $4, $5)", 3, std::optional<int>{}, nullptr,
                    std::nullopt, sql_value{}));
  must(one->execute("INSERT INTO v VALUES (4, $1, $2, $3, NULL)", std::optional{7},
                    std::numeric_limits<double>::infinity(), std::string(100'000, 'x')));

  const auto found = must(one->execute("SELECT i, d, t, b FROM v ORDER BY n"));
  EXPECT_EQ(found.columns, (std::vector<std::string>{"i", "d", "t", "b"}));
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found.rows[0], (std::vector<sql_value>{least, 0.1, std::string{"grüße 'n' \"\\"},
                                                   sql_bytes{all_bytes}}));
  EXPECT_EQ(found.rows[1],
            (std::vector<sql_value>{most, -1.7976931348623157e308, std::string{}, sql_bytes{}}));
  EXPECT_EQ(found.rows[2], (std::vector<sql_value>(4)));
  EXPECT_EQ(found.rows[3],
            (std::vector<sql_value>{std::int64_t{7}, std::numeric_limits<double>::infinity(),
                                    std::string(100'000, 'x'), std::monostate{}}));
}

TEST_P(Sql, BoolsAreReadAsBools) {
  must(one->execute("CREATE TABLE flags (n int, is_set boolean)"));
  must(one->execute("INSERT INTO flags VALUES (1, $1), (2, $2), (3, $3)", true, false, nullptr));
  const auto found = one->query<std::optional<bool>>("SELECT is_set FROM flags ORDER BY n");
  EXPECT_EQ(must(found), (std::vector<std::optional<bool>>{true, false, std::nullopt}));
}

TEST_P(Sql, RowsAreReadAsTuples) {
  must(one->execute("CREATE TABLE t (n bigint, d double precision, s text)"));
  must(one->execute("INSERT INTO t VALUES (1, 0.5, 'a'), (2, 2, NULL)"));
  using row = std::tuple<std::int64_t, double, std::optional<std::string>>;
  const auto found =
      one->query<std::int64_t, double, std::optional<std::string>>("SELECT * FROM t ORDER BY n");
  EXPECT_EQ(must(found), (std::vector<row>{{1, 0.5, "a"}, {2, 2.0, std::nullopt}}));
}

TEST_P(Sql, AValueOfAnotherTypeIsNamedByRowAndColumn) {
  must(one->execute("CREATE TABLE t (n bigint, cents bigint)"));
  must(one->execute("INSERT INTO t VALUES (1, 5), (2, NULL)"));
  const auto null = one->query<std::int64_t, std::int64_t>("SELECT n, cents FROM t ORDER BY n");
  EXPECT_EQ(code_of(null), "corrupt");
  EXPECT_EQ(message_of(null), "column 2 (cents) of row 2 is NULL, not an integer");
  const auto text = one->query<std::string>("SELECT n FROM t ORDER BY n");
  EXPECT_EQ(message_of(text), "column 1 (n) of row 1 is an integer, not text");
  const auto wide = one->query<std::int64_t>("SELECT n, cents FROM t");
  EXPECT_EQ(code_of(wide), "invalid_argument");
  EXPECT_EQ(message_of(wide), "rows of 2 columns (n, cents) cannot be read as 1");
}

TEST_P(Sql, ParametersAreNumbered) {
  must(one->execute("CREATE TABLE t (a text, b text, c text)"));
  must(one->execute("INSERT INTO t VALUES ($2, $1, $2)", "one", "two"));
  const auto found = must(one->query<std::string, std::string, std::string>("SELECT * FROM t"));
  EXPECT_EQ(found.at(0), (std::tuple<std::string, std::string, std::string>{"two", "one", "two"}));
}

TEST_P(Sql, AWrongNumberOfParametersIsAnError) {
  must(one->execute("CREATE TABLE t (n bigint)"));
  EXPECT_EQ(code_of(one->execute("INSERT INTO t VALUES ($1)")), "query_failed");
  const auto many = one->execute("INSERT INTO t VALUES ($1)", 1, 2);
  EXPECT_EQ(code_of(many), "query_failed");
  EXPECT_NE(message_of(many).find('2'), std::string::npos) << message_of(many);
  EXPECT_EQ(must(one->query<std::int64_t>("SELECT count(*) FROM t")).at(0), 0);
}

TEST_P(Sql, ThereIsOneStatementAtATime) {
  must(one->execute("CREATE TABLE t (n bigint)"));
  EXPECT_EQ(code_of(one->execute("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")),
            "query_failed");
  EXPECT_EQ(must(one->query<std::int64_t>("SELECT count(*) FROM t")).at(0), 0);
  EXPECT_EQ(must(one->execute("INSERT INTO t VALUES (1) ; -- that is all")).affected, 1);
  for (const auto* nothing : {"", " ;", "-- nothing", "/* nothing */"}) {
    EXPECT_EQ(code_of(one->execute(nothing)), "query_failed") << nothing;
  }
}

TEST_P(Sql, RowsThatWereTouchedAreCounted) {
  must(one->execute("CREATE TABLE t (n bigint)"));
  EXPECT_EQ(must(one->execute("INSERT INTO t VALUES (1), (2), (3)")).affected, 3);
  EXPECT_EQ(must(one->execute("SELECT n FROM t")).affected, 0);
  EXPECT_EQ(must(one->execute("UPDATE t SET n = n + 1 WHERE n < 3")).affected, 2);
  EXPECT_EQ(must(one->execute("DELETE FROM t WHERE n = 7")).affected, 0);
  const auto gone = must(one->execute("DELETE FROM t RETURNING n"));
  EXPECT_EQ(gone.affected, 3);
  EXPECT_EQ(gone.size(), 3u);
}

TEST_P(Sql, AnErrorIsOneLineAndTheSessionGoesOn) {
  must(one->execute("CREATE TABLE t (n bigint PRIMARY KEY, m bigint NOT NULL)"));
  must(one->execute("INSERT INTO t VALUES (1, 1)"));
  const auto taken = one->execute("INSERT INTO t VALUES (1, 2)");
  EXPECT_EQ(code_of(taken), "constraint_violated");
  EXPECT_TRUE(message_of(taken).starts_with(store->name() + ": ")) << message_of(taken);
  EXPECT_EQ(code_of(one->execute("INSERT INTO t VALUES (2, NULL)")), "constraint_violated");
  for (const auto* wrong : {"SELECT\nx FROM\nnowhere", "SELEKT 1", "SELECT y FROM t"}) {
    const auto why = one->execute(wrong);
    EXPECT_EQ(code_of(why), "query_failed");
    EXPECT_EQ(message_of(why).find('\n'), std::string::npos) << message_of(why);
  }
  EXPECT_FALSE(one->broken());
  EXPECT_FALSE(one->in_transaction());
  EXPECT_EQ(must(one->query<std::int64_t>("SELECT count(*) FROM t")).at(0), 1);
}

TEST_P(Sql, TheJournalWorksBeforeBetweenAndAfter) {
  terse_session journal{session()};
  const auto alice = "account|alice"_id;
  auto& sql = journal.inner();
  EXPECT_EQ(journal.append(alice, 0, {"a"}), "stored");
  must(sql.execute("CREATE TABLE t (n bigint)"));
  EXPECT_EQ(journal.append(alice, 1, {"b"}), "stored");
  EXPECT_EQ(code_of(sql.execute("SELECT nothing")), "query_failed");
  EXPECT_EQ(journal.append(alice, 2, {"c"}), "stored");
  must(transactional(sql, [](nexus::session& s) { return s.execute("INSERT INTO t VALUES (1)"); }));
  EXPECT_EQ(journal.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(journal.history(alice), "1:a 2:b 3:c 4:d");
  EXPECT_EQ(must(sql.query<std::int64_t>("SELECT count(*) FROM t")).at(0), 1);
}

TEST_P(Sql, TheJournalKeepsOutOfAProgramsTransaction) {
  terse_session journal{session()};
  const auto alice = "account|alice"_id;
  auto& sql = journal.inner();
  must(sql.execute("CREATE TABLE t (n bigint)"));
  EXPECT_EQ(journal.append(alice, 0, {"a"}), "stored");
  must(transactional(sql, [&](nexus::session& s) -> result<void> {
    must(s.execute("INSERT INTO t VALUES (1)"));
    EXPECT_NE(journal.append(alice, 1, {"b"}).find("within a transaction of the program"),
              std::string::npos);
    EXPECT_EQ(code_of(sql.highest(alice)), "invalid_argument");
    const testkit::request a{alice, 0, {"a"}};
    EXPECT_EQ(code_of(sql.settle(a)), "invalid_argument");
    EXPECT_TRUE(s.in_transaction());
    return {};
  }));
  EXPECT_EQ(must(sql.query<std::int64_t>("SELECT count(*) FROM t")).at(0), 1);
  EXPECT_EQ(journal.history(alice), "1:a");
}

TEST_P(Sql, OwnTablesAreLeftAlone) {
  must(one->execute("CREATE TABLE rooms (number bigint PRIMARY KEY)"));
  auto again = open();
  auto tables = must(
      (is_sqlite() ? sqlite_backend() : postgres_backend()).schema(must(nexus::uri::parse(uri))));
  EXPECT_EQ(must(tables->check()).differences, std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(All, Sql, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& of) { return std::string{of.param}; });

}}  // namespace nexus::test
