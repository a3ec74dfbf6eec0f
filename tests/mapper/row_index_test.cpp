#include "nexus/detail/row_index.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>

namespace {

using index = nexus::detail::row_index<int>;

std::string integer_key(std::uint64_t of) {
  std::string made(sizeof of, '\0');
  std::memcpy(made.data(), &of, sizeof of);
  return made;
}

TEST(RowIndex, HoldsWhatAMapHoldsWhateverTheKeysAre) {
  std::mt19937_64 random{7};
  index rows;
  std::map<std::string, int> expected;
  const auto a_key = [&]() -> std::string {
    const auto n = random() % 300;
    switch (random() % 4) {
      case 0:
        return integer_key(n);
      case 1:
        return integer_key(n << 56);  // equal in their low bits
      case 2:
        return std::string(n, 'x');
      default:
        return "key " + std::to_string(n);
    }
  };
  for (int i = 0; i < 50'000; ++i) {
    const auto key = a_key();
    if (random() % 3 == 0) {
      if (auto* found = rows.find(key)) rows.erase(*found);
      expected.erase(key);
    } else {
      const auto [at, is_new] = rows.add(std::string{key});
      ASSERT_EQ(at->key, key);
      ASSERT_EQ(is_new, expected.insert_or_assign(key, i).second);
      at->value = i;
    }
    ASSERT_EQ(rows.size(), expected.size());
    if (i % 1'000 != 0) continue;
    for (const auto& [known, value] : expected) {
      const auto* found = rows.find(known);
      ASSERT_NE(found, nullptr);
      ASSERT_EQ(found->value, value);
    }
    std::size_t seen = 0;
    rows.for_each([&](int) { ++seen; });
    ASSERT_EQ(seen, expected.size());
  }
  rows.clear();
  EXPECT_EQ(rows.size(), 0U);
  EXPECT_EQ(rows.find("key 1"), nullptr);
}

TEST(RowIndex, AnEntryStaysWhereItIsWhileOthersComeAndGo) {
  index rows;
  auto* const first = rows.add("first").first;
  first->value = 7;
  for (std::uint64_t i = 0; i < 10'000; ++i) rows.add(integer_key(i));
  for (std::uint64_t i = 0; i < 10'000; i += 2) rows.erase(*rows.find(integer_key(i)));
  EXPECT_EQ(rows.find("first"), first);
  EXPECT_EQ(first->value, 7);
  EXPECT_EQ(rows.size(), 5'001U);
}

TEST(RowIndex, AnErasedEntryIsUsedAgainWithoutItsValue) {
  index rows;
  auto* const before = rows.add("a").first;
  before->value = 7;
  rows.erase(*before);
  EXPECT_EQ(rows.find("a"), nullptr);
  const auto [after, is_new] = rows.add("b");
  EXPECT_TRUE(is_new);
  EXPECT_EQ(after, before);
  EXPECT_EQ(after->value, 0);
}

}  // namespace
