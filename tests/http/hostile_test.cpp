// Clients that invent, stall or send nothing, and handlers whose responses cannot be sent.
#include "raw_socket.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct Hostile : Web {
  ~Hostile() override {
    if (!is_released) release.set_value();
  }
  void serve(http::server_options o = options()) {
    make(std::move(o));
    web->get("/hello", [] { return http::response::text("hello"); });
    web->get("/blocked", [this] {
      ++inside;
      released.wait();
      return http::response::text("done");
    });
    web->route("PURGE", "/hello", [] { return 1; });
    start();
  }
  void let_go() {
    is_released = true;
    release.set_value();
  }
  std::size_t series(const std::string& name) {
    const auto text = "\n" + to_text(sys.metrics());
    std::size_t n = 0;
    for (auto at = text.find("\n" + name + "{"); at != std::string::npos;
         at = text.find("\n" + name + "{", at + 1)) {
      ++n;
    }
    return n;
  }

  const std::string hello = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  std::atomic<int> inside{0};
  bool is_released = false;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
};

TEST_F(Hostile, InventedMethodsAndPathsMakeNoSeries) {
  serve();
  auto c = client();
  for (int i = 0; i < 200; ++i) {
    const auto n = std::to_string(i);
    EXPECT_EQ(c.send("M" + n, "/hello", {}, "", "")->status, 405);
    EXPECT_EQ(c.send("M" + n, "/p" + n, {}, "", "")->status, 404);
  }
  EXPECT_EQ(c.send("PURGE", "/hello", {}, "", "")->status, 200);
  raw_socket{web->port()}.status_of_last("M M M\r\n\r\n");
  EXPECT_EQ(series("nexus_http_requests_total"), 4U);
  const std::string total = "nexus_http_requests_total{method=";
  EXPECT_EQ(metric(total + "\"other\",route=\"\",status=\"405\"}"), 200);
  EXPECT_EQ(metric(total + "\"other\",route=\"\",status=\"404\"}"), 200);
  EXPECT_EQ(metric(total + "\"other\",route=\"\",status=\"400\"}"), 1);
  EXPECT_EQ(metric(total + "\"PURGE\",route=\"/hello\",status=\"200\"}"), 1);
}

TEST_F(Hostile, ConnectionsThatSayNothingMakeRoomForOneThatDoes) {
  auto o = options();
  o.threads = 2;
  o.keep_alive = 600s;
  serve(o);
  std::vector<std::unique_ptr<raw_socket>> silent;
  for (int i = 0; i < 50; ++i) silent.push_back(std::make_unique<raw_socket>(web->port()));
  EXPECT_EQ(raw_socket{web->port()}.status_of_last(hello), 200);
}

