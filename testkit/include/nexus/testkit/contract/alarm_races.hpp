// Two sessions that change one alarm at the same time: it is as the request with the highest number
// leaves it.
#pragma once

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "nexus/testkit/contract/races.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// What the two sessions do about the alarm in a round. The numbers tell rounds and sessions apart.
struct racing_changes {
  due_change written;  ///< with an event or a state; of own_writer
  due_change alone;    ///< of other_writer

  explicit racing_changes(std::size_t round) {
    const auto micros = static_cast<std::int64_t>(round) * 10;
    if (round % 3 != 2) written = round % 3 == 0 ? due_at(micros) : no_alarm;
    alone = round / 3 % 2 == 0 ? due_at(micros + 1) : no_alarm;
  }

  static std::string told(const due_change& left, char writer) {
    if (left == no_alarm) return "none";
    return std::to_string(left.at.time_since_epoch().count()) + " " + writer;
  }
};

// In each round `write` stores the next number, and at the same time `alone` changes the alarm of the
// number before. Number 1 is stored already.
template <class Write, class Alone>
void race_for_an_alarm(terse_session& reader, const persistence_id& id, race_length length,
                       Write write, Alone alone) {
  std::vector<std::string> written;
  std::vector<std::string> changed;
  std::vector<std::string> left;
  bool over = false;
  meeting_point meet;
  std::thread rival{[&] {
    while (!over) {
      const auto round = changed.size();
      meet.wait_for_both();
      changed.push_back(alone(round + 1, racing_changes{round}.alone));
      meet.wait_for_both();
      meet.wait_for_both();
    }
  }};
  for (std::size_t round = 0; !over; ++round) {
    meet.wait_for_both();
    written.push_back(write(round + 1, racing_changes{round}.written));
    meet.wait_for_both();
    left.push_back(reader.alarm(id));
    over = length.over(round + 1);
    meet.wait_for_both();
  }
  rival.join();

  std::string before = "none";
  for (std::size_t round = 0; round < left.size(); ++round) {
    const racing_changes changes{round};
    ASSERT_EQ(written[round], "stored") << "round " << round;
    const bool both = changed[round] == "stored";
    ASSERT_TRUE(both || changed[round] == "conflict " + std::to_string(round + 2))
        << "round " << round << ": " << changed[round];
    if (changes.written) {
      before = racing_changes::told(changes.written, 'o');
    } else if (both) {
      before = racing_changes::told(changes.alone, 'x');
    }
    ASSERT_EQ(left[round], before) << "round " << round << (both ? ", both were stored" : "");
  }
}

TEST_P(JournalContract, OfAnAppendAndADueOnlyRequestThatRaceTheAlarmIsTheAppends) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  race_for_an_alarm(
      session, alice, {90, GetParam().race},
      [&, writer = another_session()](sequence_nr expected, due_change due) mutable {
        return writer.append(request{alice, expected, {"b"}, own_writer, due});
      },
      [&, other = another_session()](sequence_nr expected, due_change due) mutable {
        return other.set_due(alice, expected, due, other_writer);
      });
}

TEST_P(JournalContract, OfAnUpsertAndADueOnlyRequestThatRaceTheAlarmIsTheUpserts) {
  ASSERT_EQ(session.upsert(alice, 0, 1, "a"), "stored");
  race_for_an_alarm(
      session, alice, {90, GetParam().race},
      [&, writer = another_session()](sequence_nr version, due_change due) mutable {
        return writer.upsert({alice, version, version + 1, state("b"), own_writer, {}, due});
      },
      [&, other = another_session()](sequence_nr version, due_change due) mutable {
        return other.upsert({alice, version, version, {}, other_writer, {}, due});
      });
}

TEST_P(JournalContract, OfTwoAppendsThatRaceTheAlarmIsTheWinners) {
  constexpr std::array writers{own_writer, other_writer};
  std::array sessions{another_session(), another_session()};
  std::array<std::vector<std::string>, 2> outcomes;
  std::vector<std::string> left;
  bool over = false;
  race_length length{60, GetParam().race};
  meeting_point meet;
  auto race = [&](std::size_t me) {
    for (std::size_t round = 0; !over; ++round) {
      const racing_changes changes{round};
      meet.wait_for_both();
      outcomes[me].push_back(sessions[me].append(
          request{alice, round, {"a"}, writers[me], me == 0 ? changes.written : changes.alone}));
      meet.wait_for_both();
      if (me == 0) {
        left.push_back(session.alarm(alice));
        over = length.over(round + 1);
      }
      meet.wait_for_both();
    }
  };
  std::thread rival{race, 1};
  race(0);
  rival.join();

  std::string before = "none";
  for (std::size_t round = 0; round < left.size(); ++round) {
    const racing_changes changes{round};
    const bool first_won = outcomes[0][round] == "stored";
    ASSERT_EQ(outcomes[first_won ? 0 : 1][round], "stored") << "round " << round;
    ASSERT_EQ(outcomes[first_won ? 1 : 0][round], "conflict " + std::to_string(round + 1));
    const auto& won = first_won ? changes.written : changes.alone;
    if (won) before = racing_changes::told(won, first_won ? 'o' : 'x');
    ASSERT_EQ(left[round], before) << "round " << round;
  }
}

// A database that locks row by row must neither deadlock nor refuse requests without a conflict.
TEST_P(JournalContract, CallsThatChangeAlarmsInOppositeOrdersAreAllStored) {
  constexpr std::size_t contested = 20;
  std::vector<persistence_id> ids;
  std::vector<request> first;
  for (std::size_t i = 0; i < contested; ++i) {
    ids.push_back(must(persistence_id::make("contested", std::to_string(100 + i))));
    first.push_back({ids.back(), 0, {"a"}});
  }
  for (const auto& outcome : session.outcomes_of(first)) ASSERT_EQ(told(outcome), "stored");
  std::array sessions{another_session(), another_session()};
  std::array<std::vector<std::string>, 2> outcomes;
  bool over = false;
  race_length length{20, GetParam().race};
  meeting_point meet;
  auto race = [&](std::size_t me, const persistence_id& own) {
    for (std::size_t round = 0; !over; ++round) {
      std::vector<request> batch;
      for (std::size_t i = 0; i < contested; ++i) {
        const auto change = (round + i) % 2 == me ? no_alarm : due_at(static_cast<int>(me));
        batch.push_back({ids[me == 0 ? i : contested - 1 - i], 1, {}, own_writer, change});
      }
      batch.push_back({own, round, {"own"}, own_writer, due_at(7)});
      meet.wait_for_both();
      outcomes[me].push_back(sessions[me].append_all(batch));
      if (me == 0) over = length.over(round + 1);
      meet.wait_for_both();
    }
  };
  std::thread rival{race, 1, bob};
  race(0, alice);
  rival.join();
  std::string all = "stored";
  for (std::size_t i = 0; i < contested; ++i) all += ", stored";
  for (const auto& of_session : outcomes) {
    for (const auto& outcome : of_session) ASSERT_EQ(outcome, all);
  }
}

}}}  // namespace nexus::v0::testkit
