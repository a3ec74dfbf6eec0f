// Opening a SQLite journal on every kind of file.
#include <sys/wait.h>

#include <array>
#include <fstream>
#include <thread>

#include "sqlite_fixture.hpp"

namespace {

using nexus::errc;

class SqliteOpening : public SqliteTest {
 protected:
  void expect_refused(const std::string& text, errc code, const std::string& names) {
    auto opened = open(text);
    ASSERT_FALSE(opened) << text;
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    expect_names(opened.error(), names);
  }

  // As user "nobody", whose permissions are checked even when the tests run as root.
  void expect_refused_to_nobody(const std::string& names) {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms{0755});
    auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (geteuid() == 0 && seteuid(65534) != 0) _exit(2);
      auto opened = open("sqlite:" + path());
      bool right = !opened && opened.error().code == errc::unavailable &&
                   opened.error().message.find(names) != std::string::npos;
      if (!right) std::cerr << (opened ? "opened" : opened.error().message) << '\n';
      _exit(right ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
};

TEST_F(SqliteOpening, AMissingOrEmptyFileBecomesAJournal) {
  EXPECT_EQ(open("sqlite:" + path()).value()->name(), "sqlite:" + path());
  std::ofstream empty{path("empty.db")};
  EXPECT_TRUE(open("sqlite:" + path("empty.db")));
  EXPECT_TRUE(open("sqlite:" + path("empty.db")));
}

TEST_F(SqliteOpening, ANameIsANameAndNeverAnSqliteUri) {
  auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  EXPECT_TRUE(open("sqlite:file:a.db"));
  EXPECT_TRUE(std::filesystem::exists("file:a.db"));
  std::filesystem::current_path(before);
}

TEST_F(SqliteOpening, ADirectoryIsRefused) {
  expect_refused("sqlite:" + folder_.path(), errc::invalid_argument, folder_.path());
}

TEST_F(SqliteOpening, AMissingDirectoryIsRefused) {
  expect_refused("sqlite:" + path("no/such/j.db"), errc::invalid_argument, path("no/such"));
}

TEST_F(SqliteOpening, ADeviceIsRefused) {
  expect_refused("sqlite:/dev/null", errc::invalid_argument, "/dev/null");
}

TEST_F(SqliteOpening, GarbageIsRefusedAndKept) {
  for (std::size_t size : {2, 100, 5'000}) {
    std::ofstream{path()} << std::string(size, '#');
    expect_refused("sqlite:" + path(), errc::foreign_schema, path());
    EXPECT_EQ(std::filesystem::file_size(path()), size);
  }
}

TEST_F(SqliteOpening, AnotherApplicationsTablesAreRefusedAndKept) {
  sql("CREATE TABLE users (name)");
  expect_refused("sqlite:" + path(), errc::foreign_schema, path());
  EXPECT_EQ(sql("SELECT group_concat(name) FROM sqlite_master"), "users");
  EXPECT_EQ(sql("PRAGMA journal_mode"), "delete");
}

TEST_F(SqliteOpening, ATableNexusMetaOfAnotherShapeIsForeign) {
  sql("CREATE TABLE nexus_meta (something)");
  expect_refused("sqlite:" + path(), errc::foreign_schema, path());
}

TEST_F(SqliteOpening, ANewerSchemaIsRefused) {
  (void)session();
  sql("UPDATE nexus_meta SET value = 99 WHERE name = 'schema_version'");
  expect_refused("sqlite:" + path(), errc::newer_schema, "99");
}

TEST_F(SqliteOpening, AMissingColumnTableOrTriggerIsNamed) {
  (void)session();
  sql("ALTER TABLE nexus_event_journal DROP COLUMN codec");
  expect_refused("sqlite:" + path(), errc::foreign_schema, "nexus_event_journal.codec");
  sql("ALTER TABLE nexus_event_journal ADD COLUMN codec TEXT NOT NULL DEFAULT 'msgpack'");
  EXPECT_TRUE(open("sqlite:" + path()));
  sql("DROP TRIGGER nexus_event_erased");
  expect_refused("sqlite:" + path(), errc::foreign_schema, "nexus_event_erased");
}

TEST_F(SqliteOpening, TablesOfTheUsersOwnMayStandBesideOurs) {
  (void)session();
  sql("CREATE TABLE accounts_by_name (name)");
  EXPECT_TRUE(open("sqlite:" + path()));
}

TEST_F(SqliteOpening, ADumpReadBackIsAJournal) {
  auto s = session();
  (void)append(*s, batch{"a", 0, 3});
  (void)s->erase_to(id("a"), 1);
  auto dump = "sqlite3 " + path() + " .dump 2>/dev/null | sqlite3 " + path("copy.db");
  if (std::system("command -v sqlite3 >/dev/null") != 0) GTEST_SKIP() << "no sqlite3 here";
  ASSERT_EQ(std::system(dump.c_str()), 0);
  auto copy = open("sqlite:" + path("copy.db")).value()->open_session().value();
  EXPECT_EQ(numbers(*copy, "a").value(), (std::vector<nexus::sequence_nr>{2, 3}));
}

TEST_F(SqliteOpening, AReadOnlyFileIsRefused) {
  (void)session();
  for (const auto& entry : std::filesystem::directory_iterator{folder_.path()}) {
    std::filesystem::permissions(entry, std::filesystem::perms{0444});
  }
  expect_refused_to_nobody(path());
}

TEST_F(SqliteOpening, AReadOnlyDirectoryIsRefused) {
  (void)session();
  std::filesystem::permissions(path(), std::filesystem::perms{0666});
  if (geteuid() != 0) std::filesystem::permissions(folder_.path(), std::filesystem::perms{0555});
  expect_refused_to_nobody(folder_.path());
}

TEST_F(SqliteOpening, UnknownAndBadParametersAreRefused) {
  expect_refused("sqlite:" + path() + "?sync=full", errc::invalid_argument, "sync");
  expect_refused("sqlite:" + path() + "?synchronous=off", errc::invalid_argument, "off");
  expect_refused("sqlite:", errc::invalid_argument, "path");
  expect_refused("sqlite::memory:", errc::invalid_argument, "memory:");
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SqliteOpening, ManyMayOpenAFreshFileAtOnce) {
  constexpr int rounds = 20;
  for (int round = 0; round < rounds; ++round) {
    auto where = "sqlite:" + path(std::to_string(round));
    std::vector<std::string> trouble(4);
    std::vector<std::thread> threads;
    threads.reserve(trouble.size());
    for (auto& why : trouble) {
      threads.emplace_back([&why, where] {
        auto opened = open(where);
        if (!opened) why = opened.error().message;
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(trouble, std::vector<std::string>(4));
  }
}

TEST_F(SqliteOpening, TwoProcessesMayOpenAFreshFileAtOnce) {
  for (int round = 0; round < 20; ++round) {
    auto where = "sqlite:" + path(std::to_string(round));
    std::array<pid_t, 2> children{};
    for (auto& child : children) {
      child = fork();
      if (child == 0) _exit(open(where) ? 0 : 1);
    }
    for (auto child : children) {
      int status = -1;
      waitpid(child, &status, 0);
      EXPECT_EQ(status, 0);
    }
  }
}

TEST_F(SqliteOpening, ALostFileIsNotCreatedAgainUnderARunningJournal) {
  (void)session();
  std::filesystem::remove(path());
  auto again = journal_->open_session();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::unavailable);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

}  // namespace
