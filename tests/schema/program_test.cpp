// nexus-schema as a process.
#include <filesystem>
#include <fstream>

#include "persistence/sqlite_fixture.hpp"
#include "samples/process.hpp"

namespace {

class SchemaProgram : public SqliteTest {
 protected:
  [[nodiscard]] std::string at(const std::string& parameters = "") const {
    return "sqlite:" + path() + parameters;
  }

  /// Runs the program on the journal at `uri`.
  static samples::finished run(const std::string& command, const std::string& uri,
                               const std::string& flag = "") {
    samples::command_line line{SCHEMA_PROGRAM, command, "--journal", uri};
    if (!flag.empty()) line.push_back(flag);
    return samples::run(line);
  }

  static void expect(const samples::finished& done, int code, const std::string& out) {
    EXPECT_EQ(done.code, code) << done.out << done.err;
    EXPECT_EQ(done.out, out);
    EXPECT_EQ(done.err, "");
  }

  static void expect_complaint(const samples::finished& done, int code, const std::string& names) {
    EXPECT_EQ(done.code, code);
    EXPECT_EQ(done.out, "");
    EXPECT_EQ(done.err.substr(0, 14), "nexus-schema: ");
    EXPECT_NE(done.err.find(names), std::string::npos) << done.err;
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
  }
};

TEST_F(SchemaProgram, CreatesChecksMigratesAndDrops) {
  expect(run("check", at()), 1, at() + ": there is no such file\n");
  expect(run("create", at()), 0, "the tables exist\n");
  expect(run("create", at()), 0, "the tables exist\n");
  expect(run("check", at()), 0, "fine: schema version 3\n");
  expect(run("migrate", at()), 0, "nothing to do: schema version 3\n");
  expect_complaint(run("drop", at()), 2, "--yes");
  expect(run("check", at()), 0, "fine: schema version 3\n");
  expect(run("drop", at(), "--yes"), 0, "the tables are dropped\n");
  expect(run("migrate", at()), 0, "created: schema version 3\n");
}

TEST_F(SchemaProgram, SaysEachDifferenceInALine) {
  ASSERT_EQ(run("create", at()).code, 0);
  sql("ALTER TABLE nexus_event_journal DROP COLUMN codec; DROP TRIGGER nexus_event_erased");
  expect(run("check", at("?indexes=time")), 1,
         "index nexus_event_journal_by_time is missing\n"
         "nexus_event_journal.codec is missing\n"
         "trigger nexus_event_erased is missing\n");
}

TEST_F(SchemaProgram, PrintsTheDdlThatAnOperatorMayApply) {
  auto printed = run("ddl", at("?table_prefix=bank_&indexes=type"));
  EXPECT_EQ(printed.code, 0);
  EXPECT_EQ(printed.out.find("nexus_"), std::string::npos);
  sql(printed.out);
  expect(run("check", at("?table_prefix=bank_&indexes=type")), 0, "fine: schema version 3\n");
}

TEST_F(SchemaProgram, RefusesForeignAndNewerDatabases) {
  sql("CREATE TABLE users (name)");
  for (const auto* command : {"create", "migrate"}) {
    expect_complaint(run(command, at()), 1, "users");
  }
  expect_complaint(run("drop", at(), "--yes"), 1, "users");
  std::filesystem::remove(path());
  ASSERT_EQ(run("create", at()).code, 0);
  sql("UPDATE nexus_meta SET value = 99 WHERE name = 'schema_version'");
  expect_complaint(run("create", at()), 1, "newer Nexus");
  expect(run("check", at()), 1,
         at() + ": was made by a newer Nexus: its schema has version 99, this one knows up to 3\n");
}

TEST_F(SchemaProgram, SaysWhatItCannotReachOrUnderstand) {
  for (const auto& bad : {std::string{"sqlite:"}, at("?indexes=all"), std::string{"memory:"},
                          std::string{"nosql:a"}, "sqlite:" + path("no/such/folder")}) {
    expect_complaint(run("check", bad), 2, bad.substr(0, bad.find('?')).substr(0, 7));
  }
  EXPECT_EQ(samples::run({SCHEMA_PROGRAM}).code, 2);
  EXPECT_EQ(samples::run({SCHEMA_PROGRAM, "alter", "--journal", at()}).code, 2);
  EXPECT_EQ(samples::run({SCHEMA_PROGRAM, "check"}).code, 2);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SchemaProgram, ExplainsItself) {
  auto help = samples::run({SCHEMA_PROGRAM, "--help"});
  EXPECT_EQ(help.code, 0);
  for (const auto* word : {"ddl", "check", "create", "migrate", "drop", "--journal", "Exit code"}) {
    EXPECT_NE(help.out.find(word), std::string::npos) << word;
  }
}

TEST_F(SchemaProgram, TwoAtOnceMakeOneJournal) {
  for (int round = 0; round < 5; ++round) {
    std::filesystem::remove(path());
    const samples::command_line line{SCHEMA_PROGRAM, "migrate", "--journal", at()};
    samples::process one{line};
    samples::process two{line};
    EXPECT_EQ(one.wait(), 0) << one.err();
    EXPECT_EQ(two.wait(), 0) << two.err();
    expect(run("check", at()), 0, "fine: schema version 3\n");
  }
}

}  // namespace
