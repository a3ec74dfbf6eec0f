// Opening a journal on DynamoDB: each thing that may be wrong is one clear error in a bounded time.
#include <gtest/gtest.h>

#include <array>
#include <ctime>
#include <nexus/document_storage.hpp>
#include <nexus/dynamodb.hpp>
#include <nexus/journal.hpp>
#include <nlohmann/json.hpp>

#include "fake_server.hpp"
#include "http_client.hpp"
#include "local_server.hpp"
#include "tls_front.hpp"

namespace {

using nexus::test::fake_reply;
using nexus::test::fake_request;
using nexus::test::fake_server;
using nexus::test::local_server;
using nexus::test::tls_front;
using nexus::test::with_environment;
using json = nlohmann::json;

struct DynamoOpening : ::testing::Test {
  static nexus::error refused(const std::string& uri) {
    auto opened = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value());
    return opened ? nexus::error{nexus::errc::rejected, "it opened"} : opened.error();
  }
};

TEST_F(DynamoOpening, WithoutCredentialsSaysWhereItLooked) {
  const auto uri = local_server::shared().fresh_journal();  // sets credentials
  const with_environment key{"AWS_ACCESS_KEY_ID", nullptr};
  const with_environment secret{"AWS_SECRET_ACCESS_KEY", nullptr};
  const with_environment file{"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials"};
  const with_environment instance{"AWS_EC2_METADATA_DISABLED", "true"};
  const auto why = refused(uri);
  EXPECT_EQ(why.code, nexus::errc::invalid_argument);
  EXPECT_NE(why.message.find("no credentials"), std::string::npos) << why.message;
}

TEST_F(DynamoOpening, OfAServerThatIsNotThereIsUnavailableInTime) {
  int port = 0;
  {
    const fake_server gone{[](const fake_request&) { return fake_reply{}; }};
    port = gone.port();
  }
  (void)local_server::shared();  // which sets credentials
  const auto start = std::chrono::steady_clock::now();
  const auto why = refused("dynamodb://127.0.0.1:" + std::to_string(port) + "/bank?timeout=500ms");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{5});
  EXPECT_EQ(why.code, nexus::errc::unavailable) << why.message;
  EXPECT_NE(why.message.find("bank_journal: the server cannot be reached"), std::string::npos)
      << why.message;
}

TEST_F(DynamoOpening, WithAKeyThatTheServerDoesNotKnowIsOneClearError) {
  (void)local_server::shared();
  const fake_server server{[](const fake_request&) {
    return fake_reply::error(400, "UnrecognizedClientException",
                             "The security token included in the request is invalid.");
  }};
  const auto why = refused("dynamodb://127.0.0.1:" + std::to_string(server.port()) + "/bank");
  EXPECT_EQ(why.code, nexus::errc::unavailable);
  EXPECT_NE(why.message.find("the server does not accept the credentials"), std::string::npos)
      << why.message;
  EXPECT_EQ(server.requests(), 1);
}

// DynamoDB's answer to a signature for another region than the host's.
TEST_F(DynamoOpening, WithAWrongRegionIsOneClearError) {
  (void)local_server::shared();
  const fake_server server{[](const fake_request&) {
    auto reply = fake_reply::error(400, "InvalidSignatureException",
                                   "Credential should be scoped to a valid region, not 'mars-1'.");
    std::array<char, 40> date{};
    const auto now = std::time(nullptr);
    std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&now));
    reply.date = date.data();
    return reply;
  }};
  const auto why =
      refused("dynamodb://127.0.0.1:" + std::to_string(server.port()) + "/bank?region=mars-1");
  EXPECT_EQ(why.code, nexus::errc::unavailable);
  EXPECT_NE(why.message.find("scoped to a valid region, not 'mars-1'"), std::string::npos)
      << why.message;
  EXPECT_EQ(why.message.find('\n'), std::string::npos);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(DynamoOpening, ByTlsOfAServerWithoutItIsOneClearErrorInTime) {
  const auto start = std::chrono::steady_clock::now();
  const auto why = refused(local_server::shared().fresh_journal("tls=on&timeout=500ms"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{10});
  EXPECT_EQ(why.code, nexus::errc::unavailable);
  EXPECT_NE(why.message.find("the server cannot be reached"), std::string::npos) << why.message;
  EXPECT_NE(why.message.find("SSL"), std::string::npos) << why.message;
}

TEST_F(DynamoOpening, OfAServerWithAnUntrustedCertificateIsOneClearErrorAtOnce) {
  const tls_front before{local_server::shared().port()};
  const auto uri = "dynamodb://127.0.0.1:" + std::to_string(before.port()) + "/bank?tls=on";
  const auto start = std::chrono::steady_clock::now();
  const auto why = refused(uri);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{5});
  EXPECT_EQ(why.code, nexus::errc::unavailable);
  EXPECT_NE(why.message.find("the server's certificate is not trusted"), std::string::npos)
      << why.message;
  EXPECT_EQ(why.message.find('\n'), std::string::npos);
  EXPECT_EQ(before.connections(), 1) << "it is not tried again";
}

