// Migration to made-up versions beyond the current one, which is 3.
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <thread>

#include "sqlite_schema_fixture.hpp"

namespace {

using nexus::errc;
using nexus::test::made_up;
using nexus::test::running;

const std::string more = "CREATE TABLE nexus_moods (name TEXT NOT NULL);";

class SqliteMigration : public SqliteSchemaTest {
 protected:
  void SetUp() override {
    (void)append(*session(), batch{"a", 0, 3});
    journal_.reset();
  }

  std::string version() { return sql("SELECT value FROM nexus_meta WHERE name='schema_version'"); }
  std::string moods() { return sql("SELECT count(*) FROM sqlite_master WHERE name='nexus_moods'"); }
};

TEST_F(SqliteMigration, StepsAreTakenInOrderAndDataIsKept) {
  made_up fifth{more + "CREATE INDEX nexus_moods_by_name ON nexus_moods (name);",
                {running(more), running("CREATE INDEX nexus_moods_by_name ON nexus_moods (name)")}};
  EXPECT_EQ(tables_of(fifth)->migrate(), 3U);
  auto status = tables_of(fifth)->check().value();
  EXPECT_EQ(status.found, 5U);
  EXPECT_EQ(status.differences, lines{});
  EXPECT_EQ(sql("SELECT count(*) FROM nexus_event_journal"), "3");
  EXPECT_EQ(tables_of(fifth)->migrate(), 5U);
}

TEST_F(SqliteMigration, WithoutTablesItCreatesTodays) {
  std::filesystem::remove(path());
  made_up fourth{more, {running("an error, if it were run")}};
  EXPECT_EQ(tables_of(fourth)->migrate(), 0U);
  EXPECT_EQ(tables_of(fourth)->check().value().differences, lines{});
}

TEST_F(SqliteMigration, StepsNameTablesAsWasChosen) {
  ASSERT_TRUE(tables("?table_prefix=two_")->create());
  made_up fourth{more, {running(more)}};
  EXPECT_EQ(tables_of(fourth, "?table_prefix=two_")->migrate(), 3U);
  EXPECT_EQ(version(), "3") << "the other journal in the file stays as it is";
  EXPECT_EQ(tables_of(fourth, "?table_prefix=two_")->check().value().differences, lines{});
}

TEST_F(SqliteMigration, AFailingStepLeavesTheOldVersionAndItsData) {
  auto give_up = [](SQLite::Database&, const nexus::schema_choices&) -> nexus::result<void> {
    return nexus::fail(errc::corrupt, "a mood of today is unknown");
  };
  made_up bad_sql{more, {running(more + "DELETE FROM nexus_event_journal"), running("gibberish")}};
  made_up no_mood{more, {running(more + "DELETE FROM nexus_event_journal"), give_up}};
  made_up forgetful{more, {running("DELETE FROM nexus_event_journal")}};
  const std::array<std::pair<const made_up*, const char*>, 3> all{
      {{&bad_sql, "gibberish"}, {&no_mood, "mood"}, {&forgetful, "nexus_moods is missing"}}};
  for (const auto& [layout, names] : all) {
    auto done = tables_of(*layout)->migrate();
    ASSERT_FALSE(done);
    expect_names(done.error(), names);
    EXPECT_EQ(version(), "3");
    EXPECT_EQ(moods(), "0");
    EXPECT_EQ(sql("SELECT count(*) FROM nexus_event_journal"), "3");
  }
  EXPECT_EQ(numbers(*session(), "a").value().size(), 3U);
}

TEST_F(SqliteMigration, AnOlderVersionIsRefusedByWhatDoesNotMigrate) {
  made_up fourth{more, {running(more)}};
  auto created = tables_of(fourth)->create();
  expect_refused(created, errc::older_schema, "nexus-schema migrate");
  EXPECT_EQ(version(), "3");
  auto status = tables_of(fourth)->check().value();
  EXPECT_EQ(status.found, 3U);
  EXPECT_EQ(status.known, 4U);
  EXPECT_EQ(status.differences, lines{created.error().message});
}

TEST_F(SqliteMigration, ASessionOpenMeanwhileIsToldOfTheNewVersion) {
  auto s = session();
  made_up fourth{more, {running(more)}};
  ASSERT_TRUE(tables_of(fourth)->migrate());
  EXPECT_EQ(journal_->open_session().error().code, errc::newer_schema);
}

TEST_F(SqliteMigration, OfManyAtOnceOneDoesIt) {
  std::atomic<int> taken = 0;
  auto count = [&](SQLite::Database& db, const nexus::schema_choices& c) -> nexus::result<void> {
    ++taken;
    db.exec(c.named(more));
    return {};
  };
  made_up fourth{more, {count}};
  std::array<nexus::result<unsigned>, 4> found;
  std::vector<std::thread> threads;
  for (auto& one : found) {
    threads.emplace_back([&] { one = tables_of(fourth)->migrate(); });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(taken, 1);
  for (const auto& one : found) EXPECT_TRUE(one == 3U || one == 4U);
  EXPECT_EQ(version(), "4");
}

TEST_F(SqliteMigration, OfTwoProcessesAtOnceOneDoesIt) {
  // The process that takes the step leaves a line; both begin when the pipe is closed.
  made_up fourth{more, {running(more + "INSERT INTO nexus_moods VALUES ('good')")}};
  for (int round = 0; round < 10; ++round) {
    sql("DROP TABLE IF EXISTS nexus_moods; UPDATE nexus_meta SET value = 3 "
        "WHERE name = 'schema_version'");
    std::array<int, 2> start{};
    ASSERT_EQ(pipe(start.data()), 0);
    std::array<pid_t, 2> children{};
    for (auto& child : children) {
      child = fork();
      if (child != 0) continue;
      close(start[1]);
      char none = 0;
      if (read(start[0], &none, 1) != 0) _exit(2);
      _exit(tables_of(fourth)->migrate() ? 0 : 1);
    }
    close(start[0]);
    close(start[1]);
    for (auto child : children) {
      int status = -1;
      waitpid(child, &status, 0);
      EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(version(), "4");
    EXPECT_EQ(sql("SELECT count(*) FROM nexus_moods"), "1");
  }
}

TEST_F(SqliteMigration, AJournalOfVersionOneGetsWhatVersionTwoAdds) {
  std::filesystem::remove(path());
  std::filesystem::copy_file(GOLDEN_FILES "/journal.sqlite", path());
  expect_refused(tables()->create(), errc::older_schema, "nexus-schema migrate");
  EXPECT_EQ(tables("?indexes=states,slice")->migrate(), 1U);
  EXPECT_EQ(differences("?indexes=states,slice"), lines{});
  EXPECT_EQ(tables()->migrate(), 3U) << "nothing is left to do";
}

TEST_F(SqliteMigration, OpeningMayMigrateIfItIsToldTo) {
  EXPECT_TRUE(open(at("?tables=migrate")));
  std::filesystem::remove(path());
  EXPECT_TRUE(open(at("?tables=migrate")));
  EXPECT_EQ(differences(), lines{});
}

}  // namespace
