// Responses for handlers' return values, and for errors.
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct Answers : Web {};

struct row {
  errc code;
  int status;
  bool retry_after;
};

TEST_F(Answers, EveryErrorHasItsStatus) {
  const std::vector<row> table{{errc::invalid_id, 400, false},
                               {errc::invalid_argument, 400, false},
                               {errc::timeout, 504, false},
                               {errc::stopped, 503, true},
                               {errc::overloaded, 429, true},
                               {errc::rejected, 409, false},
                               {errc::unhandled, 409, false},
                               {errc::decide_failed, 500, false},
                               {errc::apply_failed, 500, false},
                               {errc::conflict, 409, false},
                               {errc::too_large, 413, false},
                               {errc::unavailable, 503, true},
                               {errc::outcome_unknown, 504, false},
                               {errc::corrupt, 500, false},
                               {errc::unknown_type, 500, false},
                               {errc::unsupported_version, 500, false},
                               {errc::history_erased, 410, false},
                               {errc::foreign_position, 400, false},
                               {errc::held_back, 409, false},
                               {errc::foreign_schema, 500, false},
                               {errc::newer_schema, 500, false},
                               {errc::older_schema, 500, false},
                               {errc::already_exists, 500, false},
                               {errc::actor_failed, 500, false},
                               {errc::would_block, 500, false},
                               {errc::pool_exhausted, 503, true},
                               {errc::pool_closed, 503, true},
                               {errc::query_failed, 500, false},
                               {errc::constraint_violated, 409, false},
                               {errc::serialization_failed, 503, true}};
  set_log_level(log_level::off);
  make().get("/fail/{code}", [&](const http::request& r) -> result<json> {
    const auto i = std::stoul(std::string{r.param("code")});
    return fail(table[i].code, "what happened");
  });
  start();
  auto c = client();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto name = std::string{to_string(table[i].code)};
    const auto r = c.get("/fail/" + std::to_string(i));
    ASSERT_TRUE(r) << name;
    EXPECT_EQ(r->status, table[i].status) << name;
    EXPECT_EQ(r->header("Content-Type"), "application/problem+json") << name;
    EXPECT_EQ(r->header("Retry-After"), table[i].retry_after ? "1" : "") << name;
    const auto said = parsed(r);
    EXPECT_EQ(said["status"], table[i].status);
    if (table[i].status == 500) {
      EXPECT_EQ(said["title"], "internal_error") << name;
      EXPECT_EQ(r->body.find("what happened"), std::string::npos) << name;
    } else {
      EXPECT_EQ(said["title"], name);
      EXPECT_EQ(said["detail"].get<std::string>().substr(0, 13), "what happened");
    }
    if (table[i].status == 504) {
      EXPECT_NE(r->body.find("may have happened"), std::string::npos) << name;
    }
  }
  set_log_level(log_level::warning);
}

TEST_F(Answers, ARejectionIs409WithItsReasonOrWhatTheRouteSays) {
  auto o = options();
  auto withdraw = [](http::entity<account> one) { return one.ask(account::withdraw{100}); };
  make(o).post("/accounts/{name}/withdrawals", withdraw);
  web->put("/accounts/{name}/withdrawals", withdraw, {.rejected = 422});
  start();
  auto c = client();
  const auto post = c.post("/accounts/alice/withdrawals", "", "application/json");
  ASSERT_TRUE(post);
  EXPECT_EQ(post->status, 409);
  EXPECT_EQ(parsed(post)["title"], "rejected");
  EXPECT_EQ(parsed(post)["detail"], "insufficient funds");
  EXPECT_EQ(c.put("/accounts/alice/withdrawals", "", "application/json")->status, 422);
}

