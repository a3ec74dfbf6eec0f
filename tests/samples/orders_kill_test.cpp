// kill -9 in the middle of payments: no order is paid twice, and no money vanishes.
#include <gtest/gtest.h>

#include <atomic>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "kill_support.hpp"
#include "money.hpp"
#include "orders_fixture.hpp"
#include "postgres/wait_until.hpp"

namespace samples { namespace {

constexpr int clients = 8;
constexpr std::int64_t funds_cents = 1'000'000;

class OrdersKill : public Orders {
 protected:
  // Places orders and pays them until the service is killed. Two payments at once: one is refused.
  void shop_until_the_end(int client, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    nexus::test::http_client http{port, patience};
    const std::string me = "c" + std::to_string(client);
    for (;;) {
      const auto order = send(http, "POST", "/orders", {{"customer", me}});
      if (order.status == 0) return;
      ASSERT_EQ(order.status, 201) << order.body;
      const auto number = order.body["order"].get<std::int64_t>();
      const auto path = "/orders/" + std::to_string(number);
      const auto price = bank::format_hundredths(1 + static_cast<std::int64_t>(random() % 900));
      const auto line = send(http, "POST", path + "/lines",
                             {{"sku", "tea"}, {"quantity", 1 + random() % 3}, {"price", price}});
      if (line.status == 0) return;
      ASSERT_EQ(line.status, 201) << line.body;
      const auto paid = send(http, "POST", path + "/payment");
      if (paid.status == 0) return;
      ASSERT_EQ(paid.status, 200) << paid.body;
      const std::lock_guard guard{mutex};
      acknowledged.insert(number);
      ++acknowledgements;
    }
  }

  // Until so many payments were acknowledged; then the service is killed.
  void kill_after(int payments) {
    start();
    if (HasFatalFailure()) return;
    const int enough = acknowledgements + payments;
    std::vector<std::jthread> all;
    for (int i = 0; i < clients; ++i) {
      all.emplace_back([this, i, seed = random()] { shop_until_the_end(i, seed); });
    }
    EXPECT_TRUE(nexus::test::wait_until([&] { return acknowledgements >= enough; }, patience));
    EXPECT_TRUE(server->kill()) << server->err();
    server->wait();
    all.clear();
    interrupted += number("SELECT count(*) FROM orders WHERE status = 'paying'");
  }

  // What `bank balances` tells: hundredths by account.
  std::map<std::string, std::int64_t> balances() const {
    std::map<std::string, std::int64_t> all;
    std::istringstream lines{bank({"balances", "--csv"}).out};
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      const auto name = line.substr(0, line.find(','));
      const auto amount = line.substr(line.rfind(',') + 1);
      all[name] = bank::parse_hundredths(amount.substr(0, amount.find('\r'))).value();
    }
    return all;
  }

  static constexpr const char* paid = "status IN ('paid', 'shipped')";

  // Returns the total of the paid orders in cents.
  std::int64_t expect_each_paid_once() {
    const auto where = std::string{" WHERE "} + paid;
    const auto orders_paid = number("SELECT count(*) FROM orders" + where);
    const auto cents = number("SELECT CAST(coalesce(sum(cents), 0) AS bigint) FROM orders" + where);
    EXPECT_EQ(number("SELECT CAST(sum(l.quantity * l.cents) AS bigint) FROM order_lines l JOIN "
                     "orders o ON o.id = l.order_id" +
                     where),
              cents);
    EXPECT_EQ(number("SELECT count(DISTINCT payment) FROM orders" + where), orders_paid);
    EXPECT_EQ(number("SELECT count(*) FROM nexus_event_journal WHERE persistence_id = "
                     "'account|shop' AND event_type = 'moved'"),
              orders_paid)
        << "each paid order has moved its money once";
    EXPECT_EQ(number("SELECT count(*) FROM nexus_event_journal WHERE persistence_id LIKE "
                     "'account|customer:%' AND event_type = 'moved'"),
              orders_paid);
    const auto verified = bank({"verify"});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
    return cents;
  }

  void expect_whole() {
    const auto cents = expect_each_paid_once();
    const auto all = balances();
    EXPECT_EQ(all.at("shop"), cents);
    std::int64_t left = 0;
    for (const auto& [name, hundredths] : all) {
      left += hundredths;
    }
    EXPECT_EQ(left, clients * funds_cents) << "money has vanished, or was made";
    for (const auto one : acknowledged) {
      EXPECT_EQ(
          number("SELECT count(*) FROM orders WHERE id = " + std::to_string(one) + " AND " + paid),
          1)
          << one << " was acknowledged";
    }
    const auto checked = orders({"check"});
    EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
  }

  std::mt19937_64 random = random_source();
  std::mutex mutex;
  std::set<std::int64_t> acknowledged;
  std::atomic<int> acknowledgements{0};
  std::int64_t interrupted = 0;
};

TEST_P(OrdersKill, NoOrderIsPaidTwiceAndNoMoneyVanishes) {
  for (int i = 0; i < clients; ++i) {
    ASSERT_EQ(orders({"customer", "c" + std::to_string(i), "C", "--funds",
                      bank::format_hundredths(funds_cents)})
                  .code,
              0);
  }
  const int kills = times(4, 200);
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    kill_after(1 + static_cast<int>(random() % 30));
  }
  if (HasFailure()) return;
  // No client asks for these orders again.
  start();
  EXPECT_TRUE(nexus::test::wait_until(
      [&] { return number("SELECT count(*) FROM orders WHERE status = 'paying'") == 0; },
      patience));
  ASSERT_TRUE(server->signal(SIGTERM));
  EXPECT_EQ(server->wait(), 0) << server->err();
  expect_whole();
  EXPECT_GE(interrupted, 1);
  std::cout << kills << " kills, " << interrupted << " payments were found halfway, "
            << acknowledged.size() << " were acknowledged\n";
}

// Some hundred payments at a time.
TEST_P(OrdersKill, ABusyDayThatIsKilledLeavesBooksThatAgree) {
  ASSERT_EQ(orders({"customer", "ann", "Ann"}).code, 0);
  const auto count = [&] {
    return number(std::string{"SELECT count(*) FROM orders WHERE "} + paid);
  };
  const int kills = times(2, 100);
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    process day{orders_line({"demo", "--orders", "1000000", "--customers", "20"}), folder.path()};
    const auto enough = count() + 1 + static_cast<std::int64_t>(random() % 300);
    EXPECT_TRUE(nexus::test::wait_until([&] { return count() >= enough; }, patience));
    EXPECT_TRUE(day.kill()) << day.err();
    day.wait();
    interrupted += number("SELECT count(*) FROM orders WHERE status = 'paying'");
    const auto checked = orders({"check"});
    EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
  }
  EXPECT_EQ(number("SELECT count(*) FROM orders WHERE status = 'paying'"), 0);
  expect_each_paid_once();
  EXPECT_GE(interrupted, 1);
  std::cout << kills << " kills, " << interrupted << " payments were found halfway\n";
}

ORDERS_ON_BOTH(OrdersKill);

}}  // namespace samples
