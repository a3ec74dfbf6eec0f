// The client against a server that delays, throttles, fails and loses answers.
#include "client.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "fake_server.hpp"

namespace {

using nexus::dynamodb::client;
using nexus::dynamodb::endpoint;
using nexus::dynamodb::fault;
using nexus::dynamodb::json;
using nexus::test::fake_reply;
using nexus::test::fake_request;
using nexus::test::fake_server;
using nexus::test::with_environment;
using std::chrono::milliseconds;
using kind = fault::kind;

struct DynamoClient : ::testing::Test {
  with_environment key{"AWS_ACCESS_KEY_ID", "AKID"};
  with_environment secret{"AWS_SECRET_ACCESS_KEY", "never-shown"};
  with_environment token{"AWS_SESSION_TOKEN", nullptr};
};

std::shared_ptr<endpoint> at(int port, nexus::dynamodb::time_limits within = {}) {
  auto made = std::make_shared<endpoint>();
  made->host = "127.0.0.1:" + std::to_string(port);
  made->url = "http://" + made->host;
  made->region = "us-east-1";
  made->within = within;
  return made;
}

/// The first replies in turn, then the last one for ever.
fake_server::replies in_turn(std::vector<fake_reply> all) {
  return [all = std::move(all), next = std::size_t{0}](const fake_request&) mutable {
    return all[std::min(next++, all.size() - 1)];
  };
}

kind failed(const nexus::dynamodb::answer& got) { return got ? kind{255} : got.error().what; }

const json nothing = json::object();

TEST_F(DynamoClient, SendsTheOperationSignedOnOneConnection) {
  fake_request seen;
  fake_server server{[&seen](const fake_request& r) {
    seen = r;
    return fake_reply{.body = R"({"Item":{"p":{"S":"x"}}})"};
  }};
  client c{at(server.port())};
  for (int i = 0; i < 20; ++i) {
    const auto got = c.call("GetItem", {{"TableName", "t"}});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->at("Item").at("p").at("S"), "x");
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.operation(), "GetItem");
  EXPECT_EQ(seen.body, R"({"TableName":"t"})");
  EXPECT_EQ(seen.headers["content-type"], "application/x-amz-json-1.0");
  EXPECT_TRUE(seen.headers["authorization"].starts_with("AWS4-HMAC-SHA256 Credential=AKID/"));
  EXPECT_NE(seen.headers["authorization"].find("/us-east-1/dynamodb/aws4_request, SignedHeaders="
                                               "content-type;host;x-amz-date;x-amz-target, "),
            std::string::npos);
}

TEST_F(DynamoClient, SendsManyAtATimeFromOneThread) {
  fake_server server{
      [](const fake_request& r) { return fake_reply{.body = r.body, .delay = milliseconds{50}}; }};
  client c{at(server.port())};
  std::vector<nexus::dynamodb::request> all;
  for (int i = 0; i < 100; ++i) all.push_back({"Echo", {{"i", i}}});
  const auto start = std::chrono::steady_clock::now();
  const auto got = c.call_many(all);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds{50 * 100 / 2});
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].value().at("i"), i);
  EXPECT_GT(server.at_once(), 10);
  EXPECT_LE(server.at_once(), static_cast<int>(client::flight_max));
}

TEST_F(DynamoClient, TriesAgainWhenThrottledOrWhenTheServerFails) {
  fake_server server{in_turn({fake_reply::error(400, "ProvisionedThroughputExceededException"),
                              fake_reply::error(400, "ThrottlingException"),
                              fake_reply::error(500, "InternalServerError"),
                              {.status = 503, .body = "<html>"},
                              {.body = R"({"ok":true})"}})};
  client c{at(server.port())};
  EXPECT_TRUE(c.call("PutItem", nothing));
  EXPECT_EQ(server.requests(), 5);
}

TEST_F(DynamoClient, TriesAFailedConditionOrARefusedRequestOnce) {
  for (const auto& [type, what] : {std::pair{"ConditionalCheckFailedException", kind::condition},
                                   std::pair{"ValidationException", kind::refused},
                                   std::pair{"ResourceNotFoundException", kind::refused},
                                   std::pair{"UnrecognizedClientException", kind::credentials}}) {
    fake_server server{in_turn({fake_reply::error(400, type)})};
    const auto got = client{at(server.port())}.call("PutItem", nothing);
    EXPECT_EQ(failed(got), what) << type;
    EXPECT_FALSE(got.error().maybe_done) << type;
    EXPECT_EQ(server.requests(), 1) << type;
  }
}

