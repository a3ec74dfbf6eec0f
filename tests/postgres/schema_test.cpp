// The schema manager on PostgreSQL; tests/persistence tests the part it shares with SQLite's.
#include <array>
#include <atomic>
#include <fstream>
#include <nexus/nexus.hpp>
#include <thread>
#include <utility>

#include "journal_fixture.hpp"
#include "migration.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

class PostgresSchema : public PostgresTest {
 protected:
  std::unique_ptr<schema> at(const std::string& parameters = "") {
    return must(open_schema(uri + parameters));
  }
  std::vector<std::string> differences(const std::string& parameters = "") {
    return must(at(parameters)->check()).differences;
  }
  void run(const std::string& sql) { cluster::execute_at(uri, sql); }
  std::string value(const std::string& sql) { return cluster::value_at(uri, sql); }

  postgres::address where() { return must(postgres::address::from(must(nexus::uri::parse(uri)))); }

  const std::string uri = pg.fresh_database();
};

using lines = std::vector<std::string>;

TEST_F(PostgresSchema, CreatingTwiceIsFine) {
  EXPECT_EQ(differences(), lines{"there are no tables"});
  must(at()->create());
  must(at()->create());
  const auto status = must(at()->check());
  EXPECT_EQ(status.found, 3u);
  EXPECT_EQ(status.known, 3u);
  EXPECT_EQ(status.differences, lines{});
}

TEST_F(PostgresSchema, CheckMakesNothing) {
  (void)differences();
  EXPECT_EQ(value("SELECT count(*) FROM pg_class WHERE relname LIKE 'nexus%'"), "0");
}

TEST_F(PostgresSchema, TheDdlByHandMakesTheSame) {
  for (const std::string chosen : {"", "&table_prefix=bank_&indexes=type,time", "&schema=ledger"}) {
    run(at(chosen)->ddl());
    EXPECT_EQ(differences(chosen), lines{}) << chosen;
    EXPECT_EQ(why_not_opened(uri + chosen + "&tables=existing"), "") << chosen;
  }
}

TEST_F(PostgresSchema, DropTakesWhatIsOursAndNothingElse) {
  run("CREATE TABLE nexus_other (x int); CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS "
      "'SELECT 1'");
  must(at()->create());
  must(at()->drop());
  EXPECT_EQ(differences(), lines{"there are no tables"});
  EXPECT_EQ(value("SELECT string_agg(relname, ' ') FROM pg_class WHERE relname LIKE 'nexus%'"),
            "nexus_other");
  EXPECT_EQ(value("SELECT mine()"), "1");
  EXPECT_EQ(value("SELECT count(*) FROM pg_proc WHERE proname LIKE 'nexus%'"), "0");
  must(at()->drop());
  must(at()->create());
}

TEST_F(PostgresSchema, ForeignAndNewerTablesAreNotDropped) {
  run("CREATE TABLE nexus_durable_state (x int)");
  EXPECT_EQ(at()->drop().error().code, errc::foreign_schema);
  EXPECT_EQ(at()->create().error().code, errc::foreign_schema);
  EXPECT_EQ(at()->migrate().error().code, errc::foreign_schema);
  run("DROP TABLE nexus_durable_state");
  must(at()->create());
  run("UPDATE nexus_meta SET value = 4");
  EXPECT_EQ(at()->drop().error().code, errc::newer_schema);
  EXPECT_EQ(at()->create().error().code, errc::newer_schema);
  EXPECT_EQ(at()->migrate().error().code, errc::newer_schema);
  EXPECT_EQ(must(at()->check()).found, 4u);
}

