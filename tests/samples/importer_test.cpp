#include "importer.hpp"

#include <gtest/gtest.h>

namespace bank {
namespace {

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

// Nearly every posting is turned away a few times: the account takes four at once, and is sent all.
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

}  // namespace
}  // namespace bank
