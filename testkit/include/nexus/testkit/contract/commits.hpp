// Commits that really fail: the answer, the stored data, and the data after a crash.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Makes commits fail as long as it lives.
class failing_commits {
 public:
  failing_commits(const journal_under_test& journal, const std::string& uri)
      : journal_{journal}, uri_{uri} {
    journal_.fail_commits(uri_, true);
  }
  ~failing_commits() { journal_.fail_commits(uri_, false); }
  failing_commits(const failing_commits&) = delete;
  failing_commits& operator=(const failing_commits&) = delete;

 private:
  const journal_under_test& journal_;
  const std::string& uri_;
};

/// The journal's content after a crash at this moment: `read` runs on a session of the copy.
template <class Read>
std::string after_a_crash(const journal_under_test& journal, const std::string& uri, Read read) {
  const auto copy = journal.crashed(uri);
  std::string found;
  {
    const auto opened = must(journal.backend.open(must(nexus::uri::parse(copy))));
    terse_session session{must(opened->open_session())};
    found = read(session);
  }
  return found;
}

/// The outcome "failed" or "unknown"; empty for other outcomes.
inline std::string trouble_of(const append_outcome& outcome) {
  if (std::holds_alternative<failed>(outcome)) return "failed";
  if (std::holds_alternative<unknown>(outcome)) return "unknown";
  return told(outcome);
}

TEST_P(JournalContract, AnAppendWhoseCommitFailsIsNeverTakenForStored) {
  if (!GetParam().fail_commits) GTEST_SKIP() << "no fail_commits";
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  for (int round = 0; round < 4; ++round) {
    const auto id = must(persistence_id::make("failing", std::to_string(round)));
    const request sent{id, 0, {"a", "b"}};
    auto sender = another_session();
    append_outcome outcome;
    {
      const failing_commits now{GetParam(), uri};
      outcome = sender.outcomes_of({sent, {bob, 0, {"stale"}}}).at(0);
    }
    const auto said = trouble_of(outcome);
    ASSERT_TRUE(said == "failed" || said == "unknown") << said;
    // "failed" is certain at once; "unknown" is certain when it has been settled.
    const auto truth = said == "failed" ? "not stored" : session.settle(sent);
    const std::string expected = truth == "stored" ? "1:a 2:b" : "";
    if (GetParam().crashed) {
      EXPECT_EQ(after_a_crash(GetParam(), uri, [&](auto& s) { return s.history(id); }), expected)
          << said << ", settled as " << truth;
    }
    EXPECT_EQ(session.history(id), expected);
    EXPECT_EQ(session.settle(sent), truth);
    EXPECT_EQ(sender.append(id, truth == "stored" ? 2 : 0, {"c"}), "stored") << "it works again";
    EXPECT_EQ(session.history(id), truth == "stored" ? "1:a 2:b 3:c" : "1:c");
  }
}

TEST_P(JournalContract, AnUpsertWhoseCommitFailsIsNeverTakenForStored) {
  if (!GetParam().fail_commits) GTEST_SKIP() << "no fail_commits";
  for (int round = 0; round < 2; ++round) {
    const auto id = must(persistence_id::make("failing", std::to_string(round)));
    const put sent{id, 0, 1, state("one")};
    auto sender = another_session();
    append_outcome outcome;
    {
      const failing_commits now{GetParam(), uri};
      outcome = sender.outcomes_of(std::vector<put>{sent}).at(0);
    }
    const auto said = trouble_of(outcome);
    ASSERT_TRUE(said == "failed" || said == "unknown") << said;
    const auto truth = said == "failed" ? "not stored" : session.settle_state(sent);
    const std::string expected = truth == "stored" ? "1:one" : "none";
    if (GetParam().crashed) {
      EXPECT_EQ(after_a_crash(GetParam(), uri, [&](auto& s) { return s.state(id); }), expected)
          << said << ", settled as " << truth;
    }
    EXPECT_EQ(session.state(id), expected);
    EXPECT_EQ(sender.upsert(id, truth == "stored" ? 1 : 0, 2, "two"), "stored");
  }
}

// Settling while the failure lasts: an error, or the final truth.
TEST_P(JournalContract, ASettleWhoseOwnCommitFailsDoesNotGuess) {
  if (!GetParam().fail_commits) GTEST_SKIP() << "no fail_commits";
  const request sent{alice, 0, {"a", "b"}};
  auto sender = another_session();
  std::string said;
  std::optional<settlement> during;
  {
    const failing_commits now{GetParam(), uri};
    said = trouble_of(sender.outcome_of(sent));
    if (auto settled = session.inner().settle(static_cast<append_request>(sent))) during = *settled;
  }
  if (during && GetParam().crashed) {
    EXPECT_EQ(after_a_crash(GetParam(), uri, [&](auto& s) { return s.history(alice); }),
              *during == settlement::stored ? "1:a 2:b" : "");
  }
  const auto truth = session.settle(sent);
  if (during) {
    EXPECT_EQ(told(*during), truth);
  }
  if (said == "failed") {
    EXPECT_EQ(truth, "not stored");
  }
  EXPECT_EQ(session.history(alice), truth == "stored" ? "1:a 2:b" : "");
}

TEST_P(JournalContract, SavingAndErasingWhoseCommitFailsAreErrorsAndTearNothing) {
  if (!GetParam().fail_commits) GTEST_SKIP() << "no fail_commits";
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  session.save(alice, 1, "one");
  {
    const failing_commits now{GetParam(), uri};
    const std::vector<snapshot_request> saved{{alice, snapshot(2, "two")}, {bob, snapshot(1, "b")}};
    EXPECT_FALSE(session.inner().save_snapshots(saved));
    EXPECT_FALSE(session.inner().erase_to(alice, 2));
    EXPECT_FALSE(session.inner().erase_snapshots(alice, {}));
  }
  EXPECT_EQ(session.highest(alice), 3u);
  const auto left = session.history(alice);
  EXPECT_TRUE(left == "1:a 2:b 3:c" || left == "3:c") << left;
  EXPECT_EQ(session.load(alice) == "2:two", session.load(bob) == "1:b") << "all or none of them";
  session.erase_to(alice, 2);
  EXPECT_EQ(session.history(alice), "3:c");
  EXPECT_EQ(session.append(alice, 3, {"d"}), "stored");
}

TEST_P(JournalContract, ARequestSettledAsNotStoredNeverArrives) {
  if (!GetParam().lose_next_answer || !GetParam().let_arrive) GTEST_SKIP() << "no let_arrive";
  for (int round = 0; round < 6; ++round) {
    const auto id = must(persistence_id::make("late", std::to_string(round)));
    const request sent{id, 0, {"a", "b"}};
    const put state_sent{id, 0, 1, state("one")};
    auto sender = another_session();
    const bool of_state = round % 2 == 1;
    GetParam().lose_next_answer(sender.inner());
    if (of_state) {
      ASSERT_EQ(trouble_of(sender.outcomes_of(std::vector<put>{state_sent}).at(0)), "unknown");
    } else {
      ASSERT_EQ(trouble_of(sender.outcome_of(sent)), "unknown");
    }
    const auto settle = [&] {
      return of_state ? session.settle_state(state_sent) : session.settle(sent);
    };
    const auto truth = settle();
    GetParam().let_arrive();
    EXPECT_EQ(settle(), truth) << "round " << round;
    EXPECT_EQ(session.history(id), !of_state && truth == "stored" ? "1:a 2:b" : "");
    EXPECT_EQ(session.state(id), of_state && truth == "stored" ? "1:one" : "none");
  }
}

}}}  // namespace nexus::v0::testkit