TEST_F(PostgresSchema, EachDifferenceIsNamed) {
  must(at()->create());
  run("ALTER TABLE nexus_event_journal DROP COLUMN key_id, ADD COLUMN extra int, "
      "ALTER COLUMN slice TYPE bigint, ALTER COLUMN codec DROP NOT NULL;"
      "ALTER TABLE nexus_erased ALTER COLUMN persistence_id TYPE text COLLATE \"POSIX\";"
      "ALTER TABLE nexus_snapshot_store DROP CONSTRAINT nexus_snapshot_store_pkey;"
      "DROP TABLE nexus_durable_state;"
      "DROP INDEX nexus_event_tags_by_position;"
      "ALTER TABLE nexus_event_journal DISABLE TRIGGER nexus_event_erased");
  const std::string collation =
      "column nexus_erased.persistence_id is text COLLATE \"POSIX\" NOT NULL, "
      "not text COLLATE \"C\" NOT NULL";
  const std::string codec =
      "column nexus_event_journal.codec is text COLLATE \"C\", not text COLLATE \"C\" NOT NULL";
  EXPECT_EQ(
      differences("&indexes=type"),
      (lines{codec, "column nexus_event_journal.slice is bigint NOT NULL, not integer NOT NULL",
             "column nexus_event_journal.key_id is missing", collation,
             "the primary key of nexus_snapshot_store is missing",
             "table nexus_durable_state is missing", "trigger nexus_event_erased is disabled",
             "index nexus_event_tags_by_position is missing",
             "index nexus_event_journal_by_type is missing",
             "column nexus_event_journal.extra is not part of a journal"}));
}

TEST_F(PostgresSchema, ChosenIndexesAreMadeAndMayComeLater) {
  must(at()->create());
  EXPECT_EQ(differences("&indexes=type,time"),
            (lines{"index nexus_event_journal_by_type is missing",
                   "index nexus_event_journal_by_time is missing"}));
  EXPECT_EQ(why_not_opened(uri + "&indexes=type"), "") << "they cost time, not truth";
  must(at("&indexes=type,time")->create());
  EXPECT_EQ(differences("&indexes=type,time"), lines{});
  EXPECT_EQ(differences(), lines{});
}

TEST_F(PostgresSchema, JournalsOfTwoPrefixesAndTwoSchemasWorkApart) {
  std::vector<std::shared_ptr<journal>> all;
  for (const std::string of :
       {"", "&table_prefix=bank_", "&schema=ledger", "&schema=ledger&table_prefix=x_"}) {
    all.push_back(open_journal(uri + of));
    terse_session session{must(all.back()->open_session())};
    EXPECT_EQ(session.append(alice, 0, {"a"}), "stored") << of;
    EXPECT_EQ(session.history(alice), "1:a") << of;
    session.erase_to(alice, 1);
    EXPECT_EQ(session.highest(alice), 1u) << of;
  }
}

TEST_F(PostgresSchema, DeletingByHandKeepsTheHighestNumberAndTakesTheTags) {
  auto store = open_journal(uri + "&schema=ledger");
  terse_session session{must(store->open_session())};
  const std::array<std::string_view, 1> tags{"large"};
  auto tagged = testkit::event("b");
  tagged.tags = tags;
  ASSERT_EQ(session.append(alice, 0, {{testkit::event("a"), tagged}}), "stored");
  run("DELETE FROM ledger.nexus_event_journal");
  EXPECT_EQ(session.highest(alice), 2u);
  EXPECT_EQ(session.append(alice, 0, {"x"}), "conflict 2");
  EXPECT_EQ(value("SELECT count(*) FROM ledger.nexus_event_tags"), "0");
}

TEST_F(PostgresSchema, TheQueriesOfThePageRun) {
  auto store = open_journal(uri);
  terse_session session{must(store->open_session())};
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  std::ifstream page{STORAGE_PAGE};
  std::string sql;
  int run = 0;
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    here = here || line == "## PostgreSQL";
    if (!here || (sql.empty() && !line.starts_with("    SELECT"))) continue;
    sql += line + "\n";
    if (!line.ends_with(';')) continue;
    // Transactions of other tests on the server may hold the newest events back for a while.
    const auto query = std::exchange(sql, {});
    EXPECT_TRUE(wait_until([&] { return !cluster::execute_at(uri, query).empty(); })) << query;
    ++run;
  }
  EXPECT_EQ(run, 2);
}

