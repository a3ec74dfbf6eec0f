// A journal on DynamoDB Local, through a server that hides items, leaves keys unprocessed, refuses
// transactions and loses answers, as DynamoDB may.
#include <gtest/gtest.h>

#include <nexus/document_storage.hpp>
#include <nexus/dynamodb.hpp>
#include <nexus/journal.hpp>
#include <nlohmann/json.hpp>

#include "fake_server.hpp"
#include "local_server.hpp"
#include "passing_server.hpp"

namespace {

using nexus::test::fake_reply;
using nexus::test::fake_request;
using nexus::test::fake_server;
using nexus::test::local_server;
using nexus::test::passing_server;
using json = nlohmann::json;

struct DynamoVisibility : ::testing::Test {
  void SetUp() override {
    auto opened = nexus::dynamodb_backend().open(
        nexus::uri::parse(server.fresh_journal("strands=1&timeout=2s")).value());
    ASSERT_TRUE(opened) << opened.error().message;
    store = *opened;
    session = store->open_session().value();
  }

  std::string append(const nexus::persistence_id& id, nexus::sequence_nr expected,
                     std::vector<std::string_view> data) {
    std::vector<nexus::event_view> events;
    for (const auto one : data) events.push_back({.type = "t", .data = one, .metadata = {}});
    const nexus::append_request sent{id, expected, {}, events};
    const auto outcome = session->append({&sent, 1}).at(0);
    if (std::holds_alternative<nexus::stored>(outcome)) return "stored";
    if (const auto* c = std::get_if<nexus::conflict>(&outcome)) {
      return "conflict " + std::to_string(c->highest);
    }
    if (const auto* f = std::get_if<nexus::failed>(&outcome)) return "failed: " + f->why.message;
    if (const auto* u = std::get_if<nexus::unknown>(&outcome)) return "unknown: " + u->why.message;
    return "rejected";
  }

  std::string replayed() {
    std::string all;
    auto done = session->replay(alice, 1, nexus::sequence_nr_max, 100, [&](const auto& r) {
      all += r.event.data;
      return true;
    });
    return done ? all : std::string{to_string(done.error().code)} + ": " + done.error().message;
  }
  std::string read() {
    std::string all;
    auto done = session->read_all(nexus::position{}, 100, [&](const auto&, const auto& r) {
      all += r.event.data;
      return true;
    });
    return done ? all : std::string{to_string(done.error().code)} + ": " + done.error().message;
  }

  /// Removes items of events from the answers to so many reads.
  void hide_events(int reads) {
    server.alter = [reads](const fake_request&, fake_reply& reply) mutable {
      auto body = json::parse(reply.body);
      bool hidden = false;
      const auto hide = [&](json& items) {
        std::erase_if(items.get_ref<json::array_t&>(), [&](const json& item) {
          const bool event = item.contains("w") && item.contains("c");
          hidden = hidden || event;
          return event && reads > 0;
        });
      };
      if (body.contains("Items")) hide(body["Items"]);
      if (body.contains("Responses")) {
        for (auto& [table, items] : body["Responses"].items()) hide(items);
      }
      if (hidden && reads > 0) --reads;
      reply.body = body.dump();
    };
  }

  passing_server server{local_server::shared()};
  const nexus::persistence_id alice = nexus::persistence_id::parse("account|alice").value();
  std::shared_ptr<nexus::journal> store;
  std::unique_ptr<nexus::journal_session> session;
};

TEST_F(DynamoVisibility, AReplayWaitsForAnItemThatIsNotVisibleYet) {
  ASSERT_EQ(append(alice, 0, {"a", "b"}), "stored");
  ASSERT_EQ(append(alice, 2, {"c"}), "stored");
  hide_events(3);
  EXPECT_EQ(replayed(), "abc");
}

TEST_F(DynamoVisibility, AReaderWaitsForAnItemThatIsNotVisibleYet) {
  ASSERT_EQ(append(alice, 0, {"a", "b"}), "stored");
  hide_events(3);
  EXPECT_EQ(read(), "ab");
}

TEST_F(DynamoVisibility, AnItemThatStaysAwayIsCorruptInBoundedTime) {
  ASSERT_EQ(append(alice, 0, {"a", "b"}), "stored");
  hide_events(1'000'000);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_NE(replayed().find("event 1 of account|alice is corrupt: it is missing"),
            std::string::npos)
      << replayed();
  EXPECT_TRUE(read().starts_with("corrupt: ")) << read();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{10});
}

