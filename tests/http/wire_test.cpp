// Connections: kept alive, pipelined, too many, too large, and invalid.

#include <csignal>

#include "raw_socket.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct Wire : Web {
  void serve(http::server_options o = options()) {
    make(std::move(o));
    web->get("/hello", [] { return http::response::text("hello"); });
    web->post("/echo", [](const http::request& r) { return http::response::text(r.body); });
    web->get("/blocked", [this] {
      ++inside;
      released.wait();
      return http::response::text("done");
    });
    start();
  }

  std::atomic<int> inside{0};
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
};

TEST_F(Wire, AConnectionIsKeptAlive) {
  serve();
  auto c = client();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(c.get("/hello")->body, "hello");
  raw_socket s{web->port()};
  for (int i = 0; i < 3; ++i) {
    s.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto got = s.receive("hello");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
    EXPECT_EQ(got.find("Connection: close"), std::string::npos) << got;
  }
}

TEST_F(Wire, ItEndsWhenTheClientOrTheBoundSaysSo) {
  auto o = options();
  o.keep_alive_requests = 2;
  serve(o);
  raw_socket s{web->port()};
  s.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(s.receive("hello").find("Connection: close"), std::string::npos);
  EXPECT_NE(s.receive().find("Connection: close"), std::string::npos);
  const std::string close = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n";
  EXPECT_EQ(raw_socket{web->port()}.status_of_last(close), 200);
  EXPECT_EQ(raw_socket{web->port()}.status_of_last("GET /hello HTTP/1.0\r\n\r\n"), 200);
}

TEST_F(Wire, RequestsSentAheadAreAnsweredInOrder) {
  serve();
  raw_socket s{web->port()};
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const auto body = "<" + std::to_string(i) + ">";
    all += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  s.send(all);
  for (int i = 0; i < 20; ++i) {
    const auto got = s.receive(">");
    EXPECT_TRUE(got.ends_with("<" + std::to_string(i) + ">")) << got;
  }
}

// More than threads: a connection may end between two requests, which are then sent again.
TEST_F(Wire, ManyClientsAtOnce) {
  serve();
  std::vector<std::future<int>> all;
  for (int t = 0; t < 12; ++t) {
    all.push_back(std::async(std::launch::async, [&, t] {
      auto c = client();
      int good = 0;
      for (int i = 0; i < 200 && good < 50; ++i) {
        const auto body = std::to_string(t) + "/" + std::to_string(i);
        const auto r = c.post("/echo", body, "text/plain");
        if (!r) continue;
        EXPECT_EQ(r->body, body);
        ++good;
      }
      return good;
    }));
  }
  for (auto& one : all) EXPECT_EQ(one.get(), 50);
  EXPECT_EQ(metric("nexus_http_requests_total{method=\"POST\",route=\"/echo\",status=\"200\"}"),
            600);
}

