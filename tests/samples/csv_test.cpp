#include "csv.hpp"

#include <gtest/gtest.h>

namespace bank { namespace {

using fields = std::vector<std::string>;

std::vector<fields> read_all(std::string_view text) {
  csv_reader csv{text};
  std::vector<fields> records;
  for (auto record = csv.next(); record && *record; record = csv.next()) {
    records.push_back((*record)->fields);
  }
  return records;
}

std::string error_of(std::string_view text) {
  csv_reader csv{text};
  for (auto record = csv.next();; record = csv.next()) {
    if (!record) {
      const auto& e = record.error();
      return std::to_string(e.line) + ":" + std::to_string(e.field) + ": " + e.message;
    }
    if (!*record) return "no error";
  }
}

TEST(Csv, ReadsRecords) {
  struct {
    std::string_view text;
    std::vector<fields> records;
  } const rows[] = {
      {"", {}},
      {"\n\r\n", {}},
      {"a", {{"a"}}},
      {"a,b\nc,d\n", {{"a", "b"}, {"c", "d"}}},
      {"a,b\r\nc,d", {{"a", "b"}, {"c", "d"}}},
      {"\xef\xbb\xbf"
       "a,b\n",
       {{"a", "b"}}},
      {",\n", {{"", ""}}},
      {"a,", {{"a", ""}}},
      {"\"a,b\",c\n", {{"a,b", "c"}}},
      {"\"say \"\"hi\"\"\",c", {{"say \"hi\"", "c"}}},
      {"\"\",\"\"\"\"", {{"", "\""}}},
      {"\"two\r\nlines\",c", {{"two\r\nlines", "c"}}},
      {"a\rb,c", {{"a\rb", "c"}}},  // a lone carriage return ends nothing
      {"a\n\nb\n", {{"a"}, {"b"}}},
  };
  for (const auto& row : rows) EXPECT_EQ(read_all(row.text), row.records) << row.text;
}

TEST(Csv, SaysWhereAQuoteIsWrong) {
  EXPECT_EQ(error_of("a,b\nc,\"d\n"), "2:2: the quote is never closed");
  EXPECT_EQ(error_of("a,b\nc,d\"e\n"), "2:2: a quote inside an unquoted field");
  EXPECT_EQ(error_of("\"a\"b,c\n"), "1:1: text after the closing quote");
  EXPECT_EQ(error_of("\"x\ny\",\"z"), "2:2: the quote is never closed");
  EXPECT_EQ(error_of("\"a\" ,b"), "1:1: text after the closing quote");
}

TEST(Csv, CountsTheLinesInsideQuotedFields) {
  csv_reader csv{"\"a\nb\"\n\nc\n"};
  EXPECT_EQ(csv.next().value()->line, 1u);
  EXPECT_EQ(csv.next().value()->line, 4u);
}

TEST(Csv, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
}

}}  // namespace bank
