// Flushing a store and closing it while there is work.
#include <thread>

#include "store_fixture.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using testkit::operation;

namespace {

struct StoreClosing : nexus::test::Store {
  static errc code_of(const write_job& w) { return std::get<failed>(w.outcome).why.code; }

  // How often `read` was called, and its answers.
  std::atomic<int> fine{0};
  std::atomic<int> stopped{0};
  std::atomic<int> interrupted{0};
  result<void> read(const store& s) {
    return s.read([this](journal_session& j) {
      auto found = j.highest(*persistence_id::make("t", "a"));
      if (found) ++fine;
      if (!found && found.error().code == errc::stopped) ++stopped;
      if (!found && found.error().code == errc::pool_closed) ++interrupted;
      return result<void>{};
    });
  }
};

}  // namespace

TEST_F(StoreClosing, FlushWaitsForWhatWasWrittenBefore) {
  auto s = open();
  for (int i = 0; i < 1'000; ++i) write(s, job(std::to_string(i)));
  EXPECT_TRUE(s.flush(10s));
  EXPECT_EQ(s.statistics().requests, 1'000u);
  EXPECT_TRUE(s.flush(0s)) << "nothing to wait for";
  EXPECT_TRUE(wait_for(1'000));
}

TEST_F(StoreClosing, FlushGivesUpInTime) {
  auto s = open();
  hold_with(s, job("slow"));
  auto flushed = s.flush(1ms);
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, errc::timeout);
  release();
  EXPECT_TRUE(s.flush(10s));
  EXPECT_TRUE(wait_for(1));
}

TEST_F(StoreClosing, CloseFinishesWhatIsQueuedAndTakesNoMore) {
  auto s = open();
  hold_with(s, job("first"));
  for (int i = 0; i < 100; ++i) write(s, job(std::to_string(i)));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(read(s));
  release();
  EXPECT_TRUE(s.close(10s));
  EXPECT_EQ(fine.load(), 10);
  ASSERT_TRUE(wait_for(101));
  EXPECT_EQ(count<stored>(), 101u);

  EXPECT_EQ(code_of(through(s, job("late"))), errc::stopped);
  EXPECT_EQ(read(s).error().code, errc::stopped);
  EXPECT_EQ(s.open_session().error().code, errc::stopped);
  EXPECT_TRUE(s.close(0s)) << "again";
}

TEST_F(StoreClosing, JobsThatDidNotBeginInTimeAreAnsweredStopped) {
  auto s = open({.readers = 1});
  faults->hold(operation::read);
  EXPECT_TRUE(read(s));
  ASSERT_TRUE(faults->wait_for(operation::read, 1));
  hold_with(s, job("first"));
  for (int i = 0; i < 100; ++i) write(s, job(std::to_string(i)));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(read(s));
  auto closed = s.close(1ms);
  EXPECT_FALSE(s.close(1ms)) << "a second time while a call hangs";
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, errc::timeout);
  EXPECT_EQ(stopped.load(), 10) << "answered before close has returned";
  ASSERT_TRUE(wait_for(100));
  for (auto& one : done) EXPECT_EQ(code_of(one.as<write_job>()), errc::stopped);

  release();
  faults->release(operation::read);
  EXPECT_TRUE(s.close(10s)) << "what was under way is over";
  ASSERT_TRUE(wait_for(101));
  EXPECT_EQ(count<stored>(), 1u);
  EXPECT_EQ(interrupted.load(), 1) << "its session was broken when the time was over";
  EXPECT_EQ(fine.load(), 0);
}

TEST_F(StoreClosing, ConcurrentWritersAreAnswered) {
  constexpr std::size_t producers = 4;
  constexpr std::size_t each = 2'000;
  auto s = open();
  std::vector<std::jthread> threads;
  for (std::size_t p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      for (std::size_t i = 0; i < each; ++i) {
        write(s, job(std::to_string(p) + "-" + std::to_string(i)));
      }
    });
  }
  EXPECT_TRUE(s.close(10s));
  threads.clear();
  ASSERT_TRUE(wait_for(producers * each));
  std::size_t refused = 0;
  for (auto& one : done) {
    const auto* f = std::get_if<failed>(&one.as<write_job>().outcome);
    refused += f != nullptr && f->why.code == errc::stopped;
  }
  EXPECT_EQ(count<stored>() + refused, producers * each);
  EXPECT_EQ(count<stored>(), s.statistics().requests);
}

TEST_F(StoreClosing, TakesPartInAShutdown) {
  auto s = open();
  auto part = s.participant();
  EXPECT_EQ(part, s.participant());
  EXPECT_EQ(part->of(), shutdown_participant::stage::storage);
  EXPECT_EQ(part->name(), s.name());
  EXPECT_TRUE(part->is_quiet());
  hold_with(s, job("first"));
  EXPECT_TRUE(read(s));
  EXPECT_EQ(part->admitted(), 2u);
  EXPECT_FALSE(part->is_quiet());
  part->stop_admitting();
  EXPECT_EQ(code_of(through(s, job("late"))), errc::stopped);
  part->stop();
  EXPECT_EQ(part->remaining(), std::vector{s.name()});
  release();
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!part->remaining().empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(part->remaining().empty());
  EXPECT_TRUE(part->is_quiet());
  EXPECT_TRUE(wait_for(2));
}

TEST_F(StoreClosing, MayRaceWithTheLastHandle) {
  for (int round = 0; round < 50; ++round) {
    auto s = std::make_optional(open());
    for (int i = 0; i < 10; ++i) write(*s, job(std::to_string(i)));
    std::jthread other{[mine = *s] { (void)mine.close(10s); }};
    s.reset();
  }
  EXPECT_TRUE(wait_for(500));
}
