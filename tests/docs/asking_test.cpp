// The code of docs/asking.md, compiled and run.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <chrono>
#include <future>
#include <iostream>
#include <nexus/nexus.hpp>
#include <string>
#include <variant>
#include <vector>

#include "account.hpp"
#include "scripted_actor.hpp"

using namespace std::chrono_literals;

namespace {

using nexus::test::account;

struct DocsAsking : testing::Test {
  nexus::system sys{{.threads = 2}};
  nexus::result<nexus::store> store = nexus::open("memory:");
  nexus::entities<account> accounts{sys, *store};

  void SetUp() override { ASSERT_TRUE(accounts.of("alice").ask(account::deposit{1'000}).get(20s)); }
};

}  // namespace

TEST_F(DocsAsking, AThreadWaits) {
  auto asked = accounts.of("alice").ask(account::withdraw{500});  // sent now
  nexus::result<std::int64_t> left = asked.get(20s);
  if (!left) std::cerr << left.error().message << '\n';
  EXPECT_EQ(left, 500);
}

TEST_F(DocsAsking, ACafActorIsTold) {
  std::promise<std::int64_t> told;
  sys.caf().spawn<nexus::test::scripted_actor>([&](caf::event_based_actor* self) {
    accounts.of("alice")
        .ask(account::balance{})
        .then(self, 20s, [=, &told](nexus::result<std::int64_t> cents) {
          told.set_value(cents.value_or(-1));  // the actor uses the answer here
          self->quit();
        });
  });
  EXPECT_EQ(nexus::test::heard(told), 1'000);
}

TEST_F(DocsAsking, ADeadlineTravelsWithTheCommand) {
  auto left = accounts.of("alice")
                  .ask(account::withdraw{500}, {.deadline = sys.steady() + 20s})
                  .get();  // until the deadline
  EXPECT_EQ(left, 500);
}

TEST_F(DocsAsking, AnswersAreChained) {
  auto moved =
      accounts.of("alice")
          .ask(account::withdraw{300})
          .and_then([&](std::int64_t) { return accounts.of("bob").ask(account::deposit{300}); })
          .map([](std::int64_t cents) { return "bob has " + std::to_string(cents); })
          .or_else([](const nexus::error& e) { return "nothing moved: " + e.message; });
  EXPECT_EQ(moved.get(20s), "bob has 300");
}

TEST_F(DocsAsking, ManyAreGathered) {
  std::vector<nexus::asked<std::int64_t>> asked;
  for (auto id : {"alice", "bob", "carol"})
    asked.push_back(accounts.of(id).ask(account::balance{}));
  std::vector<nexus::result<std::int64_t>> balances =
      nexus::gather(std::move(asked)).get(20s).value();
  std::int64_t sum = 0;
  for (auto& cents : balances) sum += cents.value_or(0);
  EXPECT_EQ(sum, 1'000);

  auto [alice, bob] = nexus::gather(accounts.of("alice").ask(account::balance{}),
                                    accounts.of("bob").ask(account::withdraw{1}))
                          .get(20s)
                          .value();
  EXPECT_EQ(alice, 1'000);
  EXPECT_EQ(bob.error().message, "insufficient funds");
}
