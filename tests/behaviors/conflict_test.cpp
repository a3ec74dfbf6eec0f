// Two systems on one journal, as two processes would be: conflicts, and the answers to callers.
#include <atomic>
#include <deque>
#include <functional>
#include <stdexcept>
#include <variant>
#include <vector>

#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::operation;

namespace {

struct bell {
  static constexpr std::string_view entity_type = "bell";
  struct ring {};
  struct count {};
  using command = std::variant<ring, count>;
  struct rung {
    static constexpr std::string_view type_name = "rung";
  };
  using event = std::variant<rung>;
  struct state {
    std::int64_t times = 0;
    MSGPACK_DEFINE_MAP(times)
  };
  static auto decide(const state&, const ring&) { return nexus::persist(rung{}); }
  static auto decide(const state& s, const count&) { return nexus::reply(s.times); }
  static void apply(state& s, const rung&) { ++s.times; }
};

/// A seat for one guest, with every kind of chain.
struct seat {
  static constexpr std::string_view entity_type = "seat";
  struct take {
    std::string by;
    std::function<void()> run;
  };
  struct rang {};
  struct who {};
  using command = std::variant<take, rang, who>;
  struct taken {
    static constexpr std::string_view type_name = "taken";
    std::string by;
    MSGPACK_DEFINE_MAP(by)
  };
  using event = std::variant<taken>;
  struct state {
    std::string by;
    MSGPACK_DEFINE_MAP(by)
  };
  static effect<seat, std::string> decide(const state& s, const take& c) {
    if (!s.by.empty()) return nexus::reject("taken by " + s.by);
    return nexus::persist(taken{c.by})
        .then_run([run = c.run](const state&) { run(); })
        .then_ask<bell>("front", bell::ring{}, [](const result<void>&) { return rang{}; })
        .then_reply(&state::by);
  }
  static auto decide(const state&, const rang&) { return nexus::none(); }
  static auto decide(const state& s, const who&) { return nexus::reply(s.by); }
  static void apply(state& s, const taken& e) { s.by = e.by; }
};

/// A durable state that contains its history.
struct scores {
  static constexpr std::string_view entity_type = "scores";
  struct add {
    std::int64_t n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  struct all {};
  using command = std::variant<add, all>;
  struct state {
    std::vector<std::int64_t> list;
    MSGPACK_DEFINE_MAP(list)
  };
  static auto decide(const state& s, const add& c) {
    auto next = s;
    next.list.push_back(c.n);
    return nexus::persist(std::move(next)).then_reply([](const state& now) {
      return now.list.size();
    });
  }
  static auto decide(const state& s, const all&) { return nexus::reply(s.list); }
};

const entity_options refusing{.on_signal = [](const entity_signal&) {}};
const entity_options again{.on_conflict = conflict_policy::decide_again,
                           .on_signal = [](const entity_signal&) {}};

struct Conflicts : store_fixture {
  nexus::system other{{.threads = 2}};

