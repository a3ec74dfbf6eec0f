// The code of docs/projections.md, compiled and run.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <nexus/nexus.hpp>
#include <nexus/projection.hpp>
#include <span>
#include <string>
#include <variant>

using namespace std::chrono_literals;

struct sale {
  static constexpr std::string_view entity_type = "sale";

  struct sell {
    std::string show;
    std::int64_t cents = 0;
  };
  using command = std::variant<sell>;

  struct sold {
    static constexpr std::string_view type_name = "sold";
    std::string show;
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(show, cents)
  };
  using event = std::variant<sold>;
  struct state {};

  static auto decide(const state&, const sell& c) { return nexus::persist(sold{c.show, c.cents}); }
  static void apply(state&, const sold&) {}
};

namespace {

// Adds a sale to the revenue of its show.
nexus::result<void> add_sale(nexus::session& on, const nexus::projected<sale>& e) {
  const auto& sold = std::get<sale::sold>(e.event);
  auto done = on.execute(
      "INSERT INTO revenue (show, cents) VALUES ($1, $2) ON CONFLICT (show) DO UPDATE SET "
      "cents = revenue.cents + excluded.cents",
      sold.show, sold.cents);
  if (!done) return nexus::fail(done.error());
  return {};
}

nexus::result<std::int64_t> revenue_of(const nexus::store& store, std::string_view show) {
  auto session = store.sessions().borrow();
  if (!session) return nexus::fail(session.error());
  auto found = (*session)->query<std::int64_t>("SELECT cents FROM revenue WHERE show = $1", show);
  if (!found) return nexus::fail(found.error());
  return found->empty() ? 0 : found->front();
}

nexus::result<void> make_table(const nexus::store& store) {
  auto session = store.sessions().borrow();
  if (!session) return nexus::fail(session.error());
  auto done = (*session)->execute(
      "CREATE TABLE IF NOT EXISTS revenue (show text PRIMARY KEY, cents bigint)");
  if (!done) return nexus::fail(done.error());
  return {};
}

}  // namespace

namespace {

std::string fresh() {
  static std::atomic<int> n{0};
  return "sqlite:" + testing::TempDir() + "projections_page_" + std::to_string(::getpid()) + "_" +
         std::to_string(++n) + ".db";
}

}  // namespace

