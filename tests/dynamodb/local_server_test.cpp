// The server of the tests: starts, keeps what it should keep, and is gone with its owner.
#include "local_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "postgres/wait_until.hpp"

namespace {

using nexus::test::local_server;

/// The answer to one request; empty if there is none.
std::string answer(int port, const std::string& operation, const std::string& body) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string got;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    const auto request =
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Amz-Target: "
        "DynamoDB_20120810." +
        operation +
        "\r\nContent-Type: application/x-amz-json-1.0\r\nAuthorization: AWS4-HMAC-SHA256 "
        "Credential=test/20200101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, "
        "Signature=00\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    (void)!write(fd, request.data(), request.size());
    char some[4096];
    for (ssize_t n = 0; (n = read(fd, some, sizeof some)) > 0;) {
      got.append(some, static_cast<std::size_t>(n));
    }
  }
  close(fd);
  return got;
}

constexpr auto table = R"({"TableName":"kept","BillingMode":"PAY_PER_REQUEST",
  "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}],
  "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}]})";

TEST(LocalServer, TheSharedOneAnswers) {
  EXPECT_NE(answer(local_server::shared().port(), "ListTables", "{}").find("TableNames"),
            std::string::npos);
}

TEST(LocalServer, FreshJournalsHaveDifferentNames) {
  const auto& server = local_server::shared();
  EXPECT_NE(server.fresh_journal(), server.fresh_journal());
}

TEST(LocalServer, KeepsItsTablesOverAStopAndEndsWithItsOwner) {
  int port = 0;
  {
    local_server own{local_server::data::kept};
    port = own.port();
    EXPECT_NE(answer(port, "CreateTable", table).find("TableStatus"), std::string::npos);
    own.stop();
    EXPECT_EQ(answer(port, "ListTables", "{}"), "");
    own.start();
    EXPECT_NE(answer(port, "ListTables", "{}").find("[\"kept\"]"), std::string::npos);
  }
  EXPECT_EQ(answer(port, "ListTables", "{}"), "");
}

TEST(LocalServer, EndsWithAProgramThatIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  // Not a fork of a program with threads: GoogleTest has none here.
  const pid_t child = fork();
  if (child == 0) {
    const local_server own;
    const int port = own.port();
    (void)!write(ends[1], &port, sizeof port);
    abort();
  }
  int port = 0;
  ASSERT_EQ(read(ends[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  EXPECT_TRUE(nexus::test::wait_until([&] { return answer(port, "ListTables", "{}").empty(); }));
}

}  // namespace
