#include "ledger.hpp"

#include <gtest/gtest.h>

namespace bank { namespace {

const std::string header = "transaction_id,date,narration,account,amount,currency\n";
const std::string first = "t1,2026-01-01,Opening,Assets:Cash,10.00,USD\n";
const std::string second = "t1,2026-01-01,Opening,Equity:Opening,-10.00,USD\n";

ledger parsed(const std::string& text) { return parse_ledger("l.csv", text).value(); }

std::string error_of(const std::string& text) {
  const auto read = parse_ledger("l.csv", text);
  return read ? "no error" : read.error().message;
}

TEST(Ledger, ReadsPostingsWithTheirLines) {
  const auto read = parsed(header + first + "\n" + second);
  ASSERT_EQ(read.postings.size(), 2u);
  EXPECT_EQ(read.postings[0], (posting{.line = 2,
                                       .transaction = "t1",
                                       .date = "2026-01-01",
                                       .narration = "Opening",
                                       .account = "Assets:Cash",
                                       .hundredths = 1000,
                                       .currency = "USD"}));
  EXPECT_EQ(read.postings[1].line, 4u);
}

TEST(Ledger, ColumnsComeInAnyOrderAmongOthers) {
  const auto read = parsed(
      "currency,note,amount,account,narration,date,transaction_id\n"
      "USD,whatever,10.00,Assets:Cash,Opening,2026-01-01,t1\n");
  EXPECT_EQ(read.postings, parsed(header + first).postings);
  EXPECT_EQ(read.id, parsed(header + first).id);
}

TEST(Ledger, IsTheSameOneAfterItHasGrown) {
  EXPECT_EQ(parsed(header + first).id, parsed(header + first + second).id);
  EXPECT_NE(parsed(header + first).id, parsed(header + second).id);
  EXPECT_EQ(parsed(header).id, "");
}

TEST(Ledger, SaysWhereItIsWrong) {
  struct {
    std::string text;
    std::string_view error;
  } const rows[] = {
      {"", "l.csv:1:transaction_id: the file is empty; its first line names columns"},
      {"transaction_id,date,narration,account,currency\n",
       "l.csv:1:amount: the header lacks this column"},
      {"date,date,narration,account,amount,transaction_id,currency\n",
       "l.csv:1:date: the header names this column twice"},
      {header + first + "t2,2026-01-02,Lunch,Expenses:Food\n",
       "l.csv:3:amount: missing: the line has 4 of 6 fields"},
      {header + first + "t2,2026-01-02,Lunch,Expenses:Food,1.00,USD,?\n",
       "l.csv:3:7: the line has 7 fields, the header 6"},
      {header + "t2,2026-01-02,\"Lunch,Expenses:Food,1.00,USD\n",
       "l.csv:2:narration: the quote is never closed"},
      {header + first + "t2,2026-01-02,Lunch,Expenses:Food,12.345,USD\n",
       "l.csv:3:amount: \"12.345\" has more than two decimals"},
      {header + first + "t2,2026-01-02,Lunch,,1.00,USD\n", "l.csv:3:account: is empty"},
      {header + first + "t2,2026-01-02,Lunch,Expenses:Food,1.00,\n", "l.csv:3:currency: is empty"},
      {header + "t2,2026-01-02,Lunch,Expenses:\xff,1.00,USD\n",
       "l.csv:2:account: persistence id \"account|Expenses:\\xff\": is not valid UTF-8"},
  };
  for (const auto& row : rows) EXPECT_EQ(error_of(row.text), row.error);
  EXPECT_TRUE(error_of(header + "t,d,n," + std::string(300, 'x') + ",1.00,USD\n")
                  .starts_with("l.csv:2:account: "));
}

}}  // namespace bank
