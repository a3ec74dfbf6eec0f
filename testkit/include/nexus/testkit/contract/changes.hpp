// The latest states in the order of their last changes.
#pragma once

#include "nexus/testkit/contract/global_order.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// As in "alice 2:b, bob erased", and the last position.
struct changes {
  std::string states;
  position last;
};

inline std::optional<changes> changes_past(terse_session& s, position after,
                                           std::size_t max = everything) {
  changes found{{}, after};
  auto done = s.inner().read_states(after, max, [&](const persistence_id& of, const auto& state) {
    found.states += (found.states.empty() ? "" : ", ") + shown(of) + " ";
    found.states += state.value
                        ? std::to_string(state.version) + ":" + std::string{state.value->data}
                        : std::string{"erased"};
    EXPECT_LT(found.last, state.at);
    found.last = state.at;
    return true;
  });
  if (!done && done.error().code == errc::invalid_argument) return std::nullopt;
  must(done);
  return found;
}

/// Reads until the states are `expected`: they may be held back for a while.
inline changes follow_changes(terse_session& s, position after, const std::string& expected) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto found = changes_past(s, after).value();
    if (found.states == expected) return found;
    if (std::chrono::steady_clock::now() > deadline) {
      EXPECT_EQ(found.states, expected);
      return found;
    }
  }
}

TEST_P(JournalContract, StatesAreReadInTheOrderOfTheirLastChanges) {
  if (!changes_past(session, start)) GTEST_SKIP() << "this journal does not number changes";
  ASSERT_EQ(session.upsert(alice, 0, 1, "a"), "stored");
  ASSERT_EQ(session.upsert(bob, 0, 1, "x"), "stored");
  ASSERT_EQ(session.upsert(alice, 1, 2, "b"), "stored");
  const auto first = follow_changes(session, start, "bob 1:x, alice 2:b");
  ASSERT_EQ(session.upsert({bob, 1, 2}), "stored");
  ASSERT_EQ(session.upsert(alice, 1, 2, "stale"), "conflict 2");
  const auto second = follow_changes(session, first.last, "bob erased");
  ASSERT_EQ(session.upsert(carol, 0, 1, "p"), "stored");
  (void)follow_changes(session, second.last, "carol 1:p");
  (void)follow_changes(session, start, "alice 2:b, bob erased, carol 1:p");
}

TEST_P(JournalContract, ReadOneByOneEveryChangedStateComesOnce) {
  if (!changes_past(session, start)) GTEST_SKIP() << "this journal does not number changes";
  ASSERT_EQ(session.upsert_all({{alice, 0, 1, testkit::state("a")},
                                {bob, 0, 1, testkit::state("x")},
                                {carol, 0, 1, testkit::state("p")}}),
            "stored, stored, stored");
  const auto all = [&] {
    auto found = *changes_past(session, start);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::count(found.states.begin(), found.states.end(), ',') < 2 &&
           std::chrono::steady_clock::now() < deadline) {
      found = *changes_past(session, start);
    }
    return found.states;
  }();
  std::string seen;
  auto at = start;
  for (int i = 0; i < 3; ++i) {
    const auto one = *changes_past(session, at, 1);
    seen += (i == 0 ? "" : ", ") + one.states;
    at = one.last;
  }
  EXPECT_EQ(seen, all);
  EXPECT_EQ(changes_past(session, at)->states, "");
}

}}}  // namespace nexus::v0::testkit