TEST_F(Hostile, ASlowRequestIsGivenUpInTimeHoweverItDrips) {
  auto o = options();
  o.threads = 1;
  o.read_timeout = 100ms;
  serve(o);
  raw_socket slow{web->port()};
  const auto begun = std::chrono::steady_clock::now();
  slow.send("GET /hello HTTP/1.1\r\nHost: x\r\nA: ");
  // As long as a client reads it.
  ASSERT_TRUE(wait_until([&] {
    slow.send_bytewise("a");
    return slow.closed();
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 100ms);
  EXPECT_TRUE(slow.receive().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(raw_socket{web->port()}.status_of_last(hello), 200);
}

// A refused client that neither reads nor closes does not delay the next one.
TEST_F(Hostile, ARefusalIsSentAtOnceThoughThoseBeforeDoNotClose) {
  auto o = options();
  o.threads = 1;
  o.waiting_max = 1;
  serve(o);
  raw_socket busy{web->port()};
  busy.send("GET /blocked HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(wait_until([&] { return inside == 1; }));
  raw_socket waits{web->port()};
  std::vector<std::unique_ptr<raw_socket>> refused;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) {
    refused.push_back(std::make_unique<raw_socket>(web->port()));
    EXPECT_NE(refused.back()->receive("\r\n\r\n").find("HTTP/1.1 503 "), std::string::npos) << i;
  }
  // One after the other they took 200 ms each, which is 40 s.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
  let_go();
  EXPECT_NE(busy.receive("done").find("200 OK"), std::string::npos);
}

TEST_F(Hostile, MalformedRequestsHoldNoThread) {
  auto o = options();
  o.threads = 1;
  serve(o);
  std::vector<std::unique_ptr<raw_socket>> bad;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) {
    bad.push_back(std::make_unique<raw_socket>(web->port()));
    bad.back()->send("nonsense\r\n\r\n");
    EXPECT_NE(bad.back()->receive("\r\n\r\n").find(" 400 "), std::string::npos);
  }
  EXPECT_EQ(raw_socket{web->port()}.status_of_last(hello), 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 25s);  // not half a second each
}

TEST_F(Hostile, AHandlersHeadersCannotSplitItsResponse) {
  set_log_level(log_level::off);
  make();
  std::vector<std::pair<std::string, std::string>> wrong{{"Location", "/a\r\nSet-Cookie: a=b"},
                                                         {"Location", "/a\nSet-Cookie: a=b"},
                                                         {"Location", "/a\r"},
                                                         {"Location", std::string{"/a\0b", 4}},
                                                         {"Location", " /a"},
                                                         {"Location: /b\r\nA", "b"},
                                                         {"", "b"},
                                                         {"A B", "c"},
                                                         {"Content-Length", "0"},
                                                         {"transfer-encoding", "chunked"},
                                                         {"Connection", "keep-alive"}};
  web->get("/header/{n}", [&](http::param<"n", std::size_t> n) {
    const auto& [name, value] = wrong.at(*n);
    return http::response::text("hello").with(name, value);
  });
  web->get("/type", [] { return http::response{.body = "a", .content_type = "a\r\nB: c"}; });
  web->get("/status/{n}", [](http::param<"n", int> n) { return http::response{.status = *n}; });
  start();
  auto c = client();
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto r = c.get("/header/" + std::to_string(i));
    ASSERT_TRUE(r) << i;
    EXPECT_EQ(r->status, 500) << i;
    EXPECT_EQ(r->header("Set-Cookie"), "") << i;
    EXPECT_EQ(r->header("Location"), "") << i;
  }
  EXPECT_EQ(c.get("/type")->status, 500);
  for (const auto* status : {"0", "-1", "100", "101", "199", "600", "99999"}) {
    EXPECT_EQ(c.get(std::string{"/status/"} + status)->status, 500) << status;
  }
  EXPECT_EQ(c.get("/status/299")->status, 299);
  set_log_level(log_level::warning);
  EXPECT_EQ(
      metric("nexus_http_requests_total{method=\"GET\",route=\"/status/{n}\",status=\"500\"}"), 7);
}

TEST_F(Hostile, AStatusWithoutBodySendsNone) {
  make();
  web->get("/{status}", [](http::param<"status", int> s) {
    return http::response{.status = *s, .body = "body", .content_type = "text/plain"};
  });
  start();
  for (const auto* status : {"204", "304"}) {
    raw_socket s{web->port()};
    s.send(std::string{"GET /"} + status + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto got = s.receive();
    EXPECT_TRUE(got.ends_with("\r\n\r\n")) << got;
    EXPECT_EQ(got.find("Content-Length"), std::string::npos) << got;
  }
  raw_socket head{web->port()};
  head.send("HEAD /200 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto got = head.receive();
  EXPECT_TRUE(got.ends_with("\r\n\r\n")) << got;
  EXPECT_NE(got.find("\r\nContent-Length: 4\r\n"), std::string::npos) << got;
  raw_socket refused{web->port()};
  refused.send("HEAD /200 HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n");
  EXPECT_TRUE(refused.receive().ends_with("\r\n\r\n"));
}

TEST_F(Hostile, AnythingAHandlerThrowsIs500AndTheNextRequestIsServed) {
  set_log_level(log_level::off);
  make();
  web->get("/exception", []() -> int { throw std::runtime_error{"a"}; });
  web->get("/memory", []() -> int { throw std::bad_alloc{}; });
  web->get("/number", []() -> int { throw 1; });                          // NOLINT
  web->get("/text", []() -> int { throw "a"; });                          // NOLINT
  web->get("/error", []() -> int { throw error{errc::rejected, "a"}; });  // NOLINT
  web->get("/json", [] { return json::parse("{")["a"]; });
  web->get("/hello", [] { return 1; });
  start();
  auto c = client();
  for (const auto* path : {"/exception", "/memory", "/number", "/text", "/error", "/json"}) {
    EXPECT_EQ(c.get(path)->status, 500) << path;
    EXPECT_EQ(c.get("/hello")->body, "1");
  }
  set_log_level(log_level::warning);
}

TEST_F(Hostile, HostileIdsOfEntitiesAre400) {
  make();
  web->get("/one/{name}", [](http::entity<account> one) { return one.ask(account::balance{}); });
  web->post("/all", [](http::body<std::string> id, http::entities<account> all) {
    return all.of(*id).ask(account::balance{});
  });
  start();
  auto c = client();
  for (const auto& id : {std::string{"%ff"}, std::string{"%c0%80"}, std::string{"%ed%a0%80"},
                         std::string{"a%00"}, std::string(300, 'a')}) {
    EXPECT_EQ(c.get("/one/" + id)->status, 400) << id;
  }
  for (const auto& id : {std::string{}, std::string{"a\\u0000"}, std::string(300, 'a')}) {
    EXPECT_EQ(c.post("/all", "\"" + id + "\"", "application/json")->status, 400) << id;
  }
  EXPECT_EQ(c.get("/one/a%7Cb%2F..%0A")->status, 200);  // odd, and an id
}

TEST_F(Hostile, RequestsSentAheadToABusyServerAreBounded) {
  auto o = options();
  o.threads = 1;
  o.keep_alive_requests = 5;
  serve(o);
  raw_socket s{web->port()};
  std::string all;
  for (int i = 0; i < 8; ++i) all += "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
  s.send(all);
  const auto got = s.receive();
  std::size_t n = 0;
  for (auto at = got.find("HTTP/1.1 200"); at != std::string::npos;
       at = got.find("HTTP/1.1 200", at + 1)) {
    ++n;
  }
  EXPECT_EQ(n, 5U);
  EXPECT_EQ(got.rfind("Connection: close"), got.find("Connection: close"));
}

}  // namespace
