#include <gtest/gtest.h>

#include <chrono>

#include "bank_fixture.hpp"
#include "kill_support.hpp"

namespace samples { namespace {

using std::chrono::microseconds;

class BankKill : public Bank {
 protected:
  microseconds time_of_import() const {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(bank({"import", postings_csv()}).code, 0);
    const auto took = std::chrono::steady_clock::now() - begin;
    expect_whole();
    remove_journal();
    return std::chrono::duration_cast<microseconds>(took);
  }

  void expect_whole() const {
    const auto verified = bank({"verify"});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
    EXPECT_TRUE(bank({"balances", "--csv"}).out == expected_balances());
    EXPECT_EQ(events_stored(), postings);
  }
};

// A resumed import is shorter than a first one, so many imports are completed: then the next one
// one begins with a new journal. A slow machine kills less often.
TEST_F(BankKill, AnImportKilledAtAnyMomentIsResumed) {
  auto random = random_source();
  auto latest = time_of_import();  // a kill comes up to that long after the start
  const int kills_wanted = times(20, 1000);
  constexpr int kills_min = 4;
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds{times(60, 3600)};
  int kills = 0;
  int partial = 0;
  int completed = 0;
  auto goes_on = [&] { return kills < kills_min || std::chrono::steady_clock::now() < enough; };
  while (kills < kills_wanted && goes_on() && !HasFailure()) {
    process import{bank_line({"import", postings_csv()}), directory.path()};
    const microseconds moment{
        static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(latest.count()))};
    if (!import.read_for(moment) && import.kill()) {
      ++kills;
      latest += latest / 20;
      import.wait();
      if (random() % 2 == 0) continue;  // the next import sees the rest first
      if (!journal_exists()) continue;
      const auto verified = bank({"verify"});
      EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
      const auto stored = events_stored();
      if (stored > 0 && stored < postings) ++partial;
    } else {
      EXPECT_EQ(import.wait(), 0) << import.err();
      ++completed;
      latest -= latest / 10;  // the machine has become faster, or less work was left
      expect_whole();
      remove_journal();
    }
  }
  EXPECT_EQ(bank({"import", postings_csv()}).code, 0);
  expect_whole();
  std::cout << kills << " kills, " << partial << " seen halfway, " << completed
            << " imports completed between them\n";
  EXPECT_GE(partial, kills / 10);
}

}}  // namespace samples
