// The code of docs/http.md.
#include <gtest/gtest.h>

#include <iostream>
#include <nexus/http.hpp>
#include <nexus/nexus.hpp>
#include <string>
#include <vector>

#include "account.hpp"
#include "http_client.hpp"
#include "temporary_folder.hpp"

using namespace std::chrono_literals;
namespace http = nexus::http;
using nexus::test::account;
using nexus::test::http_client;

namespace {

struct order {
  std::string from, to;
  std::int64_t cents = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order, from, to, cents)

struct HttpPage : testing::Test {
  http_client::answer get(http::server& web, const std::string& path) {
    return http_client{web.port()}.get(path);
  }

  nexus::test::temporary_folder folder;
  nexus::system sys;
  nexus::result<nexus::store> store = nexus::open("sqlite:" + folder.path("web.db"));
  nexus::entities<account> accounts{sys, *store};
};

}  // namespace

TEST_F(HttpPage, AServer) {
  nexus::http::server web{sys, {.address = "127.0.0.1", .port = 0, .threads = 16}};
  web.use(*store);    // sessions of its pool
  web.use(accounts);  // entities<account>
  web.get("/accounts/{name}",
          [](http::entity<account> one) { return one.ask(account::balance{}); });
  web.post("/accounts/{name}/withdrawals",
           [](http::entity<account> one, http::body<std::int64_t> cents) {
             return one.ask(account::withdraw{*cents});
           });
  if (auto started = web.start(); !started) std::cerr << started.error().message << '\n';
  EXPECT_EQ(get(web, "/accounts/alice")->body, "0");
  http_client client{web.port()};
  const auto refused = client.post("/accounts/alice/withdrawals", "100", "application/json");
  EXPECT_EQ(refused->status, 409);
  EXPECT_EQ(refused->body, R"({"detail":"insufficient funds","status":409,"title":"rejected"})");
}

TEST_F(HttpPage, AHandlerGetsItsDeclaredParameters) {
  http::server web{sys, {.port = 0}};
  web.use(*store);
  web.use(accounts);
  web.get("/accounts/{name}/events",
          [](const http::request& r, nexus::session& db) -> nexus::result<http::json> {
            auto types = db.query<std::string>(
                "SELECT event_type FROM nexus_event_journal WHERE persistence_id = $1 ORDER BY "
                "sequence_nr",
                "account|" + std::string{r.param("name")});
            if (!types) return nexus::fail(types.error());
            if (types->empty())
              return nexus::fail(nexus::errc::rejected, "there is no such account");
            return *types;
          },
          {.rejected = 404});
  web.post("/transfers",
           [](http::body<order> wanted, http::entities<account> all) -> nexus::result<http::json> {
             auto taken = all.of(wanted->from).ask(account::withdraw{wanted->cents}).get();
             if (!taken) return nexus::fail(taken.error());
             auto given = all.of(wanted->to).ask(account::deposit{wanted->cents}).get();
             if (!given) return nexus::fail(given.error());
             return http::json{{"from", *taken}, {"to", *given}};
           });
  ASSERT_TRUE(web.start());
  ASSERT_TRUE(accounts.of("alice").ask(account::deposit{500}).get(10s));
  http_client client{web.port()};
  const auto done =
      client.post("/transfers", R"({"from":"alice","to":"bob","cents":200})", "application/json");
  EXPECT_EQ(done->body, R"({"from":300,"to":200})");
  EXPECT_EQ(client.post("/transfers", R"({"from":"alice"})", "application/json")->status, 400);
  EXPECT_EQ(client.get("/accounts/alice/events")->body, R"(["deposited","withdrawn"])");
  EXPECT_EQ(client.get("/accounts/carol/events")->status, 404);
}

TEST_F(HttpPage, ARouteThatCannotBeServed) {
  http::server web{sys, {.port = 0}};
  auto added =
      web.get("/rooms", [](nexus::session& db) { return db.query<std::int64_t>("SELECT 1"); });
  EXPECT_EQ(added.error().message,
            "GET /rooms: the handler takes a session, but the server has no pool of sessions");
  EXPECT_FALSE(web.start());
  auto misspelt = web.get("/rooms/{number}", [](http::param<"nmuber", int> room) { return *room; });
  EXPECT_EQ(misspelt.error().message,
            "GET /rooms/{number}: the handler takes a parameter {nmuber}, which the path does not "
            "have");
}

TEST_F(HttpPage, OneTransaction) {
  http::server web{sys, {.port = 0}};
  web.use(*store);
  ASSERT_TRUE(store->sessions().with([](nexus::session& db) {
    return db.execute("CREATE TABLE rooms (number INTEGER PRIMARY KEY, guest TEXT)");
  }));
  ASSERT_TRUE(store->sessions().with(
      [](nexus::session& db) { return db.execute("INSERT INTO rooms VALUES (12, NULL)"); }));
  web.put("/rooms/{number}",
          http::transactional(
              [](const http::request& r, nexus::session& db) -> nexus::result<http::response> {
                auto taken =
                    db.execute("UPDATE rooms SET guest = $1 WHERE number = $2 AND guest IS NULL",
                               r.body, std::stoll(std::string{r.param("number")}));
                if (!taken) return nexus::fail(taken.error());
                if (taken->affected == 0)
                  return http::response::problem(409, "taken", "the name is taken");
                return http::response::json({{"guest", r.body}}, 201);
              }));
  ASSERT_TRUE(web.start());
  http_client client{web.port()};
  EXPECT_EQ(client.put("/rooms/12", "ann", "text/plain")->status, 201);
  EXPECT_EQ(client.put("/rooms/12", "bob", "text/plain")->status, 409);
}
