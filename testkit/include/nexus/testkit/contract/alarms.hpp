// Alarms: a due time by id, which changes with an append or upsert, or alone.
#pragma once

#include "nexus/testkit/contract/changes.hpp"
#include "nexus/testkit/contract/commits.hpp"
#include "nexus/testkit/contract/records.hpp"
#include "nexus/testkit/contract/two_journals.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, AnAlarmIsStoredWithItsAppend) {
  EXPECT_EQ(session.alarm(alice), "none");
  EXPECT_EQ(session.append({alice, 0, {"a", "b"}, other_writer, due_at(7)}), "stored");
  EXPECT_EQ(session.alarm(alice), "7 x");
  EXPECT_EQ(session.history(alice), "1:a 2:b");
  EXPECT_EQ(session.append_all({{bob, 0, {"x"}}, {carol, 0, {"p"}, own_writer, due_at(5)}}),
            "stored, stored");
  EXPECT_EQ(session.alarm(bob), "none");
  EXPECT_EQ(another_session().alarm(carol), "5 o");
  EXPECT_EQ(session.due({"account"}), "carol 5, alice 7");
}

TEST_P(JournalContract, ARefusedAppendLeavesTheAlarm) {
  ASSERT_EQ(session.append({alice, 0, {"a", "b"}, own_writer, due_at(7)}), "stored");
  EXPECT_EQ(session.append({alice, 1, {"x"}, own_writer, due_at(1)}), "conflict 2");
  EXPECT_EQ(session.append({alice, 3, {"x"}, own_writer, no_alarm}), "conflict 2");
  EXPECT_EQ(session.append({bob, 1, {"x"}, own_writer, due_at(1)}), "conflict 0");
  const std::string_view empty_tag;
  auto tagged = event("x");
  tagged.tags = {&empty_tag, 1};
  EXPECT_EQ(session.append({alice, 2, {{tagged}}, own_writer, no_alarm}),
            "rejected invalid_argument");
  EXPECT_EQ(session.append_all({{carol, 0, {"p"}, own_writer, due_at(3)},
                                {alice, 1, {"x"}, own_writer, due_at(1)},
                                {bob, 0, {{tagged}}, own_writer, due_at(1)}}),
            "stored, conflict 2, rejected invalid_argument");
  EXPECT_EQ(session.alarm(alice), "7 o");
  EXPECT_EQ(session.alarm(bob), "none");
  EXPECT_EQ(session.alarm(carol), "3 o");
  EXPECT_EQ(session.due({"account"}), "carol 3, alice 7");
}

TEST_P(JournalContract, ALaterAppendKeepsMovesAndClearsTheAlarm) {
  ASSERT_EQ(session.append({alice, 0, {"a"}, own_writer, due_at(7)}), "stored");
  EXPECT_EQ(session.append({alice, 1, {"b"}, other_writer}), "stored");
  EXPECT_EQ(session.alarm(alice), "7 o") << "kept, with the writer that set it";
  EXPECT_EQ(session.append({alice, 2, {"c"}, other_writer, due_at(3)}), "stored");
  EXPECT_EQ(session.alarm(alice), "3 x") << "earlier";
  EXPECT_EQ(session.append({alice, 3, {"d"}, own_writer, due_at(9)}), "stored");
  EXPECT_EQ(session.alarm(alice), "9 o") << "later";
  EXPECT_EQ(session.due({"account"}), "alice 9");
  EXPECT_EQ(session.append({alice, 4, {"e"}, own_writer, no_alarm}), "stored");
  EXPECT_EQ(session.alarm(alice), "none");
  EXPECT_EQ(session.due({"account"}), "");
  EXPECT_EQ(session.append({alice, 5, {"f"}, own_writer, no_alarm}), "stored") << "there is none";
  EXPECT_EQ(session.append({alice, 6, {"g"}, own_writer, due_at(1)}), "stored");
  EXPECT_EQ(session.alarm(alice), "1 o");
  EXPECT_EQ(session.highest(alice), 7u);
}

