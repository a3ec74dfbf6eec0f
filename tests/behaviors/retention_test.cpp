// Snapshots that are kept, events that are erased, and failures of both.
#include <atomic>
#include <mutex>
#include <vector>

#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::operation;

namespace {

struct Retention : store_fixture {
  using kind = entity_signal::kind;

  const persistence_id id = *persistence_id::make("tally", "a");
  std::mutex lock;
  std::vector<kind> signals;
  std::unique_ptr<entities<tally>> tallies;

  void start(entity_options options) {
    options.on_signal = [this](const entity_signal& s) {
      std::lock_guard guard{lock};
      signals.push_back(s.what);
    };
    tallies.reset();
    tallies = std::make_unique<entities<tally>>(sys, *journal, options);
  }
  std::int64_t add(int times) {
    std::int64_t sum = -1;
    for (int i = 0; i < times; ++i) {
      sum = tallies->of("a").ask(tally::add{1}).get(10s).value_or(-1);
    }
    return sum;
  }
  auto read() { return tallies->of("a").ask(tally::read{}).get(10s); }
  std::vector<sequence_nr> snapshots() { return *session()->snapshot_numbers(id, {}, 100); }
  sequence_nr first_event() {
    sequence_nr first = 0;
    EXPECT_TRUE(session()->replay(id, 1, sequence_nr_max, 1, [&](const record_view& r) {
      first = r.number;
      return true;
    }));
    return first;
  }
  bool told(kind what) {
    return eventually([&] {
      std::lock_guard guard{lock};
      return std::find(signals.begin(), signals.end(), what) != signals.end();
    });
  }
  // Waits for the writer's earlier work: it does one batch after the other.
  void writer_is_idle() {
    EXPECT_TRUE(tallies->of("another").ask(tally::add{1}).get(10s).has_value());
  }
};

}  // namespace

TEST_P(Retention, KeepsTheNewestSnapshots) {
  start({.snapshot_every = 5, .keep_snapshots = 2});
  EXPECT_EQ(add(52), 52);
  tallies.reset();
  ASSERT_TRUE(eventually([&] { return snapshots().size() == 2; })) << "pruned behind the save";
  EXPECT_GE(snapshots()[0], 45u);
  EXPECT_EQ(first_event(), 1u) << "the events stay";
}

TEST_P(Retention, ErasesTheEventsThatASnapshotStandsFor) {
  start({.snapshot_every = 5, .keep_snapshots = 2, .erase_events = true});
  EXPECT_EQ(add(52), 52);
  tallies.reset();
  ASSERT_TRUE(eventually([&] { return snapshots().size() == 2; }));
  EXPECT_TRUE(eventually([&] { return first_event() == snapshots()[1] + 1; }));
  start({.snapshot_every = 5, .keep_snapshots = 2, .erase_events = true});
  EXPECT_EQ(read(), 52);
  EXPECT_EQ(add(1), 53);
}

TEST_P(Retention, AcrossRestartsToo) {
  for (int i = 1; i <= 6; ++i) {
    start({.snapshot_every = 2, .keep_snapshots = 3, .erase_events = true});
    EXPECT_EQ(add(4), 4 * i);
    tallies.reset();
    EXPECT_TRUE(eventually([&] { return snapshots().size() <= 3; })) << "pruned behind the save";
  }
}

TEST_P(Retention, NothingIsErasedBeforeTheReplacementIsDurable) {
  start({.snapshot_every = 5, .keep_snapshots = 1, .erase_events = true});
  EXPECT_EQ(add(5), 5);
  ASSERT_TRUE(eventually([&] { return first_event() == 0; })) << "all are in snapshot 5";
  writer_is_idle();
  faults->inject(fault::fail, operation::save, id, 1);
  EXPECT_EQ(add(5), 10);
  EXPECT_TRUE(told(kind::snapshot_failed));
  EXPECT_EQ(snapshots(), std::vector<sequence_nr>{5});
  EXPECT_EQ(first_event(), 6u);
  start({.snapshot_every = 5, .keep_snapshots = 1, .erase_events = true});
  EXPECT_EQ(read(), 10);
}

TEST_P(Retention, AFailedPruningHarmsNoOtherAndIsMadeUpFor) {
  start({.snapshot_every = 5, .keep_snapshots = 1});
  EXPECT_EQ(add(5), 5);
  writer_is_idle();
  faults->inject(fault::fail, operation::erase, id, 1);
  EXPECT_EQ(add(5), 10);
  EXPECT_TRUE(told(kind::prune_failed));
  EXPECT_EQ(snapshots().size(), 2u);
  EXPECT_EQ(add(5), 15);
  EXPECT_TRUE(eventually([&] { return snapshots() == std::vector<sequence_nr>{15}; }));
}

TEST_P(Retention, ASnapshotThatDoesNotDecodeFailsTheRecovery) {
  start({.snapshot_every = 5});
  EXPECT_EQ(add(7), 7);
  tallies.reset();
  const snapshot_request bad{id, {.number = 7, .type = "tally", .data = "not msgpack"}};
  ASSERT_TRUE(session()->save_snapshots({&bad, 1}));
  start({});
  EXPECT_EQ(read().error().code, errc::corrupt);
  EXPECT_TRUE(told(kind::recovery_failed));
  start({.snapshot_optional = true});
  EXPECT_EQ(read(), 7) << "every event is there";
  EXPECT_TRUE(told(kind::snapshot_ignored));
}

TEST_P(Retention, OptionsThatWouldLoseEventsAreRefused) {
  start({.keep_snapshots = 1, .erase_events = true, .snapshot_optional = true});
  EXPECT_EQ(tallies->status().error().code, errc::invalid_argument);
  EXPECT_EQ(read().error().code, errc::invalid_argument);
  start({.erase_events = true});
  EXPECT_EQ(tallies->status().error().code, errc::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Journals, Retention, journals(), journal_name);
