// Each source of credentials, their order, and their end.
#include "credentials.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <list>

#include "fake_server.hpp"
#include "temporary_folder.hpp"

namespace {

using nexus::dynamodb::credential_source;
using nexus::test::fake_reply;
using nexus::test::fake_request;
using nexus::test::fake_server;
using nexus::test::with_environment;

/// No source has credentials, and none of this machine is asked.
struct Credentials : ::testing::Test {
  void set(const char* name, const std::string& value) { more_.emplace_back(name, value.c_str()); }
  std::list<with_environment> more_;
  with_environment key{"AWS_ACCESS_KEY_ID", nullptr};
  with_environment secret{"AWS_SECRET_ACCESS_KEY", nullptr};
  with_environment token{"AWS_SESSION_TOKEN", nullptr};
  with_environment profile{"AWS_PROFILE", nullptr};
  with_environment file{"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials"};
  with_environment relative{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", nullptr};
  with_environment full{"AWS_CONTAINER_CREDENTIALS_FULL_URI", nullptr};
  with_environment bearer{"AWS_CONTAINER_AUTHORIZATION_TOKEN", nullptr};
  with_environment instance{"AWS_EC2_METADATA_DISABLED", "true"};
  with_environment metadata{"AWS_EC2_METADATA_SERVICE_ENDPOINT", nullptr};
};

std::string at(const fake_server& server) {
  return "http://127.0.0.1:" + std::to_string(server.port());
}

std::string in_utc(std::chrono::seconds from_now) {
  const auto then =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) + from_now.count();
  char text[32];
  std::tm parts{};
  gmtime_r(&then, &parts);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string answer(const std::string& key, std::chrono::seconds lasts) {
  return R"({"Code":"Success","AccessKeyId":")" + key +
         R"(","SecretAccessKey":"s","Token":"t","Expiration":")" + in_utc(lasts) + "\"}";
}

TEST_F(Credentials, OfTheEnvironment) {
  set("AWS_ACCESS_KEY_ID", "key");
  set("AWS_SECRET_ACCESS_KEY", "hidden");
  set("AWS_SESSION_TOKEN", "token");
  const auto found = credential_source{}.get();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key_id + found->secret + found->session_token, "keyhiddentoken");
}

TEST_F(Credentials, OfAProfileOfTheSharedFile) {
  const nexus::test::temporary_folder folder;
  const auto path = (std::filesystem::path{folder.path()} / "credentials").string();
  std::ofstream{path} << "# comment\n[default]\naws_access_key_id = one\n"
                         "aws_secret_access_key=first\n\n[ other ]\naws_access_key_id=two\n"
                         "aws_secret_access_key = se=cond\naws_session_token = t\n";
  set("AWS_SHARED_CREDENTIALS_FILE", path);
  EXPECT_EQ(credential_source{}.get().value().secret, "first");
  set("AWS_PROFILE", "other");
  const auto other = credential_source{}.get().value();
  EXPECT_EQ(other.key_id + other.secret + other.session_token, "twose=condt");
  set("AWS_PROFILE", "third");
  EXPECT_FALSE(credential_source{}.get());
}

TEST_F(Credentials, OfAContainerWithItsToken) {
  fake_server server{[](const fake_request& r) {
    if (r.headers.at("authorization") != "Bearer x") return fake_reply{.status = 403};
    return fake_reply{.body = answer("of container", std::chrono::hours{1})};
  }};
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", at(server) + "/credentials");
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer x");
  credential_source source;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(source.get().value().key_id, "of container");
  EXPECT_EQ(server.requests(), 1) << "kept as long as they are valid";
}

TEST_F(Credentials, AContainersEndpointElsewhereIsNotAsked) {
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1.example.org/credentials");
  const auto found = credential_source{}.get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, nexus::errc::invalid_argument);
}

TEST_F(Credentials, OfAnInstanceBySessions) {
  std::string seen;
  fake_server server{[&seen](const fake_request& r) {
    seen += r.method + " " + r.path + "\n";
    if (r.method == "PUT") return fake_reply{.body = "session"};
    if (r.headers.at("x-aws-ec2-metadata-token") != "session") return fake_reply{.status = 401};
    if (r.path.ends_with('/')) return fake_reply{.body = "role-of-app\n"};
    return fake_reply{.body = answer("of instance", std::chrono::hours{1})};
  }};
  set("AWS_EC2_METADATA_DISABLED", "false");
  set("AWS_EC2_METADATA_SERVICE_ENDPOINT", at(server));
  EXPECT_EQ(credential_source{}.get().value().key_id, "of instance");
  EXPECT_EQ(seen,
            "PUT /latest/api/token\nGET /latest/meta-data/iam/security-credentials/\n"
            "GET /latest/meta-data/iam/security-credentials/role-of-app\n");
}

TEST_F(Credentials, ThatEndSoonAreAskedForAgainAndServeWhileTheEndpointFails) {
  int asked = 0;
  fake_server server{[&asked](const fake_request&) {
    if (++asked == 3) return fake_reply{.status = 500};
    return fake_reply{.body = answer(std::to_string(asked), std::chrono::minutes{4})};
  }};
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", at(server) + "/");
  credential_source source;
  EXPECT_EQ(source.get().value().key_id, "1");
  EXPECT_EQ(source.get().value().key_id, "2");
  EXPECT_EQ(source.get().value().key_id, "2") << "the endpoint failed";
  EXPECT_EQ(source.get().value().key_id, "4");
  source.forget();
  EXPECT_EQ(source.get().value().key_id, "5");
}

TEST_F(Credentials, WithoutAnyTheErrorNamesThePlaces) {
  const auto found = credential_source{}.get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, nexus::errc::invalid_argument);
  EXPECT_EQ(found.error().message,
            "dynamodb: no credentials: neither in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, nor "
            "in /nonexistent/credentials, nor at a container's or instance's endpoint");
}

TEST_F(Credentials, OfAnAnswerWithoutThemAreNone) {
  for (const auto* body :
       {"", "[]", "{}", R"({"AccessKeyId":7,"SecretAccessKey":"s"})", "<html>"}) {
    EXPECT_FALSE(nexus::dynamodb::of_endpoint(body)) << body;
  }
}

}  // namespace
