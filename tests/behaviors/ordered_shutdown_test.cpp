// Ordered shutdowns, and the end of `entities`, while commands arrive, wait in stashes, back off or
// go in circles: admitted work is finished, and hopeless work ends soon.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "directory_core.hpp"
#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::testkit::fault;
using nexus::testkit::operation;
using std::chrono::steady_clock;

namespace {

// Far more than any test takes; a test of "soon" expects less than half of it.
constexpr auto long_time = 40s;

/// Keeps the messages that come before it is opened, as long as it is closed.
struct waiting_room {
  static constexpr std::string_view entity_type = "waiting_room";
  struct enter {};
  struct open {};
  using command = std::variant<enter, open>;
  struct opened {
    static constexpr std::string_view type_name = "opened";
  };
  using event = std::variant<opened>;
  struct state {
    bool is_open = false;
    MSGPACK_DEFINE_MAP(is_open)
  };
  static effect<waiting_room, bool> decide(const state& s, const enter&) {
    if (!s.is_open) return nexus::stash();
    return nexus::reply(true);
  }
  static auto decide(const state&, const open&) {
    return nexus::persist(opened{}).then_unstash().then_reply(&state::is_open);
  }
  static void apply(state& s, const opened&) { s.is_open = true; }
};

/// Asks a tally until its sum is above zero, and reports nothing.
struct stubborn {
  static constexpr std::string_view entity_type = "stubborn";
  struct begin {
    std::string whom;
    MSGPACK_DEFINE_MAP(whom)
  };
  struct answered {
    std::string whom;
    bool fine = false;
  };
  struct ended {};
  using command = std::variant<begin, answered, ended>;
  struct begun {
    static constexpr std::string_view type_name = "begun";
  };
  struct done {
    static constexpr std::string_view type_name = "done";
  };
  using event = std::variant<begun, done>;
  struct state {
    int ended = 0;
    MSGPACK_DEFINE_MAP(ended)
  };
  static answered on(const std::string& whom, const result<std::int64_t>& r) {
    return {whom, r.has_value() && *r > 0};
  }
  static effect<stubborn> decide(const state&, const begin& c) {
    return nexus::persist(begun{}).then_ask<tally>(c.whom, tally::read{},
                                                   [whom = c.whom](auto r) { return on(whom, r); });
  }
  static effect<stubborn> decide(const state&, const answered& c) {
    if (c.fine) return nexus::persist(done{});
    return nexus::ask<tally>(c.whom, tally::read{},
                             [whom = c.whom](auto r) { return on(whom, r); });
  }
  static auto decide(const state&, const ended&) { return nexus::reply(&state::ended); }
  static void apply(state&, const begun&) {}
  static void apply(state& s, const done&) { ++s.ended; }
};

/// Keeps a shutdown from going on.
struct holding final : shutdown_participant {
  stage of() const override { return stage::work; }
  std::string name() const override { return "holding"; }
  void stop_admitting() override { told = true; }
  bool is_quiet() override { return released; }
  std::uint64_t admitted() override { return 0; }
  void stop() override {}
  std::vector<std::string> remaining() override { return {}; }