TEST_F(DynamoOpening, TrustsTheCertificatesThatTheUriNames) {
  const tls_front before{local_server::shared().port()};
  const auto direct = local_server::shared().fresh_journal("tls=on&ca=" + before.ca());
  const auto slash = direct.find('/', std::string{"dynamodb://"}.size());
  const auto uri = "dynamodb://127.0.0.1:" + std::to_string(before.port()) + direct.substr(slash);
  auto opened = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value());
  ASSERT_TRUE(opened) << opened.error().message;
  const auto session = (*opened)->open_session().value();
  EXPECT_EQ(session->highest(nexus::persistence_id::parse("account|ann").value()).value(), 0u);
  const auto missing = refused(uri + ".missing");
  EXPECT_EQ(missing.code, nexus::errc::unavailable);
  EXPECT_NE(missing.message.find(before.ca() + ".missing"), std::string::npos) << missing.message;
  EXPECT_EQ(refused("dynamodb://127.0.0.1:1/bank?ca=x").code, nexus::errc::invalid_argument)
      << "without TLS";
}

TEST_F(DynamoOpening, WithOtherStrandsThanTheJournalHasIsRefused) {
  const auto uri = local_server::shared().fresh_journal();
  ASSERT_TRUE(nexus::dynamodb_backend().open(nexus::uri::parse(uri + "?strands=8").value()));
  const auto why = refused(uri + "?strands=4");
  EXPECT_EQ(why.code, nexus::errc::invalid_argument);
  EXPECT_NE(why.message.find("has 8 strands, not 4"), std::string::npos) << why.message;
  const auto again = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value());
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->strands(), 8u);
}

TEST_F(DynamoOpening, OfMissingTablesThatAreNotToBeMadeNamesThem) {
  const auto why = refused(local_server::shared().fresh_journal("tables=existing"));
  EXPECT_EQ(why.code, nexus::errc::foreign_schema);
  EXPECT_NE(why.message.find("there is no table t"), std::string::npos) << why.message;
}

// Its good-bye to such a connection may raise SIGPIPE.
TEST_F(DynamoOpening, ATlsConnectionThatTheServerHasResetIsMadeAgain) {
  tls_front before{local_server::shared().port()};
  const auto direct = local_server::shared().fresh_journal("tls=on&ca=" + before.ca());
  const auto slash = direct.find('/', std::string{"dynamodb://"}.size());
  const auto uri = "dynamodb://127.0.0.1:" + std::to_string(before.port()) + direct.substr(slash);
  const auto store = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value()).value();
  const auto id = nexus::persistence_id::parse("account|ann").value();
  auto session = store->open_session().value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(session->highest(id).value(), 0u);
    before.reset_connections();
  }
  session.reset();
  EXPECT_GE(before.connections(), 3);
}

