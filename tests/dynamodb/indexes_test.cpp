// What is written beside the events and states: the index of tags, and the numbered changes of
// states.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>
#include <nexus/dynamodb.hpp>
#include <nexus/journal.hpp>
#include <nlohmann/json.hpp>
#include <span>
#include <thread>

#include "local_server.hpp"
#include "passing_server.hpp"

namespace {

using nexus::test::fake_reply;
using nexus::test::fake_request;
using nexus::test::local_server;
using nexus::test::passing_server;
using json = nlohmann::json;

struct DynamoIndexes : ::testing::Test {
  void SetUp() override { open("strands=1&timeout=5s&indexes=tag,states"); }

  void open(const std::string& parameters) {
    uri = server.fresh_journal(parameters);
    store = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value()).value();
    session = store->open_session().value();
  }

  static nexus::persistence_id id(const std::string& name) {
    return nexus::persistence_id::parse("account|" + name).value();
  }

  void append(const std::string& name, nexus::sequence_nr expected, const std::string& data,
              std::vector<std::string> tags) {
    const std::vector<std::string_view> views{tags.begin(), tags.end()};
    const std::vector<nexus::event_view> events{
        {.type = "t", .data = data, .metadata = {}, .tags = views}};
    const nexus::append_request sent{id(name), expected, {}, events};
    const auto outcome = session->append({&sent, 1}).at(0);
    ASSERT_TRUE(std::holds_alternative<nexus::stored>(outcome)) << name << " " << expected;
  }

  /// Two requests, in one batch: the first one has the tag "red", the second one so many more that
  /// it is listed under the empty tag.
  void append_red_and_many() {
    std::vector<std::string> many{"red"};
    for (int i = 0; i < 40; ++i) many.push_back("tag" + std::to_string(i));
    const std::vector<std::string_view> all{many.begin(), many.end()};
    const std::vector<nexus::event_view> a{
        {.type = "t", .data = "a", .metadata = {}, .tags = std::span{all}.first(1)}};
    const std::vector<nexus::event_view> b{{.type = "t", .data = "b", .metadata = {}, .tags = all}};
    const std::vector<nexus::append_request> sent{{id("ann"), 0, {}, a}, {id("bob"), 0, {}, b}};
    for (const auto& outcome : session->append(sent)) {
      const auto* done = std::get_if<nexus::stored>(&outcome);
      ASSERT_TRUE(done != nullptr && done->last.major == 1) << "both are in the first batch";
    }
  }

  static bool upsert(nexus::journal_session& by, const std::string& name,
                     nexus::sequence_nr expected, const std::string& data) {
    const nexus::upsert_request sent{.id = id(name),
                                     .expected = expected,
                                     .next = expected + 1,
                                     .value = nexus::state_view{.type = "s", .data = data}};
    return std::holds_alternative<nexus::stored>(by.upsert({&sent, 1}).at(0));
  }

  std::string with_tag(const std::string& tag) {
    std::string all;
    auto done = session->query({.tag = tag}, {}, [&](const auto&, const auto& r) {
      all += r.event.data;
      return true;
    });
    return done ? all : std::string{to_string(done.error().code)} + ": " + done.error().message;
  }

