// Running transfers: entities on a journal in memory, with every kind of ending, and a second
// process with the same transfers.
#include <gtest/gtest.h>

#include <limits>
#include <nexus/nexus.hpp>
#include <optional>
#include <vector>

#include "journal.hpp"
#include "running_bank.hpp"

namespace bank { namespace {

using std::chrono::seconds;
constexpr auto max = std::numeric_limits<std::int64_t>::max();

class Transfers : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = nexus::open("memory:");
    ASSERT_TRUE(opened);
    store.emplace(std::move(*opened));
    session = store->open_session().value();
  }

  // The types of an id's events, in order.
  std::string events(std::string_view type, const std::string& id) const {
    std::string all;
    const auto read = for_each_record(*session, *nexus::persistence_id::make(type, id),
                                      [&](const nexus::record_view& record) {
                                        all += std::string{record.event.type} + " ";
                                        return true;
                                      });
    EXPECT_TRUE(read);
    return all;
  }

  std::size_t open_transfers() const {
    std::size_t n = 0;
    EXPECT_TRUE(for_each_open_transfer(*session, "", [&](auto) -> nexus::result<void> {
      ++n;
      return {};
    }));
    return n;
  }

  std::optional<nexus::store> store;
  std::unique_ptr<nexus::journal_session> session;
};

TEST_F(Transfers, MoveMoneyAndLeaveNothingBehind) {
  running bank{*store};
  bank.post("cash", 1000);
  EXPECT_EQ(bank.move("cash", "food", 400), "moved");
  EXPECT_EQ(bank.balance("cash"), 600);
  EXPECT_EQ(bank.balance("food"), 400);
  EXPECT_EQ(events("account", "cash"), "posted moved forgot ");
  EXPECT_EQ(events("account", "food"), "moved forgot ");
  EXPECT_EQ(open_transfers(), 0u);
}

TEST_F(Transfers, WithoutFundsNothingMoves) {
  running bank{*store};
  bank.post("cash", 100);
  EXPECT_EQ(bank.move("cash", "food", 101), "insufficient funds: cash has 1.00 USD, not 1.01");
  EXPECT_EQ(bank.balance("cash"), 100);
  EXPECT_EQ(events("account", "cash"), "posted refused forgot ");
  EXPECT_EQ(events("account", "food"), "");
  EXPECT_EQ(open_transfers(), 0u);
}

TEST_F(Transfers, ThatDoNotFitAreBroughtBack) {
  running bank{*store};
  bank.post("cash", 100);
  bank.post("full", max);
  EXPECT_EQ(bank.move("cash", "full", 60), "the balance of full in USD would overflow");
  EXPECT_EQ(bank.balance("cash"), 100);
  EXPECT_EQ(bank.balance("full"), max);
  EXPECT_EQ(events("account", "cash"), "posted moved moved forgot ");
  EXPECT_EQ(events("account", "full"), "posted refused forgot ");
  EXPECT_EQ(open_transfers(), 0u);
}

TEST_F(Transfers, ManyAtOnceKeepTheSum) {
  running bank{*store};
  const std::vector<std::string> names{"a", "b", "c"};
  for (const auto& name : names) bank.post(name, 1000);
  std::vector<nexus::asked<ending>> endings;
  for (int i = 0; i < 500; ++i) {
    const auto one = bank.transfers.of(bank.sys.next_id().to_string());
    ASSERT_TRUE(one.tell(transfer::start{
        {names[i % 3], names[(i + 1 + i % 2) % 3], std::int64_t{1 + i % 700}, "USD"}}));
    endings.push_back(one.ask(transfer::await{}));
  }
  int moved = 0;
  for (auto& e : endings) {
    const auto ended = e.get(seconds{30});
    ASSERT_TRUE(ended) << ended.error().message;
    moved += ended->refusal.empty() ? 1 : 0;
  }
  EXPECT_GT(moved, 0);
  EXPECT_EQ(bank.balance("a") + bank.balance("b") + bank.balance("c"), 3000);
  for (const auto& name : names) EXPECT_GE(bank.balance(name), 0);
  EXPECT_EQ(open_transfers(), 0u);
}

TEST_F(Transfers, AnEntityThatIsOverDoesNotStay) {
  running bank{*store};
  bank.post("cash", 1000);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(bank.move("cash", "food", 1), "moved");
  const auto deadline = std::chrono::steady_clock::now() + seconds{60};
  while (bank.transfers.live() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(bank.transfers.live(), 0u);
}

// Transfers in progress when a bank was closed are finished by the next one.
TEST_F(Transfers, AreFinishedByTheNextProcess) {
  {
    running bank{*store};
    bank.post("a", 100'000);
    for (int i = 0; i < 300; ++i) {
      const auto one = bank.transfers.of(bank.sys.next_id().to_string());
      ASSERT_TRUE(one.tell(transfer::start{{"a", "b", 10, "USD"}}));
    }
    // Only the first one is answered: the others are on their way.
    EXPECT_EQ(bank.move("a", "b", 1), "moved");
  }
  running next{*store};
  const auto interrupted = open_transfers();
  const auto finished = finish_transfers(
      *session, "", next.transfers,
      [](auto id, const auto& why) { ADD_FAILURE() << id << ": " << why.message; });
  EXPECT_EQ(finished, interrupted);
  EXPECT_EQ(open_transfers(), 0u);
  EXPECT_EQ(next.balance("a") + next.balance("b"), 100'000);
  EXPECT_EQ((next.balance("b") - 1) % 10, 0);
}

// Two processes with the same transfers: both write each account and each transfer.
TEST_F(Transfers, TwoProcessesAtOnceMoveMoneyOnce) {
  running one{*store};
  running two{*store};
  one.post("a", 100'000);
  constexpr int transfers = 100;
  std::vector<std::string> ids;
  for (int i = 0; i < transfers; ++i) ids.push_back(one.sys.next_id().to_string());
  std::vector<nexus::asked<ending>> endings;
  for (const auto& id : ids) {
    for (const auto* bank : {&one, &two}) {
      const auto it = bank->transfers.of(id);
      ASSERT_TRUE(it.tell(transfer::start{{"a", "b", 7, "USD"}}));
      endings.push_back(it.ask(transfer::await{}));
    }
  }
  // An `await` may fail where a start was lost to the other process; the transfers are over all the
  // same when both were asked again.
  for (auto& e : endings) (void)e.get(seconds{30});
  for (const auto* bank : {&one, &two}) {
    const auto finished =
        finish_transfers(*session, "", bank->transfers,
                         [](auto id, const auto& why) { ADD_FAILURE() << id << why.message; });
    EXPECT_TRUE(finished);
  }
  EXPECT_EQ(open_transfers(), 0u);
  running next{*store};
  EXPECT_EQ(next.balance("a"), 100'000 - transfers * 7);
  EXPECT_EQ(next.balance("b"), transfers * 7);
}

}}  // namespace bank