fake_reply cancelled(const std::string& reasons) {
  return {400,
          R"({"__type":"x#TransactionCanceledException","Message":"m","CancellationReasons":)" +
              reasons + "}"};
}

TEST_F(DynamoClient, TriesATransactionThatCollidedAgain) {
  fake_server server{in_turn({cancelled(R"([{"Code":"None"},{"Code":"TransactionConflict"}])"),
                              fake_reply::error(400, "TransactionInProgressException"),
                              cancelled(R"([{"Code":"ThrottlingError"}])"),
                              {.body = "{}"}})};
  EXPECT_TRUE(client{at(server.port())}.call("TransactWriteItems", nothing));
  EXPECT_EQ(server.requests(), 4);
}

TEST_F(DynamoClient, ATransactionWithAFailedConditionIsNotTriedAgainWhateverElseCollided) {
  fake_server server{in_turn({cancelled(
      R"([{"Code":"TransactionConflict"},{"Code":"ConditionalCheckFailed","Item":{"n":{"N":"7"}}}])")})};
  const auto got = client{at(server.port())}.call("TransactWriteItems", nothing);
  ASSERT_EQ(failed(got), kind::condition);
  EXPECT_EQ(got.error().reasons.at(1).at("Item").at("n").at("N"), "7");
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(DynamoClient, ALostAnswerIsAskedForAgain) {
  fake_server server{in_turn({{.drop = true}, {.body = R"({"ok":true})"}})};
  EXPECT_TRUE(client{at(server.port())}.call("PutItem", nothing));
  EXPECT_EQ(server.requests(), 2);
}

TEST_F(DynamoClient, AConditionThatFailsAfterALostAnswerMayBeTheOwnWrite) {
  fake_server server{
      in_turn({{.drop = true}, fake_reply::error(400, "ConditionalCheckFailedException")})};
  const auto got = client{at(server.port())}.call("PutItem", nothing);
  ASSERT_EQ(failed(got), kind::condition);
  EXPECT_TRUE(got.error().maybe_done);
}

// libcurl would send a request again on its own when a kept connection turns out to be closed.
TEST_F(DynamoClient, AnAnswerLostOnAKeptConnectionIsNotHidden) {
  fake_server server{in_turn(
      {{.body = "{}"}, {.drop = true}, fake_reply::error(400, "ConditionalCheckFailedException")})};
  client c{at(server.port())};
  ASSERT_TRUE(c.call("GetItem", nothing));
  const auto got = c.call("PutItem", nothing);
  ASSERT_EQ(failed(got), kind::condition);
  EXPECT_TRUE(got.error().maybe_done);
  EXPECT_EQ(server.requests(), 3);
}

TEST_F(DynamoClient, ThrottlingThatNeverEndsIsAnErrorInBoundedTime) {
  fake_server server{in_turn({fake_reply::error(400, "ThrottlingException", "slow\\ndown")})};
  client c{at(server.port(), {.call = milliseconds{400}})};
  const auto start = std::chrono::steady_clock::now();
  const auto got = c.call("PutItem", nothing);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{2});
  ASSERT_EQ(failed(got), kind::throttled);
  EXPECT_FALSE(got.error().maybe_done);
  EXPECT_GT(server.requests(), 1);
  const auto told = error_of(got.error(), "dynamodb: write of t");
  EXPECT_EQ(told.code, nexus::errc::unavailable);
  EXPECT_EQ(told.message.find('\n'), std::string::npos) << told.message;
}

