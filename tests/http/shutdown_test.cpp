// The server in an ordered shutdown.
#include "raw_socket.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct WebShutdown : Web {
  std::atomic<int> inside{0};
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();

  /// A request that is in progress until `release`.
  std::future<http_client::answer> hold_one() {
    make().get("/blocked", [&] {
      ++inside;
      released.wait();
      return 1;
    });
    start();
    auto answer = std::async(std::launch::async, [&] { return client().get("/blocked"); });
    EXPECT_TRUE(wait_until([&] { return inside == 1; }));
    return answer;
  }
};

// Questions after the start of the shutdown are answered: they belong to an admitted request.
TEST_F(WebShutdown, AnAdmittedRequestIsFinished) {
  make().post("/accounts/{name}", [&](http::entity<account> one) {
    ++inside;
    released.wait();
    return one.ask(account::deposit{5});
  });
  start();
  raw_socket early{web->port()};
  early.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(early.receive("}"), "");
  auto answer = std::async(std::launch::async,
                           [&] { return client().post("/accounts/alice", "", "text/plain"); });
  ASSERT_TRUE(wait_until([&] { return inside == 1; }));
  auto stopping = std::async(std::launch::async, [&] { return sys.shutdown(20s); });
  ASSERT_TRUE(wait_until([&] { return !raw_socket{web->port()}.connected(); }));
  EXPECT_EQ(early.receive(), "");  // idle connections end
  release.set_value();
  const auto r = answer.get();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 200);
  EXPECT_EQ(r->body, "5");
  EXPECT_EQ(r->header("Connection"), "close");
  const auto report = stopping.get();
  EXPECT_TRUE(report.drained);
  EXPECT_TRUE(report.complete()) << report.missed.front();
}

TEST_F(WebShutdown, ANewRequestIs503AndEndsItsConnection) {
  auto o = options();
  o.threads = 1;
  make(o).get("/blocked", [&] {
    ++inside;
    released.wait();
    return 1;
  });
  start();
  const std::string request = "GET /blocked HTTP/1.1\r\nHost: x\r\n\r\n";
  raw_socket admitted{web->port()};
  admitted.send(request);
  ASSERT_TRUE(wait_until([&] { return inside == 1; }));
  raw_socket waits{web->port()};  // for the only thread
  waits.send(request);
  auto stopping = std::async(std::launch::async, [&] { return sys.shutdown(20s); });
  ASSERT_TRUE(wait_until([&] { return !raw_socket{web->port()}.connected(); }));
  release.set_value();
  const auto answered = admitted.receive();
  EXPECT_TRUE(answered.starts_with("HTTP/1.1 200")) << answered;
  EXPECT_NE(answered.find("Connection: close"), std::string::npos) << answered;
  const auto refused = waits.receive();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503")) << refused;
  EXPECT_NE(refused.find("Connection: close"), std::string::npos) << refused;
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos) << refused;
  EXPECT_TRUE(stopping.get().complete());
  EXPECT_EQ(inside, 1);
}

TEST_F(WebShutdown, AServerThatMissesTheDeadlineIsNamed) {
  auto answer = hold_one();
  const auto report = sys.shutdown(50ms);
  EXPECT_FALSE(report.drained);
  ASSERT_FALSE(report.complete());
  EXPECT_EQ(report.missed.front(), "http 127.0.0.1:" + std::to_string(web->port()));
  release.set_value();
  EXPECT_EQ(answer.get()->status, 200);
  EXPECT_TRUE(sys.shutdown(20s).complete());
}

// Every response of 200 is in the account, and nothing else is; requests without a response were
// not admitted.
TEST_F(WebShutdown, UnderLoadNoAdmittedRequestIsLost) {
  make().post("/accounts/{name}",
              [&](http::entity<account> one) { return one.ask(account::deposit{1}); });
  start();
  std::atomic<int> good{0}, others{0};
  std::vector<std::future<void>> all;
  for (int t = 0; t < 4; ++t) {
    all.push_back(std::async(std::launch::async, [&] {
      auto c = client();
      for (;;) {
        const auto r = c.post("/accounts/alice", "", "text/plain");
        if (!r) return;  // the server does not listen any more
        ++(r->status == 200 ? good : others);
        EXPECT_TRUE(r->status == 200 || r->status == 503) << r->status;
      }
    }));
  }
  ASSERT_TRUE(wait_until([&] { return good > 200; }));
  const auto reading = store->open_session();
  ASSERT_TRUE(reading);
  const auto report = sys.shutdown(20s);
  EXPECT_TRUE(report.drained);
  EXPECT_TRUE(report.complete());
  for (auto& one : all) one.get();
  int stored = 0;
  EXPECT_TRUE((*reading)->replay(*persistence_id::make("account", "alice"), 1, 1'000'000, 1'000'000,
                                 [&](const record_view&) { return ++stored, true; }));
  EXPECT_EQ(stored, good);
}

TEST_F(WebShutdown, AServerThatGoesFinishesWhatItHasAdmitted) {
  auto answer = hold_one();
  const auto port = web->port();
  auto gone = std::async(std::launch::async, [&] { web.reset(); });
  ASSERT_TRUE(wait_until([&] { return !raw_socket{port}.connected(); }));
  release.set_value();
  EXPECT_EQ(answer.get()->status, 200);
  gone.get();
}

}  // namespace
