#include "importer.hpp"

#include <gtest/gtest.h>

namespace bank { namespace {

using namespace std::chrono_literals;

ledger of_one_account(std::size_t postings) {
  ledger made{.id = "l", .postings = {}};
  for (std::size_t i = 0; i < postings; ++i) {
    made.postings.push_back({.line = i + 2,
                             .transaction = "t",
                             .date = "2026-01-01",
                             .narration = "n",
                             .account = "hot",
                             .hundredths = 1,
                             .currency = "USD"});
  }
  return made;
}

// Nearly every posting is refused a few times: the account takes four at once, and gets all.
TEST(Importer, AnOverloadedAccountLosesNothing) {
  constexpr std::size_t postings = 500;
  const auto from = of_one_account(postings);
  nexus::system sys;
  auto store = nexus::open("memory:");
  ASSERT_TRUE(store) << store.error().message;
  nexus::entities<account> accounts{sys, *store, {.mailbox_max = 4}};

  const std::string file = "l.csv";
  importer work{file, from, accounts};
  const auto ran = work.run();
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_TRUE(work.refusals().empty());
  EXPECT_EQ(work.postings().posted(), postings);
  EXPECT_EQ(accounts.of("hot").ask(account::get_balances{}).get(10s),
            (account::balances{{"USD", postings}}));
}

TEST(Importer, AnOutageIsOutlastedForHalfAMinute) {
  std::chrono::steady_clock::time_point now{};
  endurance e{30s, now};
  EXPECT_TRUE(e.outlasts(now += 10s));
  EXPECT_TRUE(e.outlasts(now += 19s));
  EXPECT_FALSE(e.outlasts(now += 1s));
}

TEST(Importer, ProgressGivesTimeBackAndATrickleDoesNot) {
  std::chrono::steady_clock::time_point now{};
  endurance often{30s, now};  // a server that crashes every few thousand postings
  for (int crash = 0; crash < 100; ++crash) {
    EXPECT_TRUE(often.outlasts(now += 15s)) << crash;
    for (int i = 0; i < 2'000; ++i) often.got_through(now += 1ms);
  }
  endurance hardly{30s, now};
  int outages = 0;
  while (outages < 100 && hardly.outlasts(now += 2s)) {
    hardly.got_through(now);
    ++outages;
  }
  EXPECT_LT(outages, 20) << "one posting each is no progress";
}

}}  // namespace bank