TEST_P(JournalContract, ADueOnlyRequestChangesTheAlarmAndNothingElse) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  const auto before = follow(session, 2);
  EXPECT_EQ(session.set_due(alice, 2, due_at(7), other_writer), "stored");
  EXPECT_EQ(session.alarm(alice), "7 x");
  EXPECT_EQ(session.set_due(alice, 2, due_at(9)), "stored");
  EXPECT_EQ(session.alarm(alice), "9 o");
  EXPECT_EQ(session.set_due(alice, 2, no_alarm), "stored");
  EXPECT_EQ(session.set_due(alice, 2, no_alarm), "stored") << "there is none";
  EXPECT_EQ(session.alarm(alice), "none");
  EXPECT_EQ(session.highest(alice), 2u);
  EXPECT_EQ(session.append(alice, 2, {"c"}), "stored") << "it has taken no number";
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c");
  EXPECT_EQ(told(follow(session, 3)), "alice 1:a, alice 2:b, alice 3:c");
  EXPECT_EQ(code_of(session.inner().read_all(before[0].at, 1, [](auto&...) { return true; })),
            "none")
      << "nothing counts as erased";
}

TEST_P(JournalContract, ADueOnlyRequestIsFencedByTheHighestNumber) {
  ASSERT_EQ(session.append({alice, 0, {"a", "b", "c"}, own_writer, due_at(7)}), "stored");
  for (sequence_nr expected : {sequence_nr{1}, sequence_nr{2}, sequence_nr{4}, sequence_nr_max,
                               std::numeric_limits<sequence_nr>::max()}) {
    EXPECT_EQ(session.set_due(alice, expected, due_at(1)), "conflict 3") << expected;
    EXPECT_EQ(session.set_due(alice, expected, no_alarm), "conflict 3") << expected;
  }
  EXPECT_EQ(session.set_due(bob, 1, due_at(1)), "conflict 0");
  EXPECT_EQ(session.alarm(alice), "7 o");
  EXPECT_EQ(session.alarm(bob), "none");
  session.erase_to(alice, 2);
  EXPECT_EQ(session.set_due(alice, 2, due_at(1)), "conflict 3");
  EXPECT_EQ(session.set_due(alice, 3, due_at(5)), "stored");
  session.save(alice, 3, "three");
  session.erase_to(alice, 3);
  EXPECT_EQ(session.set_due(alice, 2, due_at(1)), "conflict 3");
  EXPECT_EQ(session.set_due(alice, 4, due_at(1)), "conflict 3");
  EXPECT_EQ(session.set_due(alice, 3, due_at(6)), "stored") << "the number stays when it is erased";
  EXPECT_EQ(session.alarm(alice), "6 o");
}

TEST_P(JournalContract, AnIdWithoutEventsHasNoAlarm) {
  EXPECT_EQ(session.set_due(alice, 0, due_at(7)), "rejected invalid_argument");
  EXPECT_EQ(session.set_due(alice, 0, no_alarm), "rejected invalid_argument");
  EXPECT_EQ(session.append(alice, 0, {}), "rejected invalid_argument") << "it changes nothing";
  EXPECT_EQ(session.alarm(alice), "none");
  EXPECT_EQ(session.highest(alice), 0u);
}

TEST_P(JournalContract, DueOnlyRequestsFailAlone) {
  ASSERT_EQ(session.append_all({{alice, 0, {"a"}}, {bob, 0, {"x", "y"}}}), "stored, stored");
  EXPECT_EQ(session.append_all({{alice, 1, {}, own_writer, due_at(4)},
                                {bob, 1, {}, own_writer, due_at(1)},
                                {carol, 0, {"p"}, own_writer, due_at(3)}}),
            "stored, conflict 2, stored");
  EXPECT_EQ(session.append_all({{bob, 2, {}, own_writer, due_at(2)},
                                {alice, 9, {"stale"}},
                                {carol, 1, {}, own_writer, no_alarm}}),
            "stored, conflict 1, stored");
  EXPECT_EQ(session.due({"account"}), "bob 2, alice 4");
  EXPECT_EQ(session.history(carol), "1:p");
}

