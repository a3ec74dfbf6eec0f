// Encoded values of every kind of field are decoded to the original values.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "golden_types.hpp"

using namespace nexus;
using namespace nexus::golden;

namespace {

const std::string path = GOLDEN_FILES "/values.txt";

std::map<std::string, std::string> read_values() {
  std::map<std::string, std::string> all;
  std::ifstream in{path};
  std::string name;
  for (std::string text; std::getline(in, text);) {
    if (text.empty() || text[0] == '#') continue;
    if (text[0] != ' ') {
      name = text;
      continue;
    }
    for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
      all[name] += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    }
  }
  return all;
}

void add_value(const std::string& name, std::string_view bytes) {
  std::ofstream out{path, std::ios::app};
  out << name;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    constexpr auto digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i % 48 == 0) out << "\n  ";
    out << digits[byte / 16] << digits[byte % 16];
  }
  out << '\n';
}

// The bytes under `name`, when they exist.
std::string kept(const std::string& name, const std::string& today) {
  auto all = read_values();
  if (!all.contains(name) && writing()) {
    add_value(name, today);
    all = read_values();
  }
  EXPECT_TRUE(all.contains(name)) << name << " is not in values.txt, see README.md";
  return all[name];
}

template <class T>
void expect_readable(const std::string& name, const T& value) {
  T read;
  auto done = decode(kept(name, encode(value)), read);
  ASSERT_TRUE(done) << name << ": " << done.error().message;
  EXPECT_EQ(read, value) << name;
}

timestamp at(std::int64_t microseconds) {
  return timestamp{std::chrono::microseconds{microseconds}};
}

}  // namespace

TEST(GoldenValues, Integers) {
  expect_readable("integers/zero", integers{});
  expect_readable("integers/lowest", integers_at<lowest>(false));
  expect_readable("integers/highest", integers_at<golden::highest>(true));
}

TEST(GoldenValues, NumbersOfEveryWidth) {
  expect_readable("numbers/widths", numbers{-0.1F,
                                            1.0 / 3,
                                            {0,
                                             127,
                                             128,
                                             255,
                                             256,
                                             65'535,
                                             65'536,
                                             4'294'967'295,
                                             4'294'967'296,
                                             INT64_MAX,
                                             -1,
                                             -32,
                                             -33,
                                             -128,
                                             -129,
                                             -32'768,
                                             -32'769,
                                             INT64_C(-2'147'483'648),
                                             INT64_C(-2'147'483'649),
                                             INT64_MIN}});
  expect_readable("numbers/infinite", numbers{std::numeric_limits<float>::denorm_min(),
                                              -std::numeric_limits<double>::infinity(),
                                              {}});
}

TEST(GoldenValues, TextsAndBytes) {
  expect_readable("texts/empty", texts{});
  expect_readable("texts/full", texts{"",
                                      "Größe £5 東京 \U0001F600",
                                      std::string{"a\0b", 3},
                                      std::string(300, 'x'),
                                      {0, 1, 127, 128, 255},
                                      {'c', '\0', '\xff'},
                                      {9, 8, 7, 255}});
}

TEST(GoldenValues, NestedOnes) {
  expect_readable("nested/empty", nested{});
  expect_readable("nested/full", nested{{"tea", 250},
                                        {{"milk", -1}, {"", 0}},
                                        {{"x", {"y", 1}}, {"ä", {"z", INT64_MIN}}},
                                        {{-1, {"a"}}, {70'000, {"b", "c"}}},
                                        line{"there", 1},
                                        {},
                                        {"one", "two"},
                                        {"left", {"right", 2}},
                                        {1, -2, 3},
                                        {}});
}

TEST(GoldenValues, ChoicesAndTimes) {
  expect_readable("choices/default", choices{});
  expect_readable("choices/full", choices{side::credit, nothing{}, line{"l", 5}, std::int64_t{-6},
                                          std::chrono::milliseconds{-1'500},
                                          at(1'767'225'600'123'456), at(-86'400'000'001)});
}

TEST(GoldenValues, StatesAndEvents) {
  expect_readable("basket/state", basket::state{{{"tea", 250}}, {{"gift", 2}}, 99});
  basket::filled filled;
  auto done = decode(kept("basket/filled", encode(basket::filled{{"tea", 250}, "gift"})), filled);
  ASSERT_TRUE(done);
  EXPECT_EQ(filled.added, (line{"tea", 250}));
  EXPECT_EQ(filled.note, "gift");
}

TEST(GoldenValues, AnEventOfAnOlderVersion) {
  document older;
  older.set("sum", std::int64_t{250});
  const auto bytes = kept("basket/checked-out/1", older.bytes());
  event_view stored;
  stored.type = "checked-out";
  stored.data = bytes;
  EXPECT_EQ(std::get<basket::checked_out>(decode_event<basket>(stored).value()).total, 250);
}
