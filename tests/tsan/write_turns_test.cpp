// Turns to write to a SQLite file, under ThreadSanitizer.
#include "write_turns.hpp"

#include <SQLiteCpp/Exception.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "journal_file.hpp"

namespace {

using namespace std::chrono_literals;
using nexus::sqlite::taker;
using nexus::sqlite::write_turns;

// What a turn guards needs no lock of its own.
TEST(WriteTurnsStress, ATurnIsOneTakersAlone) {
  constexpr int rounds = 500;
  const auto turns = write_turns::of({1, 1});
  const std::atomic<bool> never = false;
  std::int64_t written = 0;
  std::vector<std::thread> all;
  for (const auto as : {taker::journal, taker::program, taker::journal, taker::program}) {
    all.emplace_back([&, as] {
      for (int i = 0; i < rounds; ++i) {
        const auto mine = turns->take(as, never, 10min);
        ++written;
      }
    });
  }
  for (auto& one : all) one.join();
  EXPECT_EQ(written, 4 * rounds);
}

TEST(WriteTurnsStress, InterruptsAndTimeoutsLoseNoTurn) {
  constexpr int rounds = 200;
  const auto turns = write_turns::of({1, 2});
  std::atomic<bool> stop = false;
  std::vector<std::thread> all;
  std::atomic<int> given_up = 0;
  for (int i = 0; i < 3; ++i) {
    all.emplace_back([&] {
      for (int n = 0; n < rounds; ++n) {
        try {
          const auto mine = turns->take(taker::program, stop, 1ms);
        } catch (const SQLite::Exception&) {
          ++given_up;
        }
      }
    });
  }
  all.emplace_back([&] {
    for (int n = 0; n < rounds; ++n) {
      stop = n % 2 == 0;
      turns->wake();
      std::this_thread::yield();
    }
    stop = false;
  });
  for (auto& one : all) one.join();
  EXPECT_TRUE(turns->take(taker::journal, stop, 0ms)) << given_up;
}

}  // namespace
