// Two processes on one database, and a process that is killed while it appends.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "nexus/testkit/contract/second_process.hpp"
#include "nexus/testkit/contract/two_journals.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

inline void be_the_second_of_two(first_process& first, terse_session& session,
                                 const persistence_id& id) {
  first.tell(session.append(id, 3, {"d"}));
  (void)first.said();
  first.tell(session.append(id, 4, {"stale"}));
  session.erase_to(id, 5);
  first.tell(std::to_string(session.highest(id)));
  (void)first.said();
}

TEST_P(JournalContract, AHeadIsNotRememberedAcrossProcesses) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  if (auto first = first_process::of_this()) return be_the_second_of_two(*first, session, alice);
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.highest(alice), 3u);
  second_process second{uri};
  ASSERT_EQ(second.said(), "stored");
  EXPECT_EQ(session.append(alice, 3, {"stale"}), "conflict 4");
  EXPECT_EQ(session.highest(alice), 4u);
  EXPECT_EQ(session.append(alice, 4, {"e"}), "stored");
  const auto last = session.last_record(alice).at;
  second.tell("go on");
  EXPECT_EQ(second.said(), "conflict 5");
  EXPECT_EQ(second.said(), "5");
  EXPECT_EQ(session.history(alice), "");
  EXPECT_EQ(session.append(alice, 0, {"stale"}), "conflict 5");
  EXPECT_EQ(session.append(alice, 5, {"f"}), "stored");
  EXPECT_EQ(told(follow(session, 1, last)), "alice 6:f");
  second.tell("that is all");
  EXPECT_TRUE(second.passed());
}

/// Appends one event to `id` at its highest number, repeatedly until `over`; passes each
/// acknowledged number to `won`. A call that finds the database busy for too long is retried.
template <class Over, class Won>
void append_until(terse_session& session, const persistence_id& id, const ulid& writer, Over over,
                  Won won) {
  while (!over()) {
    const auto expected = session.highest(id);
    const auto outcome = session.outcome_of(request{id, expected, {"mine"}, writer});
    if (std::holds_alternative<stored>(outcome)) {
      won(expected + 1);
    } else if (!std::holds_alternative<failed>(outcome)) {
      ASSERT_TRUE(std::holds_alternative<conflict>(outcome)) << told(outcome);
    }
  }
}

/// The number of wins after which one process waits for the other.
inline constexpr std::size_t wins_of_a_turn = 20;

inline void race_as_the_second(first_process& first, terse_session& session,
                               const persistence_id& id) {
  do {
    std::size_t won = 0;
    append_until(
        session, id, other_writer, [&] { return won == wins_of_a_turn; },
        [&](sequence_nr n) { first.tell(std::to_string(n)), ++won; });
    if (::testing::Test::HasFatalFailure()) return;
  } while (first.said() != "stop");
}

TEST_P(JournalContract, NoNumberIsAcknowledgedTwiceByTwoProcesses) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  if (auto first = first_process::of_this()) return race_as_the_second(*first, session, alice);
  second_process second{uri};
  std::map<sequence_nr, ulid> acknowledged;
  auto win = [&](sequence_nr n, const ulid& writer) {
    EXPECT_TRUE(acknowledged.emplace(n, writer).second) << "number " << n << " twice";
  };
  const race_length length{25, GetParam().race};
  std::size_t own = 0;
  std::size_t in_a_row = 0;
  std::size_t its = 0;
  bool over = false;
  auto hear = [&](const std::string& line) {
    win(std::stoull(line), other_writer);
    in_a_row = 0;
    if (++its % wins_of_a_turn != 0) return;
    over = length.over(own);
    second.tell(over ? "stop" : "go on");
  };
  hear(second.said());  // it is running: the race starts
  append_until(
      session, alice, own_writer,
      [&] {
        if (in_a_row == wins_of_a_turn) hear(second.said());
        while (!over) {
          const auto line = second.said_already();
          if (!line) break;
          hear(*line);
        }
        return over;
      },
      [&](sequence_nr n) { win(n, own_writer), ++own, ++in_a_row; });
  EXPECT_TRUE(second.passed());
  EXPECT_EQ(session.highest(alice), acknowledged.size());
  const auto records = session.records(alice);
  ASSERT_EQ(records.size(), acknowledged.size());
  for (const auto& r : records) ASSERT_EQ(r.writer, acknowledged.at(r.number)) << r.number;
}

