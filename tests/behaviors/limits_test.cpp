// Every option of entities and stores at its largest and at its smallest, one by one and all at
// once: "no limit" never overflows, and invalid values are refused by name.
#include <limits>
#include <nexus/live_reader.hpp>

#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

constexpr auto most_ms = milliseconds::max();
constexpr auto most_size = std::numeric_limits<std::size_t>::max();
constexpr auto most_32 = std::numeric_limits<std::uint32_t>::max();

struct Limits : store_fixture {
  // Appends, snapshots, recovers in several chunks, with a storage that fails once.
  void live_with(const entity_options& o, const store& in) {
    SCOPED_TRACE(++walks_);
    const auto id = "e" + std::to_string(walks_);
    for (int i = 1; i <= 3; ++i) {
      entities<tally> all{sys, in, o};
      ASSERT_TRUE(all.status()) << all.status().error().message;
      const auto before = i > 1 ? all.of(id).ask(tally::read{}).get(30s) : 0;
      EXPECT_EQ(before, (i - 1) * 14);
      ASSERT_EQ(all.of(id).ask(tally::add{7}).get(hours::max()), before.value_or(-1) + 7);
      ASSERT_EQ(all.of(id).ask(tally::add{7}, hours::max()).get(), before.value_or(-1) + 14);
      EXPECT_TRUE(all.of(id).ask_verified(tally::read{}).get(nanoseconds::max()));
    }
  }
  int walks_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Journals, Limits, journals(), journal_name);

using change = std::function<void(entity_options&)>;

}  // namespace

TEST_P(Limits, EveryOptionOfEntitiesAtItsLargest) {
  const change all[] = {
      [](auto& o) { o.passivate_after = most_ms; },
      [](auto& o) { o.live_max = most_size; },
      [](auto& o) { o.snapshot_every = std::numeric_limits<std::uint64_t>::max(); },
      [](auto& o) { o.keep_snapshots = most_32; },
      [](auto& o) { o.undurable_max = most_32; },
      [](auto& o) { o.undurable_bytes_max = most_size; },
      [](auto& o) { o.mailbox_max = most_32; },
      [](auto& o) { o.mailbox_bytes_max = most_size; },
      [](auto& o) { o.stash_max = most_32; },
      [](auto& o) { o.conflict_retries_max = most_32; },
      [](auto& o) { o.recoveries_max = most_32; },
      [](auto& o) { o.replay_chunk_events = most_size; },
      [](auto& o) { o.replay_chunk_bytes = most_size; },
      [](auto& o) { o.recovery_timeout = most_ms; },
      [](auto& o) {
        o.replay_filter = {replay_filter_mode::fail, most_size};
      },
      [](auto& o) { o.backoff_max = most_ms; },
      [](auto& o) { o.when_full = overflow::drop_oldest; }};
  entity_options most;
  for (const auto& f : all) {
    entity_options o;
    f(o);
    f(most);
    live_with(o, *journal);
  }
  live_with(most, *journal);
  most.keep_snapshots = 1;
  most.snapshot_every = 1;
  live_with(most, *journal);
}

TEST_P(Limits, ABackoffWithoutALimitDoesNotEndAtOnce) {
  for (const auto& [min, max] : {std::pair{most_ms, most_ms}, std::pair{1ms, most_ms}}) {
    entities<tally> all{sys, *journal, {.backoff_min = min, .backoff_max = max}};
    ASSERT_TRUE(all.of("b").ask(tally::add{7}).get(30s));
    faults->inject(testkit::fault::fail, testkit::operation::append);
    EXPECT_FALSE(all.of("b").ask(tally::add{7}).get(30s));
    auto waits = all.of("b").ask(tally::read{});
    if (max != min) {
      EXPECT_TRUE(waits.get(30s));
    } else {
      EXPECT_FALSE(waits.get(20ms));
    }
  }
}

