// Numbers, times, pointers and nested values are read back equal, or are refused by name.
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <nexus/codec.hpp>
#include <nexus/document.hpp>
#include <optional>
#include <ratio>
#include <set>
#include <unordered_map>
#include <variant>
#include <vector>

using namespace nexus;

namespace {

template <class T>
struct holder {
  T one{};
  MSGPACK_DEFINE_MAP(one)
};

template <class T>
T back(const T& value) {
  holder<T> after;
  auto read = decode(encode(holder<T>{value}), after);
  EXPECT_TRUE(read) << (read ? "" : read.error().message);
  return after.one;
}

/// Why a value written as a `From` cannot be read as a `To`.
template <class To, class From>
std::string why_not(const From& value) {
  holder<To> after;
  auto read = decode(encode(holder<From>{value}), after);
  if (!read) {
    EXPECT_EQ(read.error().code, errc::corrupt);
    return read.error().message.substr(read.error().message.find(": ") + 2);
  }
  return "read";
}

template <class F>
error refused(F encodes) {
  try {
    encodes();
  } catch (const encode_error& e) {
    return {e.code, e.what()};
  }
  return {errc::unhandled, "written"};
}

template <class Bits, class T>
Bits bits(T value) {
  return std::bit_cast<Bits>(value);
}

constexpr double exact_max = 9'007'199'254'740'992.0;  // 2^53

}  // namespace

TEST(ExactValues, MinusZeroComesBackAsMinusZero) {
  EXPECT_TRUE(std::signbit(back(-0.0)));
  EXPECT_TRUE(std::signbit(back(-0.0F)));
  EXPECT_FALSE(std::signbit(back(0.0)));
  EXPECT_TRUE(std::signbit(back(std::vector<double>{-0.0})[0]));
  EXPECT_TRUE(std::signbit(back(std::array<float, 1>{-0.0F})[0]));
  EXPECT_TRUE(std::signbit(back(std::list<double>{-0.0}).front()));
  EXPECT_TRUE(std::signbit(*back(std::optional<double>{-0.0})));
  EXPECT_TRUE(std::signbit(*back(std::make_shared<double>(-0.0))));
  EXPECT_TRUE(std::signbit(std::get<0>(back(std::variant<double, int>{-0.0}))));
  EXPECT_TRUE(std::signbit(back(std::map<int, double>{{1, -0.0}})[1]));
  EXPECT_TRUE(std::signbit(back(std::chrono::duration<double>{-0.0}).count()));
}

TEST(ExactValues, EveryDoubleAndFloatComesBackToTheBit) {
  using d = std::numeric_limits<double>;
  using f = std::numeric_limits<float>;
  for (const double one : {0.0,
                           1.0,
                           -1.0,
                           0.1,
                           exact_max,
                           -exact_max,
                           exact_max + 2,
                           9.3e18,
                           18446744073709551616.0,
                           -9223372036854775808.0,
                           1e300,
                           d::max(),
                           d::lowest(),
                           d::min(),
                           d::denorm_min(),
                           d::infinity(),
                           -d::infinity(),
                           d::quiet_NaN(),
                           -d::quiet_NaN(),
                           std::bit_cast<double>(0x7ff8000000abcdefULL)}) {
    EXPECT_EQ(bits<std::uint64_t>(back(one)), bits<std::uint64_t>(one)) << one;
  }
  for (const float one : {0.0F, 1.0F, -0.1F, 16'777'216.0F, 16'777'218.0F, 3e38F, f::max(),
                          f::denorm_min(), f::infinity(), f::quiet_NaN(), -f::quiet_NaN()}) {
    EXPECT_EQ(bits<std::uint32_t>(back(one)), bits<std::uint32_t>(one)) << one;
  }
}

