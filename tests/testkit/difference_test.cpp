// Values are compared field by field: a difference is found, and named by its path.
#include <gtest/gtest.h>

#include <limits>
#include <list>
#include <memory>
#include <nexus/testkit/round_trip.hpp>
#include <set>
#include <unordered_map>
#include <unordered_set>

using namespace nexus;
using testkit::detail::difference;

namespace {

template <class T>
struct holder {
  T one{};
  MSGPACK_DEFINE_MAP(one)
};

struct line {
  std::string what;
  double price = 0;
  MSGPACK_DEFINE_MAP(what, price)
};

struct with_hidden {
  int shown = 0;
  int hidden = 0;
  MSGPACK_DEFINE_MAP(shown)
  friend bool operator==(const with_hidden&, const with_hidden&) = default;
};

/// The path at which the two differ; "same" if they do not.
template <class T>
std::string path(const T& a, const T& b) {
  return difference(a, b).value_or("same");
}
template <class T>
std::string path_in(T a, T b) {
  return path(holder<T>{std::move(a)}, holder<T>{std::move(b)});
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST(Difference, IsNamedByItsPath) {
  EXPECT_EQ(path(line{"tea", 1}, line{"tea", 1}), "same");
  EXPECT_EQ(path(line{"tea", 1}, line{"milk", 1}), ".what");
  EXPECT_EQ(path_in(std::vector<line>{{"a", 1}, {"b", 2}}, {{"a", 1}, {"b", 3}}), ".one[1].price");
  EXPECT_EQ(path_in(std::vector<int>{1}, {1, 2}), ".one (of another size)");
  EXPECT_EQ((path_in(std::pair<int, line>{1, {"a", 1}}, {1, {"a", 2}})), ".one#1.price");
  EXPECT_EQ((path_in(std::map<int, line>{{1, {"a", 1}}}, {{1, {"b", 1}}})), ".one[0]#1.what");
  EXPECT_EQ((path_in(std::variant<int, int>{std::in_place_index<0>, 1},
                     std::variant<int, int>{std::in_place_index<1>, 1})),
            ".one");
}

TEST(Difference, MinusZeroAndNanAreValuesOfTheirOwn) {
  EXPECT_EQ(path_in(0.0, -0.0), ".one");
  EXPECT_EQ(path_in(0.0F, -0.0F), ".one");
  EXPECT_EQ(path_in(not_a_number, not_a_number), "same");
  EXPECT_EQ(path_in(not_a_number, 1.0), ".one");
  EXPECT_EQ(path_in(0.1234567, 0.1234568), ".one") << "also where both print alike";
}

TEST(Difference, AnEmptyOptionalOrPointerIsNoDefaultValue) {
  EXPECT_EQ(path_in(std::optional<int>{}, std::optional<int>{0}), ".one");
  EXPECT_EQ(path_in(std::make_shared<int>(1), std::make_shared<int>(1)), "same");
  EXPECT_EQ(path_in(std::make_shared<int>(1), std::make_shared<int>(2)), ".one");
  EXPECT_EQ(path_in(std::shared_ptr<int>{}, std::make_shared<int>(0)), ".one");
}

TEST(Difference, AnUnorderedContainerHasNoOrder) {
  std::unordered_map<int, line> a;
  std::unordered_map<int, line> b(1'000);
  for (int i = 0; i < 100; ++i) a[i] = line{"x", static_cast<double>(i)};
  for (int i = 99; i >= 0; --i) b[i] = line{"x", static_cast<double>(i)};
  EXPECT_EQ(path_in(a, b), "same");
  b[7].price = 8;
  EXPECT_EQ(path_in(a, b), ".one");
  using bag = std::unordered_multiset<int>;
  EXPECT_EQ(path_in(bag{1, 1, 2}, bag{2, 1, 1}), "same");
  EXPECT_EQ(path_in(bag{1, 1, 2}, bag{2, 2, 1}), ".one");
}

TEST(Difference, AFieldThatIsNotNamedShowsToAnOperator) {
  EXPECT_EQ(path(with_hidden{1, 2}, with_hidden{1, 2}), "same");
  EXPECT_EQ(path(with_hidden{1, 2}, with_hidden{1, 3}),
            " (by operator==: is every field in MSGPACK_DEFINE_MAP?)");
}

// -- round trips ----------------------------------------------------------------------------------

namespace {

/// Stores whole tens only: the value read differs, and is written as the same bytes again.
struct tens {
  std::int64_t n = 0;
  friend bool operator==(const tens&, const tens&) = default;
};

}  // namespace

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {
  template <>
  struct pack<tens> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, const tens& value) const {
      return to.pack(value.n / 10);
    }
  };
  template <>
  struct convert<tens> {
    const msgpack::object& operator()(const msgpack::object& from, tens& value) const {
      value.n = from.as<std::int64_t>() * 10;
      return from;
    }
  };
  }
}
}