TEST_P(Limits, EveryOptionOfEntitiesAtItsSmallest) {
  const std::pair<change, std::string> refused[] = {
      {[](auto& o) { o.passivate_after = milliseconds::min(); },
       "passivate_after must not be negative"},
      {[](auto& o) { o.recovery_timeout = milliseconds::min(); },
       "recovery_timeout must not be negative"},
      {[](auto& o) { o.backoff_min = milliseconds::min(); }, "backoff_min must be positive"},
      {[](auto& o) { o.backoff_min = 0ms; }, "backoff_min must be positive"},
      {[](auto& o) { o.backoff_max = 99ms; }, "backoff_max is less than backoff_min"},
      {[](auto& o) { o.mailbox_max = 0; }, "mailbox_max must be at least 1"},
      {[](auto& o) { o.recoveries_max = 0; }, "recoveries_max must be at least 1"}};
  for (const auto& [f, why] : refused) {
    entity_options o;
    f(o);
    entities<tally> all{sys, *journal, o};
    ASSERT_FALSE(all.status()) << why;
    EXPECT_EQ(all.status().error(), (error{errc::invalid_argument, "entities \"tally\": " + why}));
  }
  const change fine[] = {[](auto& o) { o.passivate_after = 0ms; },
                         [](auto& o) { o.passivate_after = 1ms; },
                         [](auto& o) { o.live_max = 1; },
                         [](auto& o) { o.snapshot_every = 1; },
                         [](auto& o) { o.undurable_max = 0; },
                         [](auto& o) { o.undurable_bytes_max = 0; },
                         [](auto& o) { o.mailbox_max = 1; },
                         [](auto& o) { o.stash_max = 0; },
                         [](auto& o) { o.conflict_retries_max = 0; },
                         [](auto& o) { o.recoveries_max = 1; },
                         [](auto& o) { o.replay_chunk_events = 0; },
                         [](auto& o) { o.replay_chunk_bytes = 0; },
                         [](auto& o) { o.recovery_timeout = 0ms; },
                         [](auto& o) {
                           o.replay_filter = {replay_filter_mode::fail, 0};
                         },
                         [](auto& o) { o.backoff_min = o.backoff_max = 1ms; }};
  for (const auto& f : fine) {
    entity_options o;
    f(o);
    live_with(o, *journal);
  }
}

TEST_P(Limits, EveryOptionOfAStoreAtItsLargestAndSmallest) {
  using change_store = std::function<void(store_options&)>;
  const change_store all[] = {[](auto& o) { o.read_queue_max = most_size; },
                              [](auto& o) { o.batch_events_max = most_size; },
                              [](auto& o) { o.batch_bytes_max = most_size; },
                              [](auto& o) { o.write_queue_max = most_size; },
                              [](auto& o) { o.write_queue_bytes_max = most_size; },
                              [](auto& o) { o.linger_share = 1e300; },
                              [](auto& o) { o.breaker_failures = most_32; },
                              [](auto& o) { o.breaker_reset = most_ms; },
                              [](auto& o) { o.pool.borrow_timeout = most_ms; },
                              [](auto& o) { o.pool.idle_ttl = most_ms; },
                              [](auto& o) { o.pool.max_lifetime = most_ms; },
                              [](auto& o) { o.pool.leak_after = most_ms; },
                              [](auto& o) { o.pool.max_waiters = most_size; }};
  const change_store least[] = {[](auto& o) { o.batch_events_max = 0; },
                                [](auto& o) { o.batch_bytes_max = 0; },
                                [](auto& o) { o.write_queue_max = 0; },
                                [](auto& o) { o.write_queue_bytes_max = 0; },
                                [](auto& o) { o.linger_share = -1e300; },
                                [](auto& o) { o.breaker_failures = 0; },
                                [](auto& o) { o.breaker_reset = milliseconds::min(); },
                                [](auto& o) { o.readers = 0; },
                                [](auto& o) { o.pool.max = 1, o.pool.min_idle = 0; }};
  store_options most;
  std::vector<store_options> walks;
  for (const auto& f : all) {
    f(walks.emplace_back());
    f(most);
  }
  for (const auto& f : least) f(walks.emplace_back());
  walks.push_back(most);
  for (const auto& o : walks) {
    ASSERT_TRUE(journal->close(hours::max()));
    journal = nexus::open(uri, {memory_backend(), sqlite_backend()}, o);
    ASSERT_TRUE(journal) << journal.error().message;
    live_with({}, *journal);
    EXPECT_TRUE(journal->flush(nanoseconds::max()));
  }
}

