#include "money.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bank { namespace {

constexpr auto most = std::numeric_limits<std::int64_t>::max();
constexpr auto least = std::numeric_limits<std::int64_t>::min();

TEST(Money, ReadsExactHundredths) {
  struct {
    std::string_view text;
    std::int64_t hundredths;
  } const rows[] = {
      {"0", 0},
      {"0.00", 0},
      {"-0.00", 0},
      {"1", 100},
      {"1.5", 150},
      {"1.05", 105},
      {"-1.05", -105},
      {"+7.10", 710},
      {"0.29", 29},  // 0.29 * 100 is 28.999… in floating point
      {"007.00", 700},
      {"-0.01", -1},
      {"90071992547409.93", 9007199254740993},  // 2^53 + 1: not a double
      {"92233720368547758.07", most},
      {"-92233720368547758.08", least},
  };
  for (const auto& row : rows) {
    const auto read = parse_hundredths(row.text);
    ASSERT_TRUE(read) << row.text << ": " << read.error().message;
    EXPECT_EQ(*read, row.hundredths) << row.text;
  }
}

TEST(Money, RefusesWhatIsNotAnAmount) {
  struct {
    std::string_view text;
    std::string_view why;
  } const rows[] = {
      {"", "\"\" is not an amount"},
      {"abc", "\"abc\" is not an amount"},
      {"1.2.3", "\"1.2.3\" is not an amount"},
      {"12.345", "\"12.345\" has more than two decimals"},
      {"1.", "\"1.\" is not an amount"},
      {".5", "\".5\" is not an amount"},
      {"-", "\"-\" is not an amount"},
      {".", "\".\" is not an amount"},
      {"--1", "\"--1\" is not an amount"},
      {"1e3", "\"1e3\" is not an amount"},
      {"0x10", "\"0x10\" is not an amount"},
      {"nan", "\"nan\" is not an amount"},
      {" 1", "\" 1\" is not an amount"},
      {"1 ", "\"1 \" is not an amount"},
      {"1,000.00", "\"1,000.00\" is not an amount"},
      {"1\n2", "\"1 2\" is not an amount"},  // one line, whatever was in the field
      {"92233720368547758.08", "\"92233720368547758.08\" is too large"},
      {"-92233720368547758.09", "\"-92233720368547758.09\" is too large"},
      {"922337203685477581", "\"922337203685477581\" is too large"},
      {"99999999999999999999999999", "\"99999999999999999999999999\" is too large"},
  };
  for (const auto& row : rows) {
    const auto read = parse_hundredths(row.text);
    ASSERT_FALSE(read) << row.text;
    EXPECT_EQ(read.error().message, row.why);
  }
}

TEST(Money, WritesWhatItReads) {
  for (std::string_view text : {"0.00", "0.05", "-0.05", "-1.50", "12.34", "165233.85",
                                "92233720368547758.07", "-92233720368547758.08"}) {
    EXPECT_EQ(format_hundredths(parse_hundredths(text).value()), text);
  }
}

TEST(Money, ASumThatDoesNotFitIsNoSum) {
  std::int64_t sum = 1;
  EXPECT_TRUE(add_checked(most - 1, 1, sum));
  EXPECT_EQ(sum, most);
  EXPECT_FALSE(add_checked(most, 1, sum));
  EXPECT_FALSE(add_checked(least, -1, sum));
  EXPECT_EQ(sum, most);
}

}}  // namespace bank
