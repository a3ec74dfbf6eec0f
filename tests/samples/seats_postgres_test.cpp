// Two processes of seats on one PostgreSQL database: they share the report's work.
#include <gtest/gtest.h>

#include <thread>

#include "postgres/cluster.hpp"
#include "report.hpp"

namespace seats { namespace {

using namespace std::chrono_literals;

TEST(SeatsOnPostgres, TwoProcessesCountEveryBookingOnce) {
  const auto uri = nexus::test::cluster::shared().fresh_database();
  struct office {
    explicit office(const std::string& at) : store{nexus::open(at).value()} {}
    nexus::store store;
    nexus::system sys;
    nexus::entities<show> shows{sys, store};
    std::unique_ptr<report> rows = report::start(sys, store).value();
  };
  const office here{uri};
  const office there{uri};
  constexpr std::int64_t shows = 8;
  constexpr std::int64_t seats = 25;
  for (std::int64_t s = 0; s < shows; ++s) {
    ASSERT_TRUE(here.shows.of("s" + std::to_string(s)).ask(show::open{"S", seats, 1}).get(60s));
  }
  const auto book = [](const office& at, std::int64_t s) {
    for (std::int64_t seat = 1; seat <= seats; ++seat) {
      const auto id = std::to_string(s) + "-" + std::to_string(seat);
      EXPECT_TRUE(at.shows.of("s" + std::to_string(s)).ask(show::book{id, "ann", {seat}}).get(60s));
    }
  };
  {
    std::vector<std::jthread> customers;
    for (std::int64_t s = 0; s < shows; ++s) {
      customers.emplace_back([&, s] { book(s % 2 == 0 ? here : there, s); });
    }
  }
  for (const auto* one : {&here, &there}) {
    const auto all = one->rows->shows();
    ASSERT_TRUE(all) << all.error().message;
    ASSERT_EQ(all->size(), static_cast<std::size_t>(shows));
    for (const auto& row : *all) EXPECT_EQ(row.sold, seats) << row.id;
    EXPECT_EQ(one->rows->bookings("ann", "", 1'000)->size(),
              static_cast<std::size_t>(shows * seats));
  }
}

}}  // namespace seats
