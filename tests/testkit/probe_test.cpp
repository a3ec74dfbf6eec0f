// The probe of persisted events, and entities that begin at a number.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <nexus/load_state.hpp>
#include <nexus/nexus.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/begin_at.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/faults.hpp>
#include <nexus/testkit/probe.hpp>

#include "docs/account.hpp"
#include "temporary_folder.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using nexus::test::account;
using testkit::begin_at;
using testkit::probe;

namespace {

struct note {
  static constexpr std::string_view entity_type = "note";
  struct put {
    std::string text;
  };
  struct read {};
  using command = std::variant<put, read>;
  using state = std::string;
  static auto decide(const state&, const put& c, const context& at) {
    return nexus::persist(c.text).then_reply(
        [number = at.next_nr()](const state&) { return number; });
  }
  static auto decide(const state& s, const read&) { return nexus::reply(s); }
};

struct Probe : testing::TestWithParam<const char*> {
  const test::temporary_folder folder;
  const store journal =
      nexus::open(GetParam() == std::string_view{"sqlite"} ? "sqlite:" + folder.path("t.db")
                                                           : "memory:")
          .value();
  nexus::system sys{{.threads = 2}};
  entities<account> accounts{sys, journal};

  void deposit(std::string_view id, std::int64_t cents) {
    ASSERT_TRUE(accounts.of(id).ask(account::deposit{cents}).get(10s));
  }
};

}  // namespace

TEST_P(Probe, SeesTheEventsOfOneIdInOrder) {
  auto alice = probe<account>{journal}.events("alice");
  deposit("alice", 100);
  deposit("bob", 5);
  ASSERT_TRUE(accounts.of("alice").ask(account::withdraw{30}).get(10s));
  alice.expect_next(account::deposited{100}).expect_next(account::withdrawn{30}).expect_none();
  EXPECT_EQ(alice.number(), 2u);
  deposit("alice", 7);
  alice.expect_next(account::deposited{7}).expect_none();
}

TEST_P(Probe, WaitsForAnEventThatIsStillOnItsWay) {
  auto alice = probe<account>{journal}.events("alice");
  auto later = accounts.of("alice").ask(account::deposit{1});
  alice.expect_next(account::deposited{1});
  EXPECT_EQ(later.get(10s), 1);
}

TEST_P(Probe, MayBeginAfterANumber) {
  for (int i = 1; i <= 3; ++i) deposit("alice", i);
  auto alice = probe<account>{journal}.events("alice", 2);
  const auto next = alice.next();
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->number, 3u);
  auto all = probe<account>{journal}.events("alice").rest();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 3u);
}

TEST_P(Probe, FailsForAnotherEventOrNoneWithWhatIsThere) {
  static probe<account>* at = nullptr;
  probe<account> stored{journal};
  at = &stored;
  deposit("alice", 100);
  EXPECT_NONFATAL_FAILURE(at->events("alice").expect_next(account::deposited{99}),
                          "event 1 of account|alice is deposited {\"cents\":100}, expected "
                          "deposited {\"cents\":99}, at .cents");
  EXPECT_NONFATAL_FAILURE(at->events("alice").expect_next(account::withdrawn{100}),
                          "event 1 of account|alice is deposited {\"cents\":100}, expected "
                          "withdrawn");
  EXPECT_NONFATAL_FAILURE(at->events("alice").expect_none(), "expected none");
  EXPECT_NONFATAL_FAILURE(at->events("alice", 1).expect_next(account::deposited{1}, 0ms),
                          "account|alice: no event after 1, expected deposited");
  EXPECT_NONFATAL_FAILURE(at->events("").expect_none(), "account|: invalid_argument: ");
}

TEST_P(Probe, AnEntityMayBeginAtANumber) {
  ASSERT_TRUE(begin_at<account>(journal, "alice", 25'000, {.cents = 5}));
  auto alice = probe<account>{journal}.events("alice");
  EXPECT_EQ(accounts.of("alice").ask(account::deposit{1}).get(10s), 6);
  const auto next = alice.next();
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->number, 25'001u);
  alice.expect_none();
  const auto now = load_state<account>(journal, "alice");
  EXPECT_EQ(now->state.cents, 6);
  EXPECT_EQ(load_state<account>(journal, "alice", {.number = 24'999}).error().code,
            errc::history_erased);
}

TEST_P(Probe, ADurableStateMayBeginAtAVersion) {
  ASSERT_TRUE(begin_at<note>(journal, "a", 1'000'000'000, "old"));
  entities<note> notes{sys, journal};
  EXPECT_EQ(notes.of("a").ask(note::read{}).get(10s), "old");
  EXPECT_EQ(notes.of("a").ask(note::put{"new"}).get(10s), 1'000'000'001u);
}

TEST_P(Probe, BeginningAtANumberIsForAnIdThatWasNeverUsed) {
  deposit("alice", 1);
  EXPECT_EQ(begin_at<account>(journal, "alice", 7).error().code, errc::already_exists);
  EXPECT_EQ(begin_at<account>(journal, "bob", 0).error().code, errc::invalid_argument);
  EXPECT_EQ(begin_at<account>(journal, "bob", testkit::begin_at_max + 1).error().code,
            errc::invalid_argument);
  EXPECT_EQ(begin_at<account>(journal, "", 1).error().code, errc::invalid_id);
}

INSTANTIATE_TEST_SUITE_P(Journals, Probe, testing::Values("memory", "sqlite"),
                         [](const auto& one) { return std::string{one.param}; });

TEST(ProbeOfADeterministicSystem, SeesWhatWasStored) {
  testkit::deterministic_system det;
  auto journal = det.open("memory:");
  entities<account> accounts{det, *journal};
  auto alice = probe<account>{*journal}.events("alice");
  auto later = accounts.of("alice").ask(account::deposit{1});
  alice.expect_none();
  EXPECT_EQ(det.get(later), 1);
  alice.expect_next(account::deposited{1}, 0ms);
}
