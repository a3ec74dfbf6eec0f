// Orders: what they decide, without a runtime; and the shop in this process, on SQLite.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "shop.hpp"
#include "temporary_folder.hpp"

namespace orders { namespace {

using namespace std::chrono_literals;

const std::string one = "01ARZ3NDEKTSV4RRFFQ69G5FA1";
const std::string two = "01ARZ3NDEKTSV4RRFFQ69G5FA2";
const nexus::call_header no_header;
const nexus::context at_noon{"7", 1, nexus::timestamp{12h}, no_header};

order_row row_of(status is) {
  order_row made;
  made.id = 7;
  made.customer = "ann";
  made.status = is;
  made.lines = {{7, 1, "tea", 2, 350}};
  made.cents = 700;
  made.last_line = 1;
  if (is != status::open) made.payment = one;
  if (is == status::paying) made.remind_at = nexus::timestamp{12h};
  return made;
}

template <class Effect>
std::string refusal(const Effect& e) {
  return e.rejected() ? e.error().message : "";
}

/// The row that the effect stores; `now` if it stores none.
template <class Effect>
order_row after(Effect e, const order_row& now) {
  e.resolve(now);
  return e.new_state() == nullptr ? now : *e.new_state();
}

TEST(Order, IsPlacedOnce) {
  order_row none;
  none.id = 7;
  const auto placed = after(order::decide(none, order::place{"ann"}, at_noon), none);
  EXPECT_EQ(placed.status, status::open);
  EXPECT_EQ(placed.customer, "ann");
  EXPECT_EQ(placed.placed_at, at_noon.now());
  EXPECT_EQ(refusal(order::decide(placed, order::place{"ann"}, at_noon)),
            "there is an order 7 already");
  EXPECT_EQ(refusal(order::decide(none, order::show{})), "there is no order 7");
  EXPECT_EQ(refusal(order::decide(none, order::pay{one}, at_noon)), "there is no order 7");
}

TEST(Order, HasTheSumOfItsLines) {
  const auto now = row_of(status::open);
  auto more = after(order::decide(now, order::add_line{"pot", 3, 1000}), now);
  EXPECT_EQ(more.cents, 3'700);
  EXPECT_EQ(more.lines.back(), (order_line{7, 2, "pot", 3, 1000}));
  more = after(order::decide(more, order::remove_line{2}), more);
  EXPECT_EQ(more.cents, 700);
  more = after(order::decide(more, order::add_line{"cup", 1, 1}), more);
  EXPECT_EQ(more.lines.back().line, 3) << "a number is not used again";
}

TEST(Order, RefusesInvalidLines) {
  const auto now = row_of(status::open);
  const auto add = [&](std::string sku, std::int64_t quantity, std::int64_t cents) {
    return refusal(order::decide(now, order::add_line{std::move(sku), quantity, cents}));
  };
  EXPECT_EQ(add("", 1, 1), "the SKU is empty");
  EXPECT_EQ(add("a\nb", 1, 1), "the SKU has a control character");
  EXPECT_EQ(add(std::string(101, 'x'), 1, 1), "the SKU has 101 bytes, at most 100 are allowed");
  EXPECT_EQ(add("x", 10'001, 1), "the quantity is 10001, not 1 to 10000");
  EXPECT_EQ(add("x", 1, -1), "the price is -0.01, not 0.01 to 1000000.00");
  auto full = now;
  full.lines.resize(order::lines_max);
  EXPECT_EQ(refusal(order::decide(full, order::add_line{"x", 1, 1})),
            "order 7 has 100 lines, the most it may have");
}

TEST(Order, RefusesWhatDoesNotFitItsStatus) {
  const auto refusals = [](status is) {
    const auto now = row_of(is);
    return std::vector<std::string>{refusal(order::decide(now, order::add_line{"x", 1, 1})),
                                    refusal(order::decide(now, order::pay{two}, at_noon)),
                                    refusal(order::decide(now, order::ship{})),
                                    refusal(order::decide(now, order::cancel{}))};
  };
  using all = std::vector<std::string>;
  EXPECT_EQ(refusals(status::open), (all{"", "", "order 7 is not paid", ""}));
  EXPECT_EQ(refusals(status::paying), all(4, "order 7 is being paid"));
  const std::string paid = "order 7 is paid already";
  EXPECT_EQ(refusals(status::paid), (all{paid, paid, "", paid}));
  EXPECT_EQ(refusals(status::shipped), all(4, "order 7 is shipped already"));
  EXPECT_EQ(refusals(status::cancelled), all(4, "order 7 is cancelled already"));
}

TEST(Order, StoresItsPaymentBeforeItAsksTheBank) {
  const auto now = row_of(status::open);
  const auto asks = order::decide(now, order::pay{one}, at_noon);
  const auto paying = after(asks, now);
  EXPECT_EQ(paying.status, status::paying);
  EXPECT_EQ(paying.payment, one);
  ASSERT_EQ(asks.links().size(), 1u);
  EXPECT_NE(asks.links().front().ask, nullptr);
  ASSERT_TRUE(order::alarm(paying));
  EXPECT_EQ(order::alarm(paying)->due, at_noon.now() + order::reminder_after);
  EXPECT_TRUE(order::decide(paying, order::pay{one}, at_noon).links().empty()) << "sent again";
}

TEST(Order, AsksAgainAfterACrash) {
  const auto paying = row_of(status::paying);
  EXPECT_EQ(order::on_recovered(paying).links().size(), 1u);
  EXPECT_EQ(order::decide(paying, order::resume{}, at_noon).links().size(), 1u);
  EXPECT_TRUE(order::on_recovered(row_of(status::paid)).links().empty());
  EXPECT_TRUE(order::decide(row_of(status::paid), order::resume{}, at_noon).links().empty());
  EXPECT_FALSE(order::alarm(row_of(status::paid)));
}

TEST(Order, IsPaidOrOpenWhenTheTransferIsOver) {
  const auto now = row_of(status::paying);
  auto is = after(order::decide(now, order::transfer_ended{one, bank::ending{}}), now);
  EXPECT_EQ(is.status, status::paid);
  EXPECT_FALSE(is.remind_at);
  is = after(order::decide(now, order::transfer_ended{one, bank::ending{"no funds"}}), now);
  EXPECT_EQ(is.status, status::open);
  EXPECT_EQ(refusal(order::decide(is, order::settle{})), "no funds");
  is = after(order::decide(now, order::transfer_ended{two, bank::ending{}}), now);
  EXPECT_EQ(is.status, status::paying) << "the answer is that of another payment";
}

TEST(Order, WaitsForABankThatIsOutOfOrder) {
  const auto now = row_of(status::paying);
  const nexus::error outage{nexus::errc::unavailable, "the disk is full"};
  const auto asks = order::decide(now, order::transfer_started{one, nexus::fail(outage)});
  EXPECT_EQ(asks.links().size(), 1u);
  const nexus::error damage{nexus::errc::rejected, "an account is damaged"};
  const auto held = after(order::decide(now, order::transfer_ended{one, nexus::fail(damage)}), now);
  EXPECT_EQ(held.status, status::paying);
  EXPECT_EQ(refusal(order::decide(held, order::settle{})), "an account is damaged");
  EXPECT_TRUE(order::alarm(held));
}

// -- the shop -------------------------------------------------------------------------------------

class Shop : public ::testing::Test {
 protected:
  struct running {
    explicit running(const std::string& uri)
        : in{shop::open(sys, uri, shop::missing::is_made).value()},
          on{in->store().open_session().value()} {}
    nexus::system sys{{.threads = 2}};
    std::unique_ptr<shop> in;
    std::unique_ptr<nexus::journal_session> on;
  };

  /// The number of a new order of Ann, of 7.00.
  static std::string placed(const running& r) {
    EXPECT_TRUE(r.in->add_customer(*r.on, {"ann", "Ann", 10'000}));
    auto id = std::to_string(r.in->place(*r.on, "ann").value().id);
    EXPECT_TRUE(r.in->orders().of(id).ask(order::add_line{"tea", 2, 350}).get(patience));
    return id;
  }

  const nexus::test::temporary_folder folder;
  const std::string uri = "sqlite:" + folder.path("orders.db");
};

TEST_F(Shop, APaymentThatWasStoredBeforeACrashIsMade) {
  std::string id;
  {
    running before{uri};
    id = placed(before);
  }
  {
    auto store = nexus::open(uri).value();
    auto session = store.open_session().value();
    ASSERT_TRUE(
        session->execute("UPDATE orders SET status = 'paying', payment = $1, remind_at = "
                         "'2020-01-01 00:00:00', version = version + 1",
                         one));
  }
  running then{uri};
  EXPECT_EQ(then.in->finish_payments(*then.on), 1u);
  EXPECT_EQ(then.in->orders().of(id).ask(order::show{}).get(patience)->status, status::paid);
  EXPECT_EQ(then.in->balance("shop"), 700);
  EXPECT_EQ(then.in->finish_payments(*then.on), 0u);
}

TEST_F(Shop, APaymentWhoseEndWasNotStoredBeforeACrashIsNotMadeAgain) {
  std::string id;
  {
    running before{uri};
    id = placed(before);
    ASSERT_TRUE(before.in->pay(id));
    ASSERT_TRUE(
        before.on->execute("UPDATE orders SET status = 'paying', remind_at = '2020-01-01 "
                           "00:00:00', version = version + 1"));
  }
  running then{uri};
  EXPECT_FALSE(then.in->check(*then.on)->agree());
  EXPECT_EQ(then.in->finish_payments(*then.on), 1u);
  const auto books = then.in->check(*then.on);
  EXPECT_EQ(books->paid, 1);
  EXPECT_EQ(books->shop_cents, 700);
  EXPECT_TRUE(books->agree());
}

TEST_F(Shop, TwoShopsOnOneDatabaseNumberTheirOrdersApart) {
  running here{uri};
  running there{uri};
  EXPECT_EQ(placed(here), "1");
  EXPECT_EQ(placed(there), "2");
  EXPECT_EQ(placed(here), "3");
  EXPECT_EQ(placed(there), "4");
}

}}  // namespace orders
