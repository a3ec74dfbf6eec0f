// States that are no structs: containers, numbers, texts, optional values.
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <nexus/states.hpp>
#include <nexus/testkit/detail/difference.hpp>
#include <nexus/testkit/scenario.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "store_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

/// Keeps one value of the type `S` as its whole state.
template <class S>
struct keeper {
  static constexpr std::string_view entity_type = "keeper";

  struct put {
    S value{};
  };
  struct get {};
  struct forget {};
  struct version {};
  using command = std::variant<put, get, forget, version>;
  using state = S;

  static auto decide(const state&, const put& c) { return nexus::persist(c.value); }
  static auto decide(const state& s, const get&) { return nexus::reply(s); }
  static auto decide(const state&, const forget&) { return nexus::erase(); }
  static auto decide(const state&, const version&, const context& c) {
    return nexus::reply(c.next_nr() - 1);
  }
};

/// Folds events into a container.
struct shelf {
  static constexpr std::string_view entity_type = "shelf";

  struct add {
    std::string name;
  };
  struct list {};
  using command = std::variant<add, list>;
  struct added {
    static constexpr std::string_view type_name = "added";
    std::string name;
    MSGPACK_DEFINE_MAP(name)
  };
  using event = std::variant<added>;
  using state = std::vector<std::string>;

  static auto decide(const state&, const add& c) { return nexus::persist(added{c.name}); }
  static auto decide(const state& s, const list&) { return nexus::reply(s); }
  static void apply(state& s, const added& e) { s.push_back(e.name); }
};

struct part {
  std::string name;
  std::int64_t count = 0;
  MSGPACK_DEFINE_MAP(name, count)
};

struct PlainStates : store_fixture {
  template <class S>
  static void expect_same(const S& is, const S& wanted) {
    const auto where = testkit::detail::difference(is, wanted);
    EXPECT_FALSE(where) << "differs" << testkit::detail::at(*where);
  }

  // SQLite numbers no changes of states here.
  template <class B, class F>
  void expect_change(F check) {
    if (std::string_view{GetParam()} != "memory") return;
    auto changes = states<B>{*journal}.current();
    ASSERT_TRUE(changes) << changes.error().message;
    const auto last = changes->next();
    ASSERT_TRUE(last && *last);
    check(**last);
  }

  // Every value is stored, found after a restart, and erased in the end.
  template <class S>
  void keep(const std::vector<S>& values) {
    using B = keeper<S>;
    auto ask = [&](auto command) {
      entities<B> all{sys, *journal};  // new ones each time: every answer is recovered
      return all.of("a").ask(std::move(command)).get(10s);
    };
    expect_same(ask(typename B::get{}).value(), S{});
    for (const auto& one : values) {
      ASSERT_TRUE(ask(typename B::put{one}));
      expect_same(ask(typename B::get{}).value(), one);
    }
    expect_change<B>([&](const auto& last) {
      ASSERT_TRUE(last.state);
      expect_same(*last.state, values.back());
    });
    ASSERT_TRUE(ask(typename B::forget{}));
    expect_same(ask(typename B::get{}).value(), S{});
    EXPECT_EQ(ask(typename B::version{}).value(), values.size() + 1);
    expect_change<B>([](const auto& erased) { EXPECT_FALSE(erased.state); });
    ASSERT_TRUE(ask(typename B::put{values.front()}));
    expect_same(ask(typename B::get{}).value(), values.front());
    EXPECT_EQ(ask(typename B::version{}).value(), values.size() + 2);
  }
};

}  // namespace

