// Group commit, its bounds, and the pool of readers, on scripted journals.
#include <future>

#include "store_fixture.hpp"

using namespace nexus;
using nexus::test::Store;
using testkit::operation;

TEST_F(Store, JobsQueuedDuringACommitAreTheNextBatch) {
  auto s = open();
  hold_with(s, job("first"));
  for (int i = 0; i < 50; ++i) write(s, job("later" + std::to_string(i)));
  release();
  ASSERT_TRUE(wait_for(51));
  EXPECT_EQ(faults->batches(operation::append), (std::vector<std::size_t>{1, 50}));
  EXPECT_EQ(count<stored>(), 51u);
  EXPECT_EQ(s.statistics().commits, 2u);
  EXPECT_EQ(s.statistics().events, 51u);
}

TEST_F(Store, ABatchIsBoundedByEvents) {
  auto s = open({.batch_events_max = 10, .linger_share = 0});
  hold_with(s, job("first"));
  for (int i = 0; i < 5; ++i) write(s, job("later" + std::to_string(i), 0, 4));
  release();
  ASSERT_TRUE(wait_for(6));
  EXPECT_EQ(faults->batches(operation::append), (std::vector<std::size_t>{1, 2, 2, 1}));
}

TEST_F(Store, ABatchIsBoundedByBytes) {
  auto s = open({.batch_bytes_max = 20, .linger_share = 0});
  hold_with(s, job("first"));
  for (int i = 0; i < 4; ++i) write(s, job("later" + std::to_string(i)));
  release();
  ASSERT_TRUE(wait_for(5));
  EXPECT_EQ(faults->batches(operation::append), (std::vector<std::size_t>{1, 2, 2}));
}

TEST_F(Store, AFullQueueRefusesAtOnceAndStoresNothing) {
  auto s = open({.write_queue_max = 3});
  hold_with(s, job("first"));
  for (int i = 0; i < 3; ++i) write(s, job("fits" + std::to_string(i)));
  write(s, job("over"));
  ASSERT_TRUE(wait_for(1));
  {
    std::lock_guard guard{lock};
    auto& refused = done.front().as<write_job>();
    EXPECT_EQ(refused.id.id(), "over");
    EXPECT_EQ(std::get<failed>(refused.outcome).why.code, errc::overloaded);
  }
  release();
  ASSERT_TRUE(wait_for(5));
  EXPECT_EQ((*s.open_session())->highest(*persistence_id::make("t", "over")), 0u);
}

TEST_F(Store, ALoneCallerIsNeverMadeToLinger) {
  auto s = open({.linger_share = 1'000'000});
  for (sequence_nr i = 0; i < 20; ++i) {
    write(s, job("one", i));
    ASSERT_TRUE(wait_for(i + 1)) << "a linger of a million commits would not end";
  }
  EXPECT_EQ(faults->batches(operation::append), std::vector<std::size_t>(20, 1));
}

TEST_F(Store, ClosingFinishesWhatIsQueued) {
  {
    auto s = open();
    faults->hold(operation::append);
    for (int i = 0; i < 20; ++i) write(s, job("e" + std::to_string(i)));
    release();
  }
  ASSERT_TRUE(wait_for(20));
  EXPECT_EQ(count<stored>(), 20u);
}

TEST_F(Store, ReadsRunOnAPooledSession) {
  auto s = open();
  write(s, job("one"));
  ASSERT_TRUE(wait_for(1));
  std::promise<sequence_nr> highest;
  ASSERT_TRUE(s.read([&](journal_session& session) {
    highest.set_value(session.highest(*persistence_id::make("t", "one")).value_or(99));
    return result<void>{};
  }));
  EXPECT_EQ(highest.get_future().get(), 1u);
}

TEST(OpenStore, AnUnknownSchemeNamesTheKnownOnes) {
  auto s = nexus::open("redis:x", {memory_backend()});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, errc::invalid_argument);
  EXPECT_EQ(s.error().message,
            "journal URI \"redis:x\": unknown scheme \"redis:\"; known: memory:");
}
