// The metrics of a store's writers, readers and circuit breaker.
#include <future>
#include <nexus/metrics.hpp>

#include "store_fixture.hpp"

using namespace nexus;
using testkit::fault;
using testkit::operation;

namespace {

struct StoreMetrics : nexus::test::Store {
  static const metric_sample* find(const store& s, std::string_view name,
                                   std::string_view outcome = {}) {
    static std::vector<metric_family> all;
    all = s.metrics().collect();
    for (const auto& f : all) {
      if (f.name != name) continue;
      for (const auto& one : f.samples) {
        EXPECT_EQ(one.labels.at("journal"), "memory:");
        if (outcome.empty() || one.labels.at("outcome") == outcome) return &one;
      }
    }
    return nullptr;
  }
  static double value(const store& s, std::string_view name, std::string_view outcome = {}) {
    const auto* found = find(s, name, outcome);
    return found != nullptr ? found->value : -1;
  }
  static std::uint64_t observed(const store& s, std::string_view name) {
    const auto* found = find(s, name);
    return found != nullptr ? found->buckets.back().count : 999;
  }
};

constexpr auto never = std::chrono::hours{1};

TEST_F(StoreMetrics, AppendsAreCountedByOutcome) {
  auto s = open({.breaker_failures = 0});
  (void)through(s, job("a"));
  (void)through(s, job("a"));
  for (auto f : {fault::reject, fault::fail, fault::lose_request, fault::lose_request}) {
    faults->inject(f, operation::append);
    (void)through(s, job("b"));
  }
  EXPECT_EQ(value(s, "nexus_appends_total", "stored"), 1);
  EXPECT_EQ(value(s, "nexus_appends_total", "conflict"), 1);
  EXPECT_EQ(value(s, "nexus_appends_total", "rejected"), 1);
  EXPECT_EQ(value(s, "nexus_appends_total", "failed"), 1);
  EXPECT_EQ(value(s, "nexus_appends_total", "unknown"), 2);
}

TEST_F(StoreMetrics, StatesAreCountedLikeEvents) {
  auto s = open();
  auto state = job("a");
  state.as<write_job>().of_state = true;
  (void)through(s, state);
  EXPECT_EQ(value(s, "nexus_appends_total", "stored"), 1);
  EXPECT_EQ(observed(s, "nexus_commit_seconds"), 1u);
}

TEST_F(StoreMetrics, BatchesAreMeasuredByRequestsEventsAndTime) {
  auto s = open();
  hold_with(s, job("first"));
  for (int i = 0; i < 50; ++i) write(s, job("later" + std::to_string(i), 0, 2));
  release();
  ASSERT_TRUE(wait_for(51));
  EXPECT_EQ(observed(s, "nexus_commit_requests"), 2u);
  EXPECT_EQ(value(s, "nexus_commit_requests"), 51);
  EXPECT_EQ(value(s, "nexus_commit_events"), 101);
  EXPECT_EQ(observed(s, "nexus_commit_seconds"), 2u);
  EXPECT_GT(value(s, "nexus_commit_seconds"), 0);
  EXPECT_EQ(observed(s, "nexus_write_queue_seconds"), 51u);
  EXPECT_GT(value(s, "nexus_write_queue_seconds"), 0);
}

TEST_F(StoreMetrics, QueuesAreSampled) {
  auto s = open({.readers = 1});
  hold_with(s, job("first"));
  for (int i = 0; i < 3; ++i) write(s, job("later" + std::to_string(i), 0, 2));
  EXPECT_EQ(value(s, "nexus_write_queue_jobs"), 3);
  EXPECT_EQ(value(s, "nexus_write_queue_events"), 6);
  EXPECT_GE(value(s, "nexus_write_queue_bytes"), 6 * 8);

  std::promise<void> begun;
  std::promise<void> go;
  ASSERT_TRUE(s.read([&](journal_session&) {
    begun.set_value();
    go.get_future().wait();
    return result<void>{};
  }));
  begun.get_future().wait();
  std::promise<void> second;
  ASSERT_TRUE(s.read([&](journal_session&) {
    second.set_value();
    return result<void>{};
  }));
  EXPECT_EQ(value(s, "nexus_read_queue_jobs"), 1);
  go.set_value();
  second.get_future().wait();
  EXPECT_EQ(value(s, "nexus_read_queue_jobs"), 0);

  release();
  ASSERT_TRUE(wait_for(4));
  EXPECT_EQ(value(s, "nexus_write_queue_jobs"), 0);
  EXPECT_EQ(value(s, "nexus_write_queue_bytes"), 0);
}

TEST_F(StoreMetrics, SnapshotsAndSettlementsAreCountedByOutcome) {
  auto s = open({.breaker_failures = 0});
  auto as = [&](write_job::step todo, std::string_view id) {
    auto made = job(id);
    made.as<write_job>().todo = todo;
    made.as<write_job>().save = std::make_unique<write_job::saving>();
    made.as<write_job>().save->snapshot.number = 1;
    return made;
  };
  (void)through(s, job("a"));
  (void)through(s, as(write_job::step::save_snapshot, "a"));
  (void)through(s, as(write_job::step::settle, "a"));
  (void)through(s, as(write_job::step::settle, "b"));
  faults->inject(fault::fail, operation::save);
  faults->inject(fault::fail, operation::settle);
  (void)through(s, as(write_job::step::save_snapshot, "a"));
  (void)through(s, as(write_job::step::settle, "a"));
  EXPECT_EQ(value(s, "nexus_snapshots_total", "saved"), 1);
  EXPECT_EQ(value(s, "nexus_snapshots_total", "failed"), 1);
  EXPECT_EQ(value(s, "nexus_settlements_total", "stored"), 1);
  EXPECT_EQ(value(s, "nexus_settlements_total", "not_stored"), 1);
  EXPECT_EQ(value(s, "nexus_settlements_total", "superseded"), 0);
  EXPECT_EQ(value(s, "nexus_settlements_total", "failed"), 1);
}

TEST_F(StoreMetrics, AJobRefusedByTheBreakerIsNoCommit) {
  auto s = open({.breaker_failures = 2, .breaker_reset = never});
  faults->inject(fault::fail, operation::append, faults->forever);
  (void)through(s, job("a"));
  EXPECT_EQ(value(s, "nexus_breaker_state"), 0);
  EXPECT_EQ(value(s, "nexus_breaker_failures"), 1);
  for (int i = 0; i < 3; ++i) (void)through(s, job("a"));
  EXPECT_EQ(value(s, "nexus_breaker_state"), 1);
  EXPECT_EQ(value(s, "nexus_breaker_openings_total"), 1);
  EXPECT_EQ(value(s, "nexus_appends_total", "failed"), 4);
  EXPECT_EQ(observed(s, "nexus_commit_seconds"), 2u);
}

TEST_F(StoreMetrics, StoresMayShareARegistryThatOutlivesThem) {
  auto mine = metrics::make();
  {
    auto one = open({.metrics = mine});
    auto two = open({.metrics = mine});
    (void)through(one, job("a"));
    (void)through(two, job("a"));
    EXPECT_EQ(value(one, "nexus_appends_total", "stored"), 2);
    EXPECT_EQ(one.statistics().events, 1u);
    EXPECT_EQ(value(one, "nexus_write_queue_jobs"), 0);
  }
  // The collector's jobs hold no store: the queues are gone, the counts are not.
  const auto text = to_text(*mine);
  EXPECT_EQ(text.find("nexus_write_queue_jobs"), std::string::npos);
  EXPECT_NE(text.find("nexus_appends_total{journal=\"memory:\",outcome=\"stored\"} 2\n"),
            std::string::npos);
}

}  // namespace
