// The service `orders serve`, and its clients.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "orders_fixture.hpp"

namespace samples { namespace {

class OrdersServe : public Orders {
 protected:
  void SetUp() override {
    start();
    const auto added = send("PUT", "/customers/ann", {{"name", "Ann"}, {"funds", "100"}});
    ASSERT_EQ(added.status, 201) << added.body;
  }
  std::string placed(const json& line = {{"sku", "tea"}, {"quantity", 2}, {"price", "3.50"}}) {
    const auto order = send("POST", "/orders", {{"customer", "ann"}});
    EXPECT_EQ(order.status, 201) << order.body;
    auto path = "/orders/" + std::to_string(order.body["order"].get<int>());
    EXPECT_EQ(send("POST", path + "/lines", line).status, 201);
    return path;
  }
};

TEST_P(OrdersServe, AClientPlacesPaysAndShips) {
  const auto path = placed();
  const auto second =
      send("POST", path + "/lines", {{"sku", "pot"}, {"quantity", 1}, {"price", "24"}});
  EXPECT_EQ(second.body["total"], "31.00");
  EXPECT_EQ(send("DELETE", path + "/lines/2").body["total"], "7.00");
  EXPECT_EQ(send("POST", path + "/shipment").status, 409);
  const auto paid = send("POST", path + "/payment");
  EXPECT_EQ(paid.status, 200) << paid.body;
  EXPECT_EQ(paid.body["status"], "paid");
  const auto again = send("POST", path + "/payment");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.body["detail"], "order 1 is paid already");
  EXPECT_EQ(send("POST", path + "/shipment").body["status"], "shipped");
  auto shown = send("GET", path).body;
  shown.erase("placed_at");
  EXPECT_EQ(shown, json::parse(R"({"order": 1, "customer": "ann", "status": "shipped",
      "total": "7.00", "currency": "EUR",
      "lines": [{"line": 1, "sku": "tea", "quantity": 2, "price": "3.50"}]})"));
  EXPECT_EQ(send("GET", "/books").body, json::parse(R"({"orders": 1, "paid": 1, "paying": 0,
      "paid_total": "7.00", "shop_account": "7.00", "spent": "7.00", "agree": true})"));
  ASSERT_TRUE(server->signal(SIGTERM));
  EXPECT_EQ(server->wait(), 0) << server->err();
}

TEST_P(OrdersServe, OrdersAreListedInPages) {
  for (int i = 0; i < 3; ++i) placed();
  EXPECT_EQ(send("DELETE", "/orders/2").body["status"], "cancelled");
  const auto numbers = [&](const std::string& query) {
    const auto page = send("GET", "/orders?" + query).body;
    std::string all;
    for (const auto& one : page["orders"]) all += std::to_string(one["order"].get<int>()) + " ";
    return all + "of " + std::to_string(page["total"].get<int>());
  };
  EXPECT_EQ(numbers("rows=2"), "1 2 of 3");
  EXPECT_EQ(numbers("rows=2&page=2"), "3 of 3");
  EXPECT_EQ(numbers("status=open&customer=ann&min_total=7"), "1 3 of 2");
  EXPECT_EQ(numbers("customer=bob"), "of 0");
}

TEST_P(OrdersServe, AnInvalidRequestIsExplained) {
  placed();
  struct row {
    std::string method, path;
    json body;
    int status;
    std::string detail;  // a part of it
  };
  const row rows[] = {
      {"GET", "/orders/77", {}, 404, "there is no order 77"},
      {"GET", "/orders/x", {}, 400, "\"x\" is no key"},
      {"GET", "/orders?page=0", {}, 400, "page: \"0\" is not a number from 1"},
      {"GET", "/orders?status=lost", {}, 400, "status: \"lost\" is not one of open"},
      {"POST", "/orders", {{"customer", "eve"}}, 404, "there is no customer \"eve\""},
      {"POST", "/orders", {{"customer", 7}}, 400, ""},
      {"POST", "/orders/77/payment", {}, 409, "there is no order 77"},
      {"DELETE", "/orders/1/lines/9", {}, 409, "order 1 has no line 9"},
      {"POST", "/orders/1/lines", {{"sku", "x"}, {"quantity", 1}, {"price", "-1"}}, 400, "price"},
      {"PUT", "/customers/ann", {{"name", "Bob"}, {"funds", "1"}}, 409, "another customer"},
  };
  for (const auto& [method, path, body, status, detail] : rows) {
    const auto got = send(method, path, body);
    EXPECT_EQ(got.status, status) << method << ' ' << path << ' ' << got.body;
    EXPECT_NE(got.body.value("detail", "").find(detail), std::string::npos) << got.body;
  }
}

TEST_P(OrdersServe, ClientsThatPayOneOrderAtOncePayItOnce) {
  const auto path = placed();
  std::atomic<int> paid{0};
  std::atomic<int> refused{0};
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 6; ++i) {
      clients.emplace_back([&] {
        const auto status = send("POST", path + "/payment").status;
        if (status == 200) ++paid;
        if (status == 409) ++refused;
      });
    }
  }
  EXPECT_EQ(paid, 1);
  EXPECT_EQ(refused, 5);
  EXPECT_EQ(send("GET", "/books").body["shop_account"], "7.00");
}

ORDERS_ON_BOTH(OrdersServe);

}}  // namespace samples