TEST(ExactValues, AnIntegerThatADoubleCannotHoldIsAnError) {
  EXPECT_EQ(why_not<double>(std::int64_t{9'007'199'254'740'992}), "read");
  EXPECT_EQ(why_not<double>(std::int64_t{9'007'199'254'740'993}),
            "field \"one\" holds 9007199254740993, which its type cannot hold exactly");
  EXPECT_NE(why_not<double>(std::int64_t{-9'007'199'254'740'993}), "read");
  EXPECT_NE(why_not<double>(std::numeric_limits<std::uint64_t>::max()), "read");
  EXPECT_NE(why_not<double>(std::numeric_limits<std::int64_t>::max()), "read");
  EXPECT_EQ(why_not<double>(std::numeric_limits<std::int64_t>::min()), "read");
  EXPECT_EQ(why_not<float>(16'777'216), "read");
  EXPECT_NE(why_not<float>(16'777'217), "read");
  EXPECT_NE(why_not<std::vector<double>>(std::vector{std::int64_t{9'007'199'254'740'993}}), "read");
  EXPECT_NE(why_not<std::chrono::duration<double>>(std::int64_t{9'007'199'254'740'993}), "read");
}

TEST(ExactValues, ADoubleThatAFloatCannotHoldIsAnError) {
  EXPECT_EQ(why_not<float>(0.5), "read");
  EXPECT_EQ(why_not<float>(0.1),
            "field \"one\" holds 0.100000, which its type cannot hold exactly");
  EXPECT_NE(why_not<float>(1e300), "read");
  EXPECT_NE(why_not<float>(std::numeric_limits<double>::denorm_min()), "read");
  EXPECT_EQ(why_not<float>(std::numeric_limits<double>::infinity()), "read");
  EXPECT_EQ(why_not<float>(std::numeric_limits<double>::quiet_NaN()), "read");
  EXPECT_EQ(why_not<double>(0.1F), "read") << "every float is a double";
}

TEST(ExactValues, ANumberOfAnotherKindIsAnError) {
  EXPECT_EQ(why_not<std::int64_t>(0.5), "field \"one\" has another type");
  EXPECT_EQ(why_not<std::uint8_t>(256), "field \"one\" has another type");
  EXPECT_EQ(why_not<std::uint64_t>(-1), "field \"one\" has another type");
  EXPECT_EQ(why_not<bool>(1), "field \"one\" has another type");
  EXPECT_EQ(why_not<int>(true), "field \"one\" has another type");
  EXPECT_EQ(why_not<char>(std::string{"a"}), "field \"one\" has another type");
}

// -- times ----------------------------------------------------------------------------------------

namespace {

template <class Duration>
using time_of = std::chrono::time_point<std::chrono::system_clock, Duration>;

template <class Duration>
void expect_times_back() {
  using rep = typename Duration::rep;
  for (const auto count : {std::numeric_limits<rep>::min(), std::numeric_limits<rep>::max(),
                           rep{-1}, rep{0}, rep{1}, rep{-1'000'000'001}, rep{1'700'000'000}}) {
    const time_of<Duration> before{Duration{count}};
    EXPECT_EQ(back(before), before) << count;
  }
}

}  // namespace

TEST(ExactValues, TimesComeBackAtBothEndsOfTheirRange) {
  expect_times_back<std::chrono::nanoseconds>();
  expect_times_back<std::chrono::microseconds>();
  expect_times_back<std::chrono::milliseconds>();
  expect_times_back<std::chrono::seconds>();
  expect_times_back<std::chrono::duration<std::int64_t, std::ratio<1, 100>>>();
  expect_times_back<std::chrono::duration<std::int32_t, std::milli>>();
}

TEST(ExactValues, ATimeThatItsTypeCannotHoldIsAnError) {
  using namespace std::chrono;
  EXPECT_EQ(why_not<time_of<milliseconds>>(time_of<microseconds>{1001us}),
            "field \"one\" is a finer time than its type can hold");
  EXPECT_EQ(why_not<time_of<milliseconds>>(time_of<microseconds>{-1000us}), "read");
  EXPECT_EQ(why_not<time_of<nanoseconds>>(time_of<seconds>{seconds::max()}),
            "field \"one\" is a time outside the range of its type");
  EXPECT_NE((why_not<time_of<duration<std::int32_t>>>(time_of<seconds>{seconds{1LL << 33}})),
            "read");
  EXPECT_EQ(why_not<time_of<seconds>>(5), "field \"one\" has another type");
  holder<time_of<nanoseconds>> after;
  const std::string impossible{"\x81\xa3one\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x00", 15};
  EXPECT_FALSE(decode(impossible, after)) << "more nanoseconds than a second has";
}

// -- what holds other values ----------------------------------------------------------------------

TEST(ExactValues, APointerIsNilOrAValue) {
  EXPECT_EQ(back(std::shared_ptr<int>{}), nullptr);
  EXPECT_EQ(*back(std::make_shared<int>(7)), 7);
  EXPECT_EQ(back(std::make_shared<holder<std::vector<int>>>(holder<std::vector<int>>{{1, 2}}))->one,
            (std::vector{1, 2}));
  holder<std::unique_ptr<std::string>> after;
  ASSERT_TRUE(decode(
      encode(holder<std::shared_ptr<std::string>>{std::make_shared<std::string>("x")}), after));
  EXPECT_EQ(*after.one, "x");
}

TEST(ExactValues, AKeyOrAnElementThatIsThereTwiceIsAnError) {
  using pairs = std::vector<std::pair<int, int>>;
  std::string twice{"\x81\xa3one\x82\x01\x05\x01\x06"};
  holder<std::map<int, int>> ordered;
  EXPECT_NE(decode(twice, ordered).error().message.find("\"one\" has a key twice"),
            std::string::npos);
  holder<std::unordered_map<int, int>> unordered;
  EXPECT_FALSE(decode(twice, unordered));
  EXPECT_EQ((why_not<std::set<int>>(std::vector{1, 2, 1})), "field \"one\" has an element twice");
  EXPECT_EQ((why_not<std::set<std::pair<int, int>>>(pairs{{1, 2}, {1, 2}})),
            "field \"one\" has an element twice");
  EXPECT_EQ((why_not<std::multiset<int>>(std::vector{1, 2, 1})), "read");
}

TEST(ExactValues, AnEmptyOptionalInsideAContainerStaysThere) {
  using maybe = std::optional<int>;
  EXPECT_EQ(back(std::vector<maybe>{{}, 1, {}}), (std::vector<maybe>{{}, 1, {}}));
  EXPECT_EQ(back(std::variant<int, maybe>{maybe{}}), (std::variant<int, maybe>{maybe{}}));
  EXPECT_EQ(back(std::optional<std::vector<maybe>>{{maybe{}}}),
            (std::optional<std::vector<maybe>>{{maybe{}}}));
  using wrapped = std::optional<std::tuple<maybe>>;
  EXPECT_EQ(back(wrapped{std::tuple{maybe{}}}), wrapped{std::tuple{maybe{}}});
}

TEST(ExactValues, BytesAndTextsComeBackAsTheyWere) {
  const std::string odd{"\0\xff\xfe a\xc0", 6};
  EXPECT_EQ(back(odd), odd) << "NUL, and what is no UTF-8";
  EXPECT_EQ(back(std::vector<char>(odd.begin(), odd.end())),
            std::vector<char>(odd.begin(), odd.end()));
  EXPECT_EQ(back(std::vector<std::byte>{std::byte{0}, std::byte{255}}).size(), 2u);
  EXPECT_EQ(back(std::deque<char>{'\xff', '\0'}), (std::deque<char>{'\xff', '\0'}));
  EXPECT_EQ(back(std::vector<bool>{true, false, true}), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(back(std::vector<std::int8_t>{-128, 127}), (std::vector<std::int8_t>{-128, 127}));
}

// -- adaptors of the user's -----------------------------------------------------------------------

namespace {

/// Writes so many nested arrays, nothing, or two values.
struct odd_one {
  int levels = 0;
};

/// Decodes while it is decoded.
struct matryoshka {
  std::string inner;
};

}  // namespace

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {
  template <>
  struct pack<odd_one> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, const odd_one& value) const {
      if (value.levels < 0) return to.pack_int(1).pack_int(2);
      for (int i = 0; i < value.levels; ++i) to.pack_array(1);
      return to.pack_nil();
    }
  };
  template <>
  struct convert<odd_one> {
    const msgpack::object& operator()(const msgpack::object& from, odd_one&) const { return from; }
  };
  template <>
  struct pack<matryoshka> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, const matryoshka& value) const {
      return to.pack(nexus::encode(holder<std::string>{value.inner}));
    }
  };
  template <>
  struct convert<matryoshka> {
    const msgpack::object& operator()(const msgpack::object& from, matryoshka& value) const {
      holder<std::string> inside;
      if (!nexus::decode(from.as<std::string>(), inside)) throw msgpack::type_error{};
      value.inner = inside.one;
      return from;
    }
  };
  }
}
}

TEST(ExactValues, ADecodeWithinADecodeDisturbsNeither) {
  const auto all = back(std::vector<matryoshka>{{"one"}, {std::string(10'000, 'x')}, {"three"}});
  EXPECT_EQ(all[0].inner, "one");
  EXPECT_EQ(all[1].inner, std::string(10'000, 'x'));
  EXPECT_EQ(all[2].inner, "three");
}

TEST(ExactValues, AnOptionalWhoseValueIsStoredAsNothingIsNotWritten) {
  EXPECT_EQ(refused([] { (void)encode(holder<std::optional<odd_one>>{odd_one{0}}); }),
            (error{errc::invalid_argument,
                   "an optional holds a value that is stored as nil, as if it were empty"}));
  EXPECT_EQ(refused([] { (void)encode(holder<std::optional<odd_one>>{odd_one{1}}); }).message,
            "written");
  EXPECT_EQ(refused([] { (void)encode(holder<odd_one>{odd_one{-1}}); }).message,
            "an adaptor does not write exactly one value of msgpack");
}

// -- nesting --------------------------------------------------------------------------------------

namespace {

struct tree {
  std::vector<tree> below;
  MSGPACK_DEFINE_MAP(below)
};

/// So many maps and arrays, an even number: each tree is a map with an array.
tree nested(std::size_t levels) {
  tree made;
  for (std::size_t n = 2; n < levels; n += 2) {
    tree above;
    above.below.push_back(std::move(made));
    made = std::move(above);
  }
  return made;
}

}  // namespace

TEST(ExactValues, AValueNestedToTheLimitIsWrittenAndRead) {
  const auto bytes = encode(nested(nesting_max));
  tree after;
  EXPECT_TRUE(decode(bytes, after));
  EXPECT_EQ(encode(after), bytes);
  holder<odd_one> foreign{odd_one{static_cast<int>(nesting_max) - 1}};
  EXPECT_TRUE(decode(encode(foreign), foreign));
}

TEST(ExactValues, AValueNestedPastTheLimitIsNeitherWrittenNorRead) {
  const error too_deep{errc::too_large, "nests more than 64 maps and arrays in one another"};
  EXPECT_EQ(refused([] { (void)encode(nested(nesting_max + 2)); }), too_deep);
  EXPECT_EQ(refused([] { (void)encode(nested(2'000)); }), too_deep);
  EXPECT_EQ(refused([] { (void)encode(holder<odd_one>{odd_one{nesting_max}}); }), too_deep);
  EXPECT_EQ(refused([] { (void)encode(holder<odd_one>{odd_one{100'000}}); }), too_deep);
  EXPECT_GT(encoded_size(nested(2'000)), 2'000u) << "counting refuses nothing";
  std::string bytes(nesting_max, '\x91');
  bytes += '\x90';
  tree after;
  EXPECT_EQ(decode(bytes, after).error().message,
            "65 bytes of msgpack: nests deeper than 64 levels");
}

TEST(ExactValues, EveryKindOfContainerCountsAsALevel) {
  // A member may have all levels except the one of its holder.
  auto fits = [](auto value) {
    const holder<decltype(value)> inside{std::move(value)};
    return refused([&] { (void)encode(inside); }).message == "written";
  };
  const auto deep = [](int less) { return odd_one{static_cast<int>(nesting_max) - less}; };
  EXPECT_TRUE(fits(deep(1)));
  EXPECT_FALSE(fits(deep(0)));
  EXPECT_TRUE(fits(std::optional{deep(1)})) << "an optional is no level";
  EXPECT_FALSE(fits(std::optional{deep(0)}));
  EXPECT_TRUE(fits(std::make_shared<odd_one>(deep(1)))) << "nor is a pointer";
  EXPECT_TRUE(fits(std::vector{deep(2)}));
  EXPECT_FALSE(fits(std::vector{deep(1)}));
  EXPECT_FALSE(fits(std::map<int, odd_one>{{1, deep(1)}}));
  EXPECT_FALSE(fits(std::array{deep(1)}));
  EXPECT_FALSE(fits(std::pair{1, deep(1)}));
  EXPECT_FALSE(fits(std::variant<int, odd_one>{deep(1)}));
  EXPECT_FALSE(fits(holder<odd_one>{deep(1)}));
}

TEST(ExactValues, ADocumentKeepsToTheSameLimit) {
  document d;
  EXPECT_EQ(refused([&] { d.set("deep", nested(nesting_max + 2)); }).code, errc::too_large);
  d.set("fits", nested(nesting_max - 2));
  EXPECT_TRUE(document::parse(d.bytes()));
  document outer;
  outer.set("inner", std::vector<document>{});
  EXPECT_TRUE(document::parse(outer.bytes()));
}
