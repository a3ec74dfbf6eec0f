// Builders make varied values, the same ones from the same seed, and everything survives storage.
#include <gtest/gtest.h>

#include <nexus/persistence_id.hpp>
#include <nexus/testkit/builders.hpp>
#include <nexus/testkit/round_trip.hpp>
#include <set>

#include "../behaviors/json_serializer.hpp"
#include "../golden/golden_types.hpp"

using namespace nexus;
using namespace nexus::golden;

namespace {

struct node {
  std::string name;
  std::vector<node> children;
  std::optional<std::vector<node>> more;
  MSGPACK_DEFINE_MAP(name, children, more)
};

struct kinds {
  integers ints;
  texts text;
  nested deep;
  choices choice;
  double f64 = 0;
  node tree;
  MSGPACK_DEFINE_MAP(ints, text, deep, choice, f64, tree)
};

std::vector<std::string> bytes_of(std::uint64_t seed) {
  testkit::builder<kinds> all{seed};
  std::vector<std::string> made;
  for (int i = 0; i < 50; ++i) made.push_back(encode(all.make()));
  return made;
}

std::uint64_t digest(std::string_view bytes) {
  std::uint64_t d = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : bytes) d = (d ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return d;
}

}  // namespace

TEST(Builder, TheSameSeedMakesTheSameValues) {
  EXPECT_EQ(bytes_of(1), bytes_of(1));
  EXPECT_NE(bytes_of(1), bytes_of(2));
}

// Fixes the generator's values across compilers and platforms.
TEST(Builder, TheValuesOfASeedAreTheseEverywhere) {
  testkit::detail::splitmix64 random{1234567};
  EXPECT_EQ(random.next(), 6457827717110365317U) << "the published first number of this seed";
  testkit::builder<nested> all{42};
  std::string bytes;
  for (const auto& one : all.make(100)) encode(one, bytes);
  EXPECT_EQ(digest(bytes), 9517927507698824530U);
}