TEST_F(DynamoClient, RetriesEndWhenMostRequestsFail) {
  fake_server server{in_turn({fake_reply::error(500, "InternalServerError")})};
  const auto shared = at(server.port(), {.call = milliseconds{200}});
  while (shared->budget.take()) {
  }
  EXPECT_EQ(failed(client{shared}.call("PutItem", nothing)), kind::lost);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(DynamoClient, AServerThatDoesNotAnswerIsLeftInTime) {
  fake_server server{[](const fake_request&) { return fake_reply{.delay = milliseconds{20'000}}; }};
  client c{at(server.port(), {.attempt = milliseconds{100}, .call = milliseconds{400}})};
  const auto start = std::chrono::steady_clock::now();
  const auto got = c.call("PutItem", nothing);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{2});
  ASSERT_EQ(failed(got), kind::lost);
  EXPECT_TRUE(got.error().maybe_done);
}

TEST_F(DynamoClient, AServerThatIsNotThereGotNothing) {
  int port = 0;
  {
    const fake_server gone{in_turn({{}})};
    port = gone.port();
  }
  const auto got = client{at(port, {.call = milliseconds{300}})}.call("PutItem", nothing);
  ASSERT_EQ(failed(got), kind::unreachable);
  EXPECT_FALSE(got.error().maybe_done);
}

std::string http_date(time_t time) {
  char text[64];
  std::tm parts{};
  gmtime_r(&time, &parts);
  strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

TEST_F(DynamoClient, AWrongClockIsCorrectedByTheServersDate) {
  const auto theirs = time(nullptr) + 3'600;
  fake_server server{[theirs](const fake_request& r) {
    const auto right =
        nexus::dynamodb::amz_date(std::chrono::sys_seconds{std::chrono::seconds{theirs}});
    if (r.headers.at("x-amz-date").substr(0, 11) == right.substr(0, 11)) return fake_reply{};
    auto made = fake_reply::error(403, "InvalidSignatureException", "Signature expired");
    made.date = http_date(theirs);
    return made;
  }};
  client c{at(server.port())};
  EXPECT_TRUE(c.call("GetItem", nothing));
  EXPECT_EQ(server.requests(), 2);
  EXPECT_TRUE(c.call("GetItem", nothing));
  EXPECT_EQ(server.requests(), 3) << "remembered";
}

TEST_F(DynamoClient, AClockThatStaysWrongIsNamed) {
  fake_server server{[theirs = time(nullptr)](const fake_request&) mutable {
    auto made = fake_reply::error(403, "InvalidSignatureException", "Signature expired");
    made.date = http_date(theirs += 3'600);
    return made;
  }};
  const auto got = client{at(server.port())}.call("GetItem", nothing);
  ASSERT_EQ(failed(got), kind::skewed);
  EXPECT_NE(got.error().message.find("differs from ours by 36"), std::string::npos)
      << got.error().message;
  EXPECT_EQ(server.requests(), 2);
}

TEST_F(DynamoClient, AWrongSecretIsNotTakenForAWrongClock) {
  fake_server server{[](const fake_request&) {
    auto made = fake_reply::error(403, "InvalidSignatureException", "does not match");
    made.date = http_date(time(nullptr));
    return made;
  }};
  const auto got = client{at(server.port())}.call("GetItem", nothing);
  EXPECT_EQ(failed(got), kind::credentials);
  EXPECT_EQ(server.requests(), 1);
  EXPECT_EQ(error_of(got.error(), "t").message.find("never-shown"), std::string::npos);
}

TEST_F(DynamoClient, AnInterruptEndsTheCallAndAllLaterOnes) {
  fake_server server{[](const fake_request&) { return fake_reply{.delay = milliseconds{20'000}}; }};
  client c{at(server.port())};
  std::thread other{[&] {
    while (server.requests() == 0) std::this_thread::yield();
    c.interrupt();
  }};
  const auto start = std::chrono::steady_clock::now();
  const auto got = c.call("PutItem", nothing);
  other.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{5});
  ASSERT_EQ(failed(got), kind::interrupted);
  EXPECT_TRUE(got.error().maybe_done);
  const auto later = c.call("PutItem", nothing);
  ASSERT_EQ(failed(later), kind::interrupted);
  EXPECT_FALSE(later.error().maybe_done);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(DynamoClient, PausesGrowAndAreRandomBelowTheirBound) {
  using nexus::dynamodb::pause_before;
  EXPECT_EQ(pause_before(1, kind::throttled, 50), milliseconds{50});
  EXPECT_EQ(pause_before(1, kind::throttled, 51), milliseconds{0});
  EXPECT_EQ(pause_before(3, kind::throttled, 200), milliseconds{200});
  EXPECT_EQ(pause_before(60, kind::throttled, 2'000), milliseconds{2'000});
  EXPECT_EQ(pause_before(60, kind::throttled, 2'001), milliseconds{0});
  EXPECT_EQ(pause_before(1, kind::contended, 17), milliseconds{0});
}

}  // namespace
