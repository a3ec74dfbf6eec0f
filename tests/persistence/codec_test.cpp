// What is written is read back, and what is not right is refused by name.
#include <gtest/gtest.h>

#include <nexus/codec.hpp>
#include <random>

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
