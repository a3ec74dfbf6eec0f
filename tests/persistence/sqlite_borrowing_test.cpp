// What SQL of programs may do to a session, and that nothing of it is left for the next borrower.
#include <filesystem>
#include <map>
#include <set>

#include "nexus/pool.hpp"
#include "nexus/store.hpp"
#include "nexus/transaction.hpp"
#include "sqlite_fixture.hpp"

namespace {

using nexus::errc;

class SqliteBorrowing : public SqliteTest {
 protected:
  SqliteBorrowing() {
    one = session();
    EXPECT_TRUE(one->execute("CREATE TABLE t (n INTEGER)"));
  }

  // As the pool does with a returned session.
  void give_back() {
    if (one->unfinished()) {
      EXPECT_TRUE(one->finish());
    }
    if (!one->broken() && one->touched()) {
      EXPECT_TRUE(one->reset(""));
    }
    EXPECT_FALSE(one->touched());
  }

  static std::vector<std::string> pragmas(nexus::session& s) {
    return s.query<std::string>("SELECT name FROM pragma_pragma_list ORDER BY name").value();
  }

  // All settings of the connection, and those of the file that a journal depends on.
  static std::map<std::string, std::string> settings(nexus::session& s) {
    static const std::set<std::string> others{
        "data_version",       "schema_version",  "user_version",    "application_id",
        "default_cache_size", "page_count",      "freelist_count",  "optimize",
        "incremental_vacuum", "shrink_memory",   "integrity_check", "quick_check",
        "wal_checkpoint",     "compile_options", "database_list",   "foreign_key_check",
        "function_list",      "pragma_list",     "module_list",     "table_list",
        "collation_list"};
    std::map<std::string, std::string> found;
    for (const auto& name : pragmas(s)) {
      if (others.count(name) != 0) continue;
      const auto rows = s.execute("PRAGMA " + name);
      for (const auto& row : rows ? rows->rows : nexus::sql_rows{}.rows) {
        for (const auto& value : row) {
          if (const auto* n = std::get_if<std::int64_t>(&value)) {
            found[name] += std::to_string(*n) + " ";
          } else if (const auto* text = std::get_if<std::string>(&value)) {
            found[name] += *text + " ";
          }
        }
      }
    }
    const auto files =
        s.query<std::string>("SELECT name FROM pragma_database_list WHERE name <> 'temp'");
    for (const auto& name : files.value()) found["databases"] += name + " ";
    return found;
  }

  std::unique_ptr<nexus::journal_session> one;
};

TEST_F(SqliteBorrowing, ForeignKeysAreEnforced) {
  ASSERT_TRUE(one->execute("CREATE TABLE parent (n INTEGER PRIMARY KEY)"));
  ASSERT_TRUE(one->execute("CREATE TABLE child (n REFERENCES parent)"));
  for (int i = 0; i < 2; ++i) {
    const auto done = one->execute("INSERT INTO child VALUES (5)");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::constraint_violated);
    ASSERT_TRUE(one->execute("PRAGMA foreign_keys = off"));
    give_back();
  }
}

// Every PRAGMA, in any spelling, also compiled but never run.
TEST_F(SqliteBorrowing, NoPragmaIsLeftForTheNextBorrower) {
  const auto before = settings(*one);
  ASSERT_GT(before.size(), 30U);
  EXPECT_EQ(before.at("foreign_keys"), "1 ");
  for (const auto& name : pragmas(*one)) {
    for (const auto* value :
         {"0", "1", "2", "7", "-7", "on", "off", "exclusive", "memory", "delete"}) {
      const auto set = "PRAGMA " + name + " = " + value;
      for (const auto& text : {set, "EXPLAIN " + set, "/* */ ; " + set + "; SELECT 1",
                               "PRAGMA main." + name + "(" + value + ")"}) {
        (void)one->execute(text);
      }
    }
    give_back();
    ASSERT_EQ(settings(*one), before) << name;
    ASSERT_EQ(settings(*session()), before) << name << " is seen by a new session";
  }
  auto other = session();
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*other, batch{"a"})));
  EXPECT_TRUE(open("sqlite:" + path())) << "and the file is a journal as before";
}

TEST_F(SqliteBorrowing, NoTemporaryObjectIsLeft) {
  for (const auto* text :
       {"CREATE TEMP TABLE scratch (n)", "CREATE TABLE temp.scratch (n)",
        "CREATE TEMP VIEW scratch AS SELECT 1", "CREATE TEMP TABLE scratch AS SELECT * FROM t",
        "CREATE VIRTUAL TABLE temp.scratch USING fts5(words)"}) {
    ASSERT_TRUE(one->execute(text)) << text;
    EXPECT_TRUE(one->execute("SELECT * FROM scratch"));
    give_back();
    EXPECT_FALSE(one->execute("SELECT * FROM scratch")) << text;
  }
  ASSERT_TRUE(one->execute(
      "CREATE TEMP TRIGGER no BEFORE INSERT ON main.t BEGIN SELECT raise(FAIL, 'no'); END"));
  EXPECT_FALSE(one->execute("INSERT INTO t VALUES (1)"));
  give_back();
  EXPECT_TRUE(one->execute("INSERT INTO t VALUES (1)"));
}

TEST_F(SqliteBorrowing, NoAttachedFileIsLeft) {
  sql("CREATE TABLE t2 (n)", "other.db");
  ASSERT_TRUE(one->execute("ATTACH $1 AS other", path("other.db")));
  ASSERT_TRUE(one->execute("SELECT * FROM other.t2"));
  give_back();
  EXPECT_FALSE(one->execute("SELECT * FROM other.t2"));
}

