// The commands of the program `orders`.
#include <gtest/gtest.h>

#include <algorithm>

#include "orders_fixture.hpp"

namespace samples { namespace {

class OrdersProgram : public Orders {
 protected:
  std::string done(command_line arguments) const {
    const auto f = orders(std::move(arguments));
    EXPECT_EQ(f.code, 0) << f.err;
    return f.out;
  }
  /// The one line of an error, besides those of the log.
  void fails(command_line arguments, int code, const std::string& why) const {
    auto f = orders(std::move(arguments));
    while (f.err.starts_with('[')) f.err.erase(0, f.err.find('\n') + 1);
    EXPECT_EQ(f.code, code) << f.out << f.err;
    EXPECT_EQ(f.out, "");
    EXPECT_EQ(f.err.rfind("orders: ", 0), 0u) << f.err;
    EXPECT_NE(f.err.find(why), std::string::npos) << f.err;
    EXPECT_EQ(std::ranges::count(f.err, '\n'), 1) << f.err;
  }
};

TEST_P(OrdersProgram, AnOrderIsPlacedPaidAndShipped) {
  EXPECT_EQ(done({"customer", "ann", "Ann Lee", "--funds", "100"}),
            "customer ann: account customer:ann has 100.00 EUR\n");
  EXPECT_EQ(done({"customer", "ann", "Ann Lee", "--funds", "100"}),
            "customer ann: account customer:ann has 100.00 EUR\n");
  EXPECT_EQ(done({"place", "ann"}), "order 1 of ann is open\n");
  EXPECT_EQ(done({"add-line", "1", "tea", "2", "3.50"}), "order 1 has 1 line, in total 7.00 EUR\n");
  EXPECT_EQ(done({"add-line", "1", "pot", "1", "24"}), "order 1 has 2 lines, in total 31.00 EUR\n");
  EXPECT_EQ(done({"remove-line", "1", "1"}), "order 1 has 1 line, in total 24.00 EUR\n");
  EXPECT_EQ(done({"add-line", "1", "cup", "1", "1"}), "order 1 has 2 lines, in total 25.00 EUR\n");
  fails({"ship", "1"}, 1, "order 1 is not paid");
  EXPECT_EQ(done({"pay", "1"}), "order 1 is paid: 25.00 EUR; ann has 75.00 left\n");
  fails({"pay", "1"}, 1, "order 1 is paid already");
  fails({"cancel", "1"}, 1, "order 1 is paid already");
  fails({"add-line", "1", "tea", "1", "1"}, 1, "order 1 is paid already");
  EXPECT_EQ(done({"ship", "1"}), "order 1 is shipped\n");
  fails({"ship", "1"}, 1, "order 1 is shipped already");
  const auto sheet = done({"show", "1"});
  EXPECT_EQ(
      sheet.rfind("order 1 of ann: shipped\n2  pot  1  24.00  24.00\n3  cup  1   1.00   1.00\n"
                  "total 25.00 EUR, placed at 20",
                  0),
      0u)
      << sheet;
  EXPECT_NE(done({"check"}).find("the sums agree\n"), std::string::npos);
  EXPECT_EQ(bank({"verify"}).code, 0);
}

TEST_P(OrdersProgram, ARefusedPaymentLeavesTheOrderOpen) {
  done({"customer", "ann", "Ann", "--funds", "5"});
  done({"place", "ann"});
  fails({"pay", "1"}, 1, "order 1 has no lines");
  done({"add-line", "1", "tea", "2", "3.50"});
  fails({"pay", "1"}, 1, "insufficient funds: customer:ann has 5.00 EUR, not 7.00");
  EXPECT_NE(done({"show", "1"}).find("not paid: insufficient funds"), std::string::npos);
  done({"remove-line", "1", "1"});
  done({"add-line", "1", "tea", "1", "3.50"});
  EXPECT_EQ(done({"pay", "1"}), "order 1 is paid: 3.50 EUR; ann has 1.50 left\n");
}

TEST_P(OrdersProgram, ListsHaveFiltersAndPages) {
  done({"customer", "ann", "Ann", "--funds", "100"});
  done({"customer", "bob", "Bob"});
  for (const auto* who : {"ann", "bob", "ann", "ann"}) done({"place", who});
  done({"add-line", "3", "tea", "2", "3.50"});
  done({"pay", "3"});
  done({"cancel", "4"});
  EXPECT_EQ(done({"list", "--rows", "3"}),
            "1  ann  open  0.00 EUR\n2  bob  open  0.00 EUR\n3  ann  paid  7.00 EUR\n"
            "page 1 of 2: 4 orders in all\n");
  EXPECT_EQ(done({"list", "--rows", "3", "--page", "2"}),
            "4  ann  cancelled  0.00 EUR\npage 2 of 2: 4 orders in all\n");
  EXPECT_EQ(done({"list", "--customer", "ann", "--status", "open"}),
            "1  ann  open  0.00 EUR\npage 1 of 1: 1 order in all\n");
  EXPECT_EQ(done({"list", "--min-total", "7"}),
            "3  ann  paid  7.00 EUR\npage 1 of 1: 1 order in all\n");
}

TEST_P(OrdersProgram, WhatCannotBeIsToldInOneLine) {
  if (uri.starts_with("sqlite:")) fails({"place", "ann"}, 2, "there is no such database");
  done({"customer", "ann", "Ann"});
  done({"place", "ann"});
  fails({"customer", "ann", "Another"}, 1, "there is another customer \"ann\"");
  fails({"customer", "bob", ""}, 1, "name is empty");
  fails({"customer", "", "Bob"}, 2, "the id is empty");
  fails({"customer", "bob", "Bob", "--funds", "-1"}, 2, "--funds: \"-1\" is below zero");
  fails({"place", "eve"}, 1, "there is no customer \"eve\"");
  fails({"show", "77"}, 1, "there is no order 77");
  fails({"pay", "77"}, 1, "there is no order 77");
  fails({"show", "x"}, 2, "ORDER");
  fails({"add-line", "1", "tea", "1", "x"}, 2, "PRICE: \"x\"");
  fails({"add-line", "1", "tea", "0", "1"}, 1, "the quantity is 0, not 1 to 10000");
  fails({"add-line", "1", "tea", "1", "0"}, 1, "the price is 0.00, not 0.01 to 1000000.00");
  fails({"remove-line", "1", "1"}, 1, "order 1 has no line 1");
  fails({"list", "--status", "lost"}, 2, "--status: \"lost\" is not one of open");
  fails({"list", "--page", "0"}, 2, "--page");
  fails({"shop"}, 2, "there is no command \"shop\"");
}

TEST_P(OrdersProgram, ABusyDayEndsWithBooksThatAgree) {
  for (int day = 1; day <= 2; ++day) {
    const auto told = done({"demo", "--orders", "300", "--customers", "7"});
    EXPECT_EQ(told.rfind("300 orders of 7 customers in ", 0), 0u) << told;
    EXPECT_NE(told.find("the sums agree\n"), std::string::npos) << told;
    EXPECT_EQ(number("SELECT count(*) FROM orders"), 300 * day);
  }
  EXPECT_EQ(number("SELECT count(*) FROM orders WHERE status NOT IN ('shipped', 'cancelled')"), 0);
  EXPECT_EQ(bank({"verify"}).code, 0);
}

ORDERS_ON_BOTH(OrdersProgram);

}}  // namespace samples
