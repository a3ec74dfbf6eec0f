// The code of docs/testing.md, compiled and run.
#include <gtest/gtest.h>

#include <chrono>
#include <nexus/nexus.hpp>
#include <nexus/testkit/builders.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/faulty.hpp>
#include <nexus/testkit/scenario.hpp>
#include <variant>

#include "account.hpp"

using namespace std::chrono_literals;

namespace {

using nexus::test::account;

}  // namespace

TEST(Account, MayNotBeOverdrawn) {
  using namespace nexus::testkit;
  given<account>(account::deposited{100})
      .when(account::withdraw{30})
      .then(account::withdrawn{30}, replies(70))
      .when(account::withdraw{71})
      .then(rejects("insufficient funds"));
}

TEST(Account, KeepsItsMoneyWhenAnAnswerIsLost) {
  using namespace nexus::testkit;
  auto faults = std::make_shared<nexus::testkit::faults>();
  auto store = nexus::open("memory:", {faulty(nexus::memory_backend(), faults)});
  nexus::system sys;
  nexus::entities<account> accounts{sys, *store};

  faults->inject(fault::lose_answer, operation::append);
  EXPECT_EQ(accounts.of("alice").ask(account::deposit{100}).get(10s), 100);
  faults->inject(fault::fail, operation::append);
  EXPECT_EQ(accounts.of("alice").ask(account::deposit{1}).get(10s).error().code,
            nexus::errc::unavailable);
}

TEST(Account, TakesNoMoneyWhileTheStorageIsDown) {
  using namespace nexus::testkit;
  auto faults = std::make_shared<nexus::testkit::faults>();

  nexus::testkit::deterministic_system det;
  auto store = det.open("memory:", {faulty(nexus::memory_backend(), faults)});
  nexus::entities<account> accounts{det, *store, {.backoff_min = 10s}};

  auto first = accounts.of("alice").ask(account::deposit{100});
  EXPECT_FALSE(first.is_answered());  // nothing has run yet
  EXPECT_EQ(det.get(first), 100);     // steps until it is answered

  faults->inject(fault::fail, operation::append);
  EXPECT_FALSE(det.get(accounts.of("alice").ask(account::deposit{1})));
  auto later = accounts.of("alice").ask(account::deposit{1});  // while alice backs off
  det.advance(7s);
  EXPECT_FALSE(later.is_answered());
  EXPECT_EQ(det.get(later, 1min), 101);

  det.steps().hold(nexus::executor::work::write);
  auto one = accounts.of("alice").ask(account::withdraw{1});
  auto two = accounts.of("bob").ask(account::deposit{1});
  det.advance(1h);
  EXPECT_FALSE(one.is_answered() || two.is_answered());
  det.steps().release(nexus::executor::work::write);
  EXPECT_EQ(det.get(one), 100);
  EXPECT_EQ(det.get(two), 1);
}

TEST(Account, AddsUpWhateverIsDeposited) {
  nexus::testkit::builder<account::deposited> deposits{1};
  auto small = deposits.with([](account::deposited& d) { d.cents = d.cents % 1'000; });
  account::state s;
  std::int64_t sum = 0;
  for (const auto& one : small.make(100)) {
    account::apply(s, one);
    sum += one.cents;
  }
  EXPECT_EQ(s.cents, sum);
}
