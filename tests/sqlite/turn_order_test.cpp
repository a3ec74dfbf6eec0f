// The rule of turns, step by step and in simulated time.
#include "turn_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace {

using namespace std::chrono_literals;
using nexus::sqlite::taker;
using nexus::sqlite::turn_order;
using duration = turn_order::duration;
using time_point = turn_order::time_point;

constexpr time_point start{1h};

class TurnOrder : public testing::Test {
 protected:
  auto join(taker of) { return order.join(of, now); }
  bool begin(turn_order::ticket waiting) { return order.begin(waiting, now); }
  void end_after(duration held) {
    now += held;
    order.end(now);
  }
  // A whole turn of one that need not wait.
  void turn(taker of, duration held) {
    ASSERT_TRUE(begin(join(of)));
    end_after(held);
  }

  turn_order order;
  time_point now = start;
};

TEST_F(TurnOrder, IsFirstComeFirstServedWithinAClass) {
  for (const auto of : {taker::journal, taker::program}) {
    const auto first = join(of);
    const auto second = join(of);
    EXPECT_FALSE(begin(second));
    EXPECT_TRUE(begin(first));
    EXPECT_FALSE(begin(second)) << "the turn is taken";
    end_after(1ms);
    now += 10ms;
    EXPECT_FALSE(begin(join(of)));
    EXPECT_TRUE(begin(second));
    end_after(1ms);
    order = {};
  }
}

TEST_F(TurnOrder, OneThatGivesUpLetsTheNextGo) {
  const auto first = join(taker::program);
  const auto second = join(taker::program);
  order.leave(first);
  EXPECT_FALSE(begin(first));
  EXPECT_TRUE(begin(second));
}

TEST_F(TurnOrder, AfterATurnOfTheProgramTheJournalHasFiveTimesItsLength) {
  turn(taker::program, 50ms);
  const auto waiting = join(taker::program);
  for (int i = 0; i < 25; ++i) {
    const auto append = join(taker::journal);
    EXPECT_FALSE(begin(waiting)) << i;
    ASSERT_TRUE(begin(append)) << i;
    end_after(10ms);
    EXPECT_EQ(begin(waiting), i == 24) << "the journal may come back";
  }
}

TEST_F(TurnOrder, AnIdleJournalMakesNobodyWait) {
  for (int i = 0; i < 5; ++i) turn(taker::program, 50ms);
  turn(taker::journal, 1ms);
  now += turn_order::pause_max;
  for (int i = 0; i < 5; ++i) turn(taker::program, 50ms);
}

TEST_F(TurnOrder, APauseOfTheJournalIsWaitedForABoundedTime) {
  turn(taker::program, 50ms);
  const auto waiting = join(taker::program);
  const auto next = join(taker::program);
  turn(taker::journal, 10ms);
  EXPECT_FALSE(begin(waiting));
  EXPECT_EQ(order.changes_at(waiting), now + turn_order::pause_max);
  EXPECT_EQ(order.changes_at(next), time_point::max());
  now = order.changes_at(waiting) - 1ns;
  EXPECT_FALSE(begin(waiting));
  now += 1ns;
  EXPECT_TRUE(begin(waiting));
  EXPECT_EQ(order.changes_at(next), time_point::max()) << "the turn is taken";
}

TEST_F(TurnOrder, AnIdleJournalIsOwedNothingLater) {
  turn(taker::program, 100ms);
  turn(taker::journal, 1ms);
  now += turn_order::pause_max;
  turn(taker::program, 0ms);
  turn(taker::journal, 1ms);
  turn(taker::program, 1ms);  // at once
}

// -- many takers, in simulated time ---------------------------------------------------------------

struct worker {
  taker of;
  duration hold;
  duration gap;  // between its turns

  time_point due = start;
  turn_order::ticket ticket = 0;  // 0: does not wait
  duration held{}, longest_wait{};
  int turns = 0;
};

// Returns the parts of `within` that the classes held.
class simulated {
 public:
  explicit simulated(std::vector<worker> all) : workers{std::move(all)} {}

