// Entities and their store's pool of sessions.
#include <atomic>
#include <barrier>
#include <nexus/live_reader.hpp>
#include <thread>
#include <vector>

#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

struct Pooled : store_fixture {
  // An id whose entity has to be recovered.
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

// 16 HTTP handlers that had used their session and asked a cold entity waited for themselves.
TEST_P(Pooled, BorrowersThatHoldEverySessionAndAskColdEntitiesAreAnsweredAtOnce) {
  for (const std::size_t max : {1u, 4u}) {
    for (std::size_t i = 0; i < max; ++i) write_some(std::to_string(i).c_str());
    const auto s = reopen({.max = max, .min_idle = 1, .borrow_timeout = 1h});
    entities<tally> all{sys, s};
    std::barrier everybody_has_one{static_cast<std::ptrdiff_t>(max)};
    std::atomic<std::size_t> answered{0};
    {
      std::vector<std::jthread> borrowers;
      for (std::size_t i = 0; i < max; ++i) {
        borrowers.emplace_back([&, i] {
          auto mine = s.sessions().borrow();
          everybody_has_one.arrive_and_wait();
          const auto id = std::to_string(i);
          const auto read = all.of(id).ask(tally::read{}).get(10s);
          const auto verified = all.of(id).ask_verified(tally::read{}).get(10s);
          if (mine && read && verified) ++answered;
        });
      }
    }
    EXPECT_EQ(answered, max);
    const auto now = s.sessions().statistics();
    EXPECT_EQ(now.max, max + now.reserved);
    EXPECT_LE(now.created, now.max);
  }
}

TEST_P(Pooled, ARecoveryThatGetsNoSessionIsToldAndTriesAgain) {
  write_some("a");
  journal->close(10s);
  journal = nexus::open(uri, {sqlite_backend()},
                        {.pool = {.max = 1, .min_idle = 1, .borrow_timeout = 5ms}, .readers = 1});
  const auto s = *journal;
  entities<tally> all{sys, s};
  std::optional held{s.sessions().borrow({.timeout = 10s, .reserved = true})};
  ASSERT_TRUE(*held);
  auto got = all.of("a").ask(tally::read{}).get(10s);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::pool_exhausted);
  held.reset();
  EXPECT_TRUE(eventually([&] { return all.of("a").ask(tally::read{}).get(10s) == 7; }));
  EXPECT_EQ(s.breaker().failures, 0u) << "the storage has nothing to do with it";
}

// A pool of N in which the sinks of N live readers borrowed again waited for its timeout.
TEST_P(Pooled, SinksOfLiveReadersBorrowAndAskColdEntities) {
  write_some("a");
  const auto s = reopen({.max = 1, .min_idle = 1, .borrow_timeout = 1h});
  entities<tally> all{sys, s};
  std::barrier all_are_in_their_sinks{4};
  std::atomic<int> passed{0};
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        auto reader = live_reader::open(s);
        ASSERT_TRUE(reader) << reader.error().message;
        const auto n = reader->read(
            [&](const persistence_id&, const record_view&) {
              all_are_in_their_sinks.arrive_and_wait();
              auto borrowed = s.sessions().borrow();
              if (borrowed && all.of("a").ask_verified(tally::read{}).get(10s) == 7) ++passed;
              return true;
            },
            10s);
        EXPECT_EQ(n, 1u);
      });
    }
  }
  EXPECT_EQ(passed, 4);
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
