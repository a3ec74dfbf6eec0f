// A file that is removed, moved or replaced while it is open: later writes to it are never
// acknowledged.
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <thread>

#include "nexus/transaction.hpp"
#include "sqlite_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using nexus::errc;
using nexus::settlement;

class SqliteFileGone : public SqliteTest {
 protected:
  SqliteFileGone() {
    one = session();
    EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*one, batch{"a"})));
    EXPECT_TRUE(one->execute("CREATE TABLE t (n)"));
    EXPECT_EQ(journal_->trouble(), std::nullopt);
  }

  // `unknown` once, then certainly not stored, with the file's name each time.
  void expect_noticed(const std::string& names) {
    batch lost{"a", 1};
    const auto first = append(*one, lost);
    ASSERT_TRUE(std::holds_alternative<nexus::unknown>(first)) << first.index();
    expect_names(std::get<nexus::unknown>(first).why, names);
    for (int i = 0; i < 3; ++i) {
      const auto later = append(*one, lost);
      ASSERT_TRUE(std::holds_alternative<nexus::failed>(later)) << later.index();
      expect_unavailable(std::get<nexus::failed>(later).why, names);
      const auto truth = one->settle(lost.request);
      ASSERT_FALSE(truth) << "it can be neither stored nor not stored";
      expect_unavailable(truth.error(), names);
      const auto again = journal_->open_session();
      ASSERT_FALSE(again);
      expect_unavailable(again.error(), names);
    }
    ASSERT_TRUE(journal_->trouble());
    expect_unavailable(*journal_->trouble(), names);
  }

  static void expect_unavailable(const nexus::error& why, const std::string& names) {
    EXPECT_EQ(why.code, errc::unavailable) << why.message;
    expect_names(why, names);
  }

  void replace_by_a_copy() {
    fs::copy_file(path(), path("copy"));
    fs::rename(path("copy"), path());
  }

  std::unique_ptr<nexus::journal_session> one;
};

TEST_F(SqliteFileGone, ARemovedFileIsNoticedAndNotCreatedAgain) {
  fs::remove(path());
  expect_noticed(path());
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(SqliteFileGone, AllFilesRemovedAreNoticed) {
  for (const auto* end : {"", "-wal", "-shm"}) fs::remove(path() + end);
  expect_noticed(path());
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(SqliteFileGone, AFileReplacedByACopyIsNoticed) {
  replace_by_a_copy();
  expect_noticed(path());
}

TEST_F(SqliteFileGone, AFileReplacedByAnEmptyOneIsNotFilled) {
  for (const auto* end : {"", "-wal", "-shm"}) fs::remove(path() + end);
  std::fclose(std::fopen(path().c_str(), "w"));
  expect_noticed(path());
  EXPECT_EQ(fs::file_size(path()), 0U);
}

TEST_F(SqliteFileGone, AnotherJournalInItsPlaceIsNotGoneOnWith) {
  for (const auto* end : {"", "-wal", "-shm"}) fs::remove(path() + end);
  auto another = open("sqlite:" + path()).value();
  expect_noticed(path());
  EXPECT_EQ(another->open_session().value()->highest(id("a")).value(), 0u);
}

TEST_F(SqliteFileGone, ARemovedLogIsNoticed) {
  const auto other = session();  // like those of a store's pool
  fs::remove(path() + "-wal");
  expect_noticed(path() + "-wal");
}

TEST_F(SqliteFileGone, ALogThatAnotherProcessReplacedIsNoticed) {
  const auto other = session();
  fs::remove(path() + "-wal");
  std::fclose(std::fopen((path() + "-wal").c_str(), "w"));
  expect_noticed(path() + "-wal");
}

TEST_F(SqliteFileGone, AMovedFolderIsNoticed) {
  fs::create_directory(path("in"));
  auto inner = open("sqlite:" + path("in/j.db")).value();
  auto s = inner->open_session().value();
  ASSERT_TRUE(std::holds_alternative<nexus::stored>(append(*s, batch{"a"})));
  fs::rename(path("in"), path("out"));
  const auto lost = append(*s, batch{"a", 1});
  ASSERT_TRUE(std::holds_alternative<nexus::unknown>(lost));
  expect_names(std::get<nexus::unknown>(lost).why, path("in/j.db"));
}

TEST_F(SqliteFileGone, ALinkThatLeadsElsewhereIsNoticed) {
  fs::create_symlink("j.db", path("link"));
  auto linked = open("sqlite:" + path("link")).value();
  auto s = linked->open_session().value();
  ASSERT_TRUE(std::holds_alternative<nexus::stored>(append(*s, batch{"a", 1})));
  fs::copy_file(path(), path("other.db"));
  fs::remove(path("link"));
  fs::create_symlink("other.db", path("link"));
  EXPECT_TRUE(std::holds_alternative<nexus::unknown>(append(*s, batch{"a", 2})));
  EXPECT_TRUE(linked->trouble());
  EXPECT_FALSE(journal_->trouble()) << "who opened the file itself has it";
}

TEST_F(SqliteFileGone, AFileThatIsPutBackIsTheJournalAgainWithoutALoss) {
  batch lost{"a", 1};
  fs::rename(path(), path("away"));
  ASSERT_TRUE(std::holds_alternative<nexus::unknown>(append(*one, lost)));
  EXPECT_FALSE(one->settle(lost.request));
  EXPECT_TRUE(journal_->trouble());
  fs::rename(path("away"), path());
  EXPECT_FALSE(journal_->trouble());
  EXPECT_EQ(one->settle(lost.request).value(), settlement::stored);
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*one, batch{"a", 2})));
  EXPECT_EQ(numbers(*one, "a").value(), (std::vector<nexus::sequence_nr>{1, 2, 3}));
}

