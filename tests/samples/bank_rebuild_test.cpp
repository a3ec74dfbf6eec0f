#include <gtest/gtest.h>

#include <regex>

#include "bank_fixture.hpp"

namespace samples { namespace {

using BankRebuild = Bank;

constexpr std::chrono::seconds patience{60};

TEST_F(BankRebuild, MakesTheSameBalancesFromTheEvents) {
  ASSERT_EQ(bank({"import", postings_csv()}).code, 0);
  EXPECT_TRUE(bank({"balances", "--csv"}).out == expected_balances());
  ASSERT_GT(damage("DELETE FROM nexus_read_models WHERE id LIKE 'Assets:%'"), 0);
  EXPECT_FALSE(bank({"balances", "--csv"}).out == expected_balances());

  const auto rebuilt = bank({"rebuild"});
  EXPECT_EQ(rebuilt.code, 0) << rebuilt.err;
  EXPECT_TRUE(std::regex_match(rebuilt.out, std::regex{"accounts        [0-9]+\n"
                                                       "events       34,715 in [0-9.]+ s\n"}))
      << rebuilt.out;
  EXPECT_TRUE(
      std::regex_match(rebuilt.err, std::regex{"(bank: [0-9,]+ of [0-9,]+ events, [0-9,]+/s\n)+"}))
      << rebuilt.err;
  EXPECT_TRUE(bank({"balances", "--csv"}).out == expected_balances());
  EXPECT_EQ(bank({"verify"}).code, 0);
}

TEST_F(BankRebuild, DrawsABarOnATerminal) {
  ASSERT_EQ(bank({"import", postings_csv()}).code, 0);
  std::string line;
  for (const auto& part : bank_line({"rebuild"})) line += "'" + part + "' ";
  const auto shown = run({"script", "-qec", line, "/dev/null"}, directory.path());
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_TRUE(std::regex_search(
      shown.out, std::regex{"\r\x1b\\[K\\[[#.]{24}\\] +[0-9]+ %  [0-9,]+ of [0-9,]+ events"}))
      << shown.out;
  EXPECT_NE(shown.out.find("events       34,715 in "), std::string::npos) << shown.out;
}

TEST_F(BankRebuild, VerifyNamesARowThatTheEventsContradict) {
  const auto ledger =
      file("l.csv", std::string{header} + "t,2026-01-01,n,a,1.00,USD\n" +
                        "t,2026-01-02,n,a,2.00,USD\n" + "t,2026-01-02,n,b,3.00,USD\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  ASSERT_EQ(bank({"balances"}).code, 0);
  ASSERT_EQ(bank({"verify"}).code, 0);
  ASSERT_EQ(damage("UPDATE nexus_event_journal SET event_data = (SELECT event_data FROM "
                   "nexus_event_journal WHERE persistence_id = 'account|a' AND sequence_nr = 2) "
                   "WHERE persistence_id = 'account|a' AND sequence_nr = 1"),
            1);
  const auto verified = bank({"verify"});
  EXPECT_EQ(verified.code, 1);
  EXPECT_NE(verified.out.find("account|a: event 2 gives other balances than the balance sheet has; "
                              "`bank rebuild` repairs it\n"),
            std::string::npos)
      << verified.out;
  EXPECT_EQ(bank({"rebuild"}).code, 0);
  EXPECT_EQ(bank({"verify"}).code, 0);
  EXPECT_EQ(bank({"balances", "--csv"}).out,
            "account,currency,amount\r\na,USD,4.00\r\nb,USD,3.00\r\n");
}

// The one that no later event follows.
TEST_F(BankRebuild, AnUnreadableLastEventIsNamedUntilItIsRepaired) {
  const auto ledger = file(
      "l.csv", std::string{header} + "t,2026-01-01,n,a,1.00,USD\n" + "t,2026-01-02,n,a,2.00,USD\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  const std::string event = " WHERE persistence_id = 'account|a' AND sequence_nr = 2";
  (void)damage("CREATE TABLE kept AS SELECT event_data FROM nexus_event_journal" + event);
  ASSERT_EQ(damage("UPDATE nexus_event_journal SET event_data = x'c1'" + event), 1);
  for (const auto* command : {"balances", "rebuild"}) {
    const auto f = bank({command});
    EXPECT_EQ(f.code, 1);
    EXPECT_NE(f.err.find("bank: account|a: event 2"), std::string::npos) << f.err;
  }
  ASSERT_EQ(
      damage("UPDATE nexus_event_journal SET event_data = (SELECT event_data FROM kept)" + event),
      1);
  EXPECT_EQ(bank({"rebuild"}).code, 0);
  EXPECT_EQ(bank({"balances", "--csv"}).out, "account,currency,amount\r\na,USD,3.00\r\n");
}

TEST_F(BankRebuild, ProcessesAtOnceAllGiveTheSameBalances) {
  ASSERT_EQ(bank({"import", postings_csv()}).code, 0);
  std::vector<std::unique_ptr<process>> all;
  for (const auto& line :
       {command_line{"rebuild"}, {"balances", "--csv"}, {"rebuild"}, {"balances", "--csv"}}) {
    all.push_back(std::make_unique<process>(bank_line(line), directory.path()));
  }
  for (const auto& one : all) {
    EXPECT_TRUE(one->read_for(patience));
    EXPECT_EQ(one->wait(), 0) << one->err();
  }
  EXPECT_TRUE(all[1]->out() == expected_balances()) << all[1]->out();
  EXPECT_TRUE(all[3]->out() == expected_balances()) << all[3]->out();
}

TEST_F(BankRebuild, AKilledRebuildIsFinishedByTheNextCommand) {
  ASSERT_EQ(bank({"import", postings_csv()}).code, 0);
  {
    process killed{bank_line({"rebuild"}), directory.path()};
    killed.read_until([&] { return !killed.err().empty(); }, patience);
    (void)killed.kill();
  }
  EXPECT_TRUE(bank({"balances", "--csv"}).out == expected_balances());
  EXPECT_EQ(bank({"verify"}).code, 0);
}

}}  // namespace samples
