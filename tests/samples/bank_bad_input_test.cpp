#include <gtest/gtest.h>

#include <filesystem>

#include "bank_fixture.hpp"

namespace samples { namespace {

// One line "bank: …" on stderr, nothing on stdout, exit 2.
void expect_one_line(const finished& f, std::string_view begin) {
  EXPECT_EQ(f.code, 2);
  EXPECT_EQ(f.out, "");
  EXPECT_EQ(f.err.rfind(std::string{"bank: "}.append(begin), 0), 0u)
      << f.err << "should begin with: bank: " << begin;
  EXPECT_EQ(f.err.find('\n'), f.err.size() - 1) << f.err;
}

TEST_F(Bank, ABadLedgerStoresNothingAndSaysWhere) {
  const std::string good = std::string{header} + "t,2026-01-01,n,a,1.00,USD\n";
  struct {
    std::string text;
    std::string_view where;
  } const rows[] = {
      {"", "1:transaction_id: the file is empty"},
      {"transaction_id,date,narration,account,currency\n", "1:amount: the header lacks"},
      {good + "t,2026-01-01,n,b\n", "3:amount: missing: the line has 4 of 6 fields"},
      {good + "t,2026-01-01,n,b,1.00,USD,x\n", "3:7: the line has 7 fields"},
      {good + "t,2026-01-01,\"n,b,1.00,USD\n", "3:narration: the quote is never closed"},
      {good + "t,2026-01-01,n\"n,b,1.00,USD\n", "3:narration: a quote inside"},
      {good + "t,2026-01-01,n,b,abc,USD\n", "3:amount: \"abc\" is not an amount"},
      {good + "t,2026-01-01,n,b,1.2.3,USD\n", "3:amount: \"1.2.3\" is not an amount"},
      {good + "t,2026-01-01,n,b,,USD\n", "3:amount: \"\" is not an amount"},
      {good + "t,2026-01-01,n,b,12.345,USD\n", "3:amount: \"12.345\" has more than two decimals"},
      {good + "t,2026-01-01,n,b,92233720368547758.08,USD\n",
       "3:amount: \"92233720368547758.08\" is too large"},
      {good + "t,2026-01-01,n,,1.00,USD\n", "3:account: is empty"},
      {good + "t,2026-01-01,n,\xff,1.00,USD\n", "3:account: persistence id"},
      {good + "t,2026-01-01,n," + std::string(250, 'x') + ",1.00,USD\n",
       "3:account: persistence id"},
      {good + "t,2026-01-01,n,b,1.00,\n", "3:currency: is empty"},
  };
  for (const auto& row : rows) {
    const auto ledger = file("l.csv", row.text);
    expect_one_line(bank({"import", ledger}), ledger + ":" + std::string{row.where});
    EXPECT_FALSE(journal_exists());
  }
}

TEST_F(Bank, ALedgerThatCannotBeReadIsNamed) {
  expect_one_line(bank({"import", directory.path("none.csv")}),
                  directory.path("none.csv") + ": No such file or directory");
  expect_one_line(bank({"import", directory.path()}), directory.path() + ": is a directory");
  EXPECT_FALSE(journal_exists());
}

TEST_F(Bank, AJournalThatDoesNotOpenIsNamed) {
  const auto ledger = file("l.csv", std::string{header} + "t,2026-01-01,n,a,1.00,USD\n");
  const auto text = file("text.db", std::string(4096, 'x'));
  std::filesystem::create_directory(directory.path("directory.db"));
  auto import_into = [&](const std::string& uri) {
    auto line = bank_line({"import", ledger});
    line.back() = uri;
    return run(line, directory.path());
  };
  for (const auto& uri : {
           "sqlite:" + directory.path("directory.db"),
           "sqlite:" + text,
           "sqlite:" + directory.path("no/such/directory.db"),
           "sqlite:" + directory.path("x.db") + "?speed=11",
           std::string{"oracle:prod"},
           std::string{"bank.db"},
       }) {
    SCOPED_TRACE(uri);
    const auto f = import_into(uri);
    expect_one_line(f, "");
    EXPECT_NE(f.err.find(uri), std::string::npos) << f.err;
  }
  EXPECT_EQ(contents(text), std::string(4096, 'x')) << "someone else's file was written to";
}

TEST_F(Bank, AForeignDatabaseIsLeftAlone) {
  const auto ledger = file("l.csv", std::string{header} + "t,2026-01-01,n,a,1.00,USD\n");
  make_foreign_database();
  for (const auto& arguments : {command_line{"import", ledger}, {"balances"}, {"verify"}}) {
    const auto before = contents(journal());
    const auto f = bank(arguments);
    expect_one_line(f, "");
    EXPECT_NE(f.err.find(journal()), std::string::npos) << f.err;
    EXPECT_EQ(contents(journal()), before);
  }
}

TEST_F(Bank, AReadOnlyJournalIsNamed) {
  const auto ledger = file("l.csv", std::string{header} + "t,2026-01-01,n,a,1.00,USD\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  std::filesystem::permissions(journal(), std::filesystem::perms::owner_read);
  if (run({"/bin/sh", "-c", "test -w " + journal()}, ".", privileges::dropped).code == 0) {
    GTEST_SKIP() << "root keeps its privileges here";
  }
  const auto f = bank({"import", file("m.csv", std::string{header} + "u,d,n,b,1.00,USD\n")},
                      privileges::dropped);
  expect_one_line(f, "");
  EXPECT_NE(f.err.find(journal()), std::string::npos) << f.err;
}

TEST_F(Bank, ReadingWhatIsNotThereMakesNothing) {
  for (const auto& arguments : {command_line{"balances"},
                                {"history", "a"},
                                {"verify"},
                                {"transfer", "a", "b", "1", "USD"}}) {
    expect_one_line(bank(arguments), "sqlite:" + journal() + ": no such journal");
  }
  EXPECT_FALSE(journal_exists());
}

TEST_F(Bank, AnUnknownAccountIsNamedWithItsLikes) {
  const auto ledger = file("l.csv", std::string{header} + "t,2026-01-01,n,Assets:Cash,1.00,USD\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  expect_one_line(bank({"history", "cash"}),
                  "sqlite:" + journal() + ": no account \"cash\"; there is Assets:Cash");
  expect_one_line(bank({"history", "Debts"}), "sqlite:" + journal() + ": no account \"Debts\"\n");
}

TEST_F(Bank, ATransferThatMakesNoSenseStoresNothingAndSaysWhy) {
  const auto ledger = file("l.csv", std::string{header} + "t,2026-01-01,n,Assets:Cash,5.00,USD\n" +
                                        "t,2026-01-01,n,b,1.00,USD\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  const auto at = "sqlite:" + journal();
  struct {
    command_line arguments;
    std::string says;
  } const rows[] = {
      {{"b", "b", "1", "USD"}, "TO: \"b\" is FROM as well\n"},
      {{"b", "Assets:Cash", "0", "USD"}, "AMOUNT: \"0\" is not above zero\n"},
      {{"b", "Assets:Cash", "-1.00", "USD"}, "AMOUNT: \"-1.00\" is not above zero\n"},
      {{"b", "Assets:Cash", "1.234", "USD"}, "AMOUNT: \"1.234\" has more than two decimals\n"},
      {{"b", "Assets:Cash", "1e3", "USD"}, "AMOUNT: \"1e3\" is not an amount\n"},
      {{"b", "Assets:Cash", "", "USD"}, "AMOUNT: \"\" is not an amount\n"},
      {{"b", "Assets:Cash", "92233720368547758.08", "USD"},
       "AMOUNT: \"92233720368547758.08\" is too large\n"},
      {{"b", "Assets:Cash", "1", ""}, "CURRENCY: is empty\n"},
      {{"", "b", "1", "USD"}, "FROM: is empty\n"},
      {{"b", "", "1", "USD"}, "TO: is empty\n"},
      {{"\xff", "b", "1", "USD"}, "FROM: persistence id"},
      {{"b", "\xff", "1", "USD"}, "TO: persistence id"},
      {{"b", "cash", "1", "USD"}, at + ": no account \"cash\"; there is Assets:Cash\n"},
      {{"Debts", "b", "1", "USD"}, at + ": no account \"Debts\"\n"},
      {{"b", "Assets:Cash", "1", "\xff"}, "CURRENCY: is not UTF-8"},
      {{"b", "Assets:Cash", "1"}, "CURRENCY is required"},
  };
  for (const auto& row : rows) {
    auto line = row.arguments;
    line.insert(line.begin(), "transfer");
    expect_one_line(bank(line), row.says);
    EXPECT_EQ(events_stored(), 2u);
  }
}

TEST_F(Bank, ATransferWithoutFundsIsOneLine) {
  const auto ledger = file(
      "l.csv", std::string{header} + "t,2026-01-01,n,a,5.00,USD\n" + "t,2026-01-01,n,b,1.00,USD\n");
  ASSERT_EQ(bank({"import", ledger}).code, 0);
  for (const auto& [currency, has] : {std::pair{"USD", "5.00 USD"}, {"CHF", "0.00 CHF"}}) {
    const auto f = bank({"transfer", "a", "b", "5.01", currency});
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(f.out, "");
    EXPECT_EQ(f.err, std::string{"bank: insufficient funds: a has "} + has + ", not 5.01\n");
  }
  EXPECT_EQ(bank({"balances", "--csv"}).out,
            "account,currency,amount\r\na,USD,5.00\r\nb,USD,1.00\r\n");
  EXPECT_EQ(bank({"verify"}).code, 0);
}

TEST_F(Bank, AWrongCommandLineIsOneLine) {
  expect_one_line(run({bank_line({}).front()}), "A subcommand is required");
  expect_one_line(run({bank_line({}).front(), "rob"}), "there is no command \"rob\"");
  expect_one_line(run({bank_line({}).front(), "import"}), "FILE is required");
  expect_one_line(run({bank_line({}).front(), "balances", "--xml"}), "");
}

}}  // namespace samples
