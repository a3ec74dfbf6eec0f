// Two threads, each with its own session: of two that race for a number exactly one wins.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// The length of a race: long enough for a slow database, and longer where rounds are cheap, since
/// a fast database has only a narrow window for mistakes.
class race_length {
 public:
  race_length(std::size_t rounds_min, std::chrono::milliseconds at_least)
      : rounds_min_{rounds_min}, at_least_{at_least} {}

  bool over(std::size_t rounds) const noexcept {
    return rounds >= rounds_min_ && std::chrono::steady_clock::now() - start_ > at_least_;
  }

 private:
  std::size_t rounds_min_;
  std::chrono::milliseconds at_least_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Where two threads meet and continue within a tenth of a microsecond of each other. A barrier
/// would let one sleep, and wake it long after a fast journal has answered the other.
class meeting_point {
 public:
  void wait_for_both() noexcept {
    auto arrived = ++arrived_;
    auto both = arrived + arrived % 2;
    for (int spins = 0; arrived_.load() < both; ++spins) {
      if (spins > spins_max) std::this_thread::yield();
    }
  }

 private:
  static constexpr int spins_max = 20'000;
  std::atomic<std::size_t> arrived_ = 0;
};

// In each round both append at the same number, one of them two events and the other three.
inline void race_for_numbers(terse_session first, terse_session second, terse_session& reader,
                             const persistence_id& id, race_length length) {
  constexpr std::array writers{own_writer, other_writer};
  const std::array events{event_list{"o1", "o2"}, event_list{"x1", "x2", "x3"}};
  std::array sessions{std::move(first), std::move(second)};
  std::array<std::vector<append_outcome>, 2> outcomes;
  bool over = false;
  meeting_point meet;
  auto race = [&](std::size_t me) {
    sequence_nr expected = 0;
    while (!over) {
      request next{id, expected, events[me], writers[me]};
      meet.wait_for_both();
      outcomes[me].push_back(sessions[me].outcome_of(next));
      if (me == 0) over = length.over(outcomes[0].size());
      meet.wait_for_both();
      expected += events[std::holds_alternative<stored>(outcomes[0].back()) ? 0 : 1].size();
    }
  };
  std::thread rival{race, 1};
  race(0);
  rival.join();

  auto records = reader.records(id);
  sequence_nr highest = 0;
  for (std::size_t round = 0; round < outcomes[0].size(); ++round) {
    auto winner = std::holds_alternative<stored>(outcomes[0][round]) ? 0u : 1u;
    ASSERT_EQ(told(outcomes[winner][round]), "stored") << "round " << round;
    for (const auto& won : events[winner]) {
      ASSERT_LT(highest, records.size()) << "round " << round;
      const auto& found = records[highest++];
      ASSERT_EQ(found.number, highest);
      ASSERT_EQ(found.data, won.data) << "number " << highest;
      ASSERT_EQ(found.writer, writers[winner]) << "number " << highest;
    }
    ASSERT_EQ(told(outcomes[1 - winner][round]), "conflict " + std::to_string(highest));
  }
  EXPECT_EQ(records.size(), highest);
  EXPECT_EQ(reader.highest(id), highest);
}

TEST_P(JournalContract, OfTwoSessionsThatRaceForANumberExactlyOneWins) {
  race_for_numbers(another_session(), another_session(), session, alice, {150, GetParam().race});
}

// A database that locks row by row must neither deadlock nor abort requests without a conflict.
TEST_P(JournalContract, CallsThatMeetInOppositeOrdersLoseOnlyWhereTheyConflict) {
  constexpr std::size_t contested = 20;
  std::vector<persistence_id> ids;
  for (std::size_t i = 0; i < contested; ++i) {
    ids.push_back(must(persistence_id::make("contested", std::to_string(100 + i))));
  }
  std::array sessions{another_session(), another_session()};
  std::array<std::vector<std::vector<append_outcome>>, 2> outcomes;
  bool over = false;
  race_length length{20, GetParam().race};
  meeting_point meet;
  // Each call has the contested ids, the second session's in reverse, and at its end an id of its
  // session.
  auto race = [&](std::size_t me, const persistence_id& own) {
    for (sequence_nr round = 0; !over; ++round) {
      std::vector<request> batch;
      for (const auto& id : ids) batch.push_back({id, round, {"contested"}});
      if (me == 1) std::reverse(batch.begin(), batch.end());
      batch.push_back({own, round, {"own"}});
      meet.wait_for_both();
      outcomes[me].push_back(sessions[me].outcomes_of(batch));
      if (me == 0) over = length.over(outcomes[0].size());
      meet.wait_for_both();
    }
  };
  std::thread rival{race, 1, bob};
  race(0, alice);
  rival.join();

  auto rounds = outcomes[0].size();
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto& first = outcomes[0][round];
    const auto& second = outcomes[1][round];
    ASSERT_EQ(first.size(), contested + 1);
    ASSERT_EQ(second.size(), contested + 1);
    ASSERT_EQ(told(first.back()), "stored") << "no other session appends to alice";
    ASSERT_EQ(told(second.back()), "stored") << "no other session appends to bob";
    for (std::size_t i = 0; i < contested; ++i) {
      std::array both{told(first[i]), told(second[contested - 1 - i])};
      std::sort(both.begin(), both.end());
      ASSERT_EQ(both[0], "conflict " + std::to_string(round + 1)) << "round " << round;
      ASSERT_EQ(both[1], "stored") << "round " << round;
    }
  }
  for (const auto& id : ids) EXPECT_EQ(session.highest(id), rounds);
}

TEST_P(JournalContract, AReaderNeverSeesHalfARequestOrAGap) {
  const event_list events{"a", "b", "c", "d", "e"};
  std::atomic<bool> over = false;
  std::jthread writer{[&, other = another_session()]() mutable {
    race_length length{100, GetParam().race};
    for (std::size_t n = 0; !length.over(n); ++n) {
      auto outcome = other.append(alice, n * events.size(), events);
      EXPECT_EQ(outcome, "stored");
      if (outcome != "stored") break;
    }
    over = true;
  }};
  std::size_t seen = 0;
  for (bool last_read = false; !last_read;) {
    last_read = over;
    for (const auto& r : session.records(alice, seen + 1)) ASSERT_EQ(r.number, ++seen);
    ASSERT_EQ(seen % events.size(), 0u);
  }
  EXPECT_EQ(session.highest(alice), seen);
}

TEST_P(JournalContract, WithoutReadersErasingIsNotHeldBackByEventsThatAreAppendedMeanwhile) {
  std::atomic<bool> over = false;
  std::jthread writer{[&, other = another_session()]() mutable {
    race_length length{100, GetParam().race};
    for (std::size_t n = 0; !length.over(n); ++n)
      EXPECT_EQ(other.append(alice, n, {"e"}), "stored");
    over = true;
  }};
  while (!over) {
    const auto done = session.inner().erase_to(alice, sequence_nr_max);
    if (done) continue;
    ADD_FAILURE() << done.error().message;
    break;
  }
}

}}}  // namespace nexus::v0::testkit
