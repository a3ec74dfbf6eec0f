#include "leases.hpp"

#include <gtest/gtest.h>

using namespace nexus;
using namespace nexus::detail;
using namespace std::chrono_literals;

namespace {

using cells = std::vector<projection_cell>;

projection_cell cell(std::uint32_t number, std::string owner, std::int64_t lease = 1,
                     std::string wanted_by = {}) {
  return {number, {}, std::move(owner), lease, std::move(wanted_by)};
}

std::string told(const cells& some) {
  std::string text;
  for (const auto& one : some) text += (text.empty() ? "" : " ") + std::to_string(one.cell);
  return text;
}

// As in "take 0 1; own 2".
std::string told(const lease_watch::plan& p) {
  std::string text;
  const auto add = [&](std::string_view what, const cells& some) {
    if (some.empty()) return;
    text += (text.empty() ? "" : "; ") + std::string{what} + " " + told(some);
  };
  add("take", p.take);
  add("give", p.give);
  add("ask", p.ask);
  add("own", p.own);
  return text + (p.expired ? " (expired)" : "");
}

struct Leases : testing::Test {
  lease_watch::time_point now{1h};
  lease_watch watch{"me", 10s};

  std::string look(const cells& some, bool shares = false) {
    return told(watch.look_at(some, now, shares));
  }
};

}  // namespace

TEST_F(Leases, CellsWithoutAnOwnerAreTaken) {
  EXPECT_EQ(look({cell(0, ""), cell(1, "me"), cell(2, "you")}), "take 0; own 1");
}

TEST_F(Leases, CellsWhoseLeaseStandsStillAreTakenAfterTheLeaseTime) {
  EXPECT_EQ(look({cell(0, "you", 5)}), "");
  now += 9999ms;
  EXPECT_EQ(look({cell(0, "you", 5)}), "");
  now += 1ms;
  EXPECT_EQ(look({cell(0, "you", 5)}), "take 0 (expired)");
}

TEST_F(Leases, FreeCellsThatCannotBeTakenForTheLeaseTimeCountAsLeftBehind) {
  EXPECT_EQ(look({cell(0, "", 5)}), "take 0");
  now += 9999ms;
  EXPECT_EQ(look({cell(0, "", 5)}), "take 0");
  now += 1ms;
  EXPECT_EQ(look({cell(0, "", 5)}), "take 0 (expired)");
}

TEST_F(Leases, EverySignOfLifeBeginsTheTimeAnew) {
  (void)look({cell(0, "you", 5)});
  now += 9s;
  EXPECT_EQ(look({cell(0, "you", 6)}), "");
  now += 9s;
  EXPECT_EQ(look({cell(0, "you", 6)}), "");
  now += 1s;
  EXPECT_EQ(look({cell(0, "you", 6)}), "take 0 (expired)");
}

TEST_F(Leases, AnotherOwnerBeginsTheTimeAnew) {
  (void)look({cell(0, "you", 5)});
  now += 9s;
  EXPECT_EQ(look({cell(0, "him", 5)}), "");
  now += 9s;
  EXPECT_EQ(look({cell(0, "him", 5)}), "");
}

TEST_F(Leases, CellsThatAnotherWantsAreGiven) {
  EXPECT_EQ(look({cell(0, "me", 1, "you"), cell(1, "me")}), "give 0; own 1");
}

TEST_F(Leases, WithLessThanItsShareItAsksTheRichest) {
  EXPECT_EQ(look({cell(0, "a"), cell(1, "a"), cell(2, "a"), cell(3, "a")}, true), "ask 2 3");
  EXPECT_EQ(look({cell(0, "a"), cell(1, "a"), cell(2, "a"), cell(3, "a")}, false), "");
  EXPECT_EQ(
      look({cell(0, "a"), cell(1, "a"), cell(2, "a"), cell(3, "b"), cell(4, "b"), cell(5, "b")},
           true),
      "ask 2");
}

TEST_F(Leases, ItAsksOnce) {
  EXPECT_EQ(look({cell(0, "a"), cell(1, "a"), cell(2, "a"), cell(3, "a", 1, "me")}, true), "");
}

TEST_F(Leases, WithItsShareItDoesNotAsk) {
  EXPECT_EQ(look({cell(0, "a"), cell(1, "a"), cell(2, "me"), cell(3, "me")}, true), "own 2 3");
  EXPECT_EQ(look({cell(0, "a"), cell(1, "a"), cell(2, "me")}, true), "own 2");
}
