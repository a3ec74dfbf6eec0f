// The bank on DynamoDB: only the URI changes.
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "bank_fixture.hpp"
#include "kill_support.hpp"
#include "local_server.hpp"
#include "passing_server.hpp"

namespace samples { namespace {

using nexus::test::local_server;
using nexus::test::passing_server;
using std::chrono::milliseconds;

/// Each worker of the balance sheet renews its lease in each strand.
constexpr auto few_strands = "strands=4";

class BankOnDynamoDb : public Bank {
 protected:
  [[nodiscard]] command_line line(command_line arguments, const std::string& uri) const {
    arguments.insert(arguments.begin(), BANK_PROGRAM);
    arguments.insert(arguments.end(), {"--journal", uri});
    return arguments;
  }
  [[nodiscard]] finished run_bank(command_line arguments, const std::string& uri) const {
    return run(line(std::move(arguments), uri), directory.path());
  }

  /// The first postings of the real ledger: the whole takes a minute.
  [[nodiscard]] std::string some_postings() const {
    constexpr int lines = 6'001;
    std::istringstream all{contents(postings_csv())};
    std::string text;
    std::string one;
    for (int i = 0; i < lines && std::getline(all, one); ++i) text += one + "\n";
    return file("some.csv", text);
  }

  /// The balances are those of the same ledger in SQLite.
  void expect_whole(const std::string& csv, const std::string& uri) const {
    ASSERT_EQ(bank({"import", csv}).code, 0);
    const auto verified = run_bank({"verify"}, uri);
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
    EXPECT_TRUE(run_bank({"balances", "--csv"}, uri).out == bank({"balances", "--csv"}).out);
    const auto again = run_bank({"import", csv}, uri);
    EXPECT_NE(again.out.find("nothing changed"), std::string::npos) << again.out << again.err;
  }
};

TEST_F(BankOnDynamoDb, BalancesOfTheWholeLedgerAreTheSame) {
  const auto uri = local_server::shared().fresh_journal(few_strands);
  const auto imported = run_bank({"import", postings_csv()}, uri);
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_TRUE(run_bank({"balances", "--csv"}, uri).out == expected_balances());
  EXPECT_EQ(run_bank({"verify"}, uri).code, 0);
  const auto moved = run_bank(
      {"transfer", "Assets:US:BofA:Checking", "Assets:US:ETrade:Cash", "1.00", "USD"}, uri);
  EXPECT_EQ(moved.code, 0) << moved.out << moved.err;
  EXPECT_EQ(run_bank({"verify"}, uri).code, 0);
}

TEST_F(BankOnDynamoDb, AnImportKilledAtAnyMomentIsResumed) {
  auto random = random_source();
  const auto csv = some_postings();
  const auto uri = local_server::shared().fresh_journal(few_strands);
  for (int kills = 0; kills < times(4, 60); ++kills) {
    process import{line({"import", csv}, uri), directory.path()};
    std::this_thread::sleep_for(milliseconds{100 + random() % 2'000});
    (void)import.kill();
    import.wait();
  }
  EXPECT_EQ(run_bank({"import", csv}, uri).code, 0);
  expect_whole(csv, uri);
}

TEST_F(BankOnDynamoDb, AnImportSurvivesStopsOfTheServer) {
  local_server own{local_server::data::kept};
  passing_server before{own};
  const auto csv = some_postings();
  const auto uri = before.fresh_journal(few_strands);
  process import{line({"import", csv}, uri), directory.path()};
  for (int stops = 0; stops < times(2, 20); ++stops) {
    before.wait_for_transactions(50);
    before.stop();
    before.start();
  }
  EXPECT_EQ(import.wait(), 0) << import.out() << import.err();
  expect_whole(csv, uri);
}

TEST_F(BankOnDynamoDb, TwoImportsAtOncePostEverythingOnce) {
  const auto csv = some_postings();
  const auto uri = local_server::shared().fresh_journal(few_strands);
  process first{line({"import", csv}, uri), directory.path()};
  process second{line({"import", csv}, uri), directory.path()};
  EXPECT_EQ(first.wait(), 0) << first.out() << first.err();
  EXPECT_EQ(second.wait(), 0) << second.out() << second.err();
  expect_whole(csv, uri);
}

}}  // namespace samples::
