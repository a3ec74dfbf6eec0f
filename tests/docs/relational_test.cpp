// The code of docs/relational.md, compiled and run.
#include <gtest/gtest.h>

#include <chrono>
#include <nexus/nexus.hpp>
#include <nexus/relational.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "temporary_folder.hpp"

namespace {

using namespace std::chrono_literals;

struct order_line {
  std::int64_t order_id = 0;
  std::int64_t line = 0;
  std::string sku{};
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(order_id, line, sku, cents)
};

struct order_row {
  std::int64_t id = 0;
  std::string customer{};
  std::string status = "open";
  std::optional<nexus::timestamp> pay_until{};
  std::int64_t version = 0;
  MSGPACK_DEFINE_MAP(id, customer, status, pay_until, version)

  std::vector<order_line> lines{};  // no column: rows that the order owns

  std::int64_t total() const {
    std::int64_t sum = 0;
    for (const auto& one : lines) sum += one.cents;
    return sum;
  }
};

struct order {
  static constexpr std::string_view entity_type = "order";

  using row = order_row;
  static nexus::entity_rows<row> rows() {
    nexus::mapping<order_row> orders{"orders"};
    orders.key("id").version("version");
    nexus::mapping<order_line> lines{"order_lines"};
    lines.key({"order_id", "line"});
    return nexus::entity_rows<row>{orders}.owns(&order_row::lines, lines, {"order_id"});
  }

  struct add_line {
    std::string sku{};
    std::int64_t cents = 0;
  };
  struct pay {};
  struct expire {};
  struct discard {};
  struct show {};
  using command = std::variant<add_line, pay, expire, discard, show>;

  static nexus::effect<order, std::int64_t> decide(const row& now, const add_line& c) {
    if (now.status != "open") return nexus::reject("the order is " + now.status);
    return nexus::persist([c](row& r) {
             const auto line = r.lines.empty() ? 1 : r.lines.back().line + 1;
             r.lines.push_back({.line = line, .sku = c.sku, .cents = c.cents});
           })
        .then_reply(&row::total);
  }
  static nexus::effect<order, std::int64_t> decide(const row& now, const pay&) {
    if (now.status != "open") return nexus::reject("the order is " + now.status);
    auto paid = now;
    paid.status = "paid";
    paid.pay_until.reset();
    return nexus::persist(std::move(paid)).then_reply(&row::total);
  }
  static nexus::effect<order> decide(const row& now, const expire&) {
    if (now.status != "open") return nexus::none();
    return nexus::persist([](row& r) { r.status = "expired"; });
  }
  static nexus::effect<order, std::string> decide(const row&, const discard&) {
    return nexus::remove()
        .then_reply([](const row& last) { return "deleted, was " + last.status; })
        .then_reply_on_failure(
            [](const nexus::error& why) { return "kept: " + std::string{to_string(why.code)}; });
  }
  static auto decide(const row& now, const show&) { return nexus::reply(now); }

  static std::optional<nexus::alarm<order>> alarm(const row& now) {
    if (now.status != "open" || !now.pay_until) return std::nullopt;
    return nexus::alarm<order>{*now.pay_until, expire{}};
  }
};

struct counter_row {
  std::string name{};
  std::int64_t value = 0;
  MSGPACK_DEFINE_MAP(name, value)
};

struct counter {
  static constexpr std::string_view entity_type = "counter";
  using row = counter_row;
  static nexus::entity_rows<row> rows() {
    nexus::mapping<counter_row> counters{"counters"};
    counters.key("name");
    return nexus::entity_rows<row>{counters}.create_if_missing(
        [](std::string_view id) { return row{.name = std::string{id}}; });
  }
  struct add {
    std::int64_t n = 0;
  };
  using command = std::variant<add>;
  static auto decide(const row&, const add& c) {
    return nexus::persist([c](row& r) { r.value += c.n; }).then_reply(&row::value);
  }
};

struct parcel {
  static constexpr std::string_view entity_type = "parcel";
  using row = counter_row;
  static nexus::entity_rows<row> rows() {
    nexus::mapping<counter_row> parcels{"counters"};
    parcels.key("name");
    return nexus::entity_rows<row>{parcels}.on_demand();
  }
  struct look {};
  using command = std::variant<look>;
  static auto decide(const row& now, const look&) { return nexus::reply(now.value); }
};

constexpr const char* tables[] = {
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, status TEXT NOT NULL, "
    "pay_until TEXT, version INTEGER NOT NULL)",
    "CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT "
    "NULL, sku TEXT NOT NULL, cents INTEGER NOT NULL CHECK (cents > 0), "
    "PRIMARY KEY (order_id, line))",
    "CREATE TABLE counters (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL)"};

TEST(RelationalPage, AnOrderIsARow) {
  nexus::test::temporary_folder folder;
  auto store = nexus::open("sqlite:" + folder.path("orders.db")).value();
  auto session = store.open_session().value();
  for (const auto* sql : tables) ASSERT_TRUE(session->execute(sql));

  nexus::system sys{{.threads = 2}};
  nexus::entities<order> orders{sys, store};
  if (auto fits = orders.status(); !fits) FAIL() << fits.error().message;

  auto missing = orders.of("7").ask(order::pay{}).get(10s);
  EXPECT_EQ(missing.error().code, nexus::errc::not_found);

  ASSERT_TRUE(session->execute("INSERT INTO orders VALUES (7, 'ann', 'open', NULL, 1)"));
  EXPECT_EQ(orders.of("7").ask(order::add_line{"nuts", 500}).get(10s).value(), 500);
  auto refused = orders.of("7").ask(order::add_line{"air", 0}).get(10s);
  EXPECT_EQ(refused.error().code, nexus::errc::constraint_violated);
  EXPECT_EQ(orders.of("7").ask(order::pay{}).get(10s).value(), 500);
  EXPECT_EQ(orders.of("7").ask(order::show{}).get(10s)->status, "paid");
  EXPECT_EQ(orders.of("7").ask(order::discard{}).get(10s).value(), "deleted, was paid");

  nexus::entities<counter> counters{sys, store};
  EXPECT_EQ(counters.of("visits").ask(counter::add{2}).get(10s).value(), 2);

  nexus::entities<parcel> parcels{
      sys, store, {.connection = nexus::connection_mode::dedicated, .dedicated_max = 4}};
  EXPECT_EQ(parcels.of("p1").ask(parcel::look{}).get(10s).error().code, nexus::errc::not_found);
  ASSERT_TRUE(session->execute("INSERT INTO counters VALUES ('p1', 5)"));
  EXPECT_EQ(parcels.of("p1").ask(parcel::look{}).get(10s).value(), 5);
}

}  // namespace
