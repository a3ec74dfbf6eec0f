// Writers of one process take turns, and a turn ends with its transaction, however that ends.
#include "write_turns.hpp"

#include <SQLiteCpp/Exception.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "journal_file.hpp"
#include "nexus/transaction.hpp"
#include "persistence/sqlite_faulty_disk.hpp"
#include "persistence/sqlite_fixture.hpp"

namespace {

using namespace std::chrono_literals;
using nexus::errc;
using nexus::sqlite::taker;
using nexus::sqlite::write_turns;

class WriteTurns : public SqliteTest {
 public:
  ~WriteTurns() override { faulty_disk::heal(); }

 protected:
  WriteTurns() {
    faulty_disk::install();
    faulty_disk::heal();
    one = session();
    turns = turns_of("j.db");
    EXPECT_TRUE(one->execute("CREATE TABLE t (n INTEGER PRIMARY KEY)"));
  }

  [[nodiscard]] std::shared_ptr<write_turns> turns_of(const std::string& file) const {
    return write_turns::of(nexus::sqlite::id_of(path(file)).value());
  }
  [[nodiscard]] bool is_free() const {
    try {
      return static_cast<bool>(turns->take(taker::journal, never, 0ms));
    } catch (const SQLite::Exception&) {
      return false;
    }
  }
  static nexus::result<void> begin(nexus::session& s) {
    return s.begin(nexus::isolation::serializable, false);
  }
  static bool add(nexus::session& s, int n) {
    return s.execute("INSERT INTO t VALUES ($1)", n).has_value();
  }

  const std::atomic<bool> never = false;
  std::unique_ptr<nexus::journal_session> one;
  std::shared_ptr<write_turns> turns;
};

TEST_F(WriteTurns, ATurnOfTheProgramLastsUntilItsTransactionIsOverHoweverThatHappens) {
  ASSERT_TRUE(add(*one, 1));
  using ending = std::function<void(nexus::session&)>;
  const auto run = [](const char* sql) { return [sql](auto& s) { (void)s.execute(sql); }; };
  const std::vector<std::pair<const char*, ending>> endings{
      {"commit", [](auto& s) { EXPECT_TRUE(s.commit()); }},
      {"rollback", [](auto& s) { EXPECT_TRUE(s.rollback()); }},
      {"COMMIT", run("COMMIT")},
      {"ROLLBACK", run("ROLLBACK")},
      {"the pool's finish", [](auto& s) { EXPECT_TRUE(s.finish()); }},
      {"a reset", [](auto& s) { EXPECT_TRUE(s.reset("")); }},
      {"a reset by SQL", [](auto& s) { EXPECT_TRUE(s.reset("ROLLBACK")); }},
      {"an error that rolls back", run("INSERT OR ROLLBACK INTO t VALUES (1)")},
      {"a commit after an error",
       [](auto& s) {
         EXPECT_FALSE(add(s, 1));
         EXPECT_FALSE(s.commit());
       }},
      {"a commit of an interrupted session",
       [](auto& s) {
         s.interrupt();
         EXPECT_FALSE(s.commit());
       }},
      {"a commit without space",
       [](auto& s) {
         EXPECT_TRUE(add(s, 2));
         faulty_disk::log_full = true;
         EXPECT_EQ(s.commit().error().code, errc::unavailable);
       }},
      {"a commit of unknown outcome",
       [](auto& s) {
         EXPECT_TRUE(add(s, 3));
         faulty_disk::syncs_to_fail = 1;
         EXPECT_EQ(s.commit().error().code, errc::outcome_unknown);
       }},
  };
  for (const auto& [how, end] : endings) {
    auto s = session();
    ASSERT_TRUE(begin(*s)) << how;
    EXPECT_FALSE(is_free()) << how;
    EXPECT_TRUE(s->execute("SELECT * FROM t"));
    EXPECT_FALSE(is_free()) << how;
    end(*s);
    EXPECT_TRUE(is_free()) << how;
    faulty_disk::heal();
  }
  auto s = session();
  ASSERT_TRUE(begin(*s));
  s.reset();
  EXPECT_TRUE(is_free()) << "the session's end";
}

TEST_F(WriteTurns, StatementsByThemselvesTakeATurnToo) {
  ASSERT_TRUE(one->execute("BEGIN IMMEDIATE"));
  EXPECT_FALSE(is_free());
  ASSERT_TRUE(one->execute("END"));
  EXPECT_TRUE(is_free());
  ASSERT_TRUE(add(*one, 1));
  EXPECT_TRUE(is_free());
  EXPECT_FALSE(add(*one, 1));
  EXPECT_TRUE(is_free());
  ASSERT_TRUE(one->execute("CREATE TABLE t2 (n)"));
  EXPECT_TRUE(is_free());
  ASSERT_TRUE(one->begin(nexus::isolation::serializable, true));
  EXPECT_TRUE(is_free()) << "a read needs none";
}

TEST_F(WriteTurns, WhatNeedsNoLockNeedsNoTurn) {
  auto other = session();
  ASSERT_TRUE(begin(*one));
  const auto in = std::chrono::steady_clock::now();
  EXPECT_TRUE(other->execute("CREATE TEMP TABLE mine (n)"));
  EXPECT_TRUE(other->execute("INSERT INTO mine VALUES (1)"));
  EXPECT_TRUE(other->execute("SELECT * FROM t"));
  EXPECT_LT(std::chrono::steady_clock::now() - in, 4s) << "it waited for the turn";
}

TEST_F(WriteTurns, AreNotWaitedForLongerThanTheSessionsBusyTimeout) {
  auto other = session();
  ASSERT_TRUE(begin(*one));
  for (const auto* text : {"PRAGMA busy_timeout = 0", "PRAGMA main.busy_timeout(1)"}) {
    ASSERT_TRUE(other->execute(text));
    const auto since = std::chrono::steady_clock::now();
    EXPECT_EQ(begin(*other).error().code, errc::serialization_failed);
    EXPECT_LT(std::chrono::steady_clock::now() - since, 4s);
  }
}

TEST_F(WriteTurns, EveryWriteOfTheJournalEndsItsTurn) {
  const batch first{"a", 0, 3};
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*one, first)));
  EXPECT_TRUE(is_free());
  EXPECT_TRUE(std::holds_alternative<nexus::conflict>(append(*one, first)));
  EXPECT_TRUE(is_free());
  faulty_disk::log_full = true;
  EXPECT_TRUE(std::holds_alternative<nexus::failed>(append(*one, batch{"a", 3})));
  EXPECT_TRUE(is_free());
  faulty_disk::heal();
  faulty_disk::syncs_to_fail = 1;
  const batch doubtful{"a", 3};
  EXPECT_TRUE(std::holds_alternative<nexus::unknown>(append(*one, doubtful)));
  EXPECT_TRUE(is_free());
  EXPECT_TRUE(one->settle(doubtful.request));
  EXPECT_TRUE(is_free());
  EXPECT_TRUE(one->erase_to(id("a"), 2, nexus::erasing::forced));
  EXPECT_TRUE(is_free());
  EXPECT_TRUE(one->save_reader({.name = "r", .at = {}, .time = {}}));
  EXPECT_TRUE(is_free());
}

