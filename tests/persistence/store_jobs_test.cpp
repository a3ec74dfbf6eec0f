// The writer's work besides appending: states, settling them, and erasing what a snapshot replaces.
#include "store_fixture.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::operation;

namespace {

struct StoreJobs : nexus::test::Store {
  static persistence_id id(std::string_view name) { return *persistence_id::make("t", name); }

  /// States "v1", "v2" … after version `expected`, collapsed into one job.
  envelope states(std::string_view name, sequence_nr expected, std::size_t count = 1) {
    auto made = job(name, expected, 0);
    auto& w = made.as<write_job>();
    w.of_state = true;
    for (std::size_t i = 1; i <= count; ++i) {
      const auto data = "v" + std::to_string(expected + i);
      w.events->add({.type = "state",
                     .schema_version = 3,
                     .codec = "json",
                     .data = data,
                     .metadata = {},
                     .time = timestamp{5us}});
    }
    return made;
  }

  envelope snapshot(std::string_view name, sequence_nr number, retention keep) {
    auto made = job(name, 0, 0);
    auto& w = made.as<write_job>();
    w.todo = write_job::step::save_snapshot;
    w.save = std::make_unique<write_job::saving>();
    w.save->snapshot = {.number = number, .type = "state", .codec = "msgpack", .data = "s"};
    w.save->keep = keep;
    return made;
  }

  std::vector<sequence_nr> snapshots(const store& s, std::string_view name) {
    return *(*s.open_session())->snapshot_numbers(id(name), {}, 100);
  }
  sequence_nr first_event(const store& s, std::string_view name) {
    sequence_nr first = 0;
    (void)(*s.open_session())->replay(id(name), 1, 100, 1, [&](const record_view& r) {
      first = r.number;
      return false;
    });
    return first;
  }
  std::optional<stored_state> state(const store& s, std::string_view name) {
    return *(*s.open_session())->get_state(id(name));
  }
};

}  // namespace

TEST_F(StoreJobs, TheLastOfSeveralStatesIsStoredUnderItsVersion) {
  auto s = open();
  EXPECT_TRUE(std::holds_alternative<stored>(through(s, states("one", 0, 3)).outcome));
  auto found = state(s, "one");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version, 3u);
  EXPECT_EQ(found->type, "state");
  EXPECT_EQ(found->schema_version, 3u);
  EXPECT_EQ(found->codec, "json");
  EXPECT_EQ(found->data, "v3");
  EXPECT_EQ(found->time, timestamp{5us});
  EXPECT_EQ(first_event(s, "one"), 0u) << "no events come of it";
}

TEST_F(StoreJobs, AStateWithoutATypeErases) {
  auto s = open();
  (void)through(s, states("one", 0));
  auto erase = states("one", 1);
  erase.as<write_job>().events->add(event_view{.type = {}, .data = {}, .metadata = {}});
  EXPECT_TRUE(std::holds_alternative<stored>(through(s, erase).outcome));
  auto found = state(s, "one");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->erased);
  EXPECT_EQ(found->version, 3u);
}

TEST_F(StoreJobs, AStaleStateConflictsWithTheVersion) {
  auto s = open();
  (void)through(s, states("one", 0, 4));
  const auto& stale = through(s, states("one", 1));
  ASSERT_TRUE(std::holds_alternative<conflict>(stale.outcome));
  EXPECT_EQ(std::get<conflict>(stale.outcome).highest, 4u);
}

TEST_F(StoreJobs, AStateJobWithoutAStateIsRejected) {
  auto s = open();
  EXPECT_TRUE(std::holds_alternative<rejected>(through(s, states("one", 0, 0)).outcome));
  EXPECT_FALSE(state(s, "one"));
}

TEST_F(StoreJobs, StatesAreSettled) {
  auto s = open();
  auto mine = states("one", 0, 2);
  mine.as<write_job>().todo = write_job::step::settle;
  EXPECT_EQ(through(s, mine).settled, settlement::not_stored);
  mine.as<write_job>().todo = write_job::step::append;
  (void)through(s, mine);
  mine.as<write_job>().todo = write_job::step::settle;
  EXPECT_EQ(through(s, mine).settled, settlement::stored);
  (void)through(s, states("one", 2));
  EXPECT_EQ(through(s, mine).settled, settlement::superseded);
}

