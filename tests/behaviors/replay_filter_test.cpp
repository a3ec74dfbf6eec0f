// The writers whose records a recovery accepts.
#include "replay_filter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

using namespace nexus;
using nexus::detail::replay_filter;

namespace {

// Writers by letter; the answer has one word per record: pass, warn, discard or fail.
std::string run(replay_filter_options options, std::string_view writers) {
  replay_filter filter{options};
  std::string words;
  for (char c : writers) {
    ulid writer;
    writer.bytes[0] = static_cast<std::uint8_t>(c);
    auto found = filter.check(writer);
    switch (found.is) {
      case replay_filter::verdict::pass:
        words += found.why ? "w" : ".";
        break;
      case replay_filter::verdict::discard:
        words += "d";
        break;
      case replay_filter::verdict::fail:
        words += "F";
        break;
    }
  }
  return words;
}

constexpr auto warn = replay_filter_mode::warn;

}  // namespace

TEST(ReplayFilter, IsOffByDefault) { EXPECT_EQ(run({}, "aabba"), "....."); }

TEST(ReplayFilter, WritersThatFollowEachOtherAreFine) {
  EXPECT_EQ(run({.mode = replay_filter_mode::fail}, "aaabbc"), "......");
}

TEST(ReplayFilter, AnOvertakenWriterIsTold) { EXPECT_EQ(run({.mode = warn}, "aabab"), "...w."); }

TEST(ReplayFilter, AnOvertakenWriterFails) {
  EXPECT_EQ(run({.mode = replay_filter_mode::fail}, "aaba"), "...F");
}

TEST(ReplayFilter, AnOvertakenWriterIsLeftOut) {
  EXPECT_EQ(run({.mode = replay_filter_mode::repair}, "aabaabb"), "...dd..");
}

TEST(ReplayFilter, RemembersSoManyWriters) {
  EXPECT_EQ(run({.mode = warn, .old_writers_max = 2}, "abcda"), ".....");
  EXPECT_EQ(run({.mode = warn, .old_writers_max = 3}, "abcda"), "....w");
}
