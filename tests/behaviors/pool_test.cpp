// Entities and their store's pool of sessions.
#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

struct Pooled : store_fixture {
  // One id whose entity has to be recovered.
  void write_some(const char* id) {
    entities<tally> all{sys, *journal};
    ASSERT_TRUE(all.of(id).ask(tally::add{7}).get(10s));
  }
  store reopen(pool_options p) {
    journal->close(10s);
    journal = nexus::open(uri, {memory_backend(), sqlite_backend()}, {.pool = std::move(p)});
    return *journal;
  }
};

INSTANTIATE_TEST_SUITE_P(Sqlite, Pooled, testing::Values("sqlite"));

}  // namespace

TEST_P(Pooled, ARecoveryBorrowsASessionAndPassivationLeavesNone) {
  write_some("a");
  const auto& sessions = journal->sessions();
  const auto before = sessions.statistics().borrows;
  {
    entities<tally> all{sys, *journal, {.passivate_after = 1ms}};
    EXPECT_EQ(all.of("a").ask(tally::read{}).get(10s), 7);
    EXPECT_GT(sessions.statistics().borrows, before);
    EXPECT_TRUE(eventually([&] { return all.live() == 0; }));
  }
  EXPECT_TRUE(eventually([&] { return sessions.statistics().in_use == 0; }));
}

TEST_P(Pooled, ARecoveryWaitsForItsTurnAmongThoseWhoBorrow) {
  write_some("a");
  const auto s = reopen({.max = 1, .min_idle = 1});
  entities<tally> all{sys, s};
  std::optional held{s.sessions().borrow()};
  ASSERT_TRUE(*held);
  auto asked = all.of("a").ask(tally::read{});
  EXPECT_TRUE(eventually([&] { return s.sessions().statistics().waiting == 1; }));
  EXPECT_FALSE(asked.is_answered());
  held.reset();
  EXPECT_EQ(asked.get(10s), 7);
}

TEST_P(Pooled, ARecoveryThatGetsNoSessionIsToldAndTriesAgain) {
  write_some("a");
  const auto s = reopen({.max = 1, .min_idle = 1, .borrow_timeout = 5ms});
  entities<tally> all{sys, s};
  std::optional held{s.sessions().borrow({.timeout = 10s})};
  ASSERT_TRUE(*held);
  auto got = all.of("a").ask(tally::read{}).get(10s);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::pool_exhausted);
  held.reset();
  EXPECT_TRUE(eventually([&] { return all.of("a").ask(tally::read{}).get(10s) == 7; }));
  EXPECT_EQ(s.breaker().failures, 0u) << "the storage has nothing to do with it";
}

TEST_P(Pooled, ClosingAStoreWaitsForLeasesAndThenBreaksThem) {
  const auto s = reopen({.max = 2});
  auto held = s.sessions().borrow();
  ASSERT_TRUE(held);
  EXPECT_FALSE(s.close(10ms));
  EXPECT_TRUE((*held)->broken());
  auto after = s.sessions().borrow();
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, errc::pool_closed);
  held->give_back();
  EXPECT_TRUE(s.close(10s));
}

TEST_P(Pooled, OptionsThatMakeNoSenseAreRefusedByName) {
  auto made = nexus::open("memory:", {memory_backend()}, {.pool = {.max = 1, .min_idle = 2}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "pool memory:: min_idle is 2, more than max, which is 1");
}

TEST_P(Pooled, ItsCountsAreAmongTheStoresMetrics) {
  write_some("a");
  EXPECT_NE(to_text(journal->metrics()).find("nexus_pool_created_total{pool=\"sqlite:"),
            std::string::npos);
}