// -- kill -9 ---------------------------------------------------------------------------------------

inline constexpr std::size_t events_of_killed = 3;  // in each request

/// The ids of the process that is killed.
inline std::vector<persistence_id> ids_of_killed(const terse_session& s) {
  std::vector<persistence_id> ids;
  for (auto name : {"a", "b", "c", "d"}) ids.push_back(s.in_strand(std::string{"killed|"} + name));
  return ids;
}

/// Appends calls of two requests, whose events hold their own numbers, until the end. Reports what
/// was acknowledged, as in "2 9": id 2 has all numbers up to 9.
inline void append_until_killed(first_process& first, terse_session& session) {
  const auto ids = ids_of_killed(session);
  std::map<std::size_t, sequence_nr> highest;
  for (std::size_t i = 0; i < ids.size(); ++i) highest[i] = session.highest(ids[i]);
  for (std::size_t call = 0;; ++call) {
    texts data;
    for (auto i : {call % ids.size(), (call + 1) % ids.size()}) {
      for (std::size_t n = 1; n <= events_of_killed; ++n) {
        data.push_back(std::to_string(highest[i] + n));
      }
    }
    std::vector<request> batch;
    std::size_t next = 0;
    for (auto i : {call % ids.size(), (call + 1) % ids.size()}) {
      std::vector<event_view> events;
      for (std::size_t n = 0; n < events_of_killed; ++n) events.push_back(event(data[next++]));
      batch.push_back({ids[i], highest[i], {events}});
    }
    const auto outcomes = session.outcomes_of(batch);
    for (std::size_t at = 0; at < batch.size(); ++at) {
      const auto i = (call + at) % ids.size();
      if (told(outcomes[at]) == "stored") {
        highest[i] += events_of_killed;
        if (!first.tell(std::to_string(i) + " " + std::to_string(highest[i]))) return;
      } else {
        highest[i] = session.highest(ids[i]);  // a call of the previous process came late
      }
    }
  }
}

/// Checks that every number is there once, with its own data, and requests are whole; returns the
/// highest.
inline sequence_nr whole_history(terse_session& session, const persistence_id& id) {
  sequence_nr highest = 0;
  for (const auto& r : session.records(id)) {
    EXPECT_EQ(r.number, ++highest) << id.str();
    EXPECT_EQ(r.data, std::to_string(r.number)) << id.str();
  }
  EXPECT_EQ(highest % events_of_killed, 0u) << id.str() << ": half a request";
  EXPECT_GE(session.highest(id), highest) << id.str();
  return highest;
}

TEST_P(JournalContract, AcknowledgedEventsSurviveAKillOfTheProcess) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal goes with its process";
  if (auto first = first_process::of_this()) return append_until_killed(*first, session);
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  const auto ids = ids_of_killed(session);
  std::vector<sequence_nr> acknowledged(ids.size());
  for (int round = 0; round < 5; ++round) {
    close();
    second_process second{uri};
    auto hear = [&](const std::string& line) {
      std::size_t id_ends = 0;
      const auto i = std::stoul(line, &id_ends);
      acknowledged.at(i) = std::stoull(line.substr(id_ends));
    };
    for (auto left = 1 + random() % 60; left > 0; --left) hear(second.said());
    second.kill();
    for (auto line = second.said_already(); line; line = second.said_already()) hear(*line);

    open();
    std::size_t total = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto found = whole_history(session, ids[i]);
      EXPECT_GE(found, acknowledged[i]) << ids[i].str() << " in round " << round;
      total += acknowledged[i];
    }
    if (HasFailure()) return;
    EXPECT_TRUE(ascends(follow(session, total)));
  }
  const auto highest = session.highest(ids[0]);
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored") << "the journal works on";
  EXPECT_EQ(session.highest(ids[0]), highest);
}

}}}  // namespace nexus::v0::testkit