namespace {

/// Stores a line's price as a float.
struct narrowing_serializer {
  static constexpr std::string_view name = "narrowing";
  template <class T>
  static void encode(T value, std::string& out) {
    if constexpr (requires { value.price; }) value.price = static_cast<float>(value.price);
    nexus::encode(value, out);
  }
  template <class T>
  static result<void> decode(std::string_view bytes, T& value) {
    return nexus::decode(bytes, value);
  }
};

template <class State>
struct shop {
  static constexpr std::string_view entity_type = "shop";
  using serializer = narrowing_serializer;
  struct sell {};
  using command = std::variant<sell>;
  struct sold {
    static constexpr std::string_view type_name = "sold";
  };
  using event = std::variant<sold>;
  using state = State;
  static auto decide(const state&, const sell&) { return nexus::none(); }
  static void apply(state&, const sold&) {}
};

struct forgetful : shop<with_hidden> {
  using serializer = msgpack_serializer;
};

}  // namespace

TEST(RoundTripOfValues, ALossInWritingIsFoundThoughTheBytesAreTheSameAgain) {
  line read;
  std::string once;
  std::string twice;
  narrowing_serializer::encode(line{"tea", 0.1}, once);
  ASSERT_TRUE(decode(once, read));
  narrowing_serializer::encode(read, twice);
  ASSERT_EQ(once, twice) << "comparing bytes finds nothing";
  const auto found = testkit::check_round_trip<shop<line>>(1);
  ASSERT_FALSE(found);
  EXPECT_NE(std::string{found.message()}.find("comes back as another value, at .price"),
            std::string::npos)
      << found.message();
}

TEST(RoundTripOfValues, AFieldThatIsNotStoredIsFoundByCounting) {
  const auto found = testkit::check_round_trip<forgetful>(1);
  ASSERT_FALSE(found);
  EXPECT_NE(
      std::string{found.message()}.find("with_hidden has 2 fields, but its MSGPACK_DEFINE_MAP "
                                        "names 1: shown"),
      std::string::npos)
      << found.message();
}

TEST(RoundTripOfValues, AFieldThatIsNotStoredIsFoundByAnOperator) {
  EXPECT_EQ(testkit::detail::lost<forgetful>(with_hidden{1, 2}),
            "comes back as another value (by operator==: is every field in MSGPACK_DEFINE_MAP?)");
}

TEST(RoundTripOfValues, AnAdaptorThatLosesIsFoundThoughTheBytesAreTheSameAgain) {
  const holder<tens> before{tens{7}};
  holder<tens> after;
  ASSERT_TRUE(decode(encode(before), after));
  ASSERT_EQ(encode(before), encode(after));
  EXPECT_EQ(testkit::detail::lost<shop<line>>(before), "comes back as another value, at .one");
  EXPECT_EQ(testkit::detail::lost<shop<line>>(holder<tens>{tens{70}}), "");
}