  std::atomic<bool> told{false};
  std::atomic<bool> released{false};
};

struct OrderedShutdown : store_fixture {
  shutdown_report shut_down() {
    auto report = sys.shutdown(long_time);
    EXPECT_LT(report.took, long_time / 2);
    EXPECT_TRUE(report.complete());
    return report;
  }
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(All, OrderedShutdown, testing::Values("memory"), journal_name);

// A late command must not be counted at the gate: the entity would take it for one on its way, and
// delay the append of its decided commands.
TEST_P(OrderedShutdown, OneThatIsRefusedNeverShowsAtTheGate) {
  entities<tally> tallies{sys, *journal};
  auto core = std::static_pointer_cast<nexus::detail::directory_core>(
      nexus::detail::entity_directory::on(sys, "tally"));
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(long_time));
  auto holds = std::make_shared<holding>();
  sys.join(holds);
  shutdown_report report;
  std::jthread ends{[&] { report = sys.shutdown(long_time); }};
  ASSERT_TRUE(eventually([&] { return holds->told.load(); }));
  std::atomic<bool> over{false};
  std::atomic<int> refused{0};
  std::vector<std::jthread> late;
  for (int t = 0; t < 3; ++t) {
    late.emplace_back([&] {
      const auto same = tallies.of("a");
      while (!over) refused += !same.tell(tally::add{1});
    });
  }
  int shown = 0;
  while (refused < 20'000) shown += !core->is_quiet();
  over = true;
  holds->released = true;
  ends.join();
  EXPECT_EQ(shown, 0);
  EXPECT_TRUE(report.drained);
}

TEST_P(OrderedShutdown, AStashedCommandDoesNotKeepItWaiting) {
  entities<waiting_room> rooms{sys, *journal};
  entities<tally> tallies{sys, *journal};
  auto stashed = rooms.of("a").ask(waiting_room::enter{});
  auto behind = rooms.of("a").ask(waiting_room::enter{});
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(long_time));
  shut_down();
  EXPECT_EQ(stashed.get(0s).error().code, errc::stopped);
  EXPECT_EQ(behind.get(0s).error().code, errc::stopped);
}

TEST_P(OrderedShutdown, AnEntityThatAsksForEverIsEnded) {
  entities<stubborn> all{sys, *journal};
  entities<tally> tallies{sys, *journal};
  ASSERT_TRUE(all.of("a").ask(stubborn::begin{"nothing"}).get(long_time));
  EXPECT_FALSE(shut_down().drained);
}

TEST_P(OrderedShutdown, AnEntityThatAsksOneThatIsNotThereForEverIsEnded) {
  entities<stubborn> all{sys, *journal};
  ASSERT_TRUE(all.of("a").ask(stubborn::begin{"nothing"}).get(long_time));
  EXPECT_FALSE(shut_down().drained);
}

TEST_P(OrderedShutdown, AnEntityThatBacksOffIsEnded) {
  entities<tally> tallies{sys, *journal, {.backoff_min = 1h, .backoff_max = 1h}};
  faults->inject(fault::fail, operation::read, testkit::faults::forever);
  EXPECT_FALSE(tallies.of("a").ask(tally::add{1}).get(long_time));
  auto waiting = tallies.of("a").ask(tally::add{1});
  EXPECT_FALSE(shut_down().drained);
  EXPECT_EQ(waiting.get(0s).error().code, errc::stopped);
}

TEST_P(OrderedShutdown, AQuestionToAnEntityWhoseStorageFailsIsEnded) {
  entities<stubborn> all{sys, *journal};
  entities<tally> tallies{sys, *journal};
  ASSERT_TRUE(all.of("a").ask(stubborn::begin{"nothing"}).get(long_time));
  ASSERT_TRUE(tallies.of("nothing").ask(tally::read{}).get(long_time));  // has recovered
  faults->inject(fault::fail, operation::read, testkit::faults::forever);
  ASSERT_TRUE(tallies.of("nothing").ask(tally::retire{}).get(long_time));
  EXPECT_FALSE(shut_down().drained);
}

TEST_P(OrderedShutdown, AStorageThatTakesItsTimeIsWaitedFor) {
  entities<tally> tallies{sys, *journal};
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(long_time));
  faults->delay(operation::append, 3s);
  auto slow = tallies.of("a").ask(tally::add{1});
  EXPECT_TRUE(shut_down().drained);
  EXPECT_EQ(slow.get(0s), 2);
}

TEST_P(OrderedShutdown, ASlowCommandIsWaitedFor) {
  entities<tally> tallies{sys, *journal};
  std::atomic<bool> runs{false};
  std::promise<void> end;
  auto ends = end.get_future();
  auto slow = tallies.of("a").ask(tally::add_and_run{1, [&](std::int64_t) {
                                                       runs = true;
                                                       ends.wait();
                                                     }});
  auto behind = tallies.of("a").ask(tally::add{1});
  const bool began = eventually([&] { return runs.load(); });
  auto stopping = std::async(std::launch::async, [&] { return shut_down().drained; });
  EXPECT_EQ(stopping.wait_for(3s), std::future_status::timeout) << "longer than its patience";
  end.set_value();
  ASSERT_TRUE(began);
  EXPECT_TRUE(stopping.get());
  EXPECT_EQ(slow.get(0s), 1);
  EXPECT_EQ(behind.get(0s), 2);
}

// -- the end of `entities` ------------------------------------------------------------------------

TEST_P(OrderedShutdown, TheEndOfEntitiesFinishesWhatWasAdmitted) {
  auto tallies = std::make_unique<entities<tally>>(sys, *journal);
  faults->delay(operation::read, 50ms);
  std::deque<asked<std::int64_t>> answers;
  for (int i = 0; i < 100; ++i) {
    answers.push_back(tallies->of(std::to_string(i % 10)).ask(tally::add{1}));
  }
  tallies.reset();
  for (auto& one : answers) {
    auto r = one.get(0s);
    EXPECT_TRUE(r) << r.error().message;
  }
}

TEST_P(OrderedShutdown, TheEndOfEntitiesAnswersWhatIsStashed) {
  auto rooms = std::make_unique<entities<waiting_room>>(sys, *journal);
  auto stashed = rooms->of("a").ask(waiting_room::enter{});
  rooms.reset();
  EXPECT_EQ(stashed.get(0s).error().code, errc::stopped);
}

TEST_P(OrderedShutdown, TheEndOfEntitiesEndsWhatWouldAskForEver) {
  entities<tally> tallies{sys, *journal};
  auto all = std::make_unique<entities<stubborn>>(sys, *journal);
  ASSERT_TRUE(all->of("a").ask(stubborn::begin{"nothing"}).get(long_time));
  const auto begun = steady_clock::now();
  all.reset();
  EXPECT_LT(steady_clock::now() - begun, long_time / 2);
}

TEST_P(OrderedShutdown, TheEndOfEntitiesTakesNoMoreFromAPersistentCaller) {
  entities<stubborn> all{sys, *journal};
  auto tallies = std::make_unique<entities<tally>>(sys, *journal);
  ASSERT_TRUE(all.of("a").ask(stubborn::begin{"nothing"}).get(long_time));
  const auto begun = steady_clock::now();
  tallies.reset();
  EXPECT_LT(steady_clock::now() - begun, long_time / 2);
}
