// Values are read back as written, and invalid bytes are refused by name.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <list>
#include <map>
#include <msgpack/sbuffer.hpp>
#include <msgpack/unpack.hpp>
#include <nexus/codec.hpp>
#include <optional>
#include <random>
#include <set>
#include <variant>
#include <vector>

using namespace nexus;

namespace {

struct line {
  std::string what;
  std::int64_t n = 0;
  MSGPACK_DEFINE_MAP(what, n)
};

struct order {
  std::int64_t id = 0;
  std::string customer;
  std::vector<line> lines;
  std::optional<std::int64_t> discount;
  std::map<std::string, line> notes;
  MSGPACK_DEFINE_MAP(id, customer, lines, discount, notes)
};

struct nothing {};

struct amount {
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(cents)
};

struct amount_and_more {
  std::string memo;
  std::int64_t cents = 0;
  bool flag = false;
  MSGPACK_DEFINE_MAP(memo, cents, flag)
};

struct narrow {
  std::int8_t cents = 0;
  MSGPACK_DEFINE_MAP(cents)
};

struct worded {
  std::string cents;
  MSGPACK_DEFINE_MAP(cents)
};

struct renamed_inside {
  std::vector<amount> lines;
  MSGPACK_DEFINE_MAP(lines)
};

template <class T>
std::string why_not(std::string_view bytes) {
  T value;
  auto read = decode(bytes, value);
  return read ? "read" : read.error().message.substr(read.error().message.find(": ") + 2);
}

}  // namespace

TEST(Codec, NestedValuesComeBack) {
  order before{7, "bob", {{"tea", 1}, {"milk", 2}}, 5, {{"k", {"z", 3}}}};
  order after;
  ASSERT_TRUE(decode(encode(before), after));
  EXPECT_EQ(after.id, 7);
  EXPECT_EQ(after.customer, "bob");
  ASSERT_EQ(after.lines.size(), 2u);
  EXPECT_EQ(after.lines[1].what, "milk");
  EXPECT_EQ(after.discount, 5);
  EXPECT_EQ(after.notes.at("k").n, 3);
}

TEST(Codec, ExtremeNumbersComeBack) {
  for (auto cents : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
    amount after;
    ASSERT_TRUE(decode(encode(amount{cents}), after));
    EXPECT_EQ(after.cents, cents);
  }
}

TEST(Codec, ATypeWithoutFieldsIsAnEmptyMap) {
  EXPECT_EQ(encode(nothing{}), "\x80");
  EXPECT_EQ(why_not<nothing>("\x80"), "read");
  EXPECT_EQ(why_not<nothing>("\x01"), "is not a map");
}

TEST(Codec, UnknownFieldsAreIgnored) {
  amount after;
  ASSERT_TRUE(decode(encode(amount_and_more{"x", 5, true}), after));
  EXPECT_EQ(after.cents, 5);
}

TEST(Codec, FieldsMayComeInAnyOrder) {
  std::string bytes{"\x82\xa1n\x05\xa4what\xa1q", 11};
  line after;
  ASSERT_TRUE(decode(bytes, after));
  EXPECT_EQ(after.what, "q");
  EXPECT_EQ(after.n, 5);
}

TEST(Codec, AMissingFieldIsAnErrorUnlessItIsOptional) {
  EXPECT_EQ(why_not<amount_and_more>(encode(amount{5})), "field \"memo\" is missing");
  order before;
  before.discount = 3;
  order after;
  after.discount = 4;
  auto bytes = encode(before);
  // The same bytes with another name for the optional field.
  bytes.replace(bytes.find("discount"), 8, "disc0unt");
  ASSERT_TRUE(decode(bytes, after));
  EXPECT_FALSE(after.discount);
}

TEST(Codec, AMissingFieldOfANestedValueIsAnErrorToo) {
  auto bytes = encode(renamed_inside{{{1}, {2}}});
  bytes.replace(bytes.rfind("cents"), 5, "pence");
  EXPECT_EQ(why_not<renamed_inside>(bytes), "field \"lines\" field \"cents\" is missing");
}

TEST(Codec, AFieldOfAnotherTypeIsAnError) {
  EXPECT_EQ(why_not<worded>(encode(amount{5})), "field \"cents\" has another type");
  EXPECT_EQ(why_not<narrow>(encode(amount{300})), "field \"cents\" has another type");
}

TEST(Codec, BytesLeftOverAreAnError) {
  EXPECT_EQ(why_not<amount>(encode(amount{5}) + "x"), "1 bytes left over");
}

TEST(Codec, BytesCutShortAreAnError) {
  const auto bytes = encode(order{7, "bob", {{"tea", 1}}, {}, {}});
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    order after;
    EXPECT_FALSE(decode(std::string_view{bytes}.substr(0, n), after)) << n;
  }
}