TEST_P(JournalContract, AlarmsHaveEveryTimeWithinTheLimitsAndNoOther) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  const auto taken = store->limits();
  for (auto time : telling_times(taken)) {
    const auto micros = std::to_string(time.time_since_epoch().count());
    EXPECT_EQ(session.set_due(alice, 1, due_change::set(time)), "stored") << micros;
    EXPECT_EQ(session.alarm(alice), micros + " o");
    EXPECT_EQ(session.due({"account"}), "alice " + micros);
    EXPECT_EQ(session.due({"account"}, time), "alice " + micros);
    const auto types = must(session.inner().due_types(start.strand, time, 1));
    EXPECT_EQ(types, (std::vector<due_type>{{"account", 1, time}})) << micros;
  }
  if (taken.time_min == timestamp::min()) return;
  const auto before = due_change::set(taken.time_min - std::chrono::microseconds{1});
  EXPECT_EQ(session.set_due(alice, 1, before), "rejected invalid_argument");
  EXPECT_EQ(session.append({alice, 1, {"b"}, own_writer, before}), "rejected invalid_argument");
  EXPECT_EQ(session.due({"account"}, timestamp::min()), "");
  EXPECT_EQ(session.highest(alice), 1u);
}

TEST_P(JournalContract, ErasingEverythingRemovesTheAlarm) {
  ASSERT_EQ(session.append({alice, 0, {"a", "b"}, own_writer, due_at(7)}), "stored");
  ASSERT_EQ(session.append({bob, 0, {"x", "y"}, own_writer, due_at(8)}), "stored");
  ASSERT_EQ(session.append({carol, 0, {"p"}, own_writer, due_at(9)}), "stored");
  session.erase_to(alice, 1);
  EXPECT_EQ(session.alarm(alice), "7 o") << "an event is left";
  session.erase_to(alice, 2);
  EXPECT_EQ(session.alarm(alice), "none");
  session.prune({{bob, sequence_nr_max, 1}});
  EXPECT_EQ(session.alarm(bob), "8 o") << "an event is left";
  session.prune({{bob, sequence_nr_max, 2}});
  EXPECT_EQ(session.due({"account"}), "carol 9");
  ASSERT_EQ(session.append({alice, 2, {"c"}, own_writer, due_at(3)}), "stored");
  EXPECT_EQ(session.alarm(alice), "3 o") << "with what is stored since";
}

TEST_P(JournalContract, ASnapshotThatIsLeftKeepsTheAlarm) {
  for (const auto& id : {alice, bob, carol}) {
    ASSERT_EQ(session.append({id, 0, {"a", "b"}, own_writer, due_at(7)}), "stored");
    session.save(id, 1, "one");
    session.save(id, 2, "two");
    session.erase_to(id, 2);
    EXPECT_EQ(session.alarm(id), "7 o");
  }
  session.erase_snapshots(alice, {.from = 0, .to = 1});
  session.prune({{bob, 2, 2}});
  EXPECT_EQ(session.due({"account"}), "alice 7, bob 7, carol 7");
  session.erase_snapshots(alice);
  session.prune({{bob, 3, 0}});
  EXPECT_EQ(session.due({"account"}), "carol 7");
  ASSERT_EQ(session.append({carol, 2, {"c"}}), "stored");
  session.erase_snapshots(carol);
  EXPECT_EQ(session.alarm(carol), "7 o") << "an event is left";
}

TEST_P(JournalContract, EventsThatAReaderHoldsBackKeepTheAlarm) {
  ASSERT_EQ(session.append({alice, 0, {"a", "b"}, own_writer, due_at(7)}), "stored");
  const auto all = follow(session, 2);
  must(session.inner().save_reader({"reader", all[0].at, timestamp{}}));
  EXPECT_EQ(code_of(session.inner().erase_to(alice, 2)), "held_back");
  session.prune({{alice, 1, 2}});
  EXPECT_EQ(session.alarm(alice), "7 o");
  must(session.inner().save_reader({"reader", all[1].at, timestamp{}}));
  EXPECT_EQ(must(session.inner().prune_held_back(everything)), 1u);
  EXPECT_EQ(session.alarm(alice), "none");
}

