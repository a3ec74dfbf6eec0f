// Documents and offsets of projections that are stored at once.
#include <gtest/gtest.h>

#include <nexus/document_storage.hpp>
#include <nexus/dynamodb.hpp>
#include <nexus/journal.hpp>
#include <nexus/projection_storage.hpp>

#include "local_server.hpp"

namespace {

using nexus::errc;
using nexus::position;
using nexus::projection_cell;
using nexus::test::local_server;

const nexus::projection_version report{"report", 1};

/// Two sessions of two processes, as far as DynamoDB can tell.
struct DynamoTogether : ::testing::Test {
  void SetUp() override {
    const auto uri = local_server::shared().fresh_journal("strands=2");
    session = opened(uri);
    other = opened(uri);
    ASSERT_TRUE(offsets().add(report, {{{.cell = 0}, {.cell = 1}, {.cell = 64}}}));
    ASSERT_TRUE(offsets().give_all(report, cells(), "me"));
  }

  std::unique_ptr<nexus::journal_session> opened(const std::string& uri) {
    stores.push_back(nexus::dynamodb_backend().open(nexus::uri::parse(uri).value()).value());
    return stores.back()->open_session().value();
  }
  nexus::projection_storage& offsets() { return *session->projections(); }
  nexus::document_storage& documents() { return *session->documents(); }
  std::vector<projection_cell> cells() { return offsets().cells(report).value(); }

  static void put(nexus::journal_session& on, std::string_view id, std::string_view data) {
    const auto done = on.documents()->put("rows", {.id = id, .type = "row", .data = data});
    EXPECT_TRUE(done) << done.error().message;
  }
  /// As in "a=1 b=2".
  static std::string rows(nexus::journal_session& on) {
    std::string text;
    const auto done = on.documents()->all("rows", nexus::consistency::strong, [&](const auto& row) {
      text += (text.empty() ? "" : " ") + std::string{row.id} + "=" + std::string{row.data};
      return true;
    });
    return done ? text : done.error().message;
  }
  static std::string got(nexus::journal_session& on, const std::string& id) {
    const auto found = on.documents()->get("rows", id);
    return !found ? found.error().message : *found ? (*found)->data : "none";
  }
  std::uint64_t moved(std::uint32_t cell, position from, position to) {
    return offsets().advance(report, "me", {cell, cell, from, to}).value();
  }
  errc stored() {
    const auto done = offsets().store_together();
    return done ? errc{} : done.error().code;
  }

  std::vector<std::shared_ptr<nexus::journal>> stores;
  std::unique_ptr<nexus::journal_session> session;
  std::unique_ptr<nexus::journal_session> other;
  const position start{};
  const position one{.epoch = 1, .strand = 0, .major = 1, .minor = 1};
  const position two{.epoch = 1, .strand = 0, .major = 2, .minor = 1};
};

TEST_F(DynamoTogether, WhatIsKeptBackIsSeenByItsSessionOnlyAndStoredAtOnce) {
  for (const char* id : {"a", "c", "e"}) put(*session, id, "old");
  offsets().hold_back();
  for (const char* id : {"b", "c", "f"}) put(*session, id, "new");
  EXPECT_TRUE(documents().remove("rows", "a").value());
  EXPECT_FALSE(documents().remove("rows", "x").value());
  EXPECT_EQ(moved(0, start, one), 1U);
  EXPECT_EQ(rows(*session), "b=new c=new e=old f=new");
  EXPECT_EQ(got(*session, "a"), "none");
  EXPECT_EQ(got(*session, "b"), "new");
  const std::vector<std::string> ids{"f", "e", "a", "c"};
  std::string many;
  const auto found = documents().get_many("rows", ids).value();
  for (const auto& row : found) many += row.id;
  EXPECT_EQ(many, "fec");
  EXPECT_EQ(rows(*other), "a=old c=old e=old");
  EXPECT_EQ(cells()[0].at, start);
  EXPECT_EQ(stored(), errc{});
  EXPECT_EQ(rows(*other), "b=new c=new e=old f=new");
  EXPECT_EQ(other->projections()->cells(report).value()[0].at, one);
}

TEST_F(DynamoTogether, DroppedNothingIsStored) {
  put(*session, "a", "old");
  offsets().hold_back();
  put(*session, "a", "new");
  EXPECT_EQ(documents().remove_all("rows").value(), 1U);
  EXPECT_EQ(moved(0, start, one), 1U);
  offsets().drop_held_back();
  EXPECT_EQ(rows(*session), "a=old");
  EXPECT_EQ(cells()[0].at, start);
}

TEST_F(DynamoTogether, ADocumentThatOthersChangedSinceItWasReadRefusesAll) {
  put(*session, "a", "old");
  offsets().hold_back();
  EXPECT_EQ(got(*session, "a"), "old");
  EXPECT_EQ(got(*session, "b"), "none");
  put(*session, "a", "mine");
  put(*session, "b", "mine");
  EXPECT_EQ(moved(0, start, one), 1U);
  put(*other, "b", "theirs");
  EXPECT_EQ(stored(), errc::serialization_failed);
  EXPECT_EQ(rows(*session), "a=old b=theirs");
  EXPECT_EQ(cells()[0].at, start);
}

TEST_F(DynamoTogether, ACellThatWasTakenRefusesAll) {
  offsets().hold_back();
  put(*session, "a", "mine");
  EXPECT_EQ(moved(0, start, one), 1U);
  ASSERT_TRUE(other->projections()->give(report, cells()[0], "they").value());
  EXPECT_EQ(stored(), errc::conflict);
  EXPECT_EQ(rows(*session), "");
  EXPECT_EQ(cells()[0].owner, "they");
}

TEST_F(DynamoTogether, OtherCellsOfTheStrandMayChangeMeanwhile) {
  offsets().hold_back();
  put(*session, "a", "mine");
  EXPECT_EQ(moved(0, start, one), 1U);
  ASSERT_TRUE(other->projections()->give(report, cells()[1], "they").value());
  EXPECT_EQ(stored(), errc{});
  EXPECT_EQ(rows(*session), "a=mine");
  EXPECT_EQ(cells()[0].at, one);
  EXPECT_EQ(cells()[1].owner, "they");
}

// The process remembers cells, so that it need not read them each time.
TEST_F(DynamoTogether, RememberedCellsThatOthersHaveMovedAreReadAgain) {
  EXPECT_EQ(moved(0, start, one), 1U);
  ASSERT_EQ(other->projections()->advance(report, "me", {0, 0, one, two}).value(), 1U);
  EXPECT_EQ(moved(0, two, one), 1U);
  EXPECT_EQ(moved(0, two, one), 0U);
  EXPECT_EQ(cells()[0].at, one);
}

TEST_F(DynamoTogether, MoreThanATransactionTakesIsTooLarge) {
  offsets().hold_back();
  EXPECT_EQ(moved(0, start, one), 1U);
  for (int i = 0; i < 10; ++i) put(*session, "r" + std::to_string(i), "x");
  const auto done = offsets().store_together();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::too_large);
  EXPECT_NE(done.error().message.find("11 strands and documents"), std::string::npos)
      << done.error().message;
  EXPECT_EQ(rows(*session), "");
  EXPECT_EQ(cells()[0].at, start);
}

}  // namespace