TEST_F(Answers, AHandlerReturnsWhatItLikes) {
  make();
  web->post("/accounts/{name}/deposits", [](http::entity<account> one, http::body<std::int64_t> c) {
    return one.ask(account::deposit{*c}).get();
  });
  web->get("/nothing", [] {});
  web->get("/result-of-nothing", []() -> result<void> { return {}; });
  web->get("/list", [] { return std::vector{1, 2}; });
  web->get("/created", [] { return http::response::json("new", 201).with("Location", "/new"); });
  web->get("/result", []() -> result<http::response> { return http::response::text("hello"); });
  web->get("/both/{a}/{b}", [](const http::request& r, http::entities<account> all) {
    auto a = all.of(r.param("a")).ask(account::balance{});
    auto b = all.of(r.param("b")).ask(account::balance{});
    return gather(std::move(a), std::move(b)).map([](auto both) {
      return *std::get<0>(both) + *std::get<1>(both);
    });
  });
  web->get("/bad-text", [] { return std::string{"\xff"}; });
  start();
  auto c = client();
  EXPECT_EQ(c.post("/accounts/alice/deposits", "150", "application/json")->body, "150");
  EXPECT_EQ(c.post("/accounts/bob/deposits", "50", "application/json")->body, "50");
  EXPECT_EQ(c.get("/both/alice/bob")->body, "200");
  EXPECT_EQ(c.get("/nothing")->status, 204);
  EXPECT_EQ(c.get("/nothing")->header("Content-Length"), "");
  EXPECT_EQ(c.get("/result-of-nothing")->status, 204);
  EXPECT_EQ(c.get("/list")->body, "[1,2]");
  EXPECT_EQ(c.get("/list")->header("Content-Type"), "application/json");
  EXPECT_EQ(c.get("/created")->status, 201);
  EXPECT_EQ(c.get("/created")->header("Location"), "/new");
  EXPECT_EQ(c.get("/result")->body, "hello");
  EXPECT_EQ(c.get("/bad-text")->body, "\"\xEF\xBF\xBD\"");
}

TEST_F(Answers, AnExceptionIs500AndNotTold) {
  make().get("/throw", []() -> int { throw std::runtime_error{"secret"}; });
  web->get("/throw-int", []() -> int { throw 1; });  // NOLINT
  start();
  set_log_level(log_level::off);
  auto c = client();
  const auto r = c.get("/throw");
  EXPECT_EQ(r->status, 500);
  EXPECT_EQ(r->body.find("secret"), std::string::npos);
  EXPECT_EQ(c.get("/throw-int")->status, 500);
  set_log_level(log_level::warning);
}

TEST_F(Answers, ABodyThatIsNotWhatIsDeclaredIs400) {
  bool called = false;
  make().post("/numbers", [&](http::body<int> n) { return called = true, *n; });
  start();
  auto c = client();
  for (const auto* wrong : {"", "{", "\"text\"", "[1]"}) {
    const auto r = c.post("/numbers", wrong, "application/json");
    EXPECT_EQ(r->status, 400) << wrong;
    EXPECT_EQ(parsed(r)["title"], "invalid_argument") << wrong;
  }
  EXPECT_FALSE(called);
  EXPECT_EQ(c.post("/numbers", "7", "application/json")->body, "7");
}

TEST_F(Answers, AnInvalidIdIs400) {
  make().get("/accounts/{name}",
             [](http::entity<account> one) { return one.ask(account::balance{}); });
  start();
  EXPECT_EQ(client().get("/accounts/a%00b")->status, 400);
  EXPECT_EQ(client().get("/accounts/%ff")->status, 400);
}

TEST_F(Answers, HealthAndMetrics) {
  make().get("/accounts/{name}",
             [](http::entity<account> one) { return one.ask(account::balance{}); });
  start();
  auto c = client();
  const auto health = c.get("/health");
  EXPECT_EQ(health->status, 200);
  EXPECT_EQ(parsed(health)["status"], "ok");
  EXPECT_EQ(parsed(health)["stores"][0]["circuit"], "closed");
  EXPECT_EQ(parsed(health)["sessions"]["in_use"], 0);
  EXPECT_EQ(c.get("/accounts/alice")->status, 200);
  EXPECT_EQ(c.get("/accounts/bob")->status, 200);
  EXPECT_EQ(c.get("/else")->status, 404);
  const auto metrics = c.get("/metrics");
  EXPECT_EQ(metrics->header("Content-Type"), "text/plain; version=0.0.4");
  EXPECT_NE(metrics->body.find("nexus_http_requests_in_flight 1\n"), std::string::npos);
  const std::string counted = "nexus_http_requests_total{method=\"GET\",route=";
  EXPECT_NE(metrics->body.find(counted + "\"/accounts/{name}\",status=\"200\"} 2\n"),
            std::string::npos);
  EXPECT_NE(metrics->body.find(counted + "\"\",status=\"404\"} 1\n"), std::string::npos);
  EXPECT_EQ(metric("nexus_http_request_seconds_count{route=\"/accounts/{name}\"}"), 2);
  EXPECT_EQ(metrics->body.find("alice"), std::string::npos);
}

TEST_F(Answers, HealthAndMetricsMayBeElsewhereOrNowhere) {
  auto o = options();
  o.metrics_path = "";
  o.health_path = "/alive";
  make(o);
  start();
  EXPECT_EQ(client().get("/metrics")->status, 404);
  EXPECT_EQ(client().get("/health")->status, 404);
  EXPECT_EQ(client().get("/alive")->status, 200);
}

}  // namespace
