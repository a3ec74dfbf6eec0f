#include <gtest/gtest.h>

#include <algorithm>

#include "bank_fixture.hpp"

namespace samples { namespace {

class BankVerify : public Bank {
 protected:
  void SetUp() override {
    std::string text{header};
    for (int day = 1; day <= 9; ++day) {
      for (std::string_view account : {"a", "b"}) {
        text += "t,2026-01-0" + std::to_string(day) + ",n," + std::string{account} + ",1.00,USD\n";
      }
    }
    ASSERT_EQ(bank({"import", file("l.csv", text)}).code, 0);
  }

  void expect_fault(const std::string& place) const {
    const auto f = bank({"verify"});
    EXPECT_EQ(f.code, 1);
    EXPECT_NE(f.out.find(place), std::string::npos) << f.out << f.err;
  }
};

TEST_F(BankVerify, AWholeJournalIsClean) {
  const auto f = bank({"verify"});
  EXPECT_EQ(f.code, 0) << f.err;
  EXPECT_EQ(f.out,
            "ids             2\n"
            "events         18\n"
            "faults          0\n"
            "clean: numbers without a gap, every event decodes\n");
}

TEST_F(BankVerify, AGapIsNamed) {
  ASSERT_EQ(
      damage(
          "DELETE FROM nexus_event_journal WHERE persistence_id = 'account|b' AND sequence_nr = 5"),
      1);
  expect_fault("account|b: event 5 is missing\n");
}

TEST_F(BankVerify, AMissingEndIsNamed) {
  ASSERT_EQ(
      damage(
          "DELETE FROM nexus_event_journal WHERE persistence_id = 'account|b' AND sequence_nr > 7"),
      2);
  expect_fault("account|b: events 8 to 9 are missing\n");
}

TEST_F(BankVerify, AnEventThatDoesNotDecodeIsNamed) {
  ASSERT_EQ(damage("UPDATE nexus_event_journal SET event_data = x'c1' WHERE persistence_id = "
                   "'account|a' AND sequence_nr = 3"),
            1);
  expect_fault("account|a: event 3 ");
}

TEST_F(BankVerify, AnEventOfAnUnknownTypeIsNamed) {
  ASSERT_EQ(damage("UPDATE nexus_event_journal SET event_type = 'stolen' WHERE persistence_id = "
                   "'account|a' AND sequence_nr = 9"),
            1);
  expect_fault("account|a: event 9 ");
}

TEST_F(BankVerify, ACorruptAccountDoesNotHideTheOthers) {
  ASSERT_EQ(damage("UPDATE nexus_event_journal SET event_data = x'c1' WHERE persistence_id = "
                   "'account|a' AND sequence_nr = 3"),
            1);
  const auto f = bank({"balances", "--csv"});
  EXPECT_EQ(f.code, 1);
  EXPECT_EQ(f.out, "account,currency,amount\r\nb,USD,9.00\r\n");
  EXPECT_NE(f.err.find("account|a"), std::string::npos) << f.err;
  EXPECT_NE(f.err.find('3'), std::string::npos) << f.err;
  const auto said = f.err.find("bank: ");  // after a line of the log
  ASSERT_NE(said, std::string::npos) << f.err;
  EXPECT_EQ(f.err.find('\n', said), f.err.size() - 1) << f.err;
  EXPECT_EQ(std::count(f.err.begin(), f.err.end(), '\n'), 2) << f.err;
}

TEST_F(BankVerify, ACorruptAccountDoesNotHoldUpAnImport) {
  ASSERT_EQ(
      damage(
          "DELETE FROM nexus_event_journal WHERE persistence_id = 'account|a' AND sequence_nr = 3"),
      1);
  const auto more = file("more.csv", std::string{header} + "u,2026-02-01,n,a,1.00,USD\n" +
                                         "u,2026-02-01,n,b,1.00,USD\n");
  const auto f = bank({"import", more});
  EXPECT_EQ(f.code, 1);
  EXPECT_EQ(f.err.rfind("bank: " + more + ":2:amount: a refuses 1.00 USD: ", 0), 0u) << f.err;
  EXPECT_EQ(bank({"balances", "--csv"}).out, "account,currency,amount\r\nb,USD,10.00\r\n");
}

}}  // namespace samples