TEST_F(Wire, BodiesComeInChunksToo) {
  serve();
  raw_socket s{web->port()};
  const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  s.send(head + "3\r\nabc\r\nA;name=value\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_TRUE(s.receive("abc0123456789").ends_with("abc0123456789"));
  s.send(head + "0\r\n\r\n");
  EXPECT_TRUE(s.receive("\r\n\r\n").starts_with("HTTP/1.1 200"));
  // No length and no chunks: no body.
  s.send("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(s.receive().starts_with("HTTP/1.1 200"));
  for (const auto* wrong : {"x\r\n", "3\r\nabcd\r\n", "-1\r\n", "ffffffffffffffffff\r\n"}) {
    EXPECT_EQ(raw_socket{web->port()}.status_of_last(head + wrong), 400) << wrong;
  }
}

TEST_F(Wire, TooLargeIs413HoweverItComes) {
  auto o = options();
  o.body_bytes_max = 1'000;
  serve(o);
  const std::string large(1'001, 'x');
  const auto r = client().post("/echo", large, "text/plain");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 413);
  EXPECT_EQ(parsed(r)["title"], "too_large");
  EXPECT_EQ(client().post("/echo", large.substr(1), "text/plain")->status, 200);
  const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(raw_socket{web->port()}.status_of_last(
                head + "Transfer-Encoding: chunked\r\n\r\n1F4\r\n" + large.substr(0, 500) +
                "\r\n1F5\r\n" + large.substr(0, 501)),
            413);
  EXPECT_EQ(raw_socket{web->port()}.status_of_last(
                head + "Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n"),
            413);
  EXPECT_EQ(raw_socket{web->port()}.status_of_last(head + "Content-Length: 99999999999\r\n\r\n"),
            413);
}

TEST_F(Wire, ALargeBodyIsReadByTheClientsWord) {
  serve();
  raw_socket s{web->port()};
  s.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(s.receive("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  s.send("ok");
  EXPECT_TRUE(s.receive("\r\n\r\nok").ends_with("\r\n\r\nok"));
}

TEST_F(Wire, NonsenseIsRefusedAndEndsTheConnection) {
  serve();
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  const std::vector<std::pair<std::string, int>> table{
      {"nonsense\r\n\r\n", 400},
      {"FETCH /hello HTTP/1.1\r\n\r\n", 400},
      {"GET /hello HTTP/2.0\r\n\r\n", 400},
      {"GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(70'000, 'a') + "\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\n" + std::string(70'000, '\n'), 400},
      {post + "Content-Length: -1\r\n\r\n", 400},
      {post + "Content-Length: 1x\r\n\r\n", 400},
      {post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {post + "Content-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc", 415},
  };
  for (const auto& [text, status] : table) {
    EXPECT_EQ(raw_socket{web->port()}.status_of_last(text), status) << text.substr(0, 80);
  }
  auto c = client();
  EXPECT_EQ(c.get("/a%zz")->status, 400);
  EXPECT_EQ(c.get("/hello?a=%")->status, 400);
  EXPECT_EQ(parsed(c.get("/nowhere"))["title"], "not_found");
  EXPECT_EQ(c.get("/hello", {{"Range", "bytes=1-2"}})->body, "hello");
}

TEST_F(Wire, ARequestThatDoesNotComeInTimeIsGivenUp) {
  auto o = options();
  o.threads = 1;
  o.read_timeout = 50ms;
  serve(o);
  raw_socket slow{web->port()};
  slow.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_TRUE(slow.receive().starts_with("HTTP/1.1 408"));
  EXPECT_EQ(client().get("/hello")->body, "hello");
}

TEST_F(Wire, AnIdleConnectionMakesRoomForOneThatWaits) {
  auto o = options();
  o.threads = 1;
  o.keep_alive = 600s;
  serve(o);
  raw_socket idle{web->port()};
  idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(idle.receive("hello"), "");
  EXPECT_EQ(client().get("/hello")->body, "hello");
  EXPECT_EQ(idle.receive(), "");
}

TEST_F(Wire, AConnectionAfterTooManyGets503AndIsNotForgotten) {
  auto o = options();
  o.threads = 1;
  o.waiting_max = 2;
  serve(o);
  raw_socket busy{web->port()};
  busy.send("GET /blocked HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(wait_until([&] { return inside == 1; }));
  const std::string hello = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  raw_socket first{web->port()}, second{web->port()};
  first.send(hello);
  second.send(hello);
  raw_socket third{web->port()};
  third.send(hello);
  const auto refused = third.receive();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << refused;
  EXPECT_NE(refused.find("\r\nRetry-After: 1\r\n"), std::string::npos) << refused;
  EXPECT_NE(refused.find("\"title\":\"overloaded\""), std::string::npos) << refused;
  EXPECT_EQ(metric("nexus_http_turned_away_total"), 1);
  release.set_value();
  // The client in progress is told to reconnect, since others wait.
  EXPECT_NE(busy.receive("done").find("Connection: close"), std::string::npos);
  EXPECT_TRUE(first.receive().ends_with("hello"));
  EXPECT_TRUE(second.receive().ends_with("hello"));
}

TEST_F(Wire, TheProcessKeepsItsHandlingOfSigpipe) {
  std::signal(SIGPIPE, SIG_DFL);
  serve();
  EXPECT_EQ(std::signal(SIGPIPE, SIG_IGN), SIG_DFL);
}

}  // namespace