TEST_F(WriteTurns, AreSharedByTheJournalsOfAFileAndByNoOthers) {
  std::filesystem::create_symlink(path(), path("link.db"));
  auto same = open("sqlite:" + path("link.db")).value()->open_session().value();
  auto different = open("sqlite:" + path("other.db")).value()->open_session().value();
  EXPECT_EQ(turns_of("link.db"), turns);
  EXPECT_NE(turns_of("other.db"), turns);
  ASSERT_TRUE(begin(*same));
  EXPECT_FALSE(is_free());
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*different, batch{"a"})));
  ASSERT_TRUE(same->rollback());
  ASSERT_TRUE(begin(*different));
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*one, batch{"a"})));
}

TEST_F(WriteTurns, AnInterruptEndsTheWait) {
  ASSERT_TRUE(begin(*one));
  for (int i = 0; i < 20; ++i) {
    auto s = session();
    nexus::result<void> done;
    std::thread waits{[&] { done = begin(*s); }};
    s->interrupt();
    waits.join();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::pool_closed) << done.error().message;
  }
  std::atomic<bool> stop = false;
  int code = 0;
  std::thread waits{[&] {
    try {
      (void)turns->take(taker::program, stop, 1h);
    } catch (const SQLite::Exception& why) {
      code = why.getErrorCode();
    }
  }};
  stop = true;
  turns->wake();
  waits.join();
  EXPECT_EQ(code, SQLITE_INTERRUPT);
}

// In one thread it is the thread itself that holds the turn.
TEST_F(WriteTurns, AWaitHasAnEnd) {
  auto other = session();
  ASSERT_TRUE(begin(*one));
  nexus::append_outcome appended;
  std::thread writer{[&] { appended = append(*session(), batch{"a"}); }};
  const auto done = begin(*other);
  writer.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::serialization_failed);
  expect_names(done.error(), "database is locked");
  ASSERT_TRUE(std::holds_alternative<nexus::failed>(appended));
  EXPECT_EQ(std::get<nexus::failed>(appended).why.code, errc::unavailable);
  expect_names(std::get<nexus::failed>(appended).why, "database is locked");
  EXPECT_FALSE(is_free()) << "it is still the first one's";
  ASSERT_TRUE(one->commit());
  EXPECT_TRUE(begin(*other)) << "and those who gave up are in nobody's way";
}

// Appends that never pause, and transactions that hold the lock for 20 ms each.
class WriteTurnsInThreads : public WriteTurns {
 public:
  ~WriteTurnsInThreads() override { stop(); }

 protected:
  void append_without_pause(int threads) {
    for (int i = 0; i < threads; ++i) {
      writers_.emplace_back(
          [this, s = session(), name = std::string(1, static_cast<char>('a' + i))] {
            for (nexus::sequence_nr n = 0; !stop_; ++n) {
              const auto stored = std::holds_alternative<nexus::stored>(append(*s, batch{name, n}));
              EXPECT_TRUE(stored);
              if (!stored) return;
              ++appended;
            }
          });
    }
  }
  void stop() {
    stop_ = true;
    for (auto& w : writers_) w.join();
    writers_.clear();
  }

  std::atomic<int> appended = 0;

 private:
  std::vector<std::thread> writers_;
  std::atomic<bool> stop_ = false;
};

TEST_F(WriteTurnsInThreads, NobodyStarvesAndAppendsHaveTheLargerPart) {
  append_without_pause(4);
  while (appended < 20) std::this_thread::yield();
  EXPECT_TRUE(one->execute("CREATE TABLE made_meanwhile (n)"));
  const auto begun = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration held{};
  for (int i = 0; i < 20; ++i) {
    const auto before = appended.load();
    ASSERT_TRUE(begin(*one)) << i;
    const auto since = std::chrono::steady_clock::now();
    EXPECT_TRUE(add(*one, i));
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(one->commit());
    held += std::chrono::steady_clock::now() - since;
    while (appended == before) std::this_thread::yield();  // the test ends only if they go on
  }
  const auto took = std::chrono::steady_clock::now() - begun;
  stop();
  EXPECT_LT(std::chrono::duration<double>(held) / took, 0.5) << "a sixth, if nothing else runs";
}

}  // namespace
