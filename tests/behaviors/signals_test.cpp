// The life of an entity as its signals tell it.
#include <mutex>
#include <nexus/testkit/deterministic.hpp>
#include <vector>

#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::operation;

namespace {

std::string name_of(ending why) {
  switch (why) {
    case ending::passivated:
      return "passivated";
    case ending::stopped:
      return "stopped";
    case ending::failed:
      return "failed";
    case ending::closed:
      return "closed";
  }
  return "?";
}

// As in "tally|a recovered 3", "tally|a stopped 3 closed".
std::string told(const entity_signal& s) {
  const auto text = std::string{s.id} + " ";
  const auto number = " " + std::to_string(s.number);
  switch (s.what) {
    case entity_signal::kind::recovered:
      return text + "recovered" + number;
    case entity_signal::kind::snapshot_saved:
      return text + "saved" + number;
    case entity_signal::kind::snapshot_failed:
      return text + "not saved" + number;
    case entity_signal::kind::passivated:
      return text + "passivated" + number + (s.how == ending::passivated ? "" : " ?");
    case entity_signal::kind::stopped:
      return text + "stopped" + number + " " + name_of(s.how);
    case entity_signal::kind::recovery_failed:
      return text + "not recovered";
    default:
      return text + "something else";
  }
}

struct Signals : store_fixture {
  std::mutex lock;
  std::vector<std::string> signals;

  entity_options with_signals(entity_options o = {}) {
    o.on_signal = [this](const entity_signal& s) {
      std::lock_guard guard{lock};
      signals.push_back(told(s));
    };
    return o;
  }
  std::vector<std::string> all() {
    std::lock_guard guard{lock};
    return signals;
  }
  bool become(const std::vector<std::string>& wanted) {
    if (eventually([&] { return all() == wanted; })) return true;
    ADD_FAILURE() << testing::PrintToString(all());
    return false;
  }
};

}  // namespace

TEST_P(Signals, AnEntityThatIsClosedIsToldWithItsHighestNumber) {
  {
    entities<tally> tallies{sys, *journal, with_signals()};
    ASSERT_TRUE(tallies.of("a").ask(tally::add_each{{1, 2, 3}}).get(10s));
  }
  EXPECT_EQ(all(), (std::vector<std::string>{"tally|a recovered 0", "tally|a stopped 3 closed"}));
}

TEST_P(Signals, AnEntityThatStopsItselfIsTold) {
  entities<tally> tallies{sys, *journal, with_signals()};
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(10s));
  ASSERT_TRUE(tallies.of("a").ask(tally::retire{}).get(10s));
  EXPECT_TRUE(become({"tally|a recovered 0", "tally|a stopped 1 stopped"}));
}

TEST_P(Signals, AnIdleEntityIsToldAsPassivated) {
  entities<tally> tallies{sys, *journal, with_signals({.passivate_after = 1ms})};
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(10s));
  ASSERT_TRUE(eventually([&] { return tallies.live() == 0; }));
  EXPECT_EQ(all().back(), "tally|a passivated 1");
}

TEST_P(Signals, ASavedSnapshotIsToldWithItsNumber) {
  entities<tally> tallies{sys, *journal, with_signals({.snapshot_every = 2})};
  ASSERT_TRUE(tallies.of("a").ask(tally::add_each{{1, 2, 3}}).get(10s));
  EXPECT_TRUE(become({"tally|a recovered 0", "tally|a saved 3"}));
  faults->inject(fault::fail, operation::save);
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(10s));
  EXPECT_TRUE(become({"tally|a recovered 0", "tally|a saved 3", "tally|a not saved 4"}));
}

TEST_P(Signals, ALongRecoveryIsFollowedByASnapshotAndTheNextOneStartsThere) {
  {
    entities<tally> tallies{sys, *journal};
    ASSERT_TRUE(tallies.of("a").ask(tally::add_each{{1, 2, 3, 4, 5}}).get(10s));
  }
  const entity_options often{.snapshot_every = 3};
  {
    entities<tally> tallies{sys, *journal, with_signals(often)};
    EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(10s), 15);
    EXPECT_TRUE(become({"tally|a recovered 5", "tally|a saved 5"}));
  }
  ASSERT_TRUE(session()->erase_to(*persistence_id::make("tally", "a"), 5));
  entities<tally> tallies{sys, *journal, often};
  EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(10s), 15) << "of the snapshot alone";
}

TEST_P(Signals, ALongRecoveryWhoseSnapshotFailsGoesOn) {
  {
    entities<tally> tallies{sys, *journal};
    ASSERT_TRUE(tallies.of("a").ask(tally::add_each{{1, 2, 3, 4, 5}}).get(10s));
  }
  entities<tally> tallies{sys, *journal, with_signals({.snapshot_every = 3})};
  faults->inject(fault::fail, operation::save);
  EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(10s), 15);
  EXPECT_TRUE(become({"tally|a recovered 5", "tally|a not saved 5"}));
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(10s));
  EXPECT_TRUE(become({"tally|a recovered 5", "tally|a not saved 5", "tally|a saved 6"}));
}

TEST_P(Signals, AnEntityThatCannotRecoverIsToldAsFailed) {
  event_view odd{.type = "unheard of", .data = "\x80"};
  const append_request request{*persistence_id::make("tally", "a"), 0, {}, {&odd, 1}};
  ASSERT_TRUE(std::holds_alternative<stored>(session()->append({&request, 1})[0]));
  entities<tally> tallies{sys, *journal, with_signals()};
  EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(10s).error().code, errc::unknown_type);
  EXPECT_TRUE(become({"tally|a not recovered", "tally|a stopped 0 failed"}));
}

TEST_P(Signals, AnEntityThatGoesOnAfterItsStopIsToldTwice) {
  entities<tally> tallies{sys, *journal, with_signals()};
  auto a = tallies.of("a");
  faults->hold(operation::append);
  auto added = a.ask(tally::add{1});
  auto retired = a.ask(tally::retire{});
  auto read = a.ask(tally::read{});
  faults->release(operation::append);
  EXPECT_EQ(read.get(10s), 1);
  EXPECT_TRUE(retired.get(10s));
  EXPECT_TRUE(become({"tally|a recovered 0", "tally|a stopped 1 stopped", "tally|a recovered 1"}));
}

INSTANTIATE_TEST_SUITE_P(Journals, Signals, journals(), journal_name);
