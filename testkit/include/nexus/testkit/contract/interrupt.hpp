// `interrupt`: the session does nothing more, and disturbs no other session.
#pragma once

#include <array>
#include <atomic>
#include <thread>

#include "nexus/testkit/contract/global_order.hpp"
#include "nexus/testkit/contract/races.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// "failed" and the code for such an outcome; empty for other outcomes.
inline std::string failure_of(const append_outcome& outcome) {
  const auto* f = std::get_if<failed>(&outcome);
  return f ? "failed " + std::string{to_string(f->why.code)} : told(outcome);
}

TEST_P(JournalContract, NothingIsStoredAfterAnInterrupt) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  auto other = another_session();
  auto& inner = session.inner();
  EXPECT_FALSE(inner.broken());
  inner.interrupt();
  inner.interrupt();
  EXPECT_TRUE(inner.broken());
  for (const auto& outcome : session.outcomes_of(
           std::vector<request>{{alice, 2, {"c"}, own_writer, due_at(7)}, {bob, 0, {"x"}}})) {
    EXPECT_EQ(failure_of(outcome), "failed pool_closed");
  }
  const request of_alarm{alice, 2, {}, own_writer, due_at(7)};
  EXPECT_EQ(failure_of(session.outcome_of(of_alarm)), "failed pool_closed");
  for (const auto& outcome :
       session.outcomes_of(std::vector<put>{{alice, 0, 1, state("one")}, {bob, 0, 1}})) {
    EXPECT_EQ(failure_of(outcome), "failed pool_closed");
  }
  const snapshot_request one{alice, snapshot(1, "one")};
  EXPECT_EQ(code_of(inner.save_snapshots({&one, 1})), "pool_closed");
  EXPECT_EQ(code_of(inner.erase_to(alice, 2)), "pool_closed");
  EXPECT_EQ(code_of(inner.erase_snapshots(alice, {})), "pool_closed");
  const prune_request all{alice, 2, 2};
  EXPECT_EQ(code_of(inner.prune({&all, 1})), "pool_closed");

  EXPECT_EQ(other.history(alice), "1:a 2:b");
  EXPECT_EQ(other.alarm(alice), "none");
  EXPECT_EQ(other.highest(bob), 0u);
  EXPECT_EQ(other.state(alice) + other.state(bob), "nonenone");
  EXPECT_EQ(other.load(alice), "none");
  EXPECT_EQ(other.append(alice, 2, {"c"}), "stored") << "others work on";
}

TEST_P(JournalContract, NothingIsReadAfterAnInterrupt) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  auto& inner = session.inner();
  inner.interrupt();
  auto none = [](const auto&...) {
    ADD_FAILURE() << "a record was passed";
    return true;
  };
  EXPECT_EQ(code_of(inner.replay(alice, 1, 2, everything, none)), "pool_closed");
  EXPECT_EQ(code_of(inner.replay_payloads(alice, 1, 2, everything, none)), "pool_closed");
  EXPECT_EQ(code_of(inner.read_all(start, everything, none)), "pool_closed");
  EXPECT_EQ(code_of(inner.highest(alice)), "pool_closed");
  EXPECT_EQ(code_of(inner.ids({.type = "account"}, everything)), "pool_closed");
  const std::array<std::string_view, 1> types{"account"};
  EXPECT_EQ(code_of(inner.due(start.strand, {types}, everything)), "pool_closed");
  EXPECT_EQ(code_of(inner.alarm_of(alice)), "pool_closed");
  EXPECT_EQ(code_of(inner.due_types(start.strand, timestamp::max(), 1)), "pool_closed");
  EXPECT_EQ(code_of(inner.load_snapshot(alice, {})), "pool_closed");
  EXPECT_EQ(code_of(inner.snapshot_numbers(alice, {}, everything)), "pool_closed");
  EXPECT_EQ(code_of(inner.get_state(alice)), "pool_closed");
  EXPECT_EQ(code_of(inner.state_ids({.type = "account"}, everything)), "pool_closed");
  const request lost{alice, 2, {"c"}};
  EXPECT_EQ(code_of(inner.settle(static_cast<append_request>(lost))), "pool_closed");
}

TEST_P(JournalContract, AnInterruptDuringAReplayEndsTheSession) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  auto& inner = session.inner();
  // Whether the remaining records still come is up to the backend.
  (void)inner.replay(alice, 1, 2, everything, [&](const record_view&) {
    inner.interrupt();
    return true;
  });
  EXPECT_TRUE(inner.broken());
  EXPECT_EQ(code_of(inner.highest(alice)), "pool_closed");
  EXPECT_EQ(another_session().append(alice, 2, {"c"}), "stored") << "nothing is locked";
}

// Interrupted at any moment of an append: its outcome is true, and it is the last one.
TEST_P(JournalContract, AnAppendThatIsInterruptedAnswersTheTruth) {
  for (int round = 0; round < 10; ++round) {
    const auto id = must(persistence_id::make("interrupted", std::to_string(round)));
    auto victim = another_session();
    std::atomic<int> appends = 0;
    std::atomic<bool> ended = false;
    sequence_nr told_of = 0;
    std::string last;
    std::thread appender{[&] {
      for (; last.empty() || last == "stored"; ++appends) {
        const request next{id, told_of, {"a", "b"}};
        const auto outcome = victim.outcome_of(next);
        last = told(outcome);
        if (std::holds_alternative<unknown>(outcome)) last = "unknown";
        if (last == "stored") told_of += 2;
      }
      ended = true;
    }};
    while (appends <= round && !ended) std::this_thread::yield();
    victim.inner().interrupt();
    appender.join();
    if (last == "unknown") last = session.settle(request{id, told_of, {"a", "b"}});
    if (last == "stored") told_of += 2;
    EXPECT_EQ(session.highest(id), told_of) << "round " << round << ": " << last;
    EXPECT_EQ(session.records(id).size(), told_of);
    EXPECT_EQ(session.append(id, told_of, {"c"}), "stored");
  }
}

}}}  // namespace nexus::v0::testkit