TEST_P(JournalContract, SettleOfADueOnlyRequestIsTheTruth) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  const request sets{alice, 1, {}, own_writer, due_at(7)};
  const request clears{alice, 1, {}, own_writer, no_alarm};
  EXPECT_EQ(session.settle(sets), "not stored");
  EXPECT_EQ(session.settle(clears), "stored") << "as it would leave it";
  ASSERT_EQ(session.append(sets), "stored");
  EXPECT_EQ(session.settle(sets), "stored");
  EXPECT_EQ(session.settle(sets), "stored") << "and again";
  EXPECT_EQ(session.settle(clears), "not stored");
  EXPECT_EQ(session.settle({alice, 1, {}, own_writer, due_at(8)}), "not stored");
  EXPECT_EQ(session.settle({alice, 1, {}, other_writer, due_at(7)}), "not stored");
  EXPECT_EQ(session.settle({bob, 1, {}, own_writer, due_at(7)}), "not stored");
  EXPECT_EQ(session.alarm(alice), "7 o") << "settling stores nothing";
  ASSERT_EQ(session.append(clears), "stored");
  EXPECT_EQ(session.settle(clears), "stored");
  EXPECT_EQ(session.settle(sets), "not stored");
}

TEST_P(JournalContract, AnAppendSettlesByItsEventsWhateverItsAlarm) {
  const request sent{alice, 0, {"a"}, own_writer, due_at(7)};
  ASSERT_EQ(session.append(sent), "stored");
  EXPECT_EQ(session.settle(sent), "stored");
  ASSERT_EQ(session.set_due(alice, 1, no_alarm), "stored");
  EXPECT_EQ(session.settle(sent), "stored");
}

TEST_P(JournalContract, ADueOnlyRequestWhoseAnswerIsLostSettlesAsTheTruthAndStaysSo) {
  if (!GetParam().lose_next_answer) GTEST_SKIP() << "no lose_next_answer";
  for (int round = 0; round < 12; ++round) {
    const auto id = must(persistence_id::make("lost", std::to_string(round)));
    ASSERT_EQ(session.append({id, 0, {"a"}, other_writer, due_at(9)}), "stored");
    const auto change = round / 3 % 2 == 0 ? due_at(7) : no_alarm;
    const request sent{id, 1, {}, own_writer, change};
    auto sender = another_session();
    GetParam().lose_next_answer(sender.inner());
    ASSERT_EQ(trouble_of(sender.outcome_of(sent)), "unknown");
    const auto truth = session.settle(sent);
    const std::string left = truth == "not stored" ? "9 x" : change == no_alarm ? "none" : "7 o";
    EXPECT_EQ(session.alarm(id), left) << truth;
    if (GetParam().let_arrive) GetParam().let_arrive();
    EXPECT_EQ(session.alarm(id), left) << "nothing arrives late";
    EXPECT_EQ(session.settle(sent), truth);
    EXPECT_EQ(session.append({id, 1, {"b"}, own_writer, due_at(5)}), "stored");
    EXPECT_EQ(session.alarm(id), "5 o");
  }
}

TEST_P(JournalContract, AnAlarmWhoseCommitFailsIsNeverTakenForStored) {
  if (!GetParam().fail_commits) GTEST_SKIP() << "no fail_commits";
  for (int round = 0; round < 4; ++round) {
    const auto id = must(persistence_id::make("failing", std::to_string(round)));
    ASSERT_EQ(session.append({id, 0, {"a"}, other_writer, due_at(9)}), "stored");
    const bool alone = round % 2 == 0;
    const request sent{id, 1, alone ? event_list{} : event_list{"b"}, own_writer, due_at(7)};
    auto sender = another_session();
    append_outcome outcome;
    {
      const failing_commits now{GetParam(), uri};
      outcome = sender.outcome_of(sent);
    }
    const auto said = trouble_of(outcome);
    ASSERT_TRUE(said == "failed" || said == "unknown") << said;
    const auto truth = said == "failed" ? "not stored" : session.settle(sent);
    const std::string left = truth == "stored" ? "7 o" : "9 x";
    if (GetParam().crashed) {
      EXPECT_EQ(after_a_crash(GetParam(), uri, [&](auto& s) { return s.alarm(id); }), left)
          << said << ", settled as " << truth;
    }
    EXPECT_EQ(session.alarm(id), left);
    EXPECT_EQ(sender.set_due(id, session.highest(id), no_alarm), "stored") << "it works again";
    EXPECT_EQ(session.alarm(id), "none");
  }
}

