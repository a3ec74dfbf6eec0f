// Registered readers while other transactions run.
#include <atomic>
#include <nexus/nexus.hpp>
#include <thread>

#include "journal_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

class PostgresReaders : public PostgresTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
    // Transactions of other tests may hold events back for a while.
    ASSERT_TRUE(wait_until([&] { return session.read_all().size() == 3; }));
    for (const auto& record : session.read_all()) at.push_back(record.at);
  }
  // Holds the first event, for which an erasing has to wait.
  void lock_first_event(terse_session& by) {
    must(by.inner().begin(isolation::read_committed, false));
    must(
        by.inner().run_sql("SELECT FROM nexus_event_journal WHERE sequence_nr = 1 FOR UPDATE", {}));
  }
  [[nodiscard]] std::string waiting() const {
    return cluster::value_at(uri,
                             "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                             "AND datname = current_database()");
  }
  terse_session another() { return terse_session{must(store->open_session())}; }

  const std::string uri = pg.fresh_database();
  std::shared_ptr<journal> store = open_journal(uri);
  terse_session session = another();
  std::vector<position> at;
};

TEST_F(PostgresReaders, WhatAReaderFindsWhenItIsRegisteredStaysThoughAnErasingIsRunning) {
  auto locker = another();
  auto eraser = another();
  lock_first_event(locker);
  std::jthread erasing{[&] { must(eraser.inner().erase_to(alice, 3)); }};
  ASSERT_TRUE(wait_until([&] { return waiting() == "1"; }));
  std::atomic<bool> registered = false;
  std::string found;
  std::jthread reading{[&] {
    auto reader = another();
    must(reader.inner().save_reader({"new", position{}, timestamp{}}));
    found = reader.history(alice);
    registered = true;
  }};
  ASSERT_TRUE(wait_until([&] { return registered || waiting() == "2"; }));
  must(locker.inner().rollback());
  erasing.join();
  reading.join();
  EXPECT_EQ(session.history(alice), found);
}

TEST_F(PostgresReaders, AReaderThatGoesBackWaitsForARunningErasingToo) {
  must(session.inner().save_reader({"reader", at[2], timestamp{}}));
  auto locker = another();
  auto eraser = another();
  lock_first_event(locker);
  std::jthread erasing{[&] { must(eraser.inner().erase_to(alice, 3)); }};
  ASSERT_TRUE(wait_until([&] { return waiting() == "1"; }));
  std::atomic<bool> moved = false;
  std::string found;
  std::jthread reading{[&] {
    auto reader = another();
    must(reader.inner().save_reader({"reader", at[1], timestamp{}}));
    found = reader.history(alice);
    moved = true;
  }};
  ASSERT_TRUE(wait_until([&] { return moved || waiting() == "2"; }));
  must(locker.inner().rollback());
  erasing.join();
  reading.join();
  EXPECT_EQ(session.history(alice), found);
}

TEST_F(PostgresReaders, AReaderThatGoesOnDoesNotWaitForARunningErasing) {
  must(session.inner().save_reader({"reader", at[1], timestamp{}}));
  auto locker = another();
  auto eraser = another();
  lock_first_event(locker);
  std::jthread erasing{[&] { must(eraser.inner().erase_to(alice, 2)); }};
  ASSERT_TRUE(wait_until([&] { return waiting() == "1"; }));
  must(session.inner().save_reader({"reader", at[2], timestamp{}}));
  EXPECT_EQ(waiting(), "1");
  must(locker.inner().rollback());
  erasing.join();
  EXPECT_EQ(session.history(alice), "3:c");
}

TEST_F(PostgresReaders, AnErasingWaitsForATransactionThatRegistersAReader) {
  auto program = another();
  auto eraser = another();
  must(program.inner().begin(isolation::serializable, false));
  must(program.inner().save_reader({"new", at[0], timestamp{}}));
  std::string erased;
  std::jthread erasing{[&] { erased = testkit::code_of(eraser.inner().erase_to(alice, 3)); }};
  EXPECT_TRUE(wait_until([&] { return waiting() == "1"; }));
  must(program.inner().commit());
  erasing.join();
  EXPECT_EQ(erased, "held_back");
  EXPECT_EQ(session.history(alice), "2:b 3:c");
}

}}  // namespace nexus::test