// A file system may reuse the number of an inode at once.
TEST_F(SqliteFileGone, ACopyIsNoticedAlsoIfNoConnectionWasOpenMeanwhile) {
  one.reset();
  const auto bytes = fs::file_size(path());
  fs::copy_file(path(), path("copy"));
  fs::remove(path());
  for (int i = 0; i < 20; ++i) {
    fs::copy_file(path("copy"), path());
    ASSERT_EQ(fs::file_size(path()), bytes);
    ASSERT_FALSE(journal_->open_session());
    fs::remove(path());
  }
}

TEST_F(SqliteFileGone, EveryWayOfWritingNoticesIt) {
  nexus::upsert_request state{
      .id = id("s"), .expected = 0, .next = 1, .value = nexus::state_view{.data = "one"}};
  nexus::stored_snapshot taken;
  taken.number = 1;
  const std::vector<nexus::snapshot_request> snapshots{
      {.id = id("a"), .snapshot = {.number = 1, .data = "s"}}};
  const std::vector<nexus::prune_request> prunes{
      {.id = id("a"), .snapshots_below = 1, .events_to = 1}};
  using way = std::function<nexus::result<void>()>;
  const auto sql_of = [&](std::string text) {
    return [this, text] { return one->execute(text).map([](auto&&) {}); };
  };
  const std::vector<std::pair<const char*, way>> ways{
      {"upsert",
       [&]() -> nexus::result<void> {
         auto outcome = one->upsert({&state, 1}).at(0);
         auto* u = std::get_if<nexus::unknown>(&outcome);
         if (u == nullptr) return {};
         return nexus::fail(u->why);
       }},
      {"snapshots", [&] { return one->save_snapshots(snapshots); }},
      {"erase", [&] { return one->erase_to(id("a"), 1); }},
      {"erase snapshots", [&] { return one->erase_snapshots(id("a"), {}); }},
      {"prune", [&] { return one->prune(prunes); }},
      {"a statement", sql_of("INSERT INTO t VALUES (1)")},
      {"a transaction",
       [&] {
         return nexus::transactional(*one, [](nexus::session& s) -> nexus::result<void> {
           EXPECT_TRUE(s.execute("INSERT INTO t VALUES (1)"));
           return {};
         });
       }},
      {"a savepoint", [&]() -> nexus::result<void> {
         EXPECT_TRUE(one->execute("SAVEPOINT here"));
         EXPECT_TRUE(one->execute("INSERT INTO t VALUES (1)"));
         return one->execute("RELEASE here").map([](auto&&) {});
       }}};
  for (const auto& [name, write] : ways) {
    fs::rename(path(), path("away"));
    const auto done = write();
    fs::rename(path("away"), path());
    ASSERT_FALSE(done) << name;
    expect_names(done.error(), path());
    EXPECT_FALSE(one->in_transaction());
    EXPECT_TRUE(one->highest(id("a"))) << name << ": it is back";
  }
}

TEST_F(SqliteFileGone, ReadingIsRefusedOnceItWasNoticed) {
  const auto other = session();
  fs::remove(path());
  (void)append(*one, batch{"a", 1});
  const auto read = other->highest(id("a"));
  ASSERT_FALSE(read);
  expect_unavailable(read.error(), path());
  EXPECT_FALSE(other->execute("SELECT * FROM t"));
}

TEST_F(SqliteFileGone, ATransactionInWhichItWasNoticedIsNotCommitted) {
  auto other = session();
  ASSERT_TRUE(one->begin(nexus::isolation::serializable, true));
  fs::rename(path(), path("away"));
  EXPECT_TRUE(journal_->trouble());
  EXPECT_FALSE(one->execute("SELECT * FROM t"));
  fs::rename(path("away"), path());
  EXPECT_FALSE(journal_->trouble());
  EXPECT_FALSE(one->commit()) << "a statement in it was not run";
}

TEST_F(SqliteFileGone, AProgramMayChangeItsDirectory) {
  const auto before = fs::current_path();
  fs::current_path(folder_.path());
  auto relative = open("sqlite:j.db").value();
  fs::current_path(before);
  EXPECT_EQ(relative->name(), "sqlite:j.db");
  auto s = relative->open_session();
  ASSERT_TRUE(s) << s.error().message;
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(**s, batch{"a", 1})));
}

TEST_F(SqliteFileGone, ConnectionsThatComeAndGoTogetherAreNoTrouble) {
  one.reset();
  constexpr int rounds = 30;
  std::vector<std::thread> threads;
  std::atomic<int> trouble = 0;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        auto s = journal_->open_session();  // often the last one's -wal is removed at this moment
        if (!s || !(*s)->highest(id("a"))) ++trouble;
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(trouble, 0);
}

}  // namespace
