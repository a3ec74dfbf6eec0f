#include "balance_sheet.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "running_bank.hpp"
#include "temporary_folder.hpp"

namespace bank { namespace {

using namespace std::chrono_literals;
using nexus::test::temporary_folder;

constexpr auto patience = 60s;

account::posted usd(std::int64_t hundredths) {
  account::posted p;
  p.hundredths = hundredths;
  p.currency = "USD";
  return p;
}

TEST(Balance, AnEventThatComesAgainChangesNothing) {
  balance row;
  row.add(1, usd(500));
  row.add(2, account::moved{"t", leg::withdraw, -200, "USD", "b"});
  row.add(1, usd(500));
  row.add(2, usd(7));
  EXPECT_EQ(row.hundredths, (account::balances{{"USD", 300}}));
  EXPECT_EQ(row.events, 2u);
}

TEST(Balance, EventsWithoutMoneyAreCountedToo) {
  balance row;
  row.add(1, account::refused{"t", leg::withdraw, "no"});
  row.add(2, account::forgot{"t"});
  row.add(3, usd(5));
  EXPECT_EQ(row.hundredths, (account::balances{{"USD", 5}}));
  EXPECT_EQ(row.fault, "");
}

TEST(Balance, AMissingEventIsAFaultThatStays) {
  balance row;
  row.add(1, usd(500));
  row.add(3, usd(500));
  row.add(4, usd(500));
  EXPECT_EQ(row.fault, "event 2 is missing or unreadable");
  EXPECT_EQ(row.events, 1u);
  EXPECT_EQ(row.hundredths, (account::balances{{"USD", 500}}));
}

class BalanceSheet : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] nexus::store open() const {
    const std::string scheme = GetParam();
    auto made = nexus::open(scheme == "memory" ? "memory:" : scheme + ":" + folder.path("bank.db"));
    if (!made) throw std::runtime_error{made.error().message};
    return *std::move(made);
  }
  // As in "a 500, b -500"; with the fault of a row that has one.
  static std::string told(const nexus::result<std::vector<balance>>& rows) {
    if (!rows) return rows.error().message;
    std::string text;
    for (const auto& row : *rows) {
      text += (text.empty() ? "" : ", ") + row.id + " ";
      text += row.fault.empty() ? std::to_string(row.hundredths.at("USD")) : row.fault;
    }
    return text;
  }
  const temporary_folder folder;
};

TEST_P(BalanceSheet, HasEverythingThatWasAcknowledgedBefore) {
  const auto store = open();
  running process{store};
  const balance_sheet sheet{process.sys, store};
  EXPECT_EQ(told(sheet.all(patience)), "");
  process.post("a", 1000);
  EXPECT_EQ(told(sheet.all(patience)), "a 1000");
  process.post("b", 0);
  for (int i = 1; i <= 20; ++i) {
    EXPECT_EQ(process.move("a", "b", 10), "moved");
    EXPECT_EQ(told(sheet.all(patience)),
              "a " + std::to_string(1000 - 10 * i) + ", b " + std::to_string(10 * i));
  }
}

TEST_P(BalanceSheet, GivesPagesByPrefix) {
  const auto store = open();
  running process{store};
  const balance_sheet sheet{process.sys, store};
  for (const auto* name : {"Assets:Cash", "Assets:Stock", "Assets:Zoo", "Debts"}) {
    process.post(name, 1);
  }
  const nexus::id_filter assets{.type = account::entity_type, .after = {}, .prefix = "Assets:"};
  EXPECT_EQ(told(sheet.page(assets, 2, patience)), "Assets:Cash 1, Assets:Stock 1");
  auto next = assets;
  next.after = "Assets:Stock";
  EXPECT_EQ(told(sheet.page(next, 2, patience)), "Assets:Zoo 1");
  next.after = "Assets:Zoo";
  EXPECT_EQ(told(sheet.page(next, 2, patience)), "");
}

TEST_P(BalanceSheet, IsTheSameAfterARebuild) {
  const auto store = open();
  running process{store};
  const balance_sheet sheet{process.sys, store};
  for (int i = 0; i < 50; ++i) process.post("a" + std::to_string(i), i);
  const auto before = told(sheet.all(patience));
  ASSERT_TRUE(sheet.rebuild());
  EXPECT_EQ(told(sheet.all(patience)), before);
}

INSTANTIATE_TEST_SUITE_P(On, BalanceSheet, ::testing::Values("memory", "sqlite"),
                         [](const auto& of) { return std::string{of.param}; });

// A reader never sees a part of the rows, whatever another process does.
TEST(BalanceSheetOfTwoProcesses, IsWholeWhileOneRebuildsIt) {
  const temporary_folder folder;
  const auto uri = "sqlite:" + folder.path("bank.db");
  const auto here = nexus::open(uri);
  const auto there = nexus::open(uri);
  ASSERT_TRUE(here && there);
  running first{*here};
  running second{*there};
  for (int i = 0; i < 100; ++i) first.post("a" + std::to_string(i), 1);
  const balance_sheet mine{first.sys, *here};
  const balance_sheet other{second.sys, *there};
  std::atomic<bool> over{false};
  std::jthread rebuilding{[&] {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(other.rebuild());
      EXPECT_TRUE(other.all(patience));
    }
    over = true;
  }};
  do {
    const auto rows = mine.all(patience);
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(rows->size(), 100u);
    for (const auto& row : *rows) ASSERT_EQ(row.hundredths.at("USD"), 1);
  } while (!over);
}

}}  // namespace bank