  std::string changes(nexus::position after = {}) {
    std::string all;
    auto done = session->read_states(after, 1'000, [&](const auto& of, const auto& state) {
      all += of.id();
      all += ":" + std::string{state.value ? state.value->data : "-"} + " ";
      return true;
    });
    return done ? all : std::string{to_string(done.error().code)} + ": " + done.error().message;
  }

  /// Removes items that fit from the answers to so many reads that have some.
  void hide(int reads, std::function<bool(const json&)> fits) {
    server.alter = [reads, fits = std::move(fits)](const fake_request&, fake_reply& reply) mutable {
      auto body = json::parse(reply.body);
      std::size_t hidden = 0;
      const auto hide_in = [&](json& items) {
        if (reads > 0) hidden += std::erase_if(items.get_ref<json::array_t&>(), fits);
      };
      if (body.contains("Items")) hide_in(body["Items"]);
      if (body.contains("Responses")) {
        for (auto& [table, items] : body["Responses"].items()) hide_in(items);
      }
      if (hidden > 0) --reads;
      reply.body = body.dump();
    };
  }
  static bool is_in(const json& item, const std::string& partition) {
    return item.contains("p") && item["p"]["S"].get<std::string>().starts_with(partition);
  }

  static bool is_of(const json& item, const std::string& partition) {
    return item.contains("p") && item["p"]["S"] == partition;
  }

  /// Counts the items in the answers to `BatchGetItem`, and the queries of the strand's log.
  struct counted {
    std::size_t items = 0, queries = 0;
  };
  void count_into(counted& all) {
    server.alter = [&all](const fake_request& r, fake_reply& reply) {
      if (r.operation() == "Query" && r.body.find("\"l#0\"") != std::string::npos) ++all.queries;
      if (r.operation() != "BatchGetItem") return;
      const auto body = json::parse(reply.body);
      for (const auto& [table, items] : body["Responses"].items()) all.items += items.size();
    };
  }
  std::string first_of(const nexus::event_filter& filter) {
    std::string all;
    auto done = session->query(filter, {.limit = 1}, [&](const auto&, const auto& r) {
      all += r.event.data;
      return true;
    });
    return done ? all : done.error().message;
  }

  /// The table's version, as the journal has it; `told` if that is not null.
  std::string opened_with_version(const std::string& parameters, const char* told = nullptr) {
    std::string version;
    server.alter = [&version, told](const fake_request& r, fake_reply& reply) {
      if (r.operation() != "GetItem") return;
      auto body = json::parse(reply.body);
      if (!body.contains("Item") || !is_of(body["Item"], "meta")) return;
      auto& stored = body["Item"]["version"]["N"];
      version = stored;
      if (told != nullptr) stored = told;
      reply.body = body.dump();
    };
    uri = server.fresh_journal(parameters);
    const auto opened = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value());
    server.alter = nullptr;
    return opened ? version : std::string{to_string(opened.error().code)};
  }

  passing_server server{local_server::shared()};
  std::string uri;
  std::shared_ptr<nexus::journal> store;
  std::unique_ptr<nexus::journal_session> session;
};

TEST_F(DynamoIndexes, ATagIsReadWithoutTheOtherEvents) {
  for (nexus::sequence_nr n = 0; n < 20; ++n) append("ann", n, "x", {"common"});
  append("bob", 0, "a", {"rare", "common"});
  append("bob", 1, "b", {});
  append("ann", 20, "c", {"rare"});
  std::size_t events_read = 0;
  server.alter = [&](const fake_request& r, fake_reply& reply) {
    if (r.operation() != "BatchGetItem") return;
    const auto body = json::parse(reply.body);
    for (const auto& [table, items] : body["Responses"].items()) {
      events_read += items.size();
    }
  };
  EXPECT_EQ(with_tag("rare"), "ac");
  EXPECT_EQ(events_read, 2u);
  EXPECT_EQ(with_tag("none"), "");
  EXPECT_EQ(session->count({.tag = "common"}).value(), 21u);
  EXPECT_EQ(session->explain({.tag = "rare"}).value(), "reads the index of tags");
}

TEST_F(DynamoIndexes, MoreTagsThanATransactionTakesAreFound) {
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i) many.push_back("tag" + std::to_string(i));
  append("ann", 0, "a", {"tag7"});
  append("ann", 1, "b", many);
  append("bob", 0, "c", {"tag7"});
  append("bob", 1, "d", {"other"});
  EXPECT_EQ(with_tag("tag7"), "abc");
  EXPECT_EQ(with_tag("tag39"), "b");
  EXPECT_EQ(with_tag("other"), "d");
}

TEST_F(DynamoIndexes, ATagIsReadOverManyPages) {
  std::string all;
  for (nexus::sequence_nr n = 0; n < 120; ++n) {
    all += static_cast<char>('a' + n % 26);
    append("ann", n, all.substr(n), {"one"});
  }
  EXPECT_EQ(with_tag("one").substr(0, 100), all.substr(0, 100)) << "a page has 100 events";
  EXPECT_EQ(session->count({.tag = "one"}).value(), 120u);
}

TEST_F(DynamoIndexes, ATagThatIsNotVisibleYetIsWaitedFor) {
  append("ann", 0, "a", {"one"});
  append("bob", 0, "b", {"one"});
  hide(3, [](const json& item) { return is_in(item, "t#"); });
  EXPECT_EQ(with_tag("one"), "ab");
  hide(1'000'000, [](const json& item) { return is_in(item, "t#"); });
  EXPECT_TRUE(with_tag("one").starts_with("corrupt: ")) << with_tag("one");
}

