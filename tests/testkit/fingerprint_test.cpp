// A change of stored types is found, reported by type and field, and distinguished from a harmless
// one.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <map>
#include <nexus/testkit/fingerprint.hpp>
#include <set>

#include "temporary_folder.hpp"

using namespace nexus;

namespace {

/// A behavior that stores an `E` and an `S`.
template <class E, class S>
struct storing {
  static constexpr std::string_view entity_type = "thing";
  struct make {};
  using command = std::variant<make>;
  using event = std::variant<E>;
  using state = S;
  static auto decide(const S&, const make&) { return nexus::none(); }
  static void apply(S&, const E&) {}
};

struct empty_state {};

struct address {
  std::string city;
  std::optional<std::int32_t> floor;
  MSGPACK_DEFINE_MAP(city, floor)
};

// The type as in the file of most tests.
struct made {
  static constexpr std::string_view type_name = "made";
  std::int64_t cents = 0;
  std::string memo;
  std::vector<address> sent_to;
  MSGPACK_DEFINE_MAP(cents, memo, sent_to)
};

struct Fingerprint : testing::Test {
  nexus::test::temporary_folder dir;
  std::filesystem::path file = dir.path("thing.fingerprint");

  void SetUp() override { accept<made>(); }

  template <class E, class S = empty_state>
  std::string accept() {
    setenv("NEXUS_ACCEPT_FINGERPRINTS", "1", 1);
    auto text = check<E, S>();
    unsetenv("NEXUS_ACCEPT_FINGERPRINTS");
    return text;
  }
  /// The first line of the report; its last word says whether the change could be accepted.
  template <class E, class S = empty_state>
  std::string check() {
    auto r = testkit::check_fingerprint<storing<E, S>>(file);
    if (r) return "passes";
    std::string text = r.message();
    const auto first = text.substr(0, text.find('\n'));
    const bool breaks = text.find("could no longer be read") != std::string::npos;
    return first + (breaks ? " - breaks" : " - accept?");
  }
};

}  // namespace

TEST_F(Fingerprint, UnchangedPasses) { EXPECT_EQ(check<made>(), "passes"); }

namespace {
struct renamed {
  static constexpr std::string_view type_name = "made";
  std::int64_t amount = 0;
  std::string memo;
  std::vector<address> sent_to;
  MSGPACK_DEFINE_MAP(amount, memo, sent_to)
};
}  // namespace

TEST_F(Fingerprint, ARenamedFieldFailsAndCannotBeAccepted) {
  const auto told = "event \"made\": field \"cents\" is now called \"amount\" - breaks";
  EXPECT_EQ(check<renamed>(), told);
  EXPECT_EQ(accept<renamed>(), told);
  EXPECT_EQ(check<made>(), "passes") << "the file is as it was";
}

namespace {
struct removed {
  static constexpr std::string_view type_name = "made";
  std::int64_t cents = 0;
  std::vector<address> sent_to;
  MSGPACK_DEFINE_MAP(cents, sent_to)
};
struct retyped {
  static constexpr std::string_view type_name = "made";
  std::int32_t cents = 0;
  std::string memo;
  std::vector<address> sent_to;
  MSGPACK_DEFINE_MAP(cents, memo, sent_to)
};
struct added {
  static constexpr std::string_view type_name = "made";
  std::int64_t cents = 0;
  std::string memo;
  std::vector<address> sent_to;
  bool urgent = false;
  MSGPACK_DEFINE_MAP(cents, memo, sent_to, urgent)
};
struct street {
  std::string town;
  std::optional<std::int32_t> floor;
  MSGPACK_DEFINE_MAP(town, floor)
};
struct renamed_inside {
  static constexpr std::string_view type_name = "made";
  std::int64_t cents = 0;
  std::string memo;
  std::vector<street> sent_to;
  MSGPACK_DEFINE_MAP(cents, memo, sent_to)
};
}  // namespace

