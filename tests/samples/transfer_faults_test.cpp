// Transfers on a storage that fails, loses requests, loses answers, and recovers.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <nexus/testkit/faulty.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "kill_support.hpp"
#include "running_bank.hpp"

namespace bank { namespace {

using nexus::testkit::fault;
using nexus::testkit::operation;
using std::chrono::milliseconds;
using std::chrono::seconds;

const nexus::entity_options impatient{.backoff_min = milliseconds{1},
                                      .backoff_max = milliseconds{4}};

class TransferFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = nexus::open("memory:", {nexus::testkit::faulty(nexus::memory_backend(), faults)});
    ASSERT_TRUE(opened);
    store.emplace(std::move(*opened));
  }

  nexus::persistence_id account_id(const std::string& name) const {
    return *nexus::persistence_id::make(account::entity_type, name);
  }

  std::shared_ptr<nexus::testkit::faults> faults = std::make_shared<nexus::testkit::faults>();
  std::optional<nexus::store> store;
};

TEST_F(TransferFaults, AnAccountThatIsOutOfOrderForAWhileIsAskedAgain) {
  for (auto what : {fault::fail, fault::reject, fault::lose_request, fault::lose_answer}) {
    running bank{*store, impatient};
    const auto from = "from " + std::to_string(static_cast<int>(what));
    const auto to = "to " + std::to_string(static_cast<int>(what));
    bank.post(from, 1000);
    faults->inject(what, operation::append, account_id(from));
    faults->inject(what, operation::append, account_id(to));
    const auto said = bank.move(from, to, 400);
    if (what == fault::reject) {
      EXPECT_EQ(said.rfind("error: ", 0), 0u) << "what the storage will not take does not pass";
    } else {
      EXPECT_EQ(said, "moved");
      EXPECT_EQ(bank.balance(from), 600);
      EXPECT_EQ(bank.balance(to), 400);
    }
  }
}

TEST_F(TransferFaults, MoneyIsNeitherLostNorDoubled) {
  auto random = samples::random_source();
  const auto transfers = static_cast<std::size_t>(samples::times(400, 20'000));
  constexpr std::size_t in_flight_max = 16;
  const std::vector<std::string> names{"a", "b", "c"};
  running bank{*store, impatient};
  for (const auto& name : names) bank.post(name, 10'000);

  // One request in eight fails; the policy is called by one thread at a time.
  faults->decide([&](operation of, const nexus::persistence_id&) -> std::optional<fault> {
    if (random() % 8 != 0) return {};
    if (of != operation::append) return fault::fail;
    constexpr fault kinds[] = {fault::fail, fault::lose_answer, fault::lose_request};
    return kinds[random() % 3];
  });
  std::map<std::string, transfer::started> sent;
  std::map<std::string, bool> said;  // whether it moved
  std::deque<std::pair<std::string, nexus::asked<ending>>> in_flight;
  auto take_oldest = [&] {
    auto [id, answer] = std::move(in_flight.front());
    in_flight.pop_front();
    if (const auto ended = answer.get(seconds{30}); ended) said[id] = ended->refusal.empty();
  };
  for (std::size_t i = 0; i < transfers; ++i) {
    const auto id = bank.sys.next_id().to_string();
    const auto hundredths = 1 + static_cast<std::int64_t>(i) * 37 % 4'000;
    sent[id] = {names[i % 3], names[(i + 1 + i / 3 % 2) % 3], hundredths, "USD"};
    // Not every start is stored, and not every end is reported.
    const auto one = bank.transfers.of(id);
    if (!one.tell(transfer::start{sent[id]})) continue;
    in_flight.emplace_back(id, one.ask(transfer::await{}));
    if (in_flight.size() == in_flight_max) take_oldest();
  }
  while (!in_flight.empty()) take_oldest();
  faults->clear();

  running next{*store};
  auto session = store->open_session().value();
  const auto finished = finish_transfers(
      *session, "", next.transfers,
      [](auto id, const auto& why) { ADD_FAILURE() << id << ": " << why.message; });
  EXPECT_TRUE(finished);
  std::map<std::string, std::int64_t> balances{{"a", 10'000}, {"b", 10'000}, {"c", 10'000}};
  for (const auto& [id, what] : sent) {
    const auto ended = next.transfers.of(id).ask(transfer::await{}).get(seconds{30});
    if (!ended) {
      EXPECT_EQ(ended.error().message, "there is no such transfer");
      EXPECT_FALSE(said.contains(id)) << id;
      continue;
    }
    EXPECT_TRUE(!said.contains(id) || said[id] == ended->refusal.empty()) << id;
    if (!ended->refusal.empty()) continue;
    balances[what.from] -= what.hundredths;
    balances[what.to] += what.hundredths;
  }
  for (const auto& name : names) EXPECT_EQ(next.balance(name), balances[name]) << name;
  EXPECT_GT(said.size(), sent.size() / 2) << "hardly anything ran";
}

// The program keeps running, and the storage fails for a while.
TEST_F(TransferFaults, AfterAnOutageEveryTransferEndsAlthoughNoCallerAsksForIt) {
  running bank{*store, impatient};
  bank.post("a", 100'000);
  constexpr int transfers = 200;
  std::atomic<int> failed{0};
  int stored = 0;
  for (int i = 0; i < transfers; ++i) {
    const auto one = bank.transfers.of(bank.sys.next_id().to_string());
    auto begun = one.ask(transfer::start{{"a", "b", 10, "USD"}});
    if (i == transfers / 2) {
      faults->decide([&](operation, const nexus::persistence_id&) -> std::optional<fault> {
        ++failed;
        return fault::fail;
      });
    }
    if (begun.get(seconds{60})) ++stored;
  }
  EXPECT_GT(stored, 0);
  EXPECT_GT(failed, 0);
  faults->clear();
  auto session = store->open_session().value();
  const auto open_transfers = [&] {
    int n = 0;
    EXPECT_TRUE(for_each_open_transfer(*session, "", [&](auto) -> nexus::result<void> {
      ++n;
      return {};
    }));
    return n;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes{2};
  while (open_transfers() != 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds{20});
  }
  EXPECT_EQ(open_transfers(), 0);
  EXPECT_EQ(bank.balance("a"), 100'000 - 10 * stored);
  EXPECT_EQ(bank.balance("b"), 10 * stored);
}

}}  // namespace bank
