// The queues of a store's writer and readers, under many threads.
#include <set>
#include <thread>

#include "store_fixture.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using testkit::operation;

namespace {

struct StoreQueue : nexus::test::Store {
  static constexpr std::size_t producers = 4;

  // Each of four threads writes `each` jobs of its own ids.
  void write_from_all(const store& s, std::size_t each) {
    std::vector<std::jthread> threads;
    for (std::size_t p = 0; p < producers; ++p) {
      threads.emplace_back([&, p] {
        for (std::size_t i = 0; i < each; ++i) {
          write(s, job(std::to_string(p) + "-" + std::to_string(i)));
        }
      });
    }
  }

  std::size_t overloaded() {
    std::size_t n = 0;
    for (auto& one : done) {
      const auto* f = std::get_if<failed>(&one.as<write_job>().outcome);
      n += f != nullptr && f->why.code == errc::overloaded;
    }
    return n;
  }

  // The number of different ids among the finished jobs.
  std::size_t different() {
    std::set<std::string> ids;
    for (auto& one : done) ids.insert(one.as<write_job>().id.str());
    return ids.size();
  }
};

}  // namespace

TEST_F(StoreQueue, NothingIsLostOrDoubled) {
  constexpr std::size_t each = 5'000;
  auto s = open();
  write_from_all(s, each);
  ASSERT_TRUE(wait_for(producers * each));
  EXPECT_EQ(count<stored>(), producers * each);
  EXPECT_EQ(different(), producers * each);
  EXPECT_EQ(s.statistics().requests, producers * each);
}

TEST_F(StoreQueue, ItsBoundIsKeptByMany) {
  auto s = open({.write_queue_max = 1'000});
  hold_with(s, job("first"));
  write_from_all(s, 1'000);
  ASSERT_TRUE(wait_for(3'000)) << "who finds it full is answered at once";
  release();
  ASSERT_TRUE(wait_for(4'001));
  EXPECT_EQ(count<stored>(), 1'001u) << "with the one that was under way";
  EXPECT_EQ(overloaded(), 3'000u);
}

TEST_F(StoreQueue, ItsBoundOfBytesIsKeptByMany) {
  auto s = open({.write_queue_bytes_max = 1'000 * job("x").as<write_job>().bytes()});
  hold_with(s, job("first"));
  write_from_all(s, 1'000);
  release();
  ASSERT_TRUE(wait_for(4'001));
  EXPECT_EQ(count<stored>(), 1'001u);
  EXPECT_EQ(overloaded(), 3'000u);
}

TEST_F(StoreQueue, AJobLargerThanTheBoundIsTakenByAnEmptyQueue) {
  auto s = open({.write_queue_max = 10});
  EXPECT_TRUE(std::holds_alternative<stored>(through(s, job("one", 0, 50)).outcome));
}

TEST_F(StoreQueue, JobsOfOneThreadComeInTheirOrder) {
  auto s = open({.batch_events_max = 1});
  hold_with(s, job("first"));
  for (sequence_nr n = 0; n < 500; ++n) write(s, job("one", n));
  release();
  ASSERT_TRUE(wait_for(501));
  EXPECT_EQ(count<stored>(), 501u) << "none came before the one it follows";
}

TEST_F(StoreQueue, ReadsAreAllDoneByAnyFreeThread) {
  constexpr std::size_t each = 2'000;
  std::atomic<std::size_t> read{0};  // outlives the readers: the last one may still be running
  auto s = open({.readers = 3});
  {
    std::vector<std::jthread> threads;
    for (std::size_t p = 0; p < producers; ++p) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < each; ++i) {
          EXPECT_TRUE(s.read([&](journal_session&) {
            if (read.fetch_add(1) + 1 == producers * each) read.notify_all();
            return result<void>{};
          }));
        }
      });
    }
  }
  for (auto n = read.load(); n < producers * each; n = read.load()) read.wait(n);
  EXPECT_EQ(read.load(), producers * each);
}

TEST_F(StoreQueue, TheBoundOfReadsIsKeptByMany) {
  auto s = open({.readers = 2, .read_queue_max = 100});
  faults->hold(operation::read);
  auto reads = [&] {
    return s.read([](journal_session& j) {
      (void)j.highest(*persistence_id::make("t", "a"));
      return result<void>{};
    });
  };
  ASSERT_TRUE(reads() && reads());
  ASSERT_TRUE(faults->wait_for(operation::read, 2)) << "both readers are busy";
  std::atomic<std::size_t> taken{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t p = 0; p < producers; ++p) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) taken += reads().has_value();
      });
    }
  }
  EXPECT_EQ(taken.load(), 100u);
  faults->release(operation::read);
}
