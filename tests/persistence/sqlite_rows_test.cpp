// Rows of the tables: positions, the rest after erasing, and rows that no journal wrote.
#include <SQLiteCpp/Exception.h>

#include "sqlite_fixture.hpp"

namespace {

using nexus::errc;
using nexus_numbers = std::vector<nexus::sequence_nr>;

class SqliteRows : public SqliteTest {};

TEST_F(SqliteRows, PlainSqlReadsThem) {
  auto s = session();
  (void)append(*s, batch{"alice", 0, 2});
  EXPECT_EQ(sql("SELECT writer_id || ' ' || event_type || ' ' || codec || ' ' || slice "
                "FROM nexus_event_journal WHERE persistence_id = 't|alice' AND sequence_nr = 2"),
            "00000000000000000000000007 happened msgpack " + std::to_string(id("alice").slice()));
}

TEST_F(SqliteRows, PositionsAreNotReusedAfterErasingTheTail) {
  auto s = session();
  auto first = position_of(append(*s, batch{"a"}));
  auto tail = position_of(append(*s, batch{"b"}));
  ASSERT_TRUE(s->erase_to(id("b"), 1));
  auto next = position_of(append(*s, batch{"c"}));
  EXPECT_LT(first, tail);
  EXPECT_LT(tail, next);
}

TEST_F(SqliteRows, DeletingWithPlainSqlFreesNeitherNumbersNorPositions) {
  auto s = session();
  auto tail = position_of(append(*s, batch{"a", 0, 3}));
  sql("DELETE FROM nexus_event_journal");
  EXPECT_EQ(s->highest(id("a")).value(), 3u);
  EXPECT_EQ(std::get<nexus::conflict>(append(*s, batch{"a", 0})).highest, 3u);
  EXPECT_LT(tail, position_of(append(*s, batch{"a", 3})));
}

TEST_F(SqliteRows, ErasingMoreThanOneTransactionTakes) {
  auto s = session();
  (void)append(*s, batch{"a", 0, 25'000});
  ASSERT_TRUE(s->erase_to(id("a"), 24'999));
  EXPECT_EQ(numbers(*s, "a").value(), nexus_numbers{25'000});
  EXPECT_EQ(s->highest(id("a")).value(), 25'000u);
}

TEST_F(SqliteRows, ErasedIdsAreListedInTheirPlace) {
  auto s = session();
  for (const auto* name : {"a", "b", "c", "d"}) (void)append(*s, batch{name, 0, 2});
  for (const auto* name : {"b", "d"}) ASSERT_TRUE(s->erase_to(id(name), 9));
  EXPECT_EQ(s->ids({.type = "t"}, 9).value(), (std::vector{id("a"), id("b"), id("c"), id("d")}));
  EXPECT_EQ(s->ids({.after = "t|a"}, 2).value(), (std::vector{id("b"), id("c")}));
}

TEST_F(SqliteRows, ACorruptRowIsAnErrorThatNamesIdAndNumber) {
  auto s = session();
  (void)append(*s, batch{"other", 0, 2});
  for (std::string column :
       {"writer_id = 'short'", "writer_id = x'0102'", "event_type = x'00'", "event_data = 'text'",
        "event_data = 5", "metadata = 1.5", "codec = x'01'", "schema_version = -1",
        "schema_version = 4294967296", "schema_version = 'x'", "timestamp = 'now'"}) {
    auto name = column.substr(0, column.find(' '));
    (void)append(*s, batch{column, 0, 3});
    sql("UPDATE nexus_event_journal SET " + column +
        " WHERE position = (SELECT max(position) - 1 FROM nexus_event_journal)");
    auto read = numbers(*s, column);
    ASSERT_FALSE(read) << column;
    EXPECT_EQ(read.error().code, errc::corrupt);
    expect_names(read.error(), "event 2 of t|" + column);
    expect_names(read.error(), "bad " + name);
  }
  EXPECT_EQ(numbers(*s, "other").value(), (nexus_numbers{1, 2}));
}

TEST_F(SqliteRows, ACorruptRowEndsTheReadingOfTheWholeWithAnErrorThatNamesIt) {
  auto s = session();
  (void)append(*s, batch{"a", 0, 3});
  auto read = [&] {
    std::size_t passed = 0;
    auto done = s->read_all({}, 10, [&](auto&, auto&) { return ++passed, true; });
    EXPECT_EQ(passed, 1u);
    return done;
  };
  sql("UPDATE nexus_event_journal SET timestamp = 'now' WHERE position = 2");
  auto done = read();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::corrupt);
  expect_names(done.error(), "event 2 of t|a");
  sql("UPDATE nexus_event_journal SET persistence_id = 'no type' WHERE position = 2");
  done = read();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::corrupt);
  expect_names(done.error(), "the event at position 2");
}

TEST_F(SqliteRows, ATextInPlaceOfANumberHidesNothing) {
  auto s = session();
  (void)append(*s, batch{"a", 0, 3});
  sql("UPDATE nexus_event_journal SET sequence_nr = 'two' WHERE sequence_nr = 2");
  EXPECT_EQ(s->highest(id("a")).value(), 3u);
  EXPECT_EQ(numbers(*s, "a").value(), (nexus_numbers{1, 3}));
}

// A sink that uses SQLiteCpp for a database of its own.
TEST_F(SqliteRows, ASinkMayThrowWhatSqliteThrows) {
  auto s = session();
  (void)append(*s, batch{"a", 0, 2});
  const auto throws = [](const auto&...) -> bool { throw SQLite::Exception("of the sink", 5); };
  EXPECT_THROW((void)s->replay(id("a"), 1, 2, 2, throws), SQLite::Exception);
  EXPECT_THROW((void)s->replay_payloads(id("a"), 1, 2, 2, throws), SQLite::Exception);
  EXPECT_THROW((void)s->read_all({}, 2, throws), SQLite::Exception);
  EXPECT_EQ(numbers(*s, "a").value().size(), 2u);
}

TEST_F(SqliteRows, ACorruptSnapshotIsAnErrorThatNamesIdAndNumber) {
  auto s = session();
  nexus::snapshot_request request{.id = id("a"), .snapshot = {}};
  request.snapshot.number = 4;
  ASSERT_TRUE(s->save_snapshots({&request, 1}));
  sql("UPDATE nexus_snapshot_store SET state_data = 3");
  auto read = s->load_snapshot(id("a"), {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::corrupt);
  expect_names(read.error(), "snapshot 4 of t|a");
}

TEST_F(SqliteRows, ACorruptStateIsAnErrorThatNamesItsIdAndIsNotWrittenOver) {
  auto s = session();
  nexus::upsert_request request{
      .id = id("a"), .expected = 0, .next = 4, .value = nexus::state_view{.data = "x"}};
  ASSERT_TRUE(std::holds_alternative<nexus::stored>(s->upsert({&request, 1}).at(0)));
  for (std::string column : {"writer_id = 'x'", "state_data = 3", "version = 'four'"}) {
    sql("UPDATE nexus_durable_state SET " + column);
    auto read = s->get_state(id("a"));
    ASSERT_FALSE(read) << column;
    EXPECT_EQ(read.error().code, errc::corrupt);
    expect_names(read.error(), "t|a");
    expect_names(read.error(), "bad " + column.substr(0, column.find(' ')));
    EXPECT_FALSE(s->settle(request)) << column;
  }
  auto outcome = s->upsert({&request, 1}).at(0);  // its version is not a number, and not 0
  ASSERT_TRUE(std::holds_alternative<nexus::failed>(outcome)) << outcome.index();
  EXPECT_EQ(std::get<nexus::failed>(outcome).why.code, errc::corrupt);
}

TEST_F(SqliteRows, ErasedEventsTakeTheirTagsWithThem) {
  auto s = session();
  batch tagged{"a", 0, 3};
  const std::vector<std::string_view> tags{"blue", "red"};
  for (auto& event : tagged.events) event.tags = tags;
  (void)append(*s, tagged);
  EXPECT_EQ(sql("SELECT count(*) FROM nexus_event_tags"), "6");
  ASSERT_TRUE(s->erase_to(id("a"), 2));
  EXPECT_EQ(sql("SELECT count(*) FROM nexus_event_tags"), "2");
}

TEST_F(SqliteRows, ACorruptTagIsAnErrorThatNamesIdAndNumber) {
  auto s = session();
  batch tagged{"a", 0, 2};
  const std::vector<std::string_view> tags{"red"};
  tagged.events[1].tags = tags;
  (void)append(*s, tagged);
  sql("UPDATE nexus_event_tags SET tag = x'00'");
  auto read = numbers(*s, "a");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::corrupt);
  expect_names(read.error(), "event 2 of t|a");
}

TEST_F(SqliteRows, AnInvalidIdIsCorrupt) {
  auto s = session();
  (void)append(*s, batch{"a"});
  sql("UPDATE nexus_event_journal SET persistence_id = 'no bar'");
  auto listed = s->ids({}, 9);
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, errc::corrupt);
}

TEST_F(SqliteRows, ADamagedFileIsCorruptAndOthersSessionsLive) {
  auto s = session();
  (void)append(*s, batch{"a"});
  sql("PRAGMA writable_schema = on; UPDATE sqlite_master SET rootpage = 1 "
      "WHERE name = 'nexus_snapshot_store'");
  auto opened = open("sqlite:" + path());
  if (opened)
    opened = nexus::fail((*opened)->open_session().value()->load_snapshot(id("a"), {}).error());
  EXPECT_EQ(opened.error().code, errc::corrupt) << opened.error().message;
  EXPECT_EQ(numbers(*s, "a").value(), nexus_numbers{1});
}

}  // namespace
