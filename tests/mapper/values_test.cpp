// Values of columns: times as text, nested values as JSON.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <nexus/codec.hpp>
#include <nexus/detail/column_value.hpp>
#include <variant>

#include "time_text.hpp"

namespace nexus::test { namespace {

using namespace std::chrono;

TEST(TimeText, ComesBackEqual) {
  for (const std::int64_t us :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{951'782'400'000'000},
        std::int64_t{4'102'444'799'999'999}}) {
    const timestamp time{microseconds{us}};
    EXPECT_EQ(detail::time_in(detail::text_of(time)), time) << us;
  }
  EXPECT_EQ(detail::text_of(timestamp{microseconds{1}}), "1970-01-01T00:00:00.000001Z");
}

TEST(TimeText, OfADatabaseIsRead) {
  const timestamp noon{sys_days{year{2026} / 1 / 31} + hours{12}};
  for (const char* text : {"2026-01-31 12:00:00", "2026-01-31 12:00:00+00", "2026-01-31T12:00Z",
                           "2026-01-31 14:00:00+02", "2026-01-31 06:30:00.000-05:30"}) {
    EXPECT_EQ(detail::time_in(text), noon) << text;
  }
  EXPECT_EQ(detail::time_in("2026-01-31 12:00:00.1234567"), noon + microseconds{123'456});
  for (const char* text : {"", "noon", "2026-02-30", "2026-01-31 12", "2026-01-31 12:00:00 BC"}) {
    EXPECT_EQ(detail::time_in(text), std::nullopt) << text;
  }
}

struct inner {
  std::string text{};
  MSGPACK_DEFINE_MAP(text)
};

struct nested {
  std::map<std::string, std::int64_t> by_name{};
  std::map<std::int64_t, std::string> by_number{};
  std::vector<inner> list{};
  std::variant<std::int64_t, std::string> either{};
  std::optional<double> number{};
  std::vector<unsigned char> bytes{};
  timestamp time{};
  std::uint64_t large = 0;
  bool flag = false;
  MSGPACK_DEFINE_MAP(by_name, by_number, list, either, number, bytes, time, large, flag)
};

TEST(Json, EveryValueComesBackAsItWas) {
  nested one;
  one.by_name = {{"", 1}, {"a\"\\\n\x01", -2}, {"ä€😀", 3}};
  one.by_number = {{-1, "x"}, {7, ""}};
  one.list = {{"{}"}, {"[1]"}};
  one.either = std::string{"text"};
  one.number = 1.0;
  one.bytes = {0, 1, 255};
  one.time = timestamp{microseconds{-5}};
  one.large = std::numeric_limits<std::uint64_t>::max();
  one.flag = true;
  for (const double number : {1.0, 0.1, 1e300, -0.0, 5e-324, double{INFINITY}}) {
    one.number = number;
    const auto packed = encode(one);
    EXPECT_EQ(detail::msgpack_of(detail::json_of(packed)), packed) << number;
  }
  one.by_name = {{"$bytes", 1}};
  EXPECT_EQ(detail::msgpack_of(detail::json_of(encode(one))), encode(one));
}

TEST(Json, OfADatabaseMayHaveBlanksAndEscapes) {
  std::vector<std::string> read{};
  const auto packed = detail::msgpack_of(" [ \"\\u00e4\\ud83d\\ude00\" , \"\\/\\t\" ] ");
  ASSERT_TRUE(decode(packed, read));
  EXPECT_EQ(read, (std::vector<std::string>{"ä😀", "/\t"}));
}

TEST(Json, BrokenTextIsAnError) {
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "tru", "\"a", "[1] 2", "{\"$x\": 1}",
                           "1.2.3", "{\"$bytes\": \"0\"}", "\"\\x\""}) {
    EXPECT_THROW((void)detail::msgpack_of(text), detail::unfit) << text;
  }
  EXPECT_THROW((void)detail::msgpack_of(std::string(100'000, '[')), detail::unfit);
}

}  // namespace
}  // namespace nexus::test
