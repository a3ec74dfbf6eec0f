// Bad bytes in the database are reported by id and number; other entities go on.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include "tally.hpp"
#include "temporary_folder.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

struct Corrupt : testing::Test {
  temporary_folder dir;
  std::string file = dir.path("t.db");

  void SetUp() override {
    run([](const entities<tally>& tallies) {
      for (auto id : {"good", "bad"}) {
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(tallies.of(id).ask(tally::add{1}).get(10s));
      }
    });
  }

  template <class F>
  void run(F f) {
    nexus::system sys{{.threads = 2}};
    auto journal = nexus::open("sqlite:" + file);
    ASSERT_TRUE(journal) << journal.error().message;
    entities<tally> tallies{sys, *journal};
    f(tallies);
  }

  /// Damages `bad` by one statement, and asks both.
  error after(const std::string& sql) {
    SQLite::Database{file, SQLite::OPEN_READWRITE}.exec(sql);
    error why;
    run([&](const entities<tally>& tallies) {
      auto r = tallies.of("bad").ask(tally::read{}).get(10s);
      EXPECT_FALSE(r) << *r;
      if (!r) why = r.error();
      EXPECT_EQ(tallies.of("good").ask(tally::add{1}).get(10s), 4);
    });
    return why;
  }
};

const std::string second = " WHERE persistence_id = 'tally|bad' AND sequence_nr = 2";

}  // namespace

TEST_F(Corrupt, AnEventThatDoesNotDecode) {
  auto why = after("UPDATE nexus_event_journal SET event_data = x'c1'" + second);
  EXPECT_EQ(why.code, errc::corrupt);
  EXPECT_NE(why.message.find("tally|bad: event 2: "), std::string::npos) << why.message;
}

TEST_F(Corrupt, AnEventOfAnUnknownType) {
  auto why = after("UPDATE nexus_event_journal SET event_type = 'subtracted'" + second);
  EXPECT_EQ(why.code, errc::unknown_type);
  EXPECT_EQ(why.message,
            "tally|bad: event 2: event type \"subtracted\" is not one of behavior \"tally\"; add "
            "it to its event variant, to old_event with an adapt, or to removed_events");
}

TEST_F(Corrupt, AnEventOfALaterVersion) {
  auto why = after("UPDATE nexus_event_journal SET schema_version = 2" + second);
  EXPECT_EQ(why.code, errc::unsupported_version);
  EXPECT_NE(why.message.find("tally|bad: event 2: "), std::string::npos) << why.message;
}

TEST_F(Corrupt, AMissingEvent) {
  auto why = after("DELETE FROM nexus_event_journal" + second);
  EXPECT_EQ(why.code, errc::corrupt);
  EXPECT_EQ(why.message, "tally|bad: event 2 is missing, the next one stored is 3");
}

TEST_F(Corrupt, ASnapshotThatDoesNotDecode) {
  run([](const entities<tally>&) {});
  auto why = after(
      "INSERT INTO nexus_snapshot_store (persistence_id, sequence_nr, state_type, schema_version, "
      "codec, state_data, writer_id, timestamp) SELECT persistence_id, sequence_nr, 'tally', 1, "
      "codec, x'c1', writer_id, timestamp FROM nexus_event_journal" +
      second);
  EXPECT_EQ(why.code, errc::corrupt);
  EXPECT_NE(why.message.find("tally|bad: snapshot 2: "), std::string::npos) << why.message;
}