TEST_P(Limits, ThreadsHaveAMaximum) {
  auto many = nexus::open(uri, {memory_backend(), sqlite_backend()}, {.readers = most_32});
  ASSERT_FALSE(many);
  EXPECT_NE(many.error().message.find("readers is 4294967295, more than 1000"), std::string::npos)
      << many.error().message;
  auto more =
      nexus::open(uri, {memory_backend(), sqlite_backend()}, {.pool = {.threads = most_32}});
  ASSERT_FALSE(more);
  EXPECT_NE(more.error().message.find("threads is 4294967295, more than 1000"), std::string::npos)
      << more.error().message;
}

TEST_P(Limits, AnAskWithoutALimitIsNotATimeout) {
  entities<tally> all{sys, *journal};
  EXPECT_EQ(all.of("a").ask(tally::add{1}, nanoseconds::max()).get(30s), 1);
  EXPECT_EQ(all.of("a").ask(tally::add{1}, std::chrono::years{1'000}).get(30s), 2);
  EXPECT_EQ(all.of("a").ask(tally::add{1}, milliseconds::max()).get(milliseconds::max()), 3);
  for (const time_span past :
       {time_span{-1ns}, time_span{nanoseconds::min()}, time_span{hours::min()}, time_span{-5s}}) {
    auto late = all.of("a").ask(tally::add{1}, past).get(30s);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::timeout);
  }
  EXPECT_EQ(all.of("a").ask(tally::read{}).get(30s), 3);
  EXPECT_EQ(all.of("a").ask(tally::read{}).map([](auto n) { return n + 1; }).get(hours::max()), 4);
}

TEST_P(Limits, ALiveReaderWithoutLimitsReadsAndStops) {
  entities<tally> all{sys, *journal};
  ASSERT_TRUE(all.of("a").ask(tally::add{1}).get(30s));
  auto reader = live_reader::open(*journal, {},
                                  {.poll_every = nanoseconds::max(),
                                   .batch_max = most_size,
                                   .lag_warning_after = nanoseconds::max()});
  ASSERT_TRUE(reader);
  const auto take = [](const persistence_id&, const record_view&) { return true; };
  EXPECT_EQ(reader->read(take, nanoseconds::max()), 1u);
  EXPECT_EQ(reader->read(take, nanoseconds::min()), 0u);
  std::jthread appends{[&] { EXPECT_TRUE(all.of("a").ask(tally::add{1}).get(30s)); }};
  EXPECT_EQ(reader->read(take, hours::max()), 1u) << "it is woken";
  // Each doubles the pause before the next try, without waiting for it.
  faults->inject(testkit::fault::fail, testkit::operation::read, 100);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(reader->read(take, 0s));
  reader = live_reader::open(*journal, reader->at(), {.poll_every = nanoseconds::max()});
  ASSERT_TRUE(all.of("a").ask(tally::add{1}).get(30s));
  EXPECT_EQ(reader->read(take, hours::max()), 1u);
}

TEST_P(Limits, AShutdownWithoutALimitDrainsAndEnds) {
  entities<tally> all{sys, *journal};
  sys.join(journal->participant());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(all.of(std::to_string(i)).tell(tally::add{1}));
  const auto done = sys.shutdown(nanoseconds::max());
  EXPECT_TRUE(done.drained);
  EXPECT_TRUE(done.missed.empty());
}