TEST_F(DynamoOpening, OfATableOfAnotherShapeSaysHowItDiffers) {
  auto& server = local_server::shared();
  const auto uri = server.fresh_journal();
  const json shape{{"TableName", uri.substr(uri.rfind('/') + 1) + "_journal"},
                   {"BillingMode", "PAY_PER_REQUEST"},
                   {"AttributeDefinitions", {{{"AttributeName", "id"}, {"AttributeType", "N"}}}},
                   {"KeySchema", {{{"AttributeName", "id"}, {"KeyType", "HASH"}}}}};
  nexus::test::http_client direct{static_cast<std::uint16_t>(server.port())};
  const auto made =
      direct.post("/", shape.dump(), "application/x-amz-json-1.0",
                  {{"x-amz-target", "DynamoDB_20120810.CreateTable"},
                   {"authorization",
                    "AWS4-HMAC-SHA256 Credential=test/20200101/us-east-1/dynamodb/aws4_request, "
                    "SignedHeaders=host, Signature=00"}});
  ASSERT_TRUE(made && made->status == 200) << made->body;
  const auto why = refused(uri);
  EXPECT_EQ(why.code, nexus::errc::foreign_schema);
  EXPECT_NE(why.message.find("its keys are \"HASH id N; \", not \"HASH p S; RANGE s S; \""),
            std::string::npos)
      << why.message;
}

// What fits the limits of a payload, and does not fit an item with its other fields.
TEST(DynamoItems, ThatAreTooLargeAreRefusedByTheirSize) {
  const auto where = nexus::uri::parse(local_server::shared().fresh_journal()).value();
  const auto store = nexus::dynamodb_backend().open(where).value();
  const auto session = store->open_session().value();
  const auto id = nexus::persistence_id::parse("account|ann").value();
  const std::string payload(store->limits().payload_bytes_max, 'x');
  const std::string rest(20'000, 'y');
  const auto why_rejected = [](const nexus::append_outcome& outcome) {
    const auto* rejected = std::get_if<nexus::rejected>(&outcome);
    if (rejected == nullptr) return std::string{"not rejected"};
    EXPECT_EQ(rejected->why.code, nexus::errc::too_large);
    return rejected->why.message;
  };
  const std::vector<nexus::event_view> events{{.type = "t", .data = payload, .metadata = rest}};
  const nexus::append_request append{id, 0, {}, events};
  EXPECT_NE(why_rejected(session->append({&append, 1}).at(0)).find("larger than 408576 bytes"),
            std::string::npos);
  const nexus::upsert_request upsert{
      .id = id,
      .expected = 0,
      .next = 1,
      .value = nexus::state_view{.type = "s", .data = payload + rest}};
  EXPECT_NE(why_rejected(session->upsert({&upsert, 1}).at(0)).find("bytes"), std::string::npos);
  const auto document =
      session->documents()->put("orders", {.id = "a", .type = "order", .data = payload});
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, nexus::errc::too_large) << document.error().message;
  EXPECT_EQ(session->highest(id).value(), 0u);
}

TEST(DynamoSchema, CreatesChecksAndDropsTheTables) {
  const auto where = nexus::uri::parse(local_server::shared().fresh_journal()).value();
  auto tables = nexus::dynamodb_backend().schema(where).value();
  EXPECT_EQ(tables->check().value().differences.size(), 2u) << "both are missing";
  EXPECT_EQ(tables->migrate().value(), 0u);
  auto status = tables->check().value();
  EXPECT_EQ(status.found, status.known);
  EXPECT_TRUE(status.differences.empty());
  EXPECT_EQ(tables->migrate().value(), 1u);
  ASSERT_TRUE(tables->drop());
  ASSERT_TRUE(tables->drop()) << "nothing is left to drop";
  EXPECT_EQ(tables->check().value().differences.size(), 2u);
}

TEST(DynamoSchema, PrintsWhatOthersMayCreate) {
  const auto where = nexus::uri::parse(local_server::shared().fresh_journal()).value();
  auto tables = nexus::dynamodb_backend().schema(where).value();
  const auto text = tables->ddl();
  const auto journal = json::parse(text.substr(0, text.find("\n}\n") + 2));
  EXPECT_EQ(journal.at("BillingMode"), "PAY_PER_REQUEST");
  EXPECT_TRUE(journal.at("TableName").get<std::string>().ends_with("_journal"));
  EXPECT_EQ(journal.at("KeySchema").size(), 2u);
}

}  // namespace