TEST_P(PlainStates, MayBeAVector) {
  keep<std::vector<std::string>>({{"a", "", std::string("b\0c", 3)}, {}, {"d"}});
}
TEST_P(PlainStates, MayBeAVectorOfVectors) {
  keep<std::vector<std::vector<int>>>({{{1, 2}, {}}, {{3}}});
}
TEST_P(PlainStates, MayBeAVectorOfStructs) {
  keep<std::vector<part>>({{{"bolt", 4}, {"nut", -1}}});
}
TEST_P(PlainStates, MayBeBytes) {
  keep<std::vector<std::byte>>({{std::byte{0}, std::byte{255}}, {}});
}
TEST_P(PlainStates, MayBeAVectorOfFlags) { keep<std::vector<bool>>({{true, false, true}}); }
TEST_P(PlainStates, MayBeAMap) { keep<std::map<std::string, part>>({{{"x", {"bolt", 4}}}, {}}); }
TEST_P(PlainStates, MayBeASet) { keep<std::set<std::int64_t>>({{3, 1, 2}}); }
TEST_P(PlainStates, MayBeAnArray) { keep<std::array<int, 3>>({{1, 2, 3}}); }
TEST_P(PlainStates, MayBeAPair) { keep<std::pair<int, std::string>>({{7, "seven"}}); }
TEST_P(PlainStates, MayBeAnInteger) {
  keep<std::int64_t>({std::numeric_limits<std::int64_t>::min(), -1, 0, 1});
  static_assert(behavior<keeper<std::uint8_t>> && behavior<keeper<bool>>);
}
TEST_P(PlainStates, MayBeADouble) { keep<double>({0.1, -0.0, std::nan(""), 1e300}); }
TEST_P(PlainStates, MayBeAText) { keep<std::string>({"Ada", "", "\xff"}); }
TEST_P(PlainStates, MayBeAnOptional) { keep<std::optional<std::int64_t>>({5, std::nullopt, 0}); }
TEST_P(PlainStates, MayBeAnOptionalContainer) {
  keep<std::optional<std::vector<int>>>({std::vector<int>{1}, std::vector<int>{}, std::nullopt});
}
TEST_P(PlainStates, MayBeAVariant) {
  keep<std::variant<std::int64_t, std::vector<std::string>>>({5, std::vector<std::string>{"a"}});
}
TEST_P(PlainStates, MayBeATime) { keep<timestamp>({timestamp{123456789us}, timestamp{-1us}}); }

TEST_P(PlainStates, MayBeFoldedFromEventsAndSavedAsASnapshot) {
  const entity_options often{.snapshot_every = 2};
  for (const auto* name : {"a", "b", "c"}) {
    entities<shelf> all{sys, *journal, often};
    ASSERT_TRUE(all.of("x").ask(shelf::add{name}).get(10s));
  }
  const auto id = persistence_id::make("shelf", "x").value();
  ASSERT_TRUE(eventually([&] { return session()->load_snapshot(id, {}).value().has_value(); }));
  ASSERT_TRUE(session()->erase_to(id, 2)) << "only the snapshot can tell";
  entities<shelf> all{sys, *journal, often};
  EXPECT_EQ(all.of("x").ask(shelf::list{}).get(10s), (shelf::state{"a", "b", "c"}));
}

// One that has a schema version is a struct, so only a struct can be upcast.
TEST_P(PlainStates, HaveVersionOneAndNoOtherIsRead) {
  using B = keeper<std::vector<int>>;
  stored_snapshot of_version_2{.number = 1,
                               .type = "keeper",
                               .schema_version = 2,
                               .codec = "msgpack",
                               .data = encode(std::vector<int>{1})};
  std::vector<int> read;
  auto done = decode_state<B>(of_version_2, read);
  EXPECT_EQ(done.error().code, errc::unsupported_version);
  of_version_2.schema_version = 1;
  EXPECT_TRUE(decode_state<B>(of_version_2, read));
  EXPECT_EQ(read, std::vector<int>{1});
}

// A number where a text was: the type of the state was changed.
TEST_P(PlainStates, OfAnotherTypeAreCorruptByIdAndVersion) {
  {
    entities<keeper<std::string>> texts{sys, *journal};
    ASSERT_TRUE(texts.of("a").ask(keeper<std::string>::put{"five"}).get(10s));
  }
  entities<keeper<std::int64_t>> numbers{sys, *journal};
  const auto read = numbers.of("a").ask(keeper<std::int64_t>::get{}).get(10s);
  EXPECT_EQ(read.error().code, errc::corrupt);
  EXPECT_NE(read.error().message.find("keeper|a: "), std::string::npos) << read.error().message;
}

INSTANTIATE_TEST_SUITE_P(Journals, PlainStates, journals(), journal_name);

TEST(PlainStatesInAScenario, AreGivenAndCompared) {
  using B = keeper<std::vector<int>>;
  using namespace nexus::testkit;
  given<B>(std::vector<int>{1, 2})
      .when(B::get{})
      .then(replies(std::vector<int>{1, 2}))
      .when(B::put{{3}})
      .then(std::vector<int>{3})
      .when(B::forget{})
      .then(erases);
  given<keeper<std::int64_t>>(std::int64_t{5})
      .when(keeper<std::int64_t>::get{})
      .then(replies(std::int64_t{5}));
  given<B>().when(B::get{}).then(replies(std::vector<int>{}));
}