// One batch is in the list of its tag and in that of too many tags.
TEST_F(DynamoIndexes, ABatchOfWhichOnlyTheTagIsNotVisibleYetIsWaitedFor) {
  append_red_and_many();
  hide(1, [](const json& item) { return is_of(item, "t#0#red"); });
  EXPECT_EQ(with_tag("red"), "ab");
}

TEST_F(DynamoIndexes, ABatchOfWhichOnlyTheManyTagsAreNotVisibleYetIsWaitedFor) {
  append_red_and_many();
  hide(1, [](const json& item) { return is_of(item, "t#0#"); });
  EXPECT_EQ(with_tag("red"), "ab");
  hide(1'000'000, [](const json& item) { return is_of(item, "t#0#"); });
  EXPECT_EQ(with_tag("tag7").substr(0, 9), "corrupt: ");
}

TEST_F(DynamoIndexes, AShortPageOfATagReadsFewItems) {
  for (nexus::sequence_nr n = 0; n < 40; ++n) append("ann", n, std::to_string(n), {"one"});
  counted all;
  count_into(all);
  EXPECT_EQ(first_of({.tag = "one"}), "0");
  EXPECT_LE(all.items, 2u) << "one is passed, one tells that there are more";
}

TEST_F(DynamoIndexes, AShortPageReadsFewItemsOfALargeBatch) {
  open("strands=1");
  const std::vector<nexus::event_view> events{{.type = "t", .data = "x", .metadata = {}}};
  std::vector<nexus::append_request> sent;
  for (const char* name : {"ann", "bob", "cid"}) sent.push_back({id(name), 0, {}, events});
  for (const auto& outcome : session->append(sent)) {
    ASSERT_TRUE(std::holds_alternative<nexus::stored>(outcome));
  }
  counted all;
  count_into(all);
  EXPECT_EQ(first_of({}), "x");
  EXPECT_EQ(all.items, 2u);
}

TEST_F(DynamoIndexes, AShortPageOfRareEventsTakesFewReads) {
  open("strands=1");
  const std::vector<nexus::event_view> many(1'000, {.type = "t", .data = "x", .metadata = {}});
  const nexus::append_request sent{id("ann"), 0, {}, many};
  ASSERT_TRUE(std::holds_alternative<nexus::stored>(session->append({&sent, 1}).at(0)));
  append("bob", 0, "b", {"rare"});
  counted all;
  count_into(all);
  EXPECT_EQ(first_of({.tag = "rare"}), "b");
  EXPECT_LE(all.queries, 12u);
}

TEST_F(DynamoIndexes, AnOffsetPastTheLargestNumberOfEventsFindsNone) {
  append("ann", 0, "a", {});
  const nexus::event_page page{.limit = 100, .offset = std::numeric_limits<std::int64_t>::max()};
  const auto found = session->query({}, page, [](const auto&, const auto&) { return true; });
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->size, 0u);
}

TEST_F(DynamoIndexes, AStateThatIsNotVisibleYetIsWaitedFor) {
  ASSERT_TRUE(upsert(*session, "ann", 0, "1"));
  ASSERT_TRUE(upsert(*session, "bob", 0, "2"));
  hide(3, [](const json& item) { return is_in(item, "i#"); });
  EXPECT_EQ(changes(), "ann:1 bob:2 ");
  hide(1'000'000, [](const json& item) { return is_in(item, "i#account|bob"); });
  EXPECT_TRUE(changes().starts_with("corrupt: ")) << changes();
}

TEST_F(DynamoIndexes, AnAnswerThatIsLostLeavesOneChange) {
  int times = 1;
  server.alter = [&times](const fake_request& r, fake_reply& reply) {
    if (r.operation() == "TransactWriteItems" && times-- > 0) reply.drop = true;
  };
  ASSERT_TRUE(upsert(*session, "ann", 0, "1"));
  ASSERT_TRUE(upsert(*session, "ann", 1, "2"));
  EXPECT_EQ(changes(), "ann:2 ");
}

