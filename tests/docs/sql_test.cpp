// The code of docs/sql.md, compiled and run.
#include <gtest/gtest.h>

#include <nexus/nexus.hpp>
#include <nexus/transaction.hpp>
#include <optional>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

namespace {

nexus::result<std::optional<std::string>> guest_of(nexus::session& s, std::int64_t room) {
  auto found =
      s.query<std::optional<std::string>>("SELECT guest FROM rooms WHERE number = $1", room);
  if (!found) return nexus::fail(found.error());
  if (found->empty()) return nexus::fail(nexus::errc::rejected, "there is no such room");
  return found->front();
}

nexus::result<void> book(nexus::session& on, std::string_view who, std::int64_t room) {
  return nexus::transactional(on, [&](nexus::session& s) -> nexus::result<void> {
    auto taken =
        s.execute("UPDATE rooms SET guest = $1 WHERE number = $2 AND guest IS NULL", who, room);
    if (!taken) return nexus::fail(taken.error());
    if (taken->affected == 0) return nexus::fail(nexus::errc::rejected, "the room is taken");
    auto told = s.execute("INSERT INTO bookings (room, guest) VALUES ($1, $2)", room, who);
    if (!told) return nexus::fail(told.error());
    return {};
  });
}

bool is_taken(const nexus::error& why, const std::string& column) {
  return why.broken && why.broken->kind == nexus::constraint_kind::unique &&
         why.broken->columns == std::vector{column};
}

class SqlPage : public testing::Test {
 protected:
  SqlPage() {
    EXPECT_TRUE(s.execute("CREATE TABLE rooms (number bigint PRIMARY KEY, guest text)"));
    EXPECT_TRUE(s.execute("CREATE TABLE bookings (room bigint, guest text)"));
    EXPECT_TRUE(s.execute("INSERT INTO rooms (number) VALUES (1), (3)"));
  }

  nexus::test::temporary_folder folder;
  nexus::store store = nexus::open("sqlite:" + folder.path("rooms.db")).value();
  std::unique_ptr<nexus::journal_session> session = store.open_session().value();
  nexus::session& s = *session;
};

TEST_F(SqlPage, Statements) {
  auto done = s.execute("UPDATE rooms SET guest = $1 WHERE guest IS NULL", "ann");
  EXPECT_EQ(done->affected, 2);
  nexus::sql_rows all = s.execute("SELECT number, guest FROM rooms ORDER BY number").value();
  EXPECT_EQ(all.columns, (std::vector<std::string>{"number", "guest"}));
  EXPECT_EQ(all.at(0, 1), nexus::sql_value{std::string{"ann"}});
  EXPECT_EQ(guest_of(s, 3).value(), "ann");
  EXPECT_EQ(guest_of(s, 4).error().code, nexus::errc::rejected);
}

TEST_F(SqlPage, SettingsAndTables) {
  EXPECT_TRUE(s.execute("CREATE TABLE guests (room bigint REFERENCES rooms (number))"));
  EXPECT_EQ(s.execute("INSERT INTO guests VALUES (99)").error().code,
            nexus::errc::constraint_violated);
  EXPECT_EQ(s.execute("DROP TABLE nexus_event_journal").error().code, nexus::errc::query_failed);
}

TEST_F(SqlPage, WhichConstraint) {
  const auto again = s.execute("INSERT INTO rooms (number) VALUES (1)");
  EXPECT_TRUE(is_taken(again.error(), "number"));
  EXPECT_FALSE(is_taken(again.error(), "guest"));
  EXPECT_FALSE(is_taken(s.execute("SELECT").error(), "number"));
}

TEST_F(SqlPage, Transactions) {
  EXPECT_TRUE(s.execute("INSERT INTO rooms VALUES (2, 'ann')"));
  auto trip = nexus::transactional(s, [&](nexus::session& inner) -> nexus::result<void> {
    if (auto first = book(inner, "bob", 1); !first) return first;
    if (book(inner, "bob", 2)) return {};
    return book(inner, "bob", 3);  // room 2 was taken: its savepoint is undone
  });
  EXPECT_TRUE(trip);
  EXPECT_EQ(guest_of(s, 1).value(), "bob");
  EXPECT_EQ(guest_of(s, 2).value(), "ann");
  EXPECT_EQ(guest_of(s, 3).value(), "bob");
  EXPECT_EQ(s.query<std::int64_t>("SELECT count(*) FROM bookings").value().at(0), 2);
  EXPECT_EQ(book(s, "carol", 1).error().code, nexus::errc::rejected);
}

}  // namespace
