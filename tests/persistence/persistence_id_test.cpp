#include "nexus/persistence_id.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

using namespace std::string_view_literals;
using nexus::persistence_id;

namespace {

persistence_id id(std::string_view text) { return persistence_id::parse(text).value(); }

/// The name of the error, or "ok".
std::string_view verdict(const nexus::result<persistence_id>& made) {
  return made ? "ok" : to_string(made.error().code);
}

std::string_view parsed(std::string_view text) { return verdict(persistence_id::parse(text)); }
std::string_view made(std::string_view type, std::string_view id) {
  return verdict(persistence_id::make(type, id));
}

}  // namespace

TEST(PersistenceId, JoinsTypeAndIdWithABar) {
  auto alice = persistence_id::make("account", "alice").value();
  EXPECT_EQ(alice.str(), "account|alice");
  EXPECT_EQ(alice.type(), "account");
  EXPECT_EQ(alice.id(), "alice");
  EXPECT_EQ(alice, id("account|alice"));
}

TEST(PersistenceId, TheFirstBarEndsTheType) {
  EXPECT_EQ(id("a|b|c").type(), "a");
  EXPECT_EQ(id("a|b|c").id(), "b|c");
  EXPECT_EQ(id("a||").id(), "|");
  EXPECT_EQ(made("a", "b|c"), "ok");
  EXPECT_EQ(made("a|b", "c"), "invalid_id");
}

TEST(PersistenceId, TypeAndIdAreNotEmpty) {
  EXPECT_EQ(parsed(""), "invalid_id");
  EXPECT_EQ(parsed("account"), "invalid_id");
  EXPECT_EQ(parsed("|"), "invalid_id");
  EXPECT_EQ(parsed("|alice"), "invalid_id");
  EXPECT_EQ(parsed("account|"), "invalid_id");
  EXPECT_EQ(made("", "alice"), "invalid_id");
  EXPECT_EQ(made("account", ""), "invalid_id");
}

TEST(PersistenceId, HasAtMost255Bytes) {
  EXPECT_EQ(parsed("t|" + std::string(253, 'x')), "ok");
  EXPECT_EQ(parsed("t|" + std::string(254, 'x')), "invalid_id");
  EXPECT_EQ(parsed(std::string(253, 't') + "|x"), "ok");
  EXPECT_EQ(parsed(std::string(254, 't') + "|x"), "invalid_id");
  EXPECT_EQ(made("t", std::string(1 << 20, 'x')), "invalid_id");
}

TEST(PersistenceId, CountsBytesRatherThanLetters) {
  std::string turtles;
  for (int i = 0; i < 63; ++i) turtles += "🐢";
  EXPECT_EQ(made("t", turtles + "x"), "ok");
  EXPECT_EQ(made("t", turtles + "🐢"), "invalid_id");
}

TEST(PersistenceId, HasNoNul) {
  EXPECT_EQ(parsed("t|\0"sv), "invalid_id");
  EXPECT_EQ(parsed("t|a\0"sv), "invalid_id");
  EXPECT_EQ(parsed("t|a\0b"sv), "invalid_id");
  EXPECT_EQ(parsed("\0|a"sv), "invalid_id");
}

TEST(PersistenceId, TakesEveryOtherCharacter) {
  for (auto text : {"t|'; DROP TABLE x; --"sv, "t|\""sv, "t|%_"sv, "t| "sv, "t|\n"sv, "t|\x01"sv,
                    "t|\x7f"sv, "t|ü"sv, "t|日本"sv, "t|🐢"sv, "größe|1"sv}) {
    EXPECT_EQ(parsed(text), "ok") << text;
  }
}

// The edges of table 3-7 of the Unicode standard, "Well-Formed UTF-8 Byte Sequences".
TEST(PersistenceId, TakesTheFirstAndLastOfEachLengthOfUtf8) {
  for (auto text :
       {"\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv,
        "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv}) {
    EXPECT_EQ(made("t", text), "ok");
    EXPECT_EQ(made(text, "x"), "ok");
  }
}

TEST(PersistenceId, RefusesBrokenUtf8) {
  struct form {
    std::string_view name, bytes;
  };
  for (auto [name, bytes] : std::vector<form>{
           {"a continuation alone", "\x80"sv},
           {"a continuation too many", "\xc3\xbc\xbc"sv},
           {"bytes that never occur", "\xfe"sv},
           {"bytes that never occur", "\xff"sv},
           {"overlong of 2", "\xc0\xaf"sv},
           {"overlong of 2", "\xc1\xbf"sv},
           {"overlong of 3", "\xe0\x9f\xbf"sv},
           {"overlong of 4", "\xf0\x8f\xbf\xbf"sv},
           {"overlong NUL", "\xc0\x80"sv},
           {"first surrogate", "\xed\xa0\x80"sv},
           {"last surrogate", "\xed\xbf\xbf"sv},
           {"past U+10FFFF", "\xf4\x90\x80\x80"sv},
           {"past U+10FFFF", "\xf5\x80\x80\x80"sv},
           {"2 cut short", "\xc3"sv},
           {"3 cut short", "\xe6\x97"sv},
           {"4 cut short", "\xf0\x9f\x90"sv},
           {"cut by a letter", "\xf0\x9f\x90x"sv},
           {"Latin-1", "caf\xe9"sv},
       }) {
    EXPECT_EQ(made("t", bytes), "invalid_id") << name;
    EXPECT_EQ(made(bytes, "x"), "invalid_id") << name;
    EXPECT_EQ(made("t", "a" + std::string{bytes} + "b"), "invalid_id") << name;
  }
}

TEST(PersistenceId, ARefusalShowsTheIdAsPrintableText) {
  auto refused = persistence_id::parse("account|a\x01\xff");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("account|a\\x01\\xff"), std::string::npos)
      << refused.error().message;
}

TEST(PersistenceId, ARefusalDoesNotRepeatAHugeId) {
  EXPECT_LT(persistence_id::parse("t|" + std::string(1 << 20, 'x')).error().message.size(), 200u);
}

TEST(PersistenceId, IsComparedByItsBytes) {
  std::vector<persistence_id> ids{id("t|é"), id("a|1"), id("t|b"), id("ab|1"), id("t|B")};
  std::sort(ids.begin(), ids.end());
  std::string sorted;
  for (const auto& i : ids) sorted += i.str() + " ";
  EXPECT_EQ(sorted, "ab|1 a|1 t|B t|b t|é ");
  EXPECT_NE(id("t|a"), id("t|A"));
  EXPECT_NE(id("t|a"), id("t|a "));
}

TEST(PersistenceId, ItsSliceIsTheSameInEveryVersion) {
  EXPECT_EQ(id("account|alice").slice(), 520u);
  EXPECT_EQ(id("order|1").slice(), 256u);
}

TEST(PersistenceId, SlicesAreEvenlyFilled) {
  std::vector<int> filled(persistence_id::slices);
  for (int i = 0; i < 102'400; ++i) ++filled.at(id("order|" + std::to_string(i)).slice());
  auto [least, most] = std::minmax_element(filled.begin(), filled.end());
  EXPECT_GT(*least, 50);
  EXPECT_LT(*most, 200);
}