  double counted(std::string_view name) {
    double sum = 0;
    for (const auto& family : sys.metrics().collect()) {
      if (family.name != name) continue;
      for (const auto& one : family.samples) sum += one.value;
    }
    return sum;
  }
};

}  // namespace

TEST_P(Conflicts, AreToldToTheCallerByDefault) {
  entities<tally> ours{sys, *journal, refusing};
  entities<tally> theirs{other, *journal, refusing};
  EXPECT_EQ(ours.of("a").ask(tally::add{1}).get(10s), 1);
  EXPECT_EQ(theirs.of("a").ask(tally::add{10}).get(10s), 11);
  EXPECT_EQ(ours.of("a").ask(tally::add{100}).get(10s).error().code, errc::conflict);
  EXPECT_EQ(ours.of("a").ask(tally::add{100}).get(10s), 111) << "it has recovered";
  EXPECT_EQ(counted("nexus_commands_decided_again_total"), 0);
}

TEST_P(Conflicts, MayHaveACommandDecidedOnTheFreshState) {
  entities<tally> ours{sys, *journal, again};
  entities<tally> theirs{other, *journal, refusing};
  EXPECT_EQ(ours.of("a").ask(tally::add{1}).get(10s), 1);
  EXPECT_EQ(theirs.of("a").ask(tally::add{10}).get(10s), 11);
  EXPECT_EQ(ours.of("a").ask(tally::add_each{{50, 50}}).get(10s), 111);
  EXPECT_EQ(theirs.of("a").ask_verified(tally::read{}).get(10s), 111);
  EXPECT_EQ(counted("nexus_commands_decided_again_total"), 1);
}

TEST_P(Conflicts, LeaveNothingOfADecisionThatWasNotStored) {
  entities<bell> bells{sys, *journal, again};
  entities<bell> their_bells{other, *journal, again};
  entities<seat> ours{sys, *journal, again};
  entities<seat> theirs{other, *journal, again};
  std::atomic<int> our_runs{0};
  const auto reader = session();
  EXPECT_EQ(ours.of("1").ask(seat::who{}).get(10s), "") << "live, and soon behind";
  EXPECT_EQ(theirs.of("1").ask(seat::take{"them", [] {}}).get(10s), "them");
  const auto refused = ours.of("1").ask(seat::take{"us", [&] { ++our_runs; }}).get(10s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::rejected) << refused.error().message;
  EXPECT_EQ(our_runs, 0) << "a chain of a decision that is void";
  const auto rung = [&] { return bells.of("front").ask_verified(bell::count{}).get(10s); };
  EXPECT_TRUE(eventually([&] { return rung() == 1; })) << "theirs is on its way yet";
  EXPECT_TRUE(sys.shutdown(10s).complete());
  EXPECT_EQ(reader->highest(*persistence_id::make("bell", "front")), 1u) << "a question too";
}

TEST_P(Conflicts, HaveChainsRunAndQuestionsAskedOnce) {
  entities<bell> bells{sys, *journal, again};
  entities<seat> seats{sys, *journal, again};
  std::atomic<int> runs{0};
  const auto reader = session();
  faults->inject(fault::conflict, operation::append, 2);
  EXPECT_EQ(seats.of("1").ask(seat::take{"us", [&] { ++runs; }}).get(10s), "us");
  EXPECT_TRUE(eventually([&] { return runs == 1; }));
  EXPECT_TRUE(eventually([&] { return bells.of("front").ask(bell::count{}).get(10s) == 1; }));
  EXPECT_TRUE(sys.shutdown(10s).complete());
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(reader->highest(*persistence_id::make("bell", "front")), 1u);
}

TEST_P(Conflicts, OneTooManyIsTold) {
  auto options = again;
  options.conflict_retries_max = 2;
  entities<tally> ours{sys, *journal, options};
  faults->inject(fault::conflict, operation::append, 3);
  const auto refused = ours.of("a").ask(tally::add{1}).get(10s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::conflict);
  EXPECT_EQ(counted("nexus_commands_decided_again_total"), 2);
  EXPECT_EQ(ours.of("a").ask(tally::add{1}).get(10s), 1);
}

TEST_P(Conflicts, OfADurableStateAreDecidedAgainToo) {
  entities<scores> ours{sys, *journal, again};
  entities<scores> theirs{other, *journal, refusing};
  EXPECT_EQ(ours.of("a").ask(scores::add{1}).get(10s), 1u);
  EXPECT_EQ(theirs.of("a").ask(scores::add{2}).get(10s), 2u);
  EXPECT_EQ(ours.of("a").ask(scores::add{3}).get(10s), 3u);
  EXPECT_EQ(theirs.of("a").ask_verified(scores::all{}).get(10s),
            (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_P(Conflicts, OfADurableStateThatWasPassedByAreNotDecidedAgain) {
  entities<scores> ours{sys, *journal, again};
  entities<scores> theirs{other, *journal, refusing};
  EXPECT_EQ(ours.of("a").ask(scores::add{1}).get(10s), 1u);
  for (std::int64_t n : {2, 3}) EXPECT_TRUE(theirs.of("a").ask(scores::add{n}).get(10s));
  EXPECT_EQ(ours.of("a").ask(scores::add{4}).get(10s).error().code, errc::outcome_unknown)
      << "version 2 is not known any more";
}

// Each system keeps many commands of the same few entities in flight.
TEST_P(Conflicts, TwoConstantWritersLoseAndDoubleNothing) {
  constexpr int rounds = 60;
  constexpr int ids = 5;
  const std::string names[ids] = {"a", "b", "c", "d", "e"};
  entities<tally> ours{sys, *journal, again};
  entities<tally> theirs{other, *journal, refusing};
  std::int64_t stored[ids] = {};
  std::deque<std::pair<int, asked<std::int64_t>>> in_flight;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < ids; ++i) {
      for (auto* side : {&ours, &theirs}) {
        in_flight.emplace_back(i, side->of(names[i]).ask(tally::add_each{{1, 1, 1}}));
      }
    }
    while (in_flight.size() > std::size_t{ids} * 4 || (round + 1 == rounds && !in_flight.empty())) {
      auto& [id, answer] = in_flight.front();
      const auto r = answer.get(20s);
      if (r) stored[id] += 3;
      if (!r) {
        EXPECT_EQ(r.error().code, errc::conflict) << r.error().message;
      }
      in_flight.pop_front();
    }
  }
  for (int i = 0; i < ids; ++i) {
    EXPECT_EQ(ours.of(names[i]).ask_verified(tally::read{}).get(10s), stored[i]);
  }
  EXPECT_GT(counted("nexus_commands_decided_again_total"), 0);
}

TEST_P(Conflicts, DecidedAgainNoTimesMakesNoSense) {
  auto options = again;
  options.conflict_retries_max = 0;
  entities<tally> odd{sys, *journal, options};
  EXPECT_EQ(odd.status().error().message,
            "entities \"tally\": conflict_retries_max must be at least 1 to decide again");
}

INSTANTIATE_TEST_SUITE_P(Journals, Conflicts, journals(), journal_name);
