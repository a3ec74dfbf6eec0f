#include "seats_suite.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "report.hpp"

namespace seats {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SeatsReport);

namespace {

using namespace std::chrono_literals;

// A process with the shows and their report; several on one file stand for several processes.
struct box_office {
  explicit box_office(const std::string& uri) : store{nexus::open(uri).value()} {}

  nexus::store store;
  nexus::system sys;
  nexus::entities<show> shows{sys, store};
  std::unique_ptr<report> rows = report::start(sys, store).value();

  void open(const std::string& id, std::int64_t seats, std::int64_t cents) const {
    EXPECT_TRUE(shows.of(id).ask(show::open{"The " + id, seats, cents}).get(60s));
  }
  void book(const std::string& id, const std::string& booking, const std::string& customer,
            const std::vector<std::int64_t>& seats) const {
    const auto ask = [&] {
      return shows.of(id).ask(show::book{booking, customer, seats}).get(60s);
    };
    auto answer = ask();
    // Another process has written first.
    while (!answer && answer.error().code == nexus::errc::conflict) answer = ask();
    EXPECT_TRUE(answer) << answer.error().message;
  }
  void cancel(const std::string& id, const std::string& booking) const {
    EXPECT_TRUE(shows.of(id).ask(show::cancel{booking}).get(60s));
  }

  // As in "hamlet: 2 of 10 for 50.00, …" in cents.
  std::string sold() const {
    const auto all = rows->shows();
    if (!all) return all.error().message;
    std::string text;
    for (const auto& one : *all) {
      text += (text.empty() ? "" : ", ") + one.id + ": " + std::to_string(one.sold) + " of " +
              std::to_string(one.seats) + " for " + std::to_string(one.cents);
    }
    return text;
  }
  std::string bookings(const std::string& customer, const std::string& after = "",
                       std::int64_t max = 10) const {
    const auto all = rows->bookings(customer, after, max);
    if (!all) return all.error().message;
    std::string text;
    for (const auto& one : *all) text += (text.empty() ? "" : ", ") + one.id + " " + one.title;
    return text;
  }
};

TEST_P(SeatsReport, SaysWhatEachShowHasSold) {
  const box_office office{uri};
  EXPECT_EQ(office.sold(), "");
  office.open("hamlet", 10, 2500);
  office.open("macbeth", 5, 1000);
  EXPECT_EQ(office.sold(), "hamlet: 0 of 10 for 0, macbeth: 0 of 5 for 0");
  office.book("hamlet", "b1", "ann", {1, 2});
  office.book("macbeth", "b2", "ann", {1});
  EXPECT_EQ(office.sold(), "hamlet: 2 of 10 for 5000, macbeth: 1 of 5 for 1000");
  office.cancel("hamlet", "b1");
  EXPECT_EQ(office.sold(), "hamlet: 0 of 10 for 0, macbeth: 1 of 5 for 1000");
}

TEST_P(SeatsReport, GivesTheBookingsOfACustomerInPages) {
  const box_office office{uri};
  office.open("hamlet", 10, 2500);
  office.open("macbeth", 5, 1000);
  office.book("hamlet", "b1", "ann", {1, 2});
  office.book("macbeth", "b2", "ann", {1});
  office.book("hamlet", "b3", "bob", {3});
  office.book("hamlet", "b4", "ann", {4});
  EXPECT_EQ(office.bookings("ann", "", 2), "b1 The hamlet, b2 The macbeth");
  EXPECT_EQ(office.bookings("ann", "b2", 2), "b4 The hamlet");
  EXPECT_EQ(office.bookings("bob"), "b3 The hamlet");
  EXPECT_EQ(office.bookings("eve"), "");
  office.cancel("macbeth", "b2");
  EXPECT_EQ(office.bookings("ann"), "b1 The hamlet, b4 The hamlet");
}

TEST_P(SeatsReport, IsTheSameAfterARebuild) {
  const box_office office{uri};
  office.open("hamlet", 10, 2500);
  office.book("hamlet", "b1", "ann", {1, 2});
  office.book("hamlet", "b2", "ann", {3});
  office.cancel("hamlet", "b1");
  ASSERT_TRUE(office.rows->rebuild());
  EXPECT_EQ(office.sold(), "hamlet: 1 of 10 for 2500");
  EXPECT_EQ(office.bookings("ann"), "b2 The hamlet");
}

TEST_P(SeatsReport, OfTwoProcessesCountsEveryBookingOnce) {
  const box_office here{uri};
  const box_office there{uri};
  here.open("hamlet", 100, 1);
  {
    std::jthread first{[&] {
      for (int i = 1; i <= 50; ++i) here.book("hamlet", "h" + std::to_string(i), "ann", {i});
    }};
    std::jthread second{[&] {
      for (int i = 51; i <= 100; ++i) there.book("hamlet", "t" + std::to_string(i), "bob", {i});
    }};
  }
  EXPECT_EQ(here.sold(), "hamlet: 100 of 100 for 100");
  EXPECT_EQ(there.sold(), "hamlet: 100 of 100 for 100");
}

TEST_P(SeatsReport, OfTwoProcessesIsTheSameInBoth) {
  const box_office here{uri};
  const box_office there{uri};
  constexpr std::int64_t shows = 8;
  constexpr std::int64_t seats = 25;
  for (std::int64_t s = 0; s < shows; ++s) {
    ASSERT_TRUE(here.shows.of("s" + std::to_string(s)).ask(show::open{"S", seats, 1}).get(60s));
  }
  const auto book = [](const box_office& at, std::int64_t s) {
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

}
}  // namespace seats
