#include "plan.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace bank { namespace {

ledger made_of(const std::vector<std::string>& accounts) {
  ledger made{.id = "l", .postings = {}};
  for (const auto& name : accounts) {
    made.postings.push_back({.line = made.postings.size() + 2,
                             .transaction = "t",
                             .date = "2026-01-01",
                             .narration = "n",
                             .account = name,
                             .hundredths = 1,
                             .currency = "USD"});
  }
  return made;
}

std::vector<std::size_t> all_next(plan& p) {
  std::vector<std::size_t> rows;
  for (auto row = p.next(); row; row = p.next()) rows.push_back(*row);
  return rows;
}

using rows = std::vector<std::size_t>;

TEST(Plan, SendsInFileOrderWithoutWaiting) {
  const auto from = made_of({"a", "b", "a"});
  plan p{from};
  EXPECT_EQ(p.accounts(), 2u);
  EXPECT_EQ(all_next(p), (rows{0, 1, 2}));
  EXPECT_EQ(p.command(2).after, from.postings[0].line);
  EXPECT_EQ(p.command(1).after, 0u);
}

TEST(Plan, AnAccountThatWasOverloadedGoesBackWhenItHasAnsweredAll) {
  const auto from = made_of({"a", "a", "b", "a"});
  plan p{from};
  EXPECT_EQ(all_next(p), (rows{0, 1, 2, 3}));
  p.accepted(0, taken::posted);
  EXPECT_EQ(p.again(1), 1u);
  p.accepted(2, taken::posted);
  EXPECT_EQ(all_next(p), rows{});  // row 3 is still under way
  p.again(3);                      // it was early
  EXPECT_EQ(all_next(p), (rows{1, 3}));
  p.accepted(1, taken::posted);
  p.accepted(3, taken::posted);
  EXPECT_EQ(all_next(p), rows{});
  EXPECT_EQ(p.posted(), 4u);
}

TEST(Plan, CountsAPostingOnceThoughItIsSentTwice) {
  const auto from = made_of({"a", "a"});
  plan p{from};
  EXPECT_EQ(all_next(p), (rows{0, 1}));
  p.again(0);  // its answer was lost, but it was stored
  p.accepted(1, taken::posted);
  EXPECT_EQ(all_next(p), (rows{0, 1}));
  p.accepted(0, taken::known);
  p.accepted(1, taken::known);
  EXPECT_EQ(p.posted(), 1u);
  EXPECT_EQ(p.known(), 1u);
}

TEST(Plan, ARefusalEndsItsAccountOnly) {
  const auto from = made_of({"a", "b", "a", "a"});
  plan p{from};
  EXPECT_EQ(p.next(), 0u);
  EXPECT_EQ(p.refused(0), 2u);
  EXPECT_EQ(all_next(p), rows{1});
  p.accepted(1, taken::posted);
  EXPECT_EQ(all_next(p), rows{});
}

TEST(Plan, CountsFailuresInARow) {
  const auto from = made_of({"a"});
  plan p{from};
  for (unsigned i = 1; i <= 3; ++i) {
    ASSERT_EQ(p.next(), 0u);
    EXPECT_EQ(p.again(0), i);
  }
}

// Real accounts without a runtime, which refuse postings at random, answered late.
TEST(Plan, NothingIsLostHoweverOftenPostingsAreTurnedAway) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    std::vector<std::string> names;
    for (int i = 0; i < 300; ++i)
      names.push_back(std::string(1, static_cast<char>('a' + random() % 5)));
    const auto from = made_of(names);
    std::map<std::string, account::state> accounts;
    plan p{from};
    struct answer {
      std::size_t row;
      std::optional<taken> how;
    };
    std::deque<answer> in_flight;
    const std::size_t in_flight_max = 1 + random() % 40;
    for (;;) {
      while (in_flight.size() < in_flight_max) {
        const auto row = p.next();
        if (!row) break;
        auto& s = accounts[from.postings[*row].account];
        if (random() % 10 == 0) {
          in_flight.push_back({*row, std::nullopt});
          continue;
        }
        const auto effect = nexus::decide<account>(s, p.command(*row));
        for (const auto& e : effect.events()) account::apply(s, std::get<account::posted>(e));
        in_flight.push_back({*row, effect.reply(s).value()});
      }
      if (in_flight.empty()) break;
      const auto [row, how] = in_flight.front();
      in_flight.pop_front();
      if (how && *how != taken::early) {
        p.accepted(row, *how);
      } else {
        p.again(row);
      }
    }
    EXPECT_EQ(p.posted(), 300u);
    std::int64_t sum = 0;
    for (auto& [name, s] : accounts) sum += s.hundredths["USD"];
    EXPECT_EQ(sum, 300);
  }
}

}}  // namespace bank
