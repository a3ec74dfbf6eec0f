#include "nexus/ulid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using nexus::errc;
using nexus::manual_clock;
using nexus::timestamp;
using nexus::ulid;
using nexus::ulid_generator;

namespace {

// Both from the README of https://github.com/ulid/spec.
constexpr auto example = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
constexpr auto largest = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";

ulid filled_with(std::uint8_t byte) {
  ulid made;
  made.bytes.fill(byte);
  return made;
}

}  // namespace

TEST(Ulid, IsWritten26CharactersLong) {
  EXPECT_EQ(ulid{}.to_string(), std::string(26, '0'));
  EXPECT_EQ(filled_with(0xff).to_string(), largest);
  ulid one;
  one.bytes.back() = 1;
  EXPECT_EQ(one.to_string(), std::string(25, '0') + "1");
}

TEST(Ulid, IsReadBackAsItWasWritten) {
  EXPECT_EQ(ulid::parse(example).value().to_string(), example);
  EXPECT_EQ(ulid::parse(largest).value(), filled_with(0xff));
  ulid rising;
  for (std::size_t i = 0; i < 16; ++i) rising.bytes[i] = static_cast<std::uint8_t>(i * 17 + 1);
  EXPECT_EQ(ulid::parse(rising.to_string()).value(), rising);
}

TEST(Ulid, EveryBitIsWritten) {
  for (std::size_t bit = 0; bit < 128; ++bit) {
    ulid one;
    one.bytes[bit / 8] = static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_EQ(ulid::parse(one.to_string()).value(), one) << "bit " << bit;
  }
}

TEST(Ulid, OtherTextIsRefused) {
  using namespace std::string_view_literals;
  for (auto text : {""sv, "01ARZ3NDEKTSV4RRFFQ69G5FA"sv, "01ARZ3NDEKTSV4RRFFQ69G5FAVX"sv,
                    "01arz3ndektsv4rrffq69g5fav"sv, "01ARZ3NDEKTSV4RRFFQ69G5FAI"sv,
                    "01ARZ3NDEKTSV4RRFFQ69G5FAL"sv, "01ARZ3NDEKTSV4RRFFQ69G5FAO"sv,
                    "01ARZ3NDEKTSV4RRFFQ69G5FAU"sv, "01ARZ3NDEKTSV4RRFFQ69G5FA "sv,
                    "01ARZ3NDEKTSV4RRFFQ69G5FA\0"sv, "-1ARZ3NDEKTSV4RRFFQ69G5FAV"sv}) {
    auto parsed = ulid::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, errc::invalid_argument) << text;
  }
}

TEST(Ulid, MoreThan128BitsAreRefused) {
  EXPECT_FALSE(ulid::parse("80000000000000000000000000"));
  EXPECT_FALSE(ulid::parse("ZZZZZZZZZZZZZZZZZZZZZZZZZZ"));
}

TEST(Ulid, ZeroIsEmpty) {
  EXPECT_TRUE(ulid{}.empty());
  EXPECT_FALSE(filled_with(1).empty());
}

TEST(UlidGenerator, BeginsWithTheTimeInMilliseconds) {
  manual_clock clock{
      timestamp{1'469'918'176'385ms}};  // the example of the reference implementation
  EXPECT_EQ(ulid_generator{clock}.next().to_string().substr(0, 10), "01ARYZ6S41");
}

TEST(UlidGenerator, RisesWithinOneMillisecond) {
  manual_clock clock{timestamp{1'700'000'000s}};
  ulid_generator ulids{clock};
  ulid last;
  for (int i = 0; i < 100'000; ++i) {
    auto next = ulids.next();
    ASSERT_LT(last, next);
    ASSERT_LT(last.to_string(), next.to_string()) << "as text too";
    last = next;
  }
}

TEST(UlidGenerator, RisesWhenTheClockMovesAndWhenItStepsBack) {
  manual_clock clock{timestamp{1'700'000'000s}};
  ulid_generator ulids{clock};
  ulid last;
  for (auto step : {1ms, 0ms, -10ms, 5ms, 1000ms, -3'600'000ms, 1ms}) {
    clock.advance(step);
    auto next = ulids.next();
    EXPECT_LT(last, next) << "after a step of " << step.count() << " ms";
    last = next;
  }
}

TEST(UlidGenerator, TwoAtTheSameTimeMakeDifferentOnes) {
  for (auto now : {timestamp{1'700'000'000s}, timestamp{}}) {
    manual_clock clock{now};
    EXPECT_NE(ulid_generator{clock}.next(), ulid_generator{clock}.next())
        << now.time_since_epoch().count();
  }
}

TEST(UlidGenerator, ThreadsNeverGetTheSameAndEachThreadsRise) {
  constexpr std::size_t threads_max = 40;  // more than there are sequences of ids
  constexpr std::size_t each = 2'000;
  nexus::wall_clock clock;
  ulid_generator ulids{clock};
  std::vector<std::vector<ulid>> made(threads_max);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : made) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < each; ++i) mine.push_back(ulids.next());
      });
    }
  }
  std::set<ulid> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), threads_max * each);
}

TEST(UlidGenerator, ThoseOfDifferentThreadsAreInOrderByTheMillisecond) {
  manual_clock clock{timestamp{1'700'000'000s}};
  ulid_generator ulids{clock};
  ulid last;
  for (int i = 0; i < 40; ++i) {
    clock.advance(1ms);
    ulid next;
    std::jthread{[&] { next = ulids.next(); }}.join();
    EXPECT_LT(last, next);
    last = next;
  }
}