TEST_F(Fingerprint, BreakingChangesAreNamedByTypeAndField) {
  EXPECT_EQ(check<removed>(), "event \"made\": field \"memo\" is gone - breaks");
  EXPECT_EQ(check<retyped>(), "event \"made\": field \"cents\" was int64 and is int32 - breaks");
  EXPECT_EQ(check<added>(), "event \"made\": field \"urgent\" is new and not optional - breaks");
  EXPECT_EQ(check<renamed_inside>(),
            "event \"made\": field \"sent_to[].city\" is now called \"sent_to[].town\" - breaks");
}

namespace {
struct loosened {
  static constexpr std::string_view type_name = "made";
  std::int64_t cents = 0;
  std::optional<std::string> memo;
  std::vector<address> sent_to;
  std::optional<address> from;
  MSGPACK_DEFINE_MAP(cents, memo, sent_to, from)
};
struct reordered {
  static constexpr std::string_view type_name = "made";
  std::int64_t cents = 0;
  std::string memo;
  std::vector<address> sent_to;
  MSGPACK_DEFINE_MAP(memo, cents, sent_to)
};
}  // namespace

TEST_F(Fingerprint, OptionalFieldsAreAccepted) {
  EXPECT_EQ(check<loosened>(),
            "event \"made\": field \"memo\" was string and is optional<string> - accept?");
  EXPECT_EQ(accept<loosened>(), "passes");
  EXPECT_EQ(check<loosened>(), "passes");
  EXPECT_EQ(check<made>(),
            "event \"made\": field \"memo\" was optional<string> and is string - breaks");
}

TEST_F(Fingerprint, AnotherOrderIsAccepted) {
  EXPECT_EQ(check<reordered>(), "event \"made\": its fields have another order - accept?");
  EXPECT_EQ(accept<reordered>(), "passes");
  EXPECT_EQ(check<reordered>(), "passes");
}

namespace {
struct without_upcast : renamed {
  static constexpr std::uint32_t schema_version = 2;
};
struct with_upcast : renamed {
  static constexpr std::uint32_t schema_version = 2;
  static void upcast(from_version<1>, document& d) { d.rename("cents", "amount"); }
};
}  // namespace

TEST_F(Fingerprint, ANewVersionNeedsItsUpcasterAndIsAccepted) {
  EXPECT_EQ(check<without_upcast>(),
            "event \"made\": version 1 became 2, and upcasters read only version 2 or "
            "later - breaks");
  EXPECT_EQ(check<with_upcast>(), "event \"made\": version 1 became 2 - accept?");
  EXPECT_EQ(accept<with_upcast>(), "passes");
  EXPECT_EQ(check<with_upcast>(), "passes");
  EXPECT_EQ(check<made>(), "event \"made\": version 2 became 1 - breaks");
}

namespace {
struct unmade : made {
  static constexpr std::string_view type_name = "unmade";
};
}  // namespace

TEST_F(Fingerprint, ATypeThatIsGoneBreaksAndANewOneIsAccepted) {
  EXPECT_EQ(check<unmade>(), "event \"made\" is gone - breaks");
  EXPECT_EQ((check<made, made>()),
            "state \"thing\": field \"cents\" is new and not optional - breaks");
}

TEST_F(Fingerprint, AFileThatIsMissingOrSomethingElseIsNamed) {
  std::ofstream{file} << "hello\n";
  EXPECT_NE(check<made>().find("thing.fingerprint\" is not a fingerprint"), std::string::npos);
  EXPECT_NE(accept<made>().find("is not a fingerprint"), std::string::npos);
  std::filesystem::remove(file);
  EXPECT_NE(check<made>().find("thing.fingerprint\" is not there"), std::string::npos);
  EXPECT_EQ(accept<made>(), "passes");
}

