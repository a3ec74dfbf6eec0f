// A program's statements stay prepared, and behave as if each call prepared its own.
#include "own_statements.hpp"

#include <fmt/format.h>

#include "nexus/transaction.hpp"
#include "persistence/sqlite_fixture.hpp"
#include "session.hpp"

namespace {

using nexus::errc;
namespace sqlite = nexus::sqlite;

class OwnStatements : public SqliteTest {
 protected:
  OwnStatements() {
    (void)session();
    const auto where = sqlite::address::from(nexus::uri::parse("sqlite:" + path()).value()).value();
    auto first = sqlite::open_database(where, sqlite::open_mode::existing).value();
    auto file = sqlite::journal_file::of(path(), where.name, first->getHandle()).value();
    auto made = sqlite::session::connect(where, *file).value();
    under = made.get();
    one = std::make_unique<sqlite::session>(where, file, std::move(made),
                                            std::make_shared<nexus::commit_signal>());
    run("CREATE TABLE t (n INTEGER PRIMARY KEY, s TEXT)");
  }

  template <class... A>
  nexus::sql_rows run(const std::string& text, const A&... with) {
    auto done = one->execute(text, with...);
    if (done) return *std::move(done);
    ADD_FAILURE() << text << ": " << done.error().message;
    return {};
  }
  std::int64_t count() { return std::get<std::int64_t>(run("SELECT count(*) FROM t").at(0, 0)); }

  // The prepared statements of this text; of all texts if it is empty.
  [[nodiscard]] std::vector<sqlite3_stmt*> prepared(const std::string& text = "") const {
    std::vector<sqlite3_stmt*> found;
    auto* db = under->db->getHandle();
    for (auto* s = sqlite3_next_stmt(db, nullptr); s != nullptr; s = sqlite3_next_stmt(db, s)) {
      if (text.empty() || sqlite3_sql(s) == text) found.push_back(s);
    }
    return found;
  }

  const std::string add = "INSERT INTO t VALUES ($1, $2)";
  const std::string all = "SELECT * FROM t ORDER BY n";
  std::unique_ptr<sqlite::session> one;
  sqlite::connection* under = nullptr;  // of `one`, unless it reconnects
};

TEST_F(OwnStatements, ArePreparedOnceForManyCalls) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(run(add, i, "x").affected, 1);
  const auto kept = prepared(add);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(sqlite3_stmt_status(kept[0], SQLITE_STMTSTATUS_RUN, 0), 5);
  EXPECT_EQ(count(), 5);
}

TEST_F(OwnStatements, HoldNeitherAReadNorTheCallersValues) {
  run(add, 1, "secret");
  EXPECT_EQ(run(all).size(), 1U);
  const auto kept = prepared(add);
  ASSERT_EQ(kept.size(), 1U);
  char* text = sqlite3_expanded_sql(kept[0]);
  EXPECT_STREQ(text, "INSERT INTO t VALUES (NULL, NULL)");
  sqlite3_free(text);
  for (auto* s : prepared()) EXPECT_EQ(sqlite3_stmt_busy(s), 0) << sqlite3_sql(s);
  EXPECT_EQ(sql("PRAGMA wal_checkpoint(TRUNCATE)"), "0") << "1: a read is open";
}

TEST_F(OwnStatements, SeeChangesOfTheSchemaBetweenTwoUses) {
  run(add, 1, "x");
  EXPECT_EQ(run(all).columns, (std::vector<std::string>{"n", "s"}));
  run("ALTER TABLE t ADD COLUMN more INTEGER DEFAULT 7");
  auto found = run(all);
  EXPECT_EQ(found.columns, (std::vector<std::string>{"n", "s", "more"}));
  EXPECT_EQ(found.at(0, 2), nexus::sql_value{std::int64_t{7}});
  sql("ALTER TABLE t DROP COLUMN s");  // on another connection
  found = run(all);
  EXPECT_EQ(found.columns, (std::vector<std::string>{"n", "more"}));
  EXPECT_EQ(found.rows.at(0).size(), 2U);
  run(add, 2, 8);
  EXPECT_EQ(run(all).at(1, 1), nexus::sql_value{std::int64_t{8}});
}

TEST_F(OwnStatements, OfADroppedTableFailUntilTheTableIsMadeAgain) {
  run(add, 1, "x");
  run("DROP TABLE t");
  for (int i = 0; i < 2; ++i) {
    const auto done = one->execute(add, 1, "x");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::query_failed);
    expect_names(done.error(), "no such table: t");
  }
  run("CREATE TABLE t (a, b)");
  EXPECT_EQ(run(add, 1, "x").affected, 1);
}