TEST(ProjectionsPage, AReportIsCaughtUp) {
  auto store = nexus::open(fresh());
  ASSERT_TRUE(store);
  nexus::system sys;
  nexus::entities<sale> sales{sys, *store};
  ASSERT_TRUE(sales.of("1").ask(sale::sell{"hamlet", 40'00}).get(10s));

  ASSERT_TRUE(make_table(*store));
  nexus::projection<sale> report{sys, *store, "revenue", add_sale};
  auto done = report.caught_up(10s);
  if (!done) std::cerr << done.error().message << '\n';
  EXPECT_EQ(revenue_of(*store, "hamlet"), 40'00);
}

TEST(ProjectionsPage, ABatchIsHandledTogether) {
  auto store = nexus::open(fresh());
  ASSERT_TRUE(store);
  nexus::system sys;
  nexus::entities<sale> sales{sys, *store};
  ASSERT_TRUE(sales.of("1").ask(sale::sell{"hamlet", 40'00}).get(10s));
  ASSERT_TRUE(make_table(*store));
  auto add_all = [](nexus::session& on,
                    std::span<const nexus::projected<sale>> events) -> nexus::result<void> {
    std::map<std::string, std::int64_t> sums;
    for (const auto& e : events) {
      const auto& sold = std::get<sale::sold>(e.event);
      sums[sold.show] += sold.cents;
    }
    for (const auto& [show, cents] : sums) {
      auto done = on.execute(
          "INSERT INTO revenue (show, cents) VALUES ($1, $2) ON CONFLICT (show) DO UPDATE SET "
          "cents = revenue.cents + excluded.cents",
          show, cents);
      if (!done) return nexus::fail(done.error());
    }
    return {};
  };
  nexus::projection<sale> report{sys, *store, "revenue", add_all, {.parallel = 4}};
  EXPECT_TRUE(report.caught_up(10s));
  EXPECT_EQ(revenue_of(*store, "hamlet"), 40'00);
}

TEST(ProjectionsPage, AnotherTarget) {
  auto store = nexus::open("memory:");
  ASSERT_TRUE(store);
  nexus::system sys;
  nexus::entities<sale> sales{sys, *store};
  ASSERT_TRUE(sales.of("1").ask(sale::sell{"hamlet", 40'00}).get(10s));
  const auto reports_db = fresh();
  auto reports = nexus::open(reports_db);
  ASSERT_TRUE(reports);
  ASSERT_TRUE(make_table(*reports));
  nexus::projection<sale> report{sys, *store, "revenue", add_sale, {.target = *reports}};
  EXPECT_TRUE(report.caught_up(10s));
  EXPECT_EQ(revenue_of(*reports, "hamlet"), 40'00);
}

TEST(ProjectionsPage, FailuresAreListedAndRetried) {
  auto store = nexus::open(fresh());
  ASSERT_TRUE(store);
  nexus::system sys;
  nexus::entities<sale> sales{sys, *store};
  ASSERT_TRUE(sales.of("1").ask(sale::sell{"hamlet", 40'00}).get(10s));
  ASSERT_TRUE(sales.of("2").ask(sale::sell{"", 1'00}).get(10s));
  ASSERT_TRUE(make_table(*store));
  std::atomic<bool> lenient{false};
  auto strict = [&](nexus::session& on, const nexus::projected<sale>& e) -> nexus::result<void> {
    if (std::get<sale::sold>(e.event).show.empty() && !lenient) {
      return nexus::fail(nexus::errc::rejected, "a sale without a show");
    }
    return add_sale(on, e);
  };
  nexus::projection<sale> report{
      sys,
      *store,
      "revenue",
      strict,
      {.retries = 2, .on_failure = nexus::projection_options::failing::skip}};
  EXPECT_TRUE(report.caught_up(10s));
  EXPECT_EQ(report.status().skipped, 1u);
  lenient = true;
  auto failures = report.failures();
  ASSERT_TRUE(failures);
  for (const auto& one : *failures) {
    std::cerr << one.of.str() << " " << one.number << ": " << one.error << '\n';
    if (auto done = report.retry(one); !done) std::cerr << done.error().message << '\n';
  }
  EXPECT_EQ(revenue_of(*store, ""), 1'00);
}

TEST(ProjectionsPage, ARebuildBeginsWithAnEmptyTable) {
  auto store = nexus::open(fresh());
  ASSERT_TRUE(store);
  nexus::system sys;
  nexus::entities<sale> sales{sys, *store};
  ASSERT_TRUE(sales.of("1").ask(sale::sell{"hamlet", 40'00}).get(10s));
  ASSERT_TRUE(make_table(*store));
  auto empty = [](nexus::session& on) -> nexus::result<void> {
    auto done = on.execute("DELETE FROM revenue");
    if (!done) return nexus::fail(done.error());
    return {};
  };
  nexus::projection<sale> report{sys, *store, "revenue", add_sale, {.on_rebuild = empty}};
  EXPECT_TRUE(report.caught_up(10s));
  EXPECT_TRUE(report.rebuild());
  auto done = report.caught_up(100ms);
  while (!done && done.error().code == nexus::errc::timeout) {
    std::cerr << report.status().behind << " events to go\n";
    done = report.caught_up(100ms);
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(revenue_of(*store, "hamlet"), 40'00);
}

TEST(ProjectionsPage, AVersionThatIsNotUsedAnyMoreIsForgotten) {
  auto store = nexus::open(fresh());
  ASSERT_TRUE(store);
  nexus::system sys;
  ASSERT_TRUE(make_table(*store));
  {
    nexus::projection<sale> report{sys, *store, "revenue", add_sale, {.version = 2}};
    EXPECT_TRUE(report.caught_up(10s));
  }
  EXPECT_TRUE(nexus::forget_projection(*store, *store, {"revenue", 1}));
}