  void run(duration within) {
    while (now_ < start + within) {
      join_until(now_);
      const auto next = std::ranges::find_if(
          workers, [&](const worker& w) { return w.ticket != 0 && order_.begin(w.ticket, now_); });
      if (next == workers.end()) {
        now_ = std::max(now_ + 1ns, wakes_at());
        continue;
      }
      order.push_back(next->of);
      next->longest_wait = std::max(next->longest_wait, now_ - next->due);
      next->held += next->hold;
      ++next->turns;
      join_until(now_ + next->hold);
      now_ += next->hold;
      order_.end(now_);
      next->ticket = 0;
      next->due = now_ + next->gap;
    }
  }
  [[nodiscard]] double share(taker of, duration within) const {
    duration held{};
    for (const auto& w : workers) held += w.of == of ? w.held : 0ns;
    return std::chrono::duration<double>(held) / within;
  }

  std::vector<worker> workers;
  std::vector<taker> order;  // of the turns

 private:
  void join_until(time_point time) {
    for (auto& w : workers) {
      if (w.ticket == 0 && w.due <= time) w.ticket = order_.join(w.of, w.due);
    }
  }
  [[nodiscard]] time_point wakes_at() const {
    auto at = time_point::max();
    for (const auto& w : workers) {
      at = std::min(at, w.ticket == 0 ? w.due : order_.changes_at(w.ticket));
    }
    return at;
  }

  turn_order order_;
  time_point now_ = start;
};

TEST(TurnShares, OfBothWithoutAPauseTheProgramGetsASixth) {
  for (const auto program : {1ms, 5ms, 50ms, 200ms}) {
    for (const auto journal : {1ms, 10ms, 40ms}) {
      // A journal's turn is not cut short, so shares are exact only for shorter ones.
      if (journal > 5 * program) continue;
      simulated both{{{taker::program, program, 0ms}, {taker::journal, journal, 500us}}};
      both.run(60s);
      EXPECT_GE(both.share(taker::program, 60s), 0.08) << program.count() << " " << journal.count();
      EXPECT_LE(both.share(taker::program, 60s), 0.17) << program.count() << " " << journal.count();
      EXPECT_LE(both.workers[0].longest_wait, 5 * program + 2 * journal + 5 * program);
      EXPECT_LE(both.workers[1].longest_wait, program);
    }
  }
}

TEST(TurnShares, DoNotDependOnTheNumberOfTakers) {
  std::vector<worker> all(6, {taker::program, 10ms, 0ms});
  all.push_back({taker::journal, 5ms, 0ms});
  all.push_back({taker::journal, 10ms, 1ms});
  simulated many{all};
  many.run(60s);
  EXPECT_NEAR(many.share(taker::program, 60s), 1.0 / 6, 0.02);
  for (std::size_t i = 1; i < 6; ++i) EXPECT_NEAR(many.workers[i].turns, many.workers[0].turns, 1);
}

TEST(TurnShares, TheProgramHasTheWholeTimeThatTheJournalLeaves) {
  simulated both{{{taker::program, 50ms, 0ms}, {taker::journal, 2ms, 300ms}}};
  both.run(60s);
  EXPECT_GE(both.share(taker::program, 60s), 0.95);
  simulated alone{{{taker::program, 50ms, 0ms}}};
  alone.run(60s);
  EXPECT_GE(alone.share(taker::program, 60s), 0.999);
}

TEST(TurnShares, NobodyStarvesInOverload) {
  std::vector<worker> all(8, {taker::program, 300ms, 0ms});
  all.push_back({taker::journal, 20ms, 0ms});
  simulated overloaded{all};
  overloaded.run(120s);
  for (const auto& w : overloaded.workers) {
    // Its class before it, a turn of the journal between any two, and the patience.
    const auto most = w.of == taker::journal ? 300ms : 8 * (300ms + 20ms) + turn_order::patience;
    EXPECT_LE(w.longest_wait, most);
    EXPECT_GT(w.turns, 20);
  }
  const auto program = [](taker of) { return of == taker::program; };
  const auto& order = overloaded.order;
  EXPECT_EQ(std::adjacent_find(order.begin() + 1, order.end(),
                               [&](auto a, auto b) { return program(a) && program(b); }),
            order.end())
      << "two turns in a row while the journal waits";
}

TEST(TurnShares, ALongTurnDelaysTheNextOneForABoundedTime) {
  simulated both{{{taker::program, 10s, 0ms}, {taker::journal, 10ms, 0ms}}};
  both.run(120s);
  EXPECT_LE(both.workers[0].longest_wait, turn_order::patience + 10ms);
  EXPECT_GE(both.workers[0].turns, 9);
}

}  // namespace
