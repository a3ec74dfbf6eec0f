#include <gtest/gtest.h>

#include <nexus/nexus.hpp>

#include "bank_fixture.hpp"
#include "transfer.hpp"

namespace samples { namespace {

using bank::leg;
using bank::transfer;

class BankTransfer : public Bank {
 protected:
  void SetUp() override {
    const auto ledger = file("l.csv", std::string{header} + "t,2026-01-01,pay,a,100.00,USD\n" +
                                          "t,2026-01-01,pay,b,0.00,USD\n");
    ASSERT_EQ(bank({"import", ledger}).code, 0);
  }

  // Stores the events that a killed process has left of a transfer of 10.00 from a to b.
  void left_behind(const std::string& id, const std::vector<transfer::event>& of_transfer,
                   const std::vector<bank::account::event>& of_a) const {
    auto store = nexus::open("sqlite:" + journal());
    ASSERT_TRUE(store);
    auto session = store->open_session();
    ASSERT_TRUE(session);
    append<transfer>(**session, id, of_transfer);
    append<bank::account>(**session, "a", of_a);
  }

  std::string balances() const { return bank({"balances", "--csv"}).out; }

 private:
  template <class B>
  static void append(nexus::journal_session& session, const std::string& id,
                     const std::vector<typename B::event>& events) {
    const auto name = *nexus::persistence_id::make(B::entity_type, id);
    nexus::detail::event_batch batch;
    for (const auto& event : events) {
      std::visit(
          [&](const auto& e) {
            const auto data = nexus::encode(e);
            nexus::event_view view;
            view.type = e.type_name;
            view.schema_version = 1;
            view.codec = "msgpack";
            view.data = data;
            batch.add(view);
          },
          event);
    }
    if (events.empty()) return;
    const nexus::append_request request{name, session.highest(name).value(), nexus::ulid{},
                                        batch.events()};
    const auto outcome = session.append({&request, 1});
    ASSERT_TRUE(std::holds_alternative<nexus::stored>(outcome.at(0)));
  }
};

const transfer::started ten{"a", "b", 1000, "USD"};
const std::string one = "01ARZ3NDEKTSV4RRFFQ69G5FA1";
const std::string two = "01ARZ3NDEKTSV4RRFFQ69G5FA2";

TEST_F(BankTransfer, MovesMoneyAndShowsBothBalances) {
  const auto f = bank({"transfer", "a", "b", "12.5", "USD"});
  EXPECT_EQ(f.code, 0) << f.err;
  EXPECT_EQ(f.out, "moved 12.50 USD: a has 87.50, b has 12.50\n");
  EXPECT_EQ(balances(), "account,currency,amount\r\na,USD,87.50\r\nb,USD,12.50\r\n");
}

TEST_F(BankTransfer, IsInTheHistoryOfBoth) {
  ASSERT_EQ(bank({"transfer", "a", "b", "12.50", "USD"}).code, 0);
  ASSERT_EQ(bank({"transfer", "a", "b", "1000", "USD"}).code, 1);
  const auto a = bank({"history", "a"}).out;
  EXPECT_NE(a.find("transfer to b  -12.50    87.50  USD\n"), std::string::npos) << a;
  EXPECT_EQ(std::count(a.begin(), a.end(), '\n'), 3) << a;
  const auto b = bank({"history", "b"}).out;
  EXPECT_NE(b.find("transfer from a   12.50    12.50  USD\n"), std::string::npos) << b;
}

TEST_F(BankTransfer, FirstFinishesWhatACrashInterrupted) {
  left_behind(one, {ten}, {});
  left_behind(two, {ten}, {bank::account::moved{two, leg::withdraw, -1000, "USD", "b"}});
  auto f = bank({"verify"});
  EXPECT_EQ(f.code, 0) << f.out;
  EXPECT_NE(f.out.find("2 of 2 transfers are not over"), std::string::npos) << f.out;

  f = bank({"transfer", "b", "a", "1.00", "USD"});
  EXPECT_EQ(f.out, "finished 2 interrupted transfers\nmoved 1.00 USD: b has 19.00, a has 81.00\n");
  EXPECT_EQ(f.code, 0) << f.err;
  f = bank({"verify"});
  EXPECT_EQ(f.code, 0) << f.out;
  EXPECT_EQ(f.out.find("not over"), std::string::npos) << f.out;
}

// The paying account cannot be read: its transfers wait, those of others go on.
TEST_F(BankTransfer, OneThatIsHeldUpDoesNotKeepTheOthers) {
  ASSERT_EQ(
      bank({"import", file("c.csv", std::string{header} + "u,2026-01-01,pay,c,5.00,USD\n")}).code,
      0);
  left_behind(one, {ten}, {});
  ASSERT_EQ(damage("UPDATE nexus_event_journal SET event_data = x'c1' WHERE persistence_id = "
                   "'account|a'"),
            1);
  for (int i = 0; i < 2; ++i) {
    const auto f = bank({"transfer", "c", "b", "1.00", "USD"});
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(f.err.rfind("bank: transfer " + one + " is not over: ", 0), 0u) << f.err;
    EXPECT_NE(f.err.find("account|a: event 1: "), std::string::npos) << f.err;
    EXPECT_EQ(f.err.find('\n'), f.err.size() - 1) << f.err;
    EXPECT_EQ(f.out.rfind("moved 1.00 USD: c has ", 0), 0u) << f.out;
  }
}

TEST_F(BankTransfer, VerifyFindsMoneyThatIsLost) {
  ASSERT_EQ(bank({"transfer", "a", "b", "12.50", "USD"}).code, 0);
  ASSERT_EQ(damage("UPDATE nexus_event_journal SET event_data = (SELECT event_data FROM "
                   "nexus_event_journal WHERE persistence_id = 'account|b' AND sequence_nr = 1), "
                   "event_type = 'posted' WHERE persistence_id = 'account|b' AND sequence_nr = 2"),
            1);
  const auto f = bank({"verify"});
  EXPECT_EQ(f.code, 1);
  EXPECT_NE(f.out.find(": has lost or doubled money: posted were withdraw\n"), std::string::npos)
      << f.out;
}

TEST_F(BankTransfer, VerifyFindsAPostingWithoutATransfer) {
  left_behind(one, {}, {bank::account::moved{one, leg::withdraw, -1000, "USD", "b"}});
  const auto f = bank({"verify"});
  EXPECT_EQ(f.code, 1);
  EXPECT_NE(f.out.find("transfer|" + one + ": has no events, but an account knows it\n"),
            std::string::npos)
      << f.out;
}

TEST_F(BankTransfer, VerifyFindsAnAccountThatDoesNotForget) {
  left_behind(one, {ten, transfer::leg_refused{leg::withdraw, "no"}, transfer::completed{}},
              {bank::account::refused{one, leg::withdraw, "no"}});
  const auto f = bank({"verify"});
  EXPECT_EQ(f.code, 1);
  EXPECT_NE(f.out.find("transfer|" + one + ": is over, but a remembers it\n"), std::string::npos)
      << f.out;
}

TEST_F(BankTransfer, VerifyFindsAPostingOfAnotherAmount) {
  left_behind(one, {ten}, {bank::account::moved{one, leg::withdraw, -999, "USD", "b"}});
  const auto f = bank({"verify"});
  EXPECT_EQ(f.code, 1);
  EXPECT_NE(f.out.find("transfer|" + one + ": a withdraw of -9.99 USD is not its own\n"),
            std::string::npos)
      << f.out;
}

}}  // namespace samples
