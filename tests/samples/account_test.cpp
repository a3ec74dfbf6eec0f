#include "account.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bank { namespace {

// A ledger's postings to one account, like the plan's: every posting names the one before.
class sender {
 public:
  explicit sender(std::string ledger) : ledger_{std::move(ledger)} {}

  account::post post(std::uint64_t line, std::int64_t hundredths, std::string currency = "USD") {
    account::post c{.what = {.ledger = ledger_,
                             .line = line,
                             .date = "2026-01-01",
                             .narration = "Lunch",
                             .transaction = "t1",
                             .hundredths = hundredths,
                             .currency = std::move(currency)},
                    .after = line_,
                    .digest = 0};
    line_ = line;
    digest_ = c.digest = account::digest_after(digest_, c.what);
    return c;
  }

 private:
  std::string ledger_;
  std::uint64_t line_ = 0;
  std::uint64_t digest_ = 0;
};

// Decides and applies; returns the answer, or the refusal's text.
std::string give(account::state& s, const account::post& c) {
  const auto effect = nexus::decide<account>(s, c);
  for (const auto& event : effect.events()) account::apply(s, std::get<account::posted>(event));
  const auto answer = effect.reply(s);
  if (!answer) return answer.error().message;
  switch (*answer) {
    case taken::posted:
      return "posted";
    case taken::known:
      return "known";
    case taken::early:
      return "early";
  }
  return "?";
}

TEST(Account, AddsUpPerCurrency) {
  account::state s;
  sender ledger{"l"};
  EXPECT_EQ(give(s, ledger.post(2, 1000)), "posted");
  EXPECT_EQ(give(s, ledger.post(5, -250)), "posted");
  EXPECT_EQ(give(s, ledger.post(6, 7, "CHF")), "posted");
  EXPECT_EQ(s.hundredths, (account::balances{{"CHF", 7}, {"USD", 750}}));
  EXPECT_EQ(nexus::decide<account>(s, account::get_balances{}).reply(s).value(), s.hundredths);
}

TEST(Account, ABalanceOfZeroIsStillOne) {
  account::state s;
  sender ledger{"l"};
  EXPECT_EQ(give(s, ledger.post(2, 5)), "posted");
  EXPECT_EQ(give(s, ledger.post(3, -5)), "posted");
  EXPECT_EQ(s.hundredths, (account::balances{{"USD", 0}}));
}

TEST(Account, APostingThatComesAgainChangesNothing) {
  account::state s;
  sender ledger{"l"};
  const auto first = ledger.post(2, 1000);
  const auto second = ledger.post(3, 1);
  EXPECT_EQ(give(s, first), "posted");
  EXPECT_EQ(give(s, first), "known");
  EXPECT_EQ(give(s, second), "posted");
  EXPECT_EQ(give(s, first), "known");
  EXPECT_EQ(give(s, second), "known");
  EXPECT_EQ(s.hundredths["USD"], 1001);
}

TEST(Account, APostingWhoseForerunnerGotLostIsNotTaken) {
  account::state s;
  sender ledger{"l"};
  const auto first = ledger.post(2, 1000);
  const auto second = ledger.post(3, 1);
  EXPECT_EQ(give(s, second), "early");
  EXPECT_TRUE(s.hundredths.empty());
  EXPECT_EQ(give(s, first), "posted");
  EXPECT_EQ(give(s, second), "posted");
}

TEST(Account, RemembersOneLinePerLedger) {
  account::state s;
  sender one{"one"};
  sender other{"other"};
  for (std::uint64_t line = 2; line < 1000; ++line) {
    ASSERT_EQ(give(s, one.post(line, 1)), "posted");
    ASSERT_EQ(give(s, other.post(line, 100)), "posted");
  }
  EXPECT_EQ(s.ledgers.size(), 2u);
  EXPECT_EQ(s.ledgers["one"].line, 999u);
  EXPECT_EQ(s.hundredths["USD"], 998 * 101);
}

TEST(Account, ALedgerWhosePastWasEditedIsRefused) {
  account::state s;
  sender before{"l"};
  EXPECT_EQ(give(s, before.post(2, 1000)), "posted");
  EXPECT_EQ(give(s, before.post(3, 1)), "posted");

  sender amount_changed{"l"};
  EXPECT_EQ(give(s, amount_changed.post(2, 9999)), "known");  // not yet to be seen …
  const std::string differs = "differs from what was posted from this ledger before";
  EXPECT_EQ(give(s, amount_changed.post(3, 1)), differs);  // … but here it is

  sender line_inserted{"l"};
  EXPECT_EQ(give(s, line_inserted.post(2, 1000)), "known");
  EXPECT_EQ(give(s, line_inserted.post(4, 1)),
            "the ledger no longer has line 3, which was posted before");
  EXPECT_EQ(s.hundredths["USD"], 1001);
}

TEST(Account, AnOverflowPersistsNothing) {
  account::state s;
  sender ledger{"l"};
  EXPECT_EQ(give(s, ledger.post(2, std::numeric_limits<std::int64_t>::max())), "posted");
  const auto effect = nexus::decide<account>(s, ledger.post(3, 1));
  EXPECT_TRUE(effect.rejected());
  EXPECT_TRUE(effect.events().empty());
  EXPECT_EQ(effect.error().message, "the balance in USD would overflow");
}

}}  // namespace bank
