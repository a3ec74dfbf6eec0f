#include <gtest/gtest.h>

#include <algorithm>

#include "bank_fixture.hpp"

namespace samples { namespace {

std::string lines_of(const std::string& text, std::size_t count) {
  std::size_t end = 0;
  while (count-- > 0) end = text.find('\n', end) + 1;
  return text.substr(0, end);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Bank, BalancesEqualThoseOfAnIndependentProgram) {
  const auto imported = bank({"import", postings_csv()});
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(imported.err, "") << "a progress bar is for terminals";
  EXPECT_TRUE(has(imported.out, "34,715 new, 0 already there")) << imported.out;
  EXPECT_TRUE(has(imported.out, "250")) << imported.out;

  const auto balances = bank({"balances", "--csv"});
  EXPECT_EQ(balances.code, 0);
  EXPECT_EQ(balances.err, "");
  EXPECT_TRUE(balances.out == expected_balances()) << "balances.csv differs";
  EXPECT_EQ(events_stored(), postings);
}

TEST_F(Bank, ImportingAgainChangesNothingAndSaysSo) {
  ASSERT_EQ(bank({"import", postings_csv()}).code, 0);
  const auto again = bank({"import", postings_csv()});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(has(again.out, "nothing changed")) << again.out;
  EXPECT_TRUE(has(again.out, "0 new, 34,715 already there")) << again.out;
  EXPECT_EQ(events_stored(), postings);
}

TEST_F(Bank, ALedgerThatGrewPostsOnlyWhatIsNew) {
  const auto whole = contents(postings_csv());
  const auto ledger = file("l.csv", lines_of(whole, 20'001));
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  EXPECT_EQ(events_stored(), 20'000u);

  file("l.csv", whole);
  const auto grown = bank({"import", ledger});
  EXPECT_EQ(grown.code, 0) << grown.err;
  EXPECT_TRUE(has(grown.out, "14,715 new, 20,000 already there")) << grown.out;
  EXPECT_TRUE(bank({"balances", "--csv"}).out == expected_balances());
}

TEST_F(Bank, LedgersDoNotMixUpTheirLines) {
  const std::string head{header};
  const auto one =
      file("one.csv", head + "t1,2026-01-01,n,a,1.00,USD\nt1,2026-01-01,n,b,-1.00,USD\n");
  const auto two =
      file("two.csv", head + "t2,2026-01-01,n,a,5.00,USD\nt2,2026-01-01,n,b,-5.00,CHF\n");
  for (const auto& ledger : {one, two, one, two}) EXPECT_EQ(bank({"import", ledger}).code, 0);
  EXPECT_EQ(bank({"balances", "--csv"}).out,
            "account,currency,amount\r\na,USD,6.00\r\nb,CHF,-5.00\r\nb,USD,-1.00\r\n");
}

TEST_F(Bank, TwoImportsAtOncePostEverythingOnce) {
  process one{bank_line({"import", postings_csv()}), directory.path()};
  process two{bank_line({"import", postings_csv()}), directory.path()};
  EXPECT_EQ(one.wait(), 0) << one.err();
  EXPECT_EQ(two.wait(), 0) << two.err();
  EXPECT_EQ(events_stored(), postings);
  EXPECT_TRUE(bank({"balances", "--csv"}).out == expected_balances());
  EXPECT_EQ(bank({"verify"}).code, 0);
}

TEST_F(Bank, AnOverflowIsReportedAndTheRestIsKept) {
  const auto ledger = file("l.csv", std::string{header} +
                                        "t,2026-01-01,n,rich,92233720368547758.07,USD\n"
                                        "t,2026-01-01,n,rich,0.01,USD\n"
                                        "t,2026-01-01,n,rich,0.02,USD\n"
                                        "t,2026-01-01,n,poor,0.01,USD\n");
  for (int time = 0; time < 2; ++time) {
    const auto imported = bank({"import", ledger});
    EXPECT_EQ(imported.code, 1);
    EXPECT_EQ(imported.err, "bank: " + ledger +
                                ":3:amount: rich refuses 0.01 USD: the balance in USD would "
                                "overflow; 1 later posting of it waits\n");
  }
  EXPECT_EQ(bank({"balances", "--csv"}).out,
            "account,currency,amount\r\npoor,USD,0.01\r\nrich,USD,92233720368547758.07\r\n");
}

TEST_F(Bank, AnEditedLedgerIsNotTakenForTheOldOne) {
  const std::string head = std::string{header} + "t,2026-01-01,n,a,1.00,USD\n";
  const auto ledger = file("l.csv", head + "t,2026-01-01,n,b,2.00,USD\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  file("l.csv", head + "t,2026-01-01,n,b,3.00,USD\n");
  const auto imported = bank({"import", ledger});
  EXPECT_EQ(imported.code, 1);
  EXPECT_TRUE(has(imported.err, "l.csv:3:")) << imported.err;
  EXPECT_TRUE(has(imported.err, "differs from what was posted")) << imported.err;
  EXPECT_EQ(events_stored(), 2u);
}

TEST_F(Bank, QuotedFieldsComeBackAsTheyWere) {
  const auto ledger =
      file("l.csv",
           "\xef\xbb\xbf"
           "amount,account,currency,date,narration,transaction_id\r\n"
           "-1.50,\"Assets, \"\"mine\"\"\",EUR,2026-01-01,\"two\r\nlines, café\",t");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  EXPECT_EQ(bank({"balances", "--csv"}).out,
            "account,currency,amount\r\n\"Assets, \"\"mine\"\"\",EUR,-1.50\r\n");
  const auto history = bank({"history", "Assets, \"mine\""});
  EXPECT_EQ(history.code, 0) << history.err;
  EXPECT_TRUE(has(history.out, "2026-01-01  two  lines, café")) << history.out;
}

TEST_F(Bank, BalancesLineUpForPeople) {
  const auto ledger = file("l.csv", std::string{header} +
                                        "t,2026-01-01,n,Expenses:Café,1.00,USD\n"
                                        "t,2026-01-01,n,Cash,-1000.00,USD\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  EXPECT_EQ(bank({"balances"}).out,
            "Cash           -1000.00  USD\n"
            "Expenses:Café      1.00  USD\n");
}

TEST_F(Bank, HistoryRunsTheBalance) {
  const auto ledger = file("l.csv", std::string{header} +
                                        "t1,2026-01-01,Pay,Cash,100.00,USD\n"
                                        "t2,2026-01-02,Lunch,Cash,-12.50,USD\n"
                                        "t3,2026-01-03,Fondue,Cash,-30.00,CHF\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  EXPECT_EQ(bank({"history", "Cash"}).out,
            "date        narration  amount  balance  currency\n"
            "2026-01-01  Pay        100.00   100.00  USD\n"
            "2026-01-02  Lunch      -12.50    87.50  USD\n"
            "2026-01-03  Fondue     -30.00   -30.00  CHF\n");
}

TEST_F(Bank, ALedgerWithoutPostingsIsEmptyNotAnError) {
  const auto imported = bank({"import", file("l.csv", header)});
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(bank({"balances", "--csv"}).out, "account,currency,amount\r\n");
}

}}  // namespace samples