// -- migration, with steps made up for it ---------------------------------------------------------

// They end at the current tables, as steps do.
const std::array<postgres::migration, 2> steps{
    {{3, "ALTER TABLE nexus_meta ADD COLUMN note int8; INSERT INTO nexus_meta VALUES ('note', 2)"},
     {4,
      "ALTER TABLE nexus_meta DROP COLUMN note; "
      "UPDATE nexus_meta SET value = value * 10 + 3 WHERE name = 'note'"}}};

TEST_F(PostgresSchema, EachStepIsTakenInOrder) {
  must(at()->create());
  postgres::connection c{where()};
  EXPECT_EQ(must(migrate_tables(c, where(), steps, 5)), 3u);
  EXPECT_EQ(value("SELECT string_agg(value::text, ' ' ORDER BY name) FROM nexus_meta "
                  "WHERE name <> 'epoch'"),
            "23 5");
  EXPECT_EQ(must(migrate_tables(c, where(), steps, 5)), 5u) << "nothing is left to do";
}

TEST_F(PostgresSchema, AStepThatFailsLeavesEverythingAsItWas) {
  must(at()->create());
  const std::array<postgres::migration, 2> bad{
      {steps[0], {4, "ALTER TABLE nexus_meta ADD COLUMN note int8"}}};
  postgres::connection c{where()};
  EXPECT_THROW((void)migrate_tables(c, where(), bad, 5), postgres::trouble);
  EXPECT_EQ(differences(), lines{});
  EXPECT_EQ(value("SELECT value FROM nexus_meta WHERE name = 'schema_version'"), "3");
}

TEST_F(PostgresSchema, OfManyThatMigrateAtOnceOneDoes) {
  must(at()->create());
  std::atomic<int> migrated{0};
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < 5; ++i) {
      all.emplace_back([&] {
        postgres::connection c{where()};
        if (must(migrate_tables(c, where(), steps, 5)) == 3) ++migrated;
      });
    }
  }
  EXPECT_EQ(migrated, 1);
  EXPECT_EQ(value("SELECT value FROM nexus_meta WHERE name = 'note'"), "23");
}

TEST_F(PostgresSchema, AWayThatIsNotThereIsSaid) {
  must(at()->create());
  postgres::connection c{where()};
  const auto done = migrate_tables(c, where(), {}, 4);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("no migration from schema version 3"), std::string::npos);
}

TEST_F(PostgresSchema, AMigrationThatLeadsElsewhereIsUndoneAndNamesTheDifference) {
  must(at()->create());
  struct wrong {
    std::string_view sql;
    std::string_view difference;
  };
  const std::array<wrong, 4> all{
      {{"ALTER TABLE nexus_meta ADD COLUMN note text",
        "column nexus_meta.note is not part of a journal"},
       {"ALTER TABLE nexus_event_journal ALTER COLUMN slice TYPE bigint",
        "column nexus_event_journal.slice is bigint NOT NULL, not integer NOT NULL"},
       {"DROP INDEX nexus_event_journal_by_position",
        "index nexus_event_journal_by_position is missing"},
       {"DROP TRIGGER nexus_event_erased ON nexus_event_journal; ALTER TABLE nexus_event_tags "
        "DROP COLUMN tag CASCADE",
        "column nexus_event_tags.tag is missing, and 2 more"}}};
  for (const auto& [sql, difference] : all) {
    const std::array<postgres::migration, 1> bad{{{3, std::string{sql}}}};
    postgres::connection c{where()};
    const auto done = migrate_tables(c, where(), bad, 4);
    ASSERT_FALSE(done) << sql;
    EXPECT_EQ(done.error().code, errc::foreign_schema);
    EXPECT_NE(done.error().message.find(std::string{difference} + "; nothing was changed"),
              std::string::npos)
        << done.error().message;
    EXPECT_EQ(differences(), lines{}) << sql;
    EXPECT_EQ(value("SELECT value FROM nexus_meta WHERE name = 'schema_version'"), "3");
  }
}

