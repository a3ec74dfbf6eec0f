// The code of docs/testing.md, compiled and run.
#include <gtest/gtest.h>

#include <chrono>
#include <nexus/nexus.hpp>
#include <nexus/testkit/builders.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/faulty.hpp>
#include <nexus/testkit/scenario.hpp>
#include <variant>

using namespace std::chrono_literals;

namespace {

struct account {
  static constexpr std::string_view entity_type = "account";

  struct deposit {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdraw {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using command = std::variant<deposit, withdraw>;

  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdrawn {
    static constexpr std::string_view type_name = "withdrawn";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited, withdrawn>;

  struct state {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };

  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
  }
  static nexus::effect<account, std::int64_t> decide(const state& s, const withdraw& c) {
    if (c.cents > s.cents) return nexus::reject("insufficient funds");
    return nexus::persist(withdrawn{c.cents}).then_reply(&state::cents);
  }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
  static void apply(state& s, const withdrawn& e) { s.cents -= e.cents; }
};

}  // namespace

TEST(Account, MayBeOverdrawnByNobody) {
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
  EXPECT_FALSE(first.is_answered());  // not even handled
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