TEST_F(DynamoVisibility, UnprocessedKeysAreAskedForAgain) {
  ASSERT_EQ(append(alice, 0, {"a"}), "stored");
  ASSERT_EQ(append(alice, 1, {"b"}), "stored");
  int times = 2;
  server.instead = [&times](const fake_request& r, fake_reply& reply) {
    if (r.operation() != "BatchGetItem" || times-- <= 0) return false;
    const auto body = json::parse(r.body);
    reply.body =
        json{{"Responses", json::object()}, {"UnprocessedKeys", body["RequestItems"]}}.dump();
    return true;
  };
  EXPECT_EQ(read(), "ab");
}

TEST_F(DynamoVisibility, ACollisionOfTransactionsIsNoConflict) {
  int times = 3;
  server.instead = [&times](const fake_request& r, fake_reply& reply) {
    if (r.operation() != "TransactWriteItems" || times-- <= 0) return false;
    reply = {400, R"({"__type":"x#TransactionCanceledException","Message":"m",
      "CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]})"};
    return true;
  };
  EXPECT_EQ(append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(times, -1);
}

TEST_F(DynamoVisibility, AnAnswerThatIsLostOnceIsStoredOnce) {
  int times = 1;
  server.alter = [&times](const fake_request& r, fake_reply& reply) {
    if (r.operation() == "TransactWriteItems" && times-- > 0) reply.drop = true;
  };
  EXPECT_EQ(append(alice, 0, {"a", "b"}), "stored");
  EXPECT_EQ(append(alice, 2, {"c"}), "stored");
  EXPECT_EQ(read(), "abc");
}

TEST_F(DynamoVisibility, AThrottledAppendIsCertainlyNotStored) {
  server.instead = [](const fake_request& r, fake_reply& reply) {
    if (r.operation() != "TransactWriteItems") return false;
    reply = fake_reply::error(400, "ProvisionedThroughputExceededException");
    return true;
  };
  const auto outcome = append(alice, 0, {"a"});
  EXPECT_TRUE(outcome.starts_with("failed: ")) << outcome;
  EXPECT_NE(outcome.find("throttled"), std::string::npos) << outcome;
  server.instead = nullptr;
  EXPECT_EQ(append(alice, 0, {"a"}), "stored");
}

TEST_F(DynamoVisibility, DocumentsThatStayUnprocessedAreNamedInTheirOrder) {
  auto& documents = *session->documents();
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(documents.put("orders", {.id = id, .type = "order", .data = "x"}));
  }
  int asked = 0;
  server.instead = [&asked](const fake_request& r, fake_reply& reply) {
    if (r.operation() != "BatchGetItem") return false;
    ++asked;
    const auto body = json::parse(r.body);
    reply.body =
        json{{"Responses", json::object()}, {"UnprocessedKeys", body["RequestItems"]}}.dump();
    return true;
  };
  const std::vector<std::string> ids{"c", "a", "b", "a"};
  const auto got = documents.get_many("orders", ids);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("stay unprocessed: c, a, b"), std::string::npos)
      << got.error().message;
  EXPECT_EQ(asked, 4);
}

TEST_F(DynamoVisibility, DocumentsOfSeveralPagesAreAllRead) {
  auto& documents = *session->documents();
  const std::string large(250'000, 'x');
  for (char id = 'a'; id <= 'h'; ++id) {
    ASSERT_TRUE(documents.put("orders", {.id = {&id, 1}, .type = "order", .data = large}));
  }
  int pages = 0;
  server.alter = [&pages](const fake_request& r, fake_reply&) {
    pages += r.operation() == "Query";
  };
  std::string ids;
  ASSERT_TRUE(documents.all("orders", nexus::consistency::strong, [&](const auto& one) {
    ids += one.id;
    EXPECT_EQ(one.data.size(), large.size());
    return true;
  }));
  EXPECT_EQ(ids, "abcdefgh");
  EXPECT_GT(pages, 1);
}

TEST_F(DynamoVisibility, ADocumentThatIsNotOursIsCorrupt) {
  auto& documents = *session->documents();
  ASSERT_TRUE(documents.put("orders", {.id = "a", .type = "order", .data = "x"}));
  std::string data;
  server.alter = [&data](const fake_request& r, fake_reply& reply) {
    if (r.operation() != "GetItem") return;
    auto body = json::parse(reply.body);
    body["Item"]["Data"]["S"] = data;
    reply.body = body.dump();
  };
  for (const auto* one : {"", "7", "{}", R"({"id":"b","type":"t","schema_version":1,"codec":"c",
        "base64":""})",
                          R"({"id":"a","type":"t","schema_version":-1,"codec":"c","base64":""})",
                          R"({"id":"a","type":"t","schema_version":1,"codec":"c"})"}) {
    data = one;
    const auto got = documents.get("orders", "a");
    ASSERT_FALSE(got) << one;
    EXPECT_EQ(got.error().code, nexus::errc::corrupt) << one;
  }
}

}  // namespace
