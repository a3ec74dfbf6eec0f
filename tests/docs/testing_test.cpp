// The code of docs/testing.md, compiled and run.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <nexus/nexus.hpp>
#include <nexus/testkit/begin_at.hpp>
#include <nexus/testkit/builders.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/faulty.hpp>
#include <nexus/testkit/probe.hpp>
#include <nexus/testkit/projecting.hpp>
#include <nexus/testkit/scenario.hpp>
#include <string>
#include <variant>

#include "account.hpp"
#include "temporary_folder.hpp"

using namespace std::chrono_literals;

namespace {

using nexus::test::account;

std::int64_t change_of(const account::event& event) {
  if (const auto* in = std::get_if<account::deposited>(&event)) return in->cents;
  return -std::get<account::withdrawn>(event).cents;
}

struct balances_in_sql {
  const nexus::test::temporary_folder folder;
  const nexus::store store = nexus::open("sqlite:" + folder.path("rows.db")).value();
  const std::unique_ptr<nexus::journal_session> session = store.open_session().value();

  balances_in_sql() {
    session->execute("CREATE TABLE balances (id text PRIMARY KEY, cents integer)").value();
  }
  auto rows() const {
    return session->query<std::string, std::int64_t>("SELECT * FROM balances ORDER BY id").value();
  }
};

nexus::result<void> add_to_balance(nexus::session& on, const nexus::projected<account>& e) {
  return on
      .execute(
          "INSERT INTO balances VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET "
          "cents = cents + excluded.cents",
          e.id, change_of(e.event))
      .map([](const auto&) {});
}

}  // namespace

TEST(Account, MayNotBeOverdrawn) {
  using namespace nexus::testkit;
  given<account>(account::deposited{100})
      .when(account::withdraw{30})
      .then(account::withdrawn{30}, replies(70))
      .when(account::withdraw{71})
      .then(rejects("insufficient funds"));
}

TEST(Account, MayBeginAtANumber) {
  using namespace nexus::testkit;
  given<account>().at_number(1'000'000).when(account::deposit{1}).then(account::deposited{1});
}

TEST(Account, StoresWhatItSays) {
  auto store = nexus::open("memory:");
  nexus::system sys;
  nexus::entities<account> accounts{sys, *store};
  nexus::testkit::probe<account> stored{*store};
  auto alice = stored.events("alice");
  EXPECT_EQ(accounts.of("alice").ask(account::deposit{100}).get(10s), 100);
  EXPECT_EQ(accounts.of("alice").ask(account::withdraw{30}).get(10s), 70);
  alice.expect_next(account::deposited{100}).expect_next(account::withdrawn{30}).expect_none();

  EXPECT_TRUE(nexus::testkit::begin_at<account>(*store, "bob", 1'000, {.cents = 5}));
  EXPECT_EQ(accounts.of("bob").ask(account::deposit{1}).get(10s), 6);  // event 1,001
}

TEST(Balances, CountARepeatedEventOnce) {
  std::map<std::string, std::int64_t> cents;
  std::map<std::string, nexus::sequence_nr> counted;
  const auto count = [&](const nexus::projected<account>& e) {
    if (e.number <= counted[e.id]) return;
    counted[e.id] = e.number;
    cents[e.id] += change_of(e.event);
  };
  nexus::testkit::projecting<account> balances{count};
  balances.given("alice", account::deposited{100}).given("alice", account::withdrawn{30});
  EXPECT_TRUE(balances.handled());
  EXPECT_TRUE(balances.delivered_again());
  EXPECT_EQ(cents["alice"], 70);
}

TEST(Balances, AreTheSameInBatchesOfEverySize) {
  EXPECT_TRUE(nexus::testkit::same_in_all_batches([](std::size_t batch_max) {
    const balances_in_sql target;
    nexus::testkit::projecting<account> balances{
        add_to_balance, {.on = target.session.get(), .batch_max = batch_max}};
    for (int i = 0; i < 20; ++i) {
      balances.given(i % 2 == 0 ? "alice" : "bob", account::deposited{i});
    }
    EXPECT_TRUE(balances.handled());
    return target.rows();
  }));
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