TEST_P(JournalContract, ReopeningKeepsAlarms) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append_all({{alice, 0, {"a"}, own_writer, due_at(7)},
                                {bob, 0, {"x"}, own_writer, due_at(8)},
                                {carol, 0, {"p"}, own_writer, due_at(9)}}),
            "stored, stored, stored");
  ASSERT_EQ(session.set_due(alice, 1, due_at(4), other_writer), "stored");
  ASSERT_EQ(session.set_due(bob, 1, no_alarm), "stored");
  ASSERT_EQ(session.upsert({order_of_alice, 0, 1, state("s"), own_writer, {}, due_at(3)}),
            "stored");
  reopen();
  EXPECT_EQ(session.due({"account", "order"}), "alice 3, alice 4, carol 9");
  EXPECT_EQ(session.alarm(alice), "4 x");
  EXPECT_EQ(session.alarm(bob), "none");
  EXPECT_EQ(session.set_due(alice, 1, due_at(5)), "stored");
}

TEST_P(JournalContract, AlarmsAreThoseOfEveryJournalObject) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  terse_session other{must(second->open_session()), start};
  ASSERT_EQ(session.append({alice, 0, {"a"}, own_writer, due_at(7)}), "stored");
  EXPECT_EQ(other.alarm(alice), "7 o");
  ASSERT_EQ(other.set_due(alice, 1, due_at(5), other_writer), "stored");
  EXPECT_EQ(session.due({"account"}), "alice 5");
  ASSERT_EQ(session.append(alice, 1, {"b"}), "stored");
  EXPECT_EQ(other.set_due(alice, 1, no_alarm), "conflict 2");
  EXPECT_EQ(session.alarm(alice), "5 x");
  session.erase_to(alice, 2);
  EXPECT_EQ(other.due({"account"}), "");
}

// -- of durable states ---------------------------------------------------------------------------

TEST_P(JournalContract, AnAlarmIsStoredWithItsState) {
  EXPECT_EQ(session.upsert({alice, 0, 2, state("two"), other_writer, {}, due_at(7)}), "stored");
  EXPECT_EQ(session.alarm(alice), "7 x");
  EXPECT_EQ(session.upsert({alice, 1, 3, state("x"), own_writer, {}, no_alarm}), "conflict 2");
  EXPECT_EQ(session.upsert({alice, 2, 2, state("x")}), "rejected invalid_argument");
  EXPECT_EQ(session.upsert({bob, 1, 2, state("x"), own_writer, {}, due_at(1)}), "conflict 0");
  EXPECT_EQ(session.upsert_all({{carol, 0, 1, state("p"), own_writer, {}, due_at(5)},
                                {alice, 1, 3, state("x"), own_writer, {}, due_at(1)},
                                {bob, 2, 1, state("x"), own_writer, {}, due_at(1)}}),
            "stored, conflict 2, rejected invalid_argument");
  EXPECT_EQ(session.due({"account"}), "carol 5, alice 7");
  EXPECT_EQ(session.upsert(alice, 2, 3, "three"), "stored");
  EXPECT_EQ(session.alarm(alice), "7 x") << "kept, with the writer that set it";
  EXPECT_EQ(session.upsert({alice, 3, 4, state("four"), own_writer, {}, due_at(9)}), "stored");
  EXPECT_EQ(session.alarm(alice), "9 o");
}

TEST_P(JournalContract, ATombstoneIsStoredTogetherWithTheEndOfItsAlarm) {
  ASSERT_EQ(session.upsert({alice, 0, 1, state("one"), own_writer, {}, due_at(7)}), "stored");
  EXPECT_EQ(session.upsert({alice, 0, 2, {}, own_writer, {}, no_alarm}), "conflict 1");
  EXPECT_EQ(session.alarm(alice), "7 o");
  EXPECT_EQ(session.upsert({alice, 1, 2, {}, own_writer, {}, no_alarm}), "stored");
  EXPECT_EQ(session.state(alice), "2 erased");
  EXPECT_EQ(session.alarm(alice), "none");
  EXPECT_EQ(session.due({"account"}), "");
}