TEST_F(PostgresSchema, TablesThatDifferAlreadyAreNotMigrated) {
  must(at()->create());
  run("ALTER TABLE nexus_event_journal DROP COLUMN metadata");
  const auto done = at()->migrate();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::foreign_schema);
  EXPECT_NE(done.error().message.find("column nexus_event_journal.metadata is missing"),
            std::string::npos)
      << done.error().message;
}

TEST_F(PostgresSchema, AMissingChosenIndexDoesNotPreventAMigration) {
  must(at()->create());
  EXPECT_EQ(must(at("&indexes=type,time")->migrate()), 3u);
}

TEST_F(PostgresSchema, AJournalOfVersionOneGetsWhatVersionTwoAdds) {
  std::ifstream golden{GOLDEN_FILES "/postgres_v1.sql"};
  run({std::istreambuf_iterator<char>{golden}, {}});
  for (const char* number : {"1", "2"}) {
    run(std::string{"INSERT INTO nexus_event_journal VALUES ('account|alice', "} + number +
        ", pg_current_xact_id(), 1, 'happened', 1, 'msgpack', 'e" + number +
        "', '', '01ARZ3NDEKTSV4RRFFQ69G5FAV', now(), 520, NULL)");
  }
  run("INSERT INTO nexus_event_tags SELECT unnest(ARRAY['new', 'a \"b\"']), transaction_id, "
      "position "
      "FROM nexus_event_journal");
  run("DELETE FROM nexus_event_journal WHERE sequence_nr = 1");
  run("INSERT INTO nexus_durable_state VALUES ('account|bob', 3, 2, 'balance', 1, 'msgpack', 'c', "
      "'01ARZ3NDEKTSV4RRFFQ69G5FAV', now(), 267, NULL)");
  EXPECT_EQ(at()->create().error().code, errc::older_schema);
  EXPECT_EQ(must(at("&indexes=states,slice")->migrate()), 1u);
  must(at("&indexes=states,slice")->create());
  EXPECT_EQ(differences("&indexes=states,slice"), lines{});

  auto store = open_journal(uri);
  terse_session session{must(store->open_session())};
  EXPECT_EQ(session.history("account|alice"_id), "2:e2");
  EXPECT_EQ(value("SELECT tags FROM nexus_event_journal"), R"({"a \"b\"",new})");
  EXPECT_EQ(session.highest("account|alice"_id), 2u);
  EXPECT_EQ(session.state("account|bob"_id), "3:c");
  const auto nothing = [](const persistence_id&, const record_view&) { return true; };
  EXPECT_EQ(session.inner().read_all(position{}, 1, nothing).error().code, errc::history_erased);
  ASSERT_EQ(session.append("account|alice"_id, 2, {"e3"}), "stored");
}

TEST_F(PostgresSchema, AJournalOfVersionTwoGetsWhatVersionThreeAdds) {
  std::ifstream golden{GOLDEN_FILES "/postgres_v2.sql"};
  run({std::istreambuf_iterator<char>{golden}, {}});
  EXPECT_EQ(at()->create().error().code, errc::older_schema);
  EXPECT_EQ(must(at()->migrate()), 2u);
  EXPECT_EQ(differences(), lines{});
}

TEST_F(PostgresSchema, MigratingNothingCreates) {
  EXPECT_EQ(must(at()->migrate()), 0u);
  EXPECT_EQ(must(at()->migrate()), 3u);
  EXPECT_EQ(differences(), lines{});
}

}}  // namespace nexus::test