namespace {
enum class side : std::uint8_t { debit };
struct node {
  std::string name;
  std::vector<node> children;
  MSGPACK_DEFINE_MAP(name, children)
};
struct every {
  static constexpr std::string_view type_name = "every";
  static constexpr std::uint32_t schema_version = 7;
  bool flag = false;
  char letter = 'x';
  std::uint16_t u16 = 0;
  float f32 = 0;
  double f64 = 0;
  side which = side::debit;
  std::vector<std::uint8_t> binary;
  std::array<std::uint8_t, 16> id{};
  std::array<std::int32_t, 3> three{};
  std::set<std::string> tags;
  std::map<std::int64_t, std::vector<address>> places;
  std::variant<empty_state, address, double> choice;
  std::pair<bool, std::string> pair;
  std::chrono::milliseconds took{};
  timestamp at{};
  std::optional<std::vector<std::string>> maybe;
  node tree;
  MSGPACK_DEFINE_MAP(flag, letter, u16, f32, f64, which, binary, id, three, tags, places, choice,
                     pair, took, at, maybe, tree)
};
}  // namespace

TEST(FingerprintText, SaysTheKindOfEveryField) {
  EXPECT_EQ((testkit::fingerprint<storing<every, address>>()),
            R"(serializer msgpack
event "every" version 7
  flag: bool
  letter: char
  u16: uint16
  f32: float32
  f64: float64
  which: enum<uint8>
  binary: bytes
  id: bytes<16>
  three: array<int32, 3>
  tags: array<string>
  places: map<int64, array<{}>>
  places{}[].city: string
  places{}[].floor: optional<int32>
  choice: variant<{}, {}, float64>
  choice|1.city: string
  choice|1.floor: optional<int32>
  pair: tuple<bool, string>
  took: duration<int64, 1/1000>
  at: time
  maybe: optional<array<string>>
  tree: {}
  tree.name: string
  tree.children: array<{again}>
state "thing" version 1
  city: string
  floor: optional<int32>
)");
}

// -- fields that MSGPACK_DEFINE_MAP leaves out ----------------------------------------------------

namespace ledger {
struct line {
  std::string what;
  std::int64_t cents = 0;
  std::optional<std::string> note;
  MSGPACK_DEFINE_MAP(what, cents)
};
}  // namespace ledger

namespace {

struct sold {
  static constexpr std::string_view type_name = "sold";
  std::vector<ledger::line> lines;
  MSGPACK_DEFINE_MAP(lines)
};

/// Every kind of field.
struct all_kinds {
  static constexpr std::string_view type_name = "all kinds";
  bool a = false;
  double b = 0;
  std::string c;
  std::optional<address> d;
  std::variant<std::int32_t, std::string> e;
  std::map<std::string, address> f;
  address g;
  std::array<address, 2> h;
  std::pair<std::int32_t, std::string> i;
  std::tuple<std::int32_t> j;
  std::unique_ptr<address> k;
  std::chrono::seconds l{};
  std::chrono::system_clock::time_point m{};
  std::vector<std::byte> n;
  std::set<std::optional<std::int32_t>> o;
  std::optional<std::variant<std::int32_t, std::string>> p;
  MSGPACK_DEFINE_MAP(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
};

struct with_constructor {
  static constexpr std::string_view type_name = "made";
  with_constructor() = default;
  explicit with_constructor(std::int64_t c) : cents{c} {}
  std::int64_t cents = 0;
  std::int64_t cached = 0;
  MSGPACK_DEFINE_MAP(cents)
};

}  // namespace

TEST_F(Fingerprint, AFieldThatIsNotStoredFailsAndCannotBeAccepted) {
  const auto told =
      "event \"sold\": ledger::line has 3 fields, but its MSGPACK_DEFINE_MAP names 2: what, cents. "
      "The others are not stored: name them, too - accept?";
  EXPECT_EQ(check<sold>(), told);
  EXPECT_EQ(accept<sold>(), told);
}

TEST_F(Fingerprint, FieldsOfEveryKindAreCounted) {
  EXPECT_EQ(testkit::detail::field_count<all_kinds>(), 16U);
  EXPECT_EQ(testkit::detail::field_count<empty_state>(), 0U);
  EXPECT_EQ((accept<all_kinds, address>().find("fields, but")), std::string::npos);
}

TEST_F(Fingerprint, OfAStructWithConstructorsTheFieldsAreNotCounted) {
  EXPECT_EQ(testkit::detail::field_count<with_constructor>(), std::nullopt);
}