TEST_F(StoreJobs, EventsAndStatesOfOneBatchAreBothWritten) {
  auto s = open();
  hold_with(s, job("first"));
  write(s, states("state", 0));
  write(s, job("event", 0, 2));
  write(s, states("stale", 7));
  write(s, job("stale", 7));
  write(s, states("event", 0, 2));
  release();
  ASSERT_TRUE(wait_for(6));
  EXPECT_EQ(count<stored>(), 4u);
  EXPECT_EQ(count<conflict>(), 2u);
  EXPECT_EQ(state(s, "state")->version, 1u);
  EXPECT_EQ(state(s, "event")->version, 2u);
  EXPECT_EQ(first_event(s, "event"), 1u);
  EXPECT_EQ(s.statistics().commits, 3u);
  EXPECT_EQ(s.statistics().requests, 6u);
}

TEST_F(StoreJobs, ASnapshotErasesOlderOnesAndTheirEvents) {
  auto s = open();
  (void)through(s, job("one", 0, 9));
  for (sequence_nr number : {2u, 4u}) (void)through(s, snapshot("one", number, {.snapshots = 3}));
  EXPECT_EQ(faults->calls(operation::erase), 0u) << "fewer than are kept";
  const auto& last = through(s, snapshot("one", 6, {.snapshots = 2, .events = true}));
  EXPECT_TRUE(last.save->saved);
  EXPECT_TRUE(last.save->pruned);
  EXPECT_EQ(snapshots(s, "one"), (std::vector<sequence_nr>{6, 4}));
  EXPECT_EQ(first_event(s, "one"), 5u);
}

TEST_F(StoreJobs, EventsAreKeptUnlessToldOtherwise) {
  auto s = open();
  (void)through(s, job("one", 0, 9));
  for (sequence_nr number : {2u, 4u}) (void)through(s, snapshot("one", number, {.snapshots = 1}));
  EXPECT_EQ(snapshots(s, "one"), std::vector<sequence_nr>{4});
  EXPECT_EQ(first_event(s, "one"), 1u);
}

TEST_F(StoreJobs, WithoutARetentionEverythingIsKept) {
  auto s = open();
  (void)through(s, job("one", 0, 9));
  for (sequence_nr number : {2u, 4u}) (void)through(s, snapshot("one", number, {.events = true}));
  EXPECT_EQ(snapshots(s, "one"), (std::vector<sequence_nr>{4, 2}));
  EXPECT_EQ(first_event(s, "one"), 1u);
  EXPECT_EQ(faults->calls(operation::erase), 0u);
}

TEST_F(StoreJobs, SnapshotsOfOneBatchArePrunedInOneCall) {
  auto s = open();
  for (auto name : {"a", "b", "c"}) (void)through(s, snapshot(name, 1, {}));
  hold_with(s, job("first"));
  write(s, snapshot("a", 2, {.snapshots = 1}));
  write(s, snapshot("b", 2, {.snapshots = 2}));
  write(s, snapshot("c", 2, {.snapshots = 1}));
  release();
  ASSERT_TRUE(wait_for(7));
  EXPECT_EQ(faults->calls(operation::erase), 1u);
  EXPECT_EQ(snapshots(s, "a"), std::vector<sequence_nr>{2});
  EXPECT_EQ(snapshots(s, "b"), (std::vector<sequence_nr>{2, 1}));
  EXPECT_EQ(snapshots(s, "c"), std::vector<sequence_nr>{2});
}

TEST_F(StoreJobs, AFailedPruningLeavesTheSnapshotSaved) {
  auto s = open();
  (void)through(s, snapshot("one", 1, {}));
  faults->inject(fault::fail, operation::erase);
  const auto& last = through(s, snapshot("one", 2, {.snapshots = 1}));
  EXPECT_TRUE(last.save->saved);
  ASSERT_FALSE(last.save->pruned);
  EXPECT_EQ(last.save->pruned.error().code, errc::unavailable);
  EXPECT_EQ(snapshots(s, "one"), (std::vector<sequence_nr>{2, 1}));
}

TEST_F(StoreJobs, NothingIsErasedForASnapshotThatWasNotSaved) {
  auto s = open();
  (void)through(s, job("one", 0, 9));
  (void)through(s, snapshot("one", 1, {}));
  for (auto wrong : {fault::fail, fault::lose_answer}) {
    faults->inject(wrong, operation::save);
    const auto& last = through(s, snapshot("one", 2, {.snapshots = 1, .events = true}));
    EXPECT_FALSE(last.save->saved);
    EXPECT_TRUE(last.save->pruned);
  }
  EXPECT_EQ(snapshots(s, "one"), (std::vector<sequence_nr>{2, 1}));
  EXPECT_EQ(first_event(s, "one"), 1u);
}
