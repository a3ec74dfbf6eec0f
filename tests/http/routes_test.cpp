// Which handler answers, and what is refused before the server starts.
#include "routes.hpp"

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
            "PUT /rooms: the handler takes a session, but the server uses no pool of them");
  web.emplace(sys, options());
  EXPECT_EQ(refused(web->put("/a", http::transactional([](nexus::session&) { return 1; }))),
            "PUT /a: the handler takes a session, but the server uses no pool of them");
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

TEST_F(Routes, WhatIsSpelledOutComesFirst) {
  make();
  web->get("/a/{x}", [](const http::request& r) { return "x=" + std::string{r.param("x")}; });
  web->get("/a/b", [] { return "b"; });
  web->get("/{x}/b", [] { return "/b"; });
  web->del("/a/{x}", [] { return "deleted"; });
  start();
  auto c = client();
  EXPECT_EQ(c.Get("/a/b")->body, "\"b\"");
  EXPECT_EQ(c.Get("/a/c")->body, "\"x=c\"");
  EXPECT_EQ(c.Get("/c/b")->body, "\"/b\"");
  EXPECT_EQ(c.Delete("/a/b")->body, "\"deleted\"");
  EXPECT_EQ(c.Get("/a/%2Fe%C3%A9+b")->body, "\"x=/eé+b\"");
  EXPECT_EQ(c.Get("/a/")->status, 404);
  EXPECT_EQ(c.Get("/a")->status, 404);
  EXPECT_EQ(c.Get("/a/b/c")->status, 404);
}

TEST_F(Routes, OtherMethodsAreToldWhichThereAre) {
  make().get("/a", zero);
  web->put("/a", zero);
  start();
  auto c = client();
  const auto post = c.Post("/a", "", "text/plain");
  EXPECT_EQ(post->status, 405);
  EXPECT_EQ(post->get_header_value("Allow"), "GET, HEAD, OPTIONS, PUT");
  EXPECT_EQ(parsed(post)["title"], "method_not_allowed");
  EXPECT_EQ(c.Options("/a")->status, 204);
  EXPECT_EQ(c.Options("/a")->get_header_value("Allow"), "GET, HEAD, OPTIONS, PUT");
  EXPECT_EQ(c.Options("/b")->status, 404);
  const auto head = c.Head("/a");
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->get_header_value("Content-Length"), "1");
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
      client().Post("/echo/a%20b?a=1%20%2B&c&&", {{"x-mine", "yes"}}, "text", "text/plain");
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
