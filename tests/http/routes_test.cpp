// Which handler answers, and the errors before the server starts.
#include "routes.hpp"

#include "raw_socket.hpp"
#include "target.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct Routes : Web {
  std::string refused(const result<void>& added) {
    EXPECT_FALSE(added);
    if (added) return {};
    EXPECT_EQ(added.error().code, errc::invalid_argument);
    const auto started = web->start();
    EXPECT_FALSE(started);
    if (!started) {
      EXPECT_EQ(started.error().message, added.error().message);
    }
    return added.error().message;
  }
};

int zero() { return 0; }

TEST_F(Routes, AHandlerThatDeclaresWhatIsNotThereIsRefusedWhenItIsAdded) {
  web.emplace(sys, options());
  EXPECT_EQ(
      refused(web->get("/accounts/{name}", [](http::entity<account>) { return 1; })),
      "GET /accounts/{name}: the handler takes entities of \"account\", which the server does "
      "not use");
  web.emplace(sys, options());
  EXPECT_EQ(refused(web->put("/rooms", [](nexus::session&) { return 1; })),
            "PUT /rooms: the handler takes a session, but the server has no pool of sessions");
  web.emplace(sys, options());
  EXPECT_EQ(refused(web->put("/a", http::transactional([](nexus::session&) { return 1; }))),
            "PUT /a: the handler takes a session, but the server has no pool of sessions");
}

TEST_F(Routes, AnEntityNeedsAParameterThatNamesIt) {
  make();
  EXPECT_TRUE(web->get("/a/{account}/{other}", [](http::entity<account>) { return 1; }));
  EXPECT_EQ(refused(web->get("/a/{x}/{y}/z", [](http::entity<account>) { return 1; })),
            "GET /a/{x}/{y}/z: the handler takes an entity, but no parameter of the path is "
            "{account}");
}

TEST_F(Routes, PatternsThatMakeNoSenseAreRefused) {
  for (const auto* wrong : {"", "a", "/{", "/{}", "/x{y}", "/a?b", "/{x}/{x}"}) {
    web.emplace(sys, options());
    EXPECT_NE(refused(web->get(wrong, zero)), "") << wrong;
  }
  make();
  EXPECT_TRUE(web->get("/a/{x}", zero));
  EXPECT_TRUE(web->put("/a/{x}", zero));
  EXPECT_EQ(refused(web->get("/a/{y}", zero)),
            "GET /a/{y}: it answers the same paths as GET /a/{x}");
}

TEST_F(Routes, LiteralSegmentsComeBeforeParameters) {
  make();
  web->get("/a/{x}", [](const http::request& r) { return "x=" + std::string{r.param("x")}; });
  web->get("/a/b", [] { return "b"; });
  web->get("/{x}/b", [] { return "/b"; });
  web->del("/a/{x}", [] { return "deleted"; });
  start();
  auto c = client();
  EXPECT_EQ(c.get("/a/b")->body, "\"b\"");
  EXPECT_EQ(c.get("/a/c")->body, "\"x=c\"");
  EXPECT_EQ(c.get("/c/b")->body, "\"/b\"");
  EXPECT_EQ(c.del("/a/b")->body, "\"deleted\"");
  EXPECT_EQ(c.get("/a/%2Fe%C3%A9+b")->body, "\"x=/eé+b\"");
  EXPECT_EQ(c.get("/a/")->status, 404);
  EXPECT_EQ(c.get("/a")->status, 404);
  EXPECT_EQ(c.get("/a/b/c")->status, 404);
}

TEST_F(Routes, OtherMethodsAreToldWhichThereAre) {
  make().get("/a", zero);
  web->put("/a", zero);
  start();
  auto c = client();
  const auto post = c.post("/a", "", "text/plain");
  EXPECT_EQ(post->status, 405);
  EXPECT_EQ(post->header("Allow"), "GET, HEAD, OPTIONS, PUT");
  EXPECT_EQ(parsed(post)["title"], "method_not_allowed");
  EXPECT_EQ(c.options("/a")->status, 204);
  EXPECT_EQ(c.options("/a")->header("Allow"), "GET, HEAD, OPTIONS, PUT");
  EXPECT_EQ(c.options("/b")->status, 404);
  const auto head = c.head("/a");
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->header("Content-Length"), "1");
}