TEST(Codec, ClaimsBeyondTheBytesAllocateNothing) {
  EXPECT_NE(why_not<amount>("\xdf\xff\xff\xff\xff"), "read");  // a map of 4 G pairs
  EXPECT_NE(why_not<amount>("\x81\xa5"
                            "cents\xdb\xff\xff\xff\xff"),
            "read");  // a string of 4 GB
  EXPECT_NE(why_not<amount>("\xdd\xff\xff\xff\xff"), "read");
  EXPECT_NE(why_not<amount>(std::string(100'000, '\x91')), "read") << "nested too deep";
}

TEST(Codec, ArbitraryBytesNeverCrash) {
  std::mt19937 random{42};
  const auto good = encode(order{7, "bob", {{"tea", 1}, {"milk", 2}}, 5, {{"k", {"z", 3}}}});
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = good;
    for (auto flips = 1 + random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    order after;
    (void)decode(bytes, after).has_value();
  }
}

TEST(Codec, TheSizeIsKnownWithoutEncoding) {
  order value{7, "bob", {{"tea", 1}, {"milk", 2}}, 5, {{"k", {"z", 3}}}};
  EXPECT_EQ(encoded_size(value), encode(value).size());
}

namespace {

enum class side : std::uint8_t { debit = 1, credit = 2 };

struct card {
  std::string number;
  MSGPACK_DEFINE_MAP(number)
};
struct cash {};

struct payment {
  side which = side::debit;
  std::variant<cash, card, amount> by;
  std::vector<std::variant<std::int64_t, std::string>> notes;
  std::chrono::milliseconds took{};
  std::chrono::sys_time<std::chrono::microseconds> at{};
  std::array<amount, 2> parts;
  std::array<std::uint8_t, 4> token{};
  std::set<std::string> tags;
  std::set<side> sides;
  std::pair<std::int32_t, amount> ranked;
  std::optional<amount> fee;
  std::vector<cash> coins;
  std::map<side, std::vector<amount>> by_side;
  MSGPACK_DEFINE_MAP(which, by, notes, took, at, parts, token, tags, sides, ranked, fee, coins,
                     by_side)
};

payment a_payment() {
  return {.which = side::credit,
          .by = card{"4242"},
          .notes = {std::int64_t{-3}, std::string{"x"}},
          .took = std::chrono::milliseconds{-7},
          .at = std::chrono::sys_time<std::chrono::microseconds>{std::chrono::microseconds{
              1'700'000'000'000'001}},
          .parts = {amount{1}, amount{2}},
          .token = {1, 2, 0, 255},
          .tags = {"a", "b"},
          .sides = {side::debit, side::credit},
          .ranked = {9, amount{10}},
          .fee = amount{11},
          .coins = {cash{}, cash{}},
          .by_side = {{side::debit, {amount{12}}}}};
}

template <class T>
struct holder {
  T one{};
  MSGPACK_DEFINE_MAP(one)
};

}  // namespace

TEST(Codec, EveryShapeOfAFieldComesBack) {
  const auto before = a_payment();
  payment after;
  auto read = decode(encode(before), after);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(after.which, side::credit);
  EXPECT_EQ(std::get<card>(after.by).number, "4242");
  EXPECT_EQ(after.notes, before.notes);
  EXPECT_EQ(after.took, before.took);
  EXPECT_EQ(after.at, before.at);
  EXPECT_EQ(after.parts[1].cents, 2);
  EXPECT_EQ(after.token, before.token);
  EXPECT_EQ(after.tags, before.tags);
  EXPECT_EQ(after.sides, before.sides);
  EXPECT_EQ(after.ranked.first, 9);
  EXPECT_EQ(after.ranked.second.cents, 10);
  EXPECT_EQ(after.fee->cents, 11);
  EXPECT_EQ(after.coins.size(), 2u);
  EXPECT_EQ(after.by_side.at(side::debit)[0].cents, 12);
  EXPECT_EQ(encode(after), encode(before));
}

TEST(Codec, AnAlternativeThatIsNotThereIsAnError) {
  using more = holder<std::variant<cash, card, amount>>;
  using fewer = holder<std::variant<cash, card>>;
  EXPECT_EQ(why_not<fewer>(encode(more{amount{1}})), "field \"one\" is alternative 2 of 2");
}

TEST(Codec, AFixedArrayOfAnotherLengthIsAnError) {
  EXPECT_EQ((why_not<holder<std::array<int, 3>>>(encode(holder<std::array<int, 2>>{}))),
            "field \"one\" has 2 elements, not 3");
  EXPECT_EQ(
      (why_not<holder<std::array<std::uint8_t, 3>>>(encode(holder<std::array<std::uint8_t, 4>>{}))),
      "field \"one\" has 4 bytes, not 3");
  EXPECT_EQ((why_not<holder<std::pair<int, int>>>(encode(holder<std::vector<int>>{{1}}))),
            "field \"one\" has 1 elements, not 2");
}

TEST(Codec, AMissingFieldInsideAnyContainerIsAnError) {
  auto missing = [](auto value, auto other) {
    return why_not<decltype(other)>(encode(value)).ends_with("\"what\" is missing");
  };
  EXPECT_TRUE(missing(holder<std::array<amount, 1>>{}, holder<std::array<line, 1>>{}));
  EXPECT_TRUE(missing(holder<std::variant<amount>>{}, holder<std::variant<line>>{}));
  EXPECT_TRUE(missing(holder<std::pair<int, amount>>{}, holder<std::pair<int, line>>{}));
  EXPECT_TRUE(missing(holder<std::optional<amount>>{amount{}}, holder<std::optional<line>>{}));
  EXPECT_TRUE(missing(holder<std::list<amount>>{{amount{}}}, holder<std::list<line>>{}));
}

namespace {

struct base_of_derived {
  int inherited = 1;
  MSGPACK_DEFINE_MAP(inherited)
};

struct derived : base_of_derived {
  int own = 2;
  std::vector<std::string> words{"kept"};
  MSGPACK_DEFINE_MAP(MSGPACK_BASE_MAP(base_of_derived), MSGPACK_NVP("renamed", own), words)
};

}  // namespace

TEST(MappedType, IsPackedAndUnpackedByMsgpackItself) {
  derived before;
  before.inherited = 10;
  before.own = 20;
  before.words = {"a", "b"};
  msgpack::sbuffer bytes;
  msgpack::pack(bytes, before);
  EXPECT_EQ((std::string_view{bytes.data(), bytes.size()}), encode(before));

  derived after;
  msgpack::unpack(bytes.data(), bytes.size())->convert(after);
  EXPECT_EQ(after.inherited, 10);
  EXPECT_EQ(after.own, 20);
  EXPECT_EQ(after.words, before.words);
}