TEST_F(OwnStatements, AreUsableAfterTheyFailed) {
  for (int i = 0; i < 3; ++i) {
    const auto done = one->execute(add, 1, "x");
    EXPECT_EQ(done.has_value(), i == 0);
    EXPECT_TRUE(done || done.error().code == errc::constraint_violated);
  }
  EXPECT_EQ(one->execute(add, 2).error().code, errc::query_failed) << "a parameter is missing";
  EXPECT_EQ(run(add, 2, "y").affected, 1);
  EXPECT_EQ(count(), 2);
}

TEST_F(OwnStatements, ARefusalIsToldEachTime) {
  for (int i = 0; i < 3; ++i) {
    const auto done = one->execute("DROP TABLE nexus_meta");
    ASSERT_FALSE(done);
    expect_names(done.error(), "nexus-schema");
    run(add, i, "x");
  }
}

// A name in temp hides the one in main.
TEST_F(OwnStatements, OneThatCameToWriteATemporaryTableTouchesTheSession) {
  run(add, 1, "x");
  run(add, 2, "x");
  EXPECT_FALSE(one->touched());
  run("CREATE TEMP TABLE t (n, s)");
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(one->reset("SELECT 1"));  // which leaves the table
    run(add, 3, "x");
    EXPECT_TRUE(one->touched()) << i;
    EXPECT_TRUE(prepared(add).empty());
  }
  run("DROP TABLE temp.t");
  EXPECT_EQ(count(), 2);
}

TEST_F(OwnStatements, AreForgottenByAReset) {
  run(add, 1, "x");
  ASSERT_EQ(prepared(add).size(), 1U);
  ASSERT_TRUE(one->reset("SELECT 1"));
  EXPECT_TRUE(prepared(add).empty());
  run("PRAGMA cache_size = 100");
  run(add, 2, "x");
  ASSERT_TRUE(one->reset("")) << "the connection closes with its statements";
  run(add, 3, "x");
  EXPECT_EQ(count(), 3);
}

TEST_F(OwnStatements, TheOneNotUsedForTheLongestTimeIsDropped) {
  const auto text = [](std::size_t i) { return fmt::format("SELECT {}", i); };
  const auto most = sqlite::own_statements::kept_max;
  for (std::size_t i = 0; i < most; ++i) run(text(i));
  run(text(0));
  for (std::size_t i = most; i < most + 5; ++i) run(text(i));
  EXPECT_EQ(prepared(text(0)).size(), 1U) << "used again";
  EXPECT_TRUE(prepared(text(1)).empty());
  EXPECT_TRUE(prepared(text(5)).empty());
  EXPECT_EQ(prepared(text(6)).size(), 1U);
  EXPECT_EQ(run(text(1)).at(0, 0), nexus::sql_value{std::int64_t{1}});
}

TEST_F(OwnStatements, ABrokenConstraintKeepsTheStatement) {
  run(add, 1, "x");
  const auto kept = prepared(add);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(one->execute(add, 1, "y"));
  EXPECT_EQ(prepared(add), kept);
  run(add, 2, "z");
  EXPECT_EQ(prepared(add), kept);
  EXPECT_EQ(count(), 2);
}

TEST_F(OwnStatements, LongTextsAndStatementsOfSettingsAreNotKept) {
  const auto longest = sqlite::own_statements::text_bytes_max;
  const auto fits = "SELECT 1 -- " + std::string(longest - 12, 'x');
  run(fits);
  run(fits + "y");
  EXPECT_EQ(prepared(fits).size(), 1U);
  EXPECT_TRUE(prepared(fits + "y").empty());
  for (const std::string text : {"PRAGMA cache_size", "SELECT * FROM pragma_cache_size",
                                 "CREATE TABLE IF NOT EXISTS other (n)"}) {
    run(text);
    EXPECT_TRUE(prepared(text).empty()) << text;
  }
}

TEST_F(OwnStatements, OneTextIsUsedWithinASinkAsWell) {
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*one, batch{"a", 0, 3})));
  run(add, 0, "x");
  int n = 0;
  const auto done =
      one->replay(id("a"), 1, nexus::sequence_nr_max, 10, [&](const nexus::record_view&) {
        run(add, ++n, "x");
        return true;
      });
  EXPECT_TRUE(done);
  EXPECT_EQ(count(), 4);
}

// As a function of SQL may that calls back.
TEST_F(OwnStatements, OneInUseIsNotTakenTwice) {
  auto* db = under->db->getHandle();
  sqlite::own_statements some;
  auto first = some.take(db, all);
  auto second = some.take(db, all);
  EXPECT_NE(first->handle, second->handle);
  const auto* kept = first->handle.get();
  some.keep(std::move(first));
  EXPECT_EQ(some.take(db, all)->handle.get(), kept);
}

TEST_F(OwnStatements, AKeptStatementWritesNothingInAReadOnlyTransaction) {
  run(add, 1, "x");
  const auto done = nexus::transactional(
      *one, [&](nexus::session& s) { return s.execute(add, 2, "x"); }, {.read_only = true});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::query_failed);
  EXPECT_EQ(count(), 1);
}

}  // namespace