TEST_F(Routes, ARequestShowsWhatWasSent) {
  make().post("/echo/{name}", [](const http::request& r) {
    return json{{"method", r.method},
                {"path", r.path},
                {"name", r.param("name")},
                {"a", r.query("a").value_or("-")},
                {"b", r.query("b").value_or("-")},
                {"header", r.header("X-MINE").value_or("-")},
                {"body", r.body}};
  });
  start();
  const auto r =
      client().post("/echo/a%20b?a=1%20%2B&c&&", "text", "text/plain", {{"x-mine", "yes"}});
  EXPECT_EQ(parsed(r), (json{{"method", "POST"},
                             {"path", "/echo/a%20b"},
                             {"name", "a b"},
                             {"a", "1 +"},
                             {"b", "-"},
                             {"header", "yes"},
                             {"body", "text"}}));
}

TEST(Target, IsTakenApartStrictly) {
  using parts = std::vector<std::string>;
  EXPECT_EQ(http::parse_target("/")->parts, parts{""});
  EXPECT_EQ(http::parse_target("/a/b%2fc/")->parts, (parts{"a", "b/c", ""}));
  EXPECT_EQ(http::parse_target("http://host:80/a?x")->parts, parts{"a"});
  EXPECT_EQ(http::parse_target("http://host")->path, "/");
  EXPECT_EQ(http::parse_target("/?a=%41&b=1=2")->queries,
            (http::name_values{{"a", "A"}, {"b", "1=2"}}));
  for (const auto* wrong : {"", "*", "a", "/%", "/%4", "/%4x", "/%u0041", "/?a=%", "/?%zz=1"}) {
    EXPECT_FALSE(http::parse_target(wrong)) << wrong;
  }
}

TEST_F(Routes, AParameterThatThePathDoesNotHaveIsRefusedWhenTheRouteIsAdded) {
  make();
  EXPECT_TRUE(web->get("/rooms/{number}", [](http::param<"number", int> n) { return *n; }));
  EXPECT_EQ(
      refused(web->get("/beds/{number}", [](http::param<"nmuber", int> n) { return *n; })),
      "GET /beds/{number}: the handler takes a parameter {nmuber}, which the path does not have");
}

TEST_F(Routes, ARequestThatIsAskedForAParameterThatThePathDoesNotHaveIs500) {
  make().get("/rooms/{number}",
             [](const http::request& r) { return std::string{r.param("nmuber")}; });
  start();
  set_log_level(log_level::off);
  EXPECT_EQ(client().get("/rooms/1")->status, 500);
  set_log_level(log_level::warning);
}

TEST_F(Routes, AParameterIsWhatTheHandlerDeclaresOrA400) {
  make();
  web->get("/int/{n}", [](http::param<"n", std::int8_t> n) { return *n; });
  web->get("/size/{n}", [](const http::param<"n", std::uint64_t>& n) { return *n; });
  web->get("/double/{n}", [](http::param<"n", double> n) { return *n; });
  web->get("/float/{n}", [](http::param<"n", float> n) { return *n; });
  web->get("/bool/{n}", [](http::param<"n", bool> n) { return *n; });
  web->get("/text/{n}", [](http::param<"n"> n) { return *n; });
  start();
  auto c = client();
  for (const auto* right : {"int/-128", "int/127", "size/18446744073709551615", "double/-1.5",
                            "float/0.5", "bool/true", "bool/false"}) {
    const std::string path = right;
    EXPECT_EQ(c.get("/" + path)->body, path.substr(path.find('/') + 1));
  }
  EXPECT_EQ(c.get("/text/a%20b")->body, "\"a b\"");
  for (const auto* wrong :
       {"int/128", "int/-129", "int/1.0", "int/+1", "int/0x1", "int/1%20", "int/%201", "int/one",
        "size/-1", "size/18446744073709551616", "size/1e3", "double/1e999", "double/nan",
        "double/inf", "double/1,5", "float/1e300", "bool/1", "bool/True"}) {
    const auto r = c.get("/" + std::string{wrong});
    EXPECT_EQ(r->status, 400) << wrong;
    EXPECT_EQ(parsed(r)["title"], "invalid_argument") << wrong;
  }
}

