// Creating, checking and dropping the tables of a journal in SQLite.
#include <array>
#include <fstream>
#include <nexus/memory.hpp>

#include "sqlite_schema_fixture.hpp"

namespace {

using nexus::errc;

class SqliteSchema : public SqliteSchemaTest {
 protected:
  void make_empty() { const std::ofstream file{path()}; }
};

TEST_F(SqliteSchema, CreatedTwiceTheyAreAsTheyShouldBe) {
  ASSERT_TRUE(tables()->create());
  (void)append(*session(), batch{"a", 0, 3});
  ASSERT_TRUE(tables()->create());
  auto status = tables()->check().value();
  EXPECT_EQ(status.found, 3U);
  EXPECT_EQ(status.known, 3U);
  EXPECT_EQ(status.differences, lines{});
  EXPECT_EQ(numbers(*session(), "a").value().size(), 3U);
}

TEST_F(SqliteSchema, TablesMadeByOpeningHaveNoDifferences) {
  (void)session("?indexes=type,time&table_prefix=bank_");
  EXPECT_EQ(differences("?indexes=type,time&table_prefix=bank_"), lines{});
}

TEST_F(SqliteSchema, TheDdlByHandMakesTheSame) {
  for (const auto* chosen :
       {"", "?indexes=type,time,slice,instance,tag,states", "?table_prefix=bank_&indexes=time"}) {
    std::filesystem::remove(path());
    sql(tables(chosen)->ddl());
    EXPECT_EQ(differences(chosen), lines{}) << chosen;
    EXPECT_EQ(tables(chosen)->check().value().found, 3U) << chosen;
    EXPECT_TRUE(open(at(chosen))) << chosen;
  }
}

TEST_F(SqliteSchema, TheDdlTouchesNoFile) {
  EXPECT_NE(tables()->ddl().find("nexus_event_journal"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SqliteSchema, CheckMakesNothing) {
  auto status = tables()->check().value();
  EXPECT_EQ(status.found, 0U);
  EXPECT_EQ(status.differences, (lines{at() + ": there is no such file"}));
  EXPECT_FALSE(std::filesystem::exists(path()));
  make_empty();
  EXPECT_EQ(differences(), (lines{at() + ": there are no tables of a journal"}));
  EXPECT_EQ(std::filesystem::file_size(path()), 0U);
}

TEST_F(SqliteSchema, CheckReadsWhileAJournalIsOpen) {
  auto s = session();
  (void)append(*s, batch{"a"});
  EXPECT_EQ(differences(), lines{});
  EXPECT_EQ(append(*s, batch{"a", 1}).index(), 0U);
}

TEST_F(SqliteSchema, EachDifferenceIsNamed) {
  ASSERT_TRUE(tables()->create());
  using change = std::pair<const char*, const char*>;
  constexpr std::array<change, 11> changes{
      {{"ALTER TABLE nexus_event_journal DROP COLUMN codec",
        "nexus_event_journal.codec is missing"},
       {"ALTER TABLE nexus_event_journal ADD COLUMN mood TEXT",
        "nexus_event_journal.mood is not part of a journal"},
       {"DROP INDEX nexus_erased_by_position", "index nexus_erased_by_position is missing"},
       {"DROP INDEX nexus_erased_by_position; "
        "CREATE INDEX nexus_erased_by_position ON nexus_erased (sequence_nr)",
        "index nexus_erased_by_position is on nexus_erased (sequence_nr), not on nexus_erased "
        "(position)"},
       {"CREATE UNIQUE INDEX one ON nexus_event_journal (timestamp)",
        "index one is not part of a journal"},
       {"DROP TRIGGER nexus_event_erased", "trigger nexus_event_erased is missing"},
       {"DROP TRIGGER nexus_event_erased; CREATE TRIGGER nexus_event_erased AFTER DELETE ON "
        "nexus_event_journal BEGIN SELECT 1; END",
        "trigger nexus_event_erased has a different text"},
       {"CREATE TRIGGER mine AFTER INSERT ON nexus_event_journal BEGIN SELECT 1; END",
        "trigger mine is not part of a journal"},
       {"DROP TABLE nexus_snapshot_store", "nexus_snapshot_store is missing"},
       {"DROP TABLE nexus_erased; CREATE TABLE nexus_erased (persistence_id TEXT PRIMARY KEY NOT "
        "NULL, sequence_nr TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID; CREATE INDEX "
        "nexus_erased_by_position ON nexus_erased (position)",
        "nexus_erased.sequence_nr is TEXT NOT NULL, not INTEGER NOT NULL"},
       {"DROP TABLE nexus_erased; CREATE TABLE nexus_erased (persistence_id TEXT PRIMARY KEY NOT "
        "NULL, sequence_nr INTEGER, position INTEGER NOT NULL) WITHOUT ROWID; CREATE INDEX "
        "nexus_erased_by_position ON nexus_erased (position)",
        "nexus_erased.sequence_nr is INTEGER, not INTEGER NOT NULL"}}};
  const auto whole = path("whole.db");
  std::filesystem::copy_file(path(), whole);
  for (const auto& [statement, line] : changes) {
    std::filesystem::remove(path());
    std::filesystem::copy_file(whole, path());
    sql(statement);
    EXPECT_EQ(differences(), lines{line}) << statement;
  }
}

TEST_F(SqliteSchema, WithoutTheKeyThatRefusesDoublesItIsNoJournal) {
  auto text = tables()->ddl();
  const std::string unique = "UNIQUE (persistence_id, sequence_nr)";
  text.replace(text.find(unique), unique.size(), "CHECK (sequence_nr > 0)");
  sql(text);
  EXPECT_EQ(differences(),
            lines{"UNIQUE (persistence_id, sequence_nr) of nexus_event_journal is missing"});
  EXPECT_EQ(open(at()).error().code, errc::foreign_schema);
}

TEST_F(SqliteSchema, AnExtraIndexIsNoDifference) {
  (void)session();
  sql("CREATE INDEX mine ON nexus_event_journal (writer_id)");
  EXPECT_EQ(differences(), lines{});
}

TEST_F(SqliteSchema, ChosenIndexesAreNamedWhileTheyAreMissing) {
  ASSERT_TRUE(tables()->create());
  EXPECT_EQ(differences("?indexes=type,time"),
            (lines{"index nexus_event_journal_by_time is missing",
                   "index nexus_event_journal_by_type is missing"}));
  EXPECT_TRUE(open(at("?indexes=type,time&tables=existing"))) << "they are no condition";
  ASSERT_TRUE(tables("?indexes=time")->create());
  EXPECT_EQ(differences("?indexes=type,time"),
            lines{"index nexus_event_journal_by_type is missing"});
  ASSERT_TRUE(open(at("?indexes=type")));
  EXPECT_EQ(differences("?indexes=type,time"), lines{});
  EXPECT_EQ(differences(), lines{}) << "nor do they disturb who has not chosen them";
}

TEST_F(SqliteSchema, AForeignDatabaseIsRefusedAndKept) {
  sql("CREATE TABLE users (name)");
  const auto* names = "it contains \"users\" but no nexus_meta";
  expect_refused(tables()->create(), errc::foreign_schema, names);
  expect_refused(tables()->migrate().map([](unsigned) {}), errc::foreign_schema, names);
  expect_refused(tables()->drop(), errc::foreign_schema, names);
  auto status = tables()->check().value();
  EXPECT_EQ(status.found, 0U);
  EXPECT_EQ(status.differences, lines{at() + ": is not a Nexus journal: " + names});
  EXPECT_EQ(sql("SELECT group_concat(name) FROM sqlite_master"), "users");
}

TEST_F(SqliteSchema, GarbageIsADifferenceAndKept) {
  std::ofstream{path()} << std::string(5'000, '#');
  ASSERT_EQ(differences().size(), 1U);
  EXPECT_NE(differences()[0].find("is not a SQLite database"), std::string::npos);
  expect_refused(tables()->drop(), errc::foreign_schema, path());
  EXPECT_EQ(std::filesystem::file_size(path()), 5'000U);
}

TEST_F(SqliteSchema, ANewerOneIsRefusedAndKept) {
  ASSERT_TRUE(tables()->create());
  sql("UPDATE nexus_meta SET value = 99 WHERE name = 'schema_version'");
  for (const auto& done :
       {tables()->create(), tables()->migrate().map([](unsigned) {}), tables()->drop()}) {
    expect_refused(done, errc::newer_schema, "99");
  }
  auto status = tables()->check().value();
  EXPECT_EQ(status.found, 99U);
  ASSERT_EQ(status.differences.size(), 1U);
  EXPECT_NE(status.differences[0].find("a newer Nexus"), std::string::npos);
  EXPECT_EQ(sql("SELECT count(*) FROM nexus_event_journal"), "0");
}

TEST_F(SqliteSchema, DropLeavesOtherTablesAlone) {
  (void)append(*session("?indexes=type"), batch{"a"});
  (void)open(at("?table_prefix=nexus_two_"));
  sql("CREATE TABLE nexus_of_mine (name)");
  journal_.reset();
  ASSERT_TRUE(tables()->drop());
  EXPECT_EQ(sql("SELECT group_concat(name) FROM sqlite_master WHERE type = 'table' AND name NOT "
                "GLOB 'nexus_two_*'"),
            "nexus_of_mine");
  EXPECT_EQ(differences("?table_prefix=nexus_two_"), lines{});
}

TEST_F(SqliteSchema, DroppedTwiceThereIsNothingToDo) {
  EXPECT_TRUE(tables()->drop());
  EXPECT_FALSE(std::filesystem::exists(path()));
  ASSERT_TRUE(tables()->create());
  ASSERT_TRUE(tables()->drop());
  EXPECT_TRUE(tables()->drop());
  EXPECT_EQ(differences(), (lines{at() + ": there are no tables of a journal"}));
  EXPECT_TRUE(tables()->create());
}

TEST_F(SqliteSchema, TwoJournalsInOneFileKnowNothingOfEachOther) {
  auto one = open(at()).value()->open_session().value();
  auto two = open(at("?table_prefix=two_")).value()->open_session().value();
  EXPECT_EQ(open(at("?table_prefix=two_")).value()->name(), at("?table_prefix=two_"));
  EXPECT_EQ(position_of(append(*one, batch{"a", 0, 3})).major,
            position_of(append(*two, batch{"a", 0, 3})).major);
  (void)append(*two, batch{"b"});
  ASSERT_TRUE(two->erase_to(id("a"), 2));
  EXPECT_EQ(numbers(*one, "a").value(), (std::vector<nexus::sequence_nr>{1, 2, 3}));
  EXPECT_EQ(numbers(*two, "a").value(), (std::vector<nexus::sequence_nr>{3}));
  EXPECT_EQ(one->ids({.type = "t"}, 9).value().size(), 1U);
  EXPECT_EQ(two->ids({.type = "t"}, 9).value().size(), 2U);
}

TEST_F(SqliteSchema, OpeningOnlyExistingTablesMakesNothing) {
  auto refused = [&] { return open(at("?tables=existing")).map([](const auto&) {}); };
  expect_refused(refused(), errc::unavailable, "has no tables");
  EXPECT_FALSE(std::filesystem::exists(path()));
  make_empty();
  expect_refused(refused(), errc::unavailable, "has no tables");
  EXPECT_EQ(std::filesystem::file_size(path()), 0U);
  sql(tables()->ddl());
  EXPECT_TRUE(refused());
}

TEST_F(SqliteSchema, BadChoicesAreNamed) {
  const auto long_one = std::string(31, 'a');
  for (const auto& bad :
       {std::string{"table_prefix="}, std::string{"table_prefix=Bank_"},
        std::string{"table_prefix=1_"}, std::string{"table_prefix=a;b"}, "table_prefix=" + long_one,
        std::string{"table_prefix=sqlite_"}, std::string{"indexes="}, std::string{"indexes=type,"},
        std::string{"indexes=writer"}, std::string{"tables="}, std::string{"tables=drop"}}) {
    auto opened = open(at("?" + bad));
    expect_refused(opened.map([](const auto&) {}), errc::invalid_argument,
                   bad.substr(0, bad.find('=')));
  }
  EXPECT_TRUE(open(at("?table_prefix=" + long_one.substr(1))));
  EXPECT_TRUE(open(at("?indexes=none&tables=create")));
}

TEST(OpenSchema, IsRefusedForAJournalWithoutTables) {
  const std::vector<nexus::backend> known{nexus::memory_backend(), nexus::sqlite_backend()};
  EXPECT_EQ(nexus::open_schema("memory:", known).error().code, errc::invalid_argument);
  EXPECT_EQ(nexus::open_schema("nosql:a", known).error().code, errc::invalid_argument);
  EXPECT_TRUE(nexus::open_schema("sqlite:a.db", known));
}

}  // namespace