TEST_P(JournalContract, ADueOnlyRequestOfAStateLeavesTheState) {
  const put one{alice, 0, 1, state("one"), other_writer, moment(3)};
  ASSERT_EQ(session.upsert(one), "stored");
  const auto due = [&](const persistence_id& id, sequence_nr version, due_change to) {
    return session.upsert({id, version, version, {}, own_writer, {}, to});
  };
  EXPECT_EQ(due(alice, 1, due_at(7)), "stored");
  EXPECT_EQ(session.alarm(alice), "7 o");
  EXPECT_EQ(session.state(alice), "1:one");
  EXPECT_EQ(session.settle_state(one), "stored") << "writer and time are those of the state";
  EXPECT_EQ(due(alice, 2, due_at(1)), "conflict 1");
  EXPECT_EQ(due(alice, 2, no_alarm), "conflict 1");
  EXPECT_EQ(due(alice, sequence_nr_max + 1, due_at(1)), "rejected invalid_argument");
  EXPECT_EQ(due(bob, 1, due_at(1)), "conflict 0");
  EXPECT_EQ(due(bob, 0, due_at(1)), "rejected invalid_argument") << "there is no state";
  EXPECT_EQ(due(bob, 0, no_alarm), "rejected invalid_argument");
  EXPECT_EQ(session.due({"account"}), "alice 7");
  EXPECT_EQ(due(alice, 1, no_alarm), "stored");
  EXPECT_EQ(session.alarm(alice), "none");
  EXPECT_EQ(session.upsert_all({{alice, 1, 1, {}, own_writer, {}, due_at(4)},
                                {bob, 0, 1, state("x"), own_writer, {}, due_at(6)},
                                {carol, 1, 1, {}, own_writer, {}, due_at(1)}}),
            "stored, stored, conflict 0");
  EXPECT_EQ(session.due({"account"}), "alice 4, bob 6");
  EXPECT_EQ(session.upsert(alice, 1, 2, "two"), "stored") << "it has taken no version";
}

TEST_P(JournalContract, ADueOnlyRequestIsNoChangeOfAState) {
  if (!changes_past(session, start)) GTEST_SKIP() << "this journal does not number changes";
  ASSERT_EQ(session.upsert(alice, 0, 1, "a"), "stored");
  const auto first = follow_changes(session, start, "alice 1:a");
  ASSERT_EQ(session.upsert({alice, 1, 1, {}, own_writer, {}, due_at(7)}), "stored");
  ASSERT_EQ(session.upsert(bob, 0, 1, "x"), "stored");
  (void)follow_changes(session, first.last, "bob 1:x");
}

TEST_P(JournalContract, ErasingEventsAndSnapshotsLeavesTheAlarmOfAState) {
  ASSERT_EQ(session.upsert({alice, 0, 1, state("one"), own_writer, {}, due_at(7)}), "stored");
  session.erase_to(alice, sequence_nr_max);
  session.erase_snapshots(alice);
  session.prune({{alice, sequence_nr_max, sequence_nr_max}});
  EXPECT_EQ(session.alarm(alice), "7 o");
}

TEST_P(JournalContract, SettleOfADueOnlyRequestOfAStateIsTheTruth) {
  const put one{alice, 0, 1, state("one"), own_writer, {}, due_at(9)};
  ASSERT_EQ(session.upsert(one), "stored");
  const put sets{alice, 1, 1, {}, own_writer, {}, due_at(7)};
  const put clears{alice, 1, 1, {}, own_writer, {}, no_alarm};
  EXPECT_EQ(session.settle_state(sets), "not stored");
  EXPECT_EQ(session.settle_state(clears), "not stored");
  ASSERT_EQ(session.upsert(sets), "stored");
  EXPECT_EQ(session.settle_state(sets), "stored");
  EXPECT_EQ(session.settle_state(one), "stored") << "by its state";
  ASSERT_EQ(session.upsert(clears), "stored");
  EXPECT_EQ(session.settle_state(clears), "stored");
  EXPECT_EQ(session.settle_state(sets), "not stored");
  if (!GetParam().lose_next_answer) return;
  for (int round = 0; round < 6; ++round) {
    auto sender = another_session();
    GetParam().lose_next_answer(sender.inner());
    const put lost{alice, 1, 1, {}, own_writer, {}, due_at(round)};
    ASSERT_EQ(trouble_of(sender.outcomes_of(std::vector<put>{lost}).at(0)), "unknown");
    const auto truth = session.settle_state(lost);
    if (GetParam().let_arrive) GetParam().let_arrive();
    EXPECT_EQ(session.alarm(alice) == std::to_string(round) + " o", truth == "stored") << truth;
    EXPECT_EQ(session.settle_state(lost), truth);
  }
}

}}}  // namespace nexus::v0::testkit