TEST_F(Routes, AMethodOrStatusThatMakesNoSenseIsRefused) {
  make();
  EXPECT_TRUE(web->route("PURGE", "/a", zero));
  EXPECT_EQ(refused(web->route("GET /b", "/a", zero)), "GET /b /a: the method is not a token");
  make();
  EXPECT_EQ(refused(web->get("/a", zero, {.rejected = 200})),
            "GET /a: route_options::rejected is not from 400 to 499");
}

TEST_F(Routes, TheWholeServerIsAskedForItsMethods) {
  make().get("/a", zero);
  web->put("/b", zero);
  start();
  const auto r = client().options("*");
  EXPECT_EQ(r->status, 204);
  EXPECT_EQ(r->header("Allow"), "GET, HEAD, OPTIONS, PUT");
}

TEST_F(Routes, AnAddressOfIPv6IsServedAndWrittenAsInAURL) {
  auto o = options();
  o.address = "::1";
  make(o).get("/a", zero);
  const auto started = web->start();
  if (!started) {
    ASSERT_EQ(started.error().code, errc::unavailable);
    EXPECT_EQ(started.error().message.find("cannot listen at \"[::1]:0\": "), 0U);
    GTEST_SKIP() << "there is no IPv6 here: " << started.error().message;
  }
  EXPECT_EQ(web->url(), "http://[::1]:" + std::to_string(web->port()));
  raw_socket s{web->port(), "::1"};
  EXPECT_EQ(s.status_of_last("GET /a HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n"), 200);
}

TEST_F(Routes, OptionsThatMakeNoSenseAreRefusedAndNoLimitIsALongTime) {
  const auto refuses = [&](auto change) {
    auto o = options();
    change(o);
    http::server one{sys, o};
    const auto started = one.start();
    return !started && started.error().code == errc::invalid_argument;
  };
  EXPECT_TRUE(refuses([](auto& o) { o.threads = 0; }));
  EXPECT_TRUE(refuses([](auto& o) { o.threads = 10'001; }));
  EXPECT_TRUE(refuses([](auto& o) { o.target_bytes_max = 0; }));
  EXPECT_TRUE(refuses([](auto& o) { o.head_bytes_max = SIZE_MAX; }));
  EXPECT_TRUE(refuses([](auto& o) { o.deadline_header = "X Y"; }));
  auto o = options();
  for (auto* time : {&o.read_timeout, &o.write_timeout, &o.keep_alive, &o.timeout, &o.timeout_max,
                     &o.borrow_timeout}) {
    *time = std::chrono::milliseconds::max();
  }
  o.body_bytes_max = SIZE_MAX;
  o.backlog = UINT_MAX;
  make(o).post("/accounts/{name}",
               [](http::entity<account> one) { return one.ask(account::deposit{1}); });
  start();
  EXPECT_EQ(client().post("/accounts/alice", "", "text/plain")->body, "1");
}

TEST_F(Routes, ATakenPortAndABadAddressAreErrorsThatNameIt) {
  make();
  start();
  auto o = options();
  o.port = web->port();
  http::server second{sys, o};
  const auto taken = second.start();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, errc::unavailable);
  EXPECT_EQ(taken.error().message, "cannot listen at \"127.0.0.1:" + std::to_string(o.port) +
                                       "\": Address already in use");
  o.address = "300.1.1.1";
  http::server third{sys, o};
  const auto bad = third.start();
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, errc::invalid_argument);
  EXPECT_NE(bad.error().message.find("\"300.1.1.1\""), std::string::npos);
}

}  // namespace