// Both compete for the next number of the strand; a reader follows meanwhile.
TEST_F(DynamoIndexes, ChangesOfRivalsComeInOrderAndNoneIsMissed) {
  constexpr nexus::sequence_nr each = 20;
  std::vector<std::jthread> writers;
  for (const char* name : {"ann", "bob"}) {
    writers.emplace_back([this, name] {
      const auto rival = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value()).value();
      const auto by = rival->open_session().value();
      for (nexus::sequence_nr n = 0; n < each; ++n) {
        EXPECT_TRUE(upsert(*by, name, n, std::to_string(n + 1)));
      }
    });
  }
  std::map<std::string, nexus::sequence_nr> seen;
  nexus::position at;
  while (seen["ann"] < each || seen["bob"] < each) {
    auto done = session->read_states(at, 3, [&](const auto& of, const auto& state) {
      EXPECT_LT(at, state.at);
      EXPECT_LT(seen[std::string{of.id()}], state.version);
      at = state.at;
      seen[std::string{of.id()}] = state.version;
      return true;
    });
    ASSERT_TRUE(done) << done.error().message;
  }
  EXPECT_EQ(at.major, 2 * each) << "each change has the next number";
  EXPECT_EQ(changes(at), "");
}

// Rivals that take many numbers of the log leave the change its attempts at its own state.
TEST_F(DynamoIndexes, AChangeThatRivalsOvertakeManyTimesMayStillBeRefusedOnce) {
  ASSERT_TRUE(upsert(*session, "ann", 0, "1"));
  int overtaken = 60;
  int refused = 1;
  server.instead = [&](const fake_request& r, fake_reply& reply) {
    if (r.operation() != "TransactWriteItems" || refused == 0) return false;
    const json failed{{"Code", "ConditionalCheckFailed"}};
    json reasons = json::array();
    const auto actions = json::parse(r.body)["TransactItems"].size();
    for (std::size_t i = 0; i < actions; ++i) reasons.push_back({{"Code", "None"}});
    if (overtaken-- > 0) {
      reasons.back() = failed;
    } else {
      --refused;
      reasons.front() = failed;
      reasons.front()["Item"] = {{"v", {{"N", "1"}}}};
    }
    reply = {400, json{{"__type", "x#TransactionCanceledException"},
                       {"Message", "m"},
                       {"CancellationReasons", reasons}}
                      .dump()};
    return true;
  };
  EXPECT_TRUE(upsert(*session, "ann", 1, "2"));
  EXPECT_EQ(refused, 0);
}

TEST_F(DynamoIndexes, AreRefusedByAProgramThatDoesNotKnowThem) {
  EXPECT_EQ(opened_with_version("strands=1"), "1") << "which such a program accepts";
  EXPECT_EQ(opened_with_version("strands=1&indexes=none"), "1");
  EXPECT_EQ(opened_with_version("strands=1&indexes=tag"), "2");
  EXPECT_EQ(opened_with_version("strands=1&indexes=states"), "2");
  EXPECT_EQ(opened_with_version("strands=1&indexes=tag", "1"), "2") << "either version is read";
  EXPECT_EQ(opened_with_version("strands=1&indexes=tag", "3"), "newer_schema");
}

TEST_F(DynamoIndexes, OfAJournalStayAsTheyWereMade) {
  const auto other = uri.substr(0, uri.find('?'));
  const auto refused =
      nexus::dynamodb_backend().open(nexus::uri::parse(other + "?indexes=states").value());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, nexus::errc::invalid_argument);
  EXPECT_NE(refused.error().message.find("has indexes=tag,states, not states"), std::string::npos)
      << refused.error().message;
  const auto again = nexus::dynamodb_backend().open(nexus::uri::parse(other).value()).value();
  const auto by = again->open_session().value();
  ASSERT_TRUE(upsert(*by, "ann", 0, "1"));
  EXPECT_EQ(changes(), "ann:1 ") << "a URI without the choice takes that of the journal";
}

TEST_F(DynamoIndexes, AreNotThereUnlessTheyAreChosen) {
  open("strands=1");
  append("ann", 0, "a", {"one"});
  EXPECT_EQ(with_tag("one"), "a");
  EXPECT_EQ(session->explain({.tag = "one"}).value(), "scans the journal");
  EXPECT_TRUE(changes().starts_with("invalid_argument: ")) << changes();
  EXPECT_NE(changes().find("indexes=states"), std::string::npos) << changes();
  const auto bad = nexus::dynamodb_backend().open(
      nexus::uri::parse(server.fresh_journal("indexes=type")).value());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, nexus::errc::invalid_argument);
}

}  // namespace