TEST(Builder, NumbersReachTheEndsOfTheirRangeAndAreMostlySmall) {
  testkit::builder<integers> all{7};
  std::set<std::int64_t> seen;
  int small = 0;
  for (const auto& one : all.make(2'000)) {
    seen.insert(one.i64);
    small += static_cast<int>(one.i64 > -1'000'000'000 && one.i64 < 1'000'000'000);
  }
  EXPECT_TRUE(seen.contains(INT64_MIN));
  EXPECT_TRUE(seen.contains(INT64_MAX));
  EXPECT_TRUE(seen.contains(0));
  EXPECT_TRUE(seen.contains(-1));
  EXPECT_GT(small, 700);
  EXPECT_GT(seen.size(), 500u);
}

TEST(Builder, TextsAreUtf8AndAlsoEmptyLongAndHostile) {
  testkit::builder<std::string> all{7};
  std::set<std::string> seen;
  for (auto& one : all.make(2'000)) seen.insert(std::move(one));
  EXPECT_TRUE(seen.contains(""));
  EXPECT_TRUE(seen.contains(std::string(300, 'x')));
  EXPECT_TRUE(seen.contains((std::string{"a\0b", 3})));
  EXPECT_GT(seen.size(), 100u);
  for (const auto& one : seen) {
    nexus::test::json_serializer json;
    std::string out;
    EXPECT_NO_THROW(json.encode(std::map<std::string, std::string>{{"text", one}}, out));
  }
}

TEST(Builder, EveryChoiceIsMade) {
  testkit::builder<choices> some{7};
  testkit::builder<nested> more{7};
  std::set<std::size_t> alternatives;
  for (const auto& one : some.make(100)) {
    alternatives.insert(one.first.index());
    EXPECT_EQ(one.which, side::debit) << "an enum keeps its default";
  }
  EXPECT_EQ(alternatives.size(), 3u);
  std::set<bool> present;
  std::set<std::size_t> lengths;
  for (const auto& one : more.make(100)) {
    present.insert(one.present.has_value());
    lengths.insert(one.many.size());
  }
  EXPECT_EQ(present.size(), 2u);
  EXPECT_EQ(lengths, (std::set<std::size_t>{0, 1, 2, 3}));
}

TEST(Builder, OverridesRunInOrder) {
  testkit::builder<line> lines{3};
  lines.with([](line& l) { l.what = "tea"; }).with([](line& l) { l.what += "!"; });
  EXPECT_EQ(lines.make().what, "tea!");
  EXPECT_EQ(lines.make([](line& l) { l.cents = 5; }), (line{"tea!", 5}));
  const auto many =
      lines.make(10, [](line& l, std::size_t i) { l.cents = static_cast<std::int64_t>(i); });
  ASSERT_EQ(many.size(), 10u);
  EXPECT_EQ(many[9], (line{"tea!", 9}));
  EXPECT_EQ(lines.make(2, [](line& l) { l.what = "x"; })[1].what, "x");
  auto owned = testkit::builder<line>{3}.with([](line& l) { l.cents = 1; });
  EXPECT_EQ(owned.make().cents, 1);
}

TEST(Builder, AVariantOfEventsIsBuiltToo) {
  testkit::builder<basket::event> events{1};
  std::set<std::size_t> seen;
  for (const auto& one : events.make(50)) seen.insert(one.index());
  EXPECT_EQ(seen.size(), 3u);
}

TEST(Builder, TypesThatContainThemselvesEnd) {
  testkit::builder<node> trees{5};
  std::size_t bytes = 0;
  for (const auto& one : trees.make(200)) bytes = std::max(bytes, encoded_size(one));
  EXPECT_GT(bytes, 100u);
}

// ---- what is stored comes back ---------------------------------------------------------------

namespace {

template <class S>
struct keeper {
  static constexpr std::string_view entity_type = "keeper";
  struct keep {};
  using command = std::variant<keep>;
  struct kept : kinds {
    static constexpr std::string_view type_name = "kept";
  };
  using event = std::variant<kept>;
  using state = S;
  static auto decide(const S&, const keep&) { return nexus::none(); }
  static void apply(S&, const kept&) {}
};

struct truncating_serializer {
  static constexpr std::string_view name = "truncating";
  template <class T>
  static void encode(const T& value, std::string& out) {
    nexus::encode(value, out);
  }
  template <class T>
  static result<void> decode(std::string_view bytes, T& value) {
    auto done = nexus::decode(bytes, value);
    if constexpr (requires { value.what; }) value.what.resize(value.what.size() / 2);
    return done;
  }
};
struct truncating : keeper<line> {
  using serializer = truncating_serializer;
};

struct json_lines {
  static constexpr std::string_view entity_type = "lines";
  using serializer = nexus::test::json_serializer;
  struct add {};
  using command = std::variant<add>;
  struct added {
    static constexpr std::string_view type_name = "added";
    integers ints;
    numbers reals;
    std::vector<line> lines;
    std::map<std::string, std::optional<line>> by_name;
    MSGPACK_DEFINE_MAP(ints, reals, lines, by_name)
  };
  using event = std::variant<added>;
  using state = line;
  static auto decide(const line&, const add&) { return nexus::none(); }
  static void apply(line&, const added&) {}
};

}  // namespace

TEST(RoundTrip, EveryKindOfFieldSurvives) {
  EXPECT_TRUE(testkit::check_round_trip<keeper<kinds>>(11));
  EXPECT_TRUE(testkit::check_round_trip<basket>(12));
}

TEST(RoundTrip, ThroughAnotherSerializerToo) {
  EXPECT_TRUE(testkit::check_round_trip<json_lines>(13));
}

TEST(RoundTrip, LostValuesAreReported) {
  auto r = testkit::check_round_trip<truncating>(14, 100);
  ASSERT_FALSE(r);
  EXPECT_NE(std::string{r.message()}.find("of seed 14 comes back as another value"),
            std::string::npos)
      << r.message();
}