TEST_F(SqliteBorrowing, NoTransactionIsLeft) {
  for (const auto* text : {"BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT here"}) {
    ASSERT_TRUE(one->execute(text));
    ASSERT_TRUE(one->execute("INSERT INTO t VALUES (1)"));
    give_back();
    EXPECT_FALSE(one->in_transaction());
    EXPECT_EQ(one->query<std::int64_t>("SELECT count(*) FROM t").value().at(0), 0);
  }
}

TEST_F(SqliteBorrowing, OnlyStatementsThatLeaveSomethingBehindTouchASession) {
  ASSERT_TRUE(one->execute("CREATE TABLE parent (n INTEGER PRIMARY KEY)"));
  ASSERT_TRUE(one->execute("CREATE INDEX by_n ON t (n)"));
  ASSERT_TRUE(one->execute("CREATE VIEW v AS SELECT * FROM t"));
  ASSERT_TRUE(one->execute("WITH x AS (SELECT 1) SELECT * FROM x"));
  ASSERT_TRUE(one->execute("EXPLAIN QUERY PLAN SELECT * FROM t"));
  ASSERT_TRUE(one->execute("PRAGMA foreign_keys"));
  ASSERT_TRUE(one->execute("PRAGMA table_info(t)"));
  ASSERT_TRUE(one->execute("SELECT * FROM pragma_index_list('t')"));
  ASSERT_TRUE(nexus::transactional(
      *one, [](nexus::session& s) { return s.execute("INSERT INTO t VALUES (1)"); }));
  EXPECT_FALSE(one->touched());
  ASSERT_TRUE(one->execute("/* a comment */ PRAGMA cache_size = 5"));
  EXPECT_TRUE(one->touched());
}

TEST_F(SqliteBorrowing, PragmasThatNoResetUndoesAreRefusedWithTheReason) {
  for (const std::string text :
       {"journal_mode = delete", "locking_mode = exclusive", "writable_schema = on",
        "schema_version = 7", "hard_heap_limit = 100000", "soft_heap_limit = 100000"}) {
    const auto done = one->execute("PRAGMA " + text);
    ASSERT_FALSE(done) << text;
    EXPECT_EQ(done.error().code, errc::query_failed);
    expect_names(done.error(), text.substr(0, text.find(' ')));
    expect_names(done.error(), path());
  }
  EXPECT_TRUE(one->execute("PRAGMA journal_mode"));
  EXPECT_TRUE(one->execute("PRAGMA journal_mode = WAL"));
  EXPECT_FALSE(one->execute("SELEKT")) << "and an error after it is told as what it is";
  EXPECT_EQ(one->execute("SELEKT").error().message.find("PRAGMA"), std::string::npos);
}

TEST_F(SqliteBorrowing, TheJournalsTablesAreNeitherDroppedNorAltered) {
  for (const auto* text :
       {"DROP TABLE nexus_event_journal", "DROP TABLE main.NEXUS_Meta",
        "DROP TABLE \"nexus_erased\"", "DROP TRIGGER nexus_event_erased",
        "DROP INDEX nexus_event_tags_by_position",
        "ALTER TABLE nexus_durable_state ADD COLUMN mood",
        "ALTER TABLE nexus_snapshot_store RENAME TO x", "EXPLAIN DROP TABLE nexus_event_tags"}) {
    const auto done = one->execute(text);
    ASSERT_FALSE(done) << text;
    EXPECT_EQ(done.error().code, errc::query_failed);
    expect_names(done.error(), "nexus-schema");
  }
  EXPECT_TRUE(one->execute("CREATE INDEX mine ON nexus_event_journal (writer_id)"));
  EXPECT_TRUE(one->execute("DROP INDEX mine"));
  EXPECT_TRUE(one->execute("DROP TABLE t"));
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*one, batch{"a"})));
  EXPECT_TRUE(one->execute("SELECT * FROM nexus_event_journal"));
}

TEST_F(SqliteBorrowing, AJournalIsBackedUpAndVacuumedByAProgramsSql) {
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*one, batch{"a", 0, 3})));
  ASSERT_TRUE(one->execute("VACUUM INTO $1", path("backup.db")));
  EXPECT_EQ(sql("SELECT count(*) FROM nexus_event_journal", "backup.db"), "3");
  EXPECT_TRUE(one->execute("VACUUM"));
  give_back();
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*one, batch{"a", 3})));
}

TEST_F(SqliteBorrowing, TheNextBorrowerOfAStoreGetsASessionAsNew) {
  auto store = nexus::open("sqlite:" + path(), {nexus::sqlite_backend()},
                           {.pool = {.max = 1, .min_idle = 0}});
  ASSERT_TRUE(store);
  {
    auto lent = store->sessions().borrow();
    ASSERT_TRUE(lent);
    EXPECT_TRUE((*lent)->execute("EXPLAIN PRAGMA foreign_keys = off"));
    EXPECT_TRUE((*lent)->execute("EXPLAIN PRAGMA query_only = on"));
    EXPECT_FALSE((*lent)->execute("INSERT INTO t VALUES (1)"));
  }
  auto lent = store->sessions().borrow();
  ASSERT_TRUE(lent);
  EXPECT_EQ((*lent)->query<std::int64_t>("PRAGMA foreign_keys").value().at(0), 1);
  EXPECT_TRUE((*lent)->execute("INSERT INTO t VALUES (1)"));
}

}  // namespace
