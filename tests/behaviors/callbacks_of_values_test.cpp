// The rest of the table in docs/behaviors.md, "What a throw leads to": functions of stored values
// and of answers. callbacks_test.cpp has the others.
#include <gtest/gtest.h>

#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <stdexcept>
#include <string>
#include <variant>

using namespace nexus;
using namespace std::chrono_literals;

namespace {

std::string due;  // NOLINT: static functions have no other place
void may_throw(std::string_view where) {
  if (due == where) throw std::runtime_error{"boom"};
}

// The type that filled jars before "filled" had a second version.
struct old_jar {
  static constexpr std::string_view entity_type = "jar";
  struct fill {};
  using command = std::variant<fill>;
  struct filled {
    static constexpr std::string_view type_name = "filled";
    std::int64_t n = 1;
    MSGPACK_DEFINE_MAP(n)
  };
  using event = std::variant<filled>;
  struct state {
    std::int64_t sum = 0;
    MSGPACK_DEFINE_MAP(sum)
  };
  static auto decide(const state&, const fill&) {
    return persist(filled{}).then_reply(&state::sum);
  }
  static void apply(state& s, const filled& e) { s.sum += e.n; }
};

struct jar {
  static constexpr std::string_view entity_type = "jar";
  struct fill {};
  struct look {};
  using command = std::variant<fill, look>;
  struct filled {
    static constexpr std::string_view type_name = "filled";
    static constexpr std::uint32_t schema_version = 2;
    std::int64_t count = 1;
    MSGPACK_DEFINE_MAP(count)
    static void upcast(from_version<1>, document& d) {
      may_throw("upcast");
      d.rename("n", "count");
    }
  };
  using event = std::variant<filled>;
  struct state {
    static constexpr bool is_state = true;
    std::int64_t sum = 0;
    MSGPACK_DEFINE_MAP(sum)
  };
  struct serializer {
    static constexpr std::string_view name = "watched";
    template <class T>
    static void encode(const T& value, std::string& out) {
      if constexpr (requires { T::is_state; }) may_throw("encoding the state");
      nexus::encode(value, out);
    }
    template <class T>
    static result<void> decode(std::string_view bytes, T& value) {
      return nexus::decode(bytes, value);
    }
  };
  static auto decide(const state&, const fill&) {
    return persist(filled{}).then_reply(&state::sum);
  }
  static auto decide(const state& s, const look&) { return reply(s.sum); }
  static void apply(state& s, const filled& e) { s.sum += e.count; }
};

// A durable state whose assignment throws.
struct dial {
  static constexpr std::string_view entity_type = "dial";
  struct turn {
    std::int64_t to = 0;
  };
  struct look {};
  using command = std::variant<turn, look>;
  struct state {
    std::int64_t at = 0;
    MSGPACK_DEFINE_MAP(at)
    state() = default;
    state(const state&) = default;
    state(state&&) noexcept = default;
    state& operator=(const state& from) {
      at = from.at;
      may_throw("copying a state");
      return *this;
    }
    state& operator=(state&&) noexcept = default;
    ~state() = default;
  };
  static auto decide(const state&, const turn& c) {
    state next;
    next.at = c.to;
    return persist(std::move(next)).then_reply(&state::at);
  }
  static auto decide(const state& s, const look&) { return reply(s.at); }
};

struct CallbacksOfValues : testing::Test {
  CallbacksOfValues() { due.clear(); }
  ~CallbacksOfValues() override { due.clear(); }

  testkit::deterministic_system det;
  result<nexus::store> store = det.open("memory:", {memory_backend()});
};

}  // namespace

TEST_F(CallbacksOfValues, AnUpcastThatThrowsFailsTheRecoveryAndNamesTheEvent) {
  {
    entities<old_jar> before{det, *store};
    ASSERT_EQ(det.get(before.of("one").ask(old_jar::fill{})), 1);
  }
  entities<jar> jars{det, *store};
  due = "upcast";
  const auto r = det.get(jars.of("one").ask(jar::look{}));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::corrupt);
  EXPECT_NE(r.error().message.find("jar|one: event 1: "), std::string::npos) << r.error().message;
  EXPECT_NE(r.error().message.find("boom"), std::string::npos) << r.error().message;
  due.clear();
  EXPECT_EQ(det.get(jars.of("one").ask(jar::look{})), 1);
}

TEST_F(CallbacksOfValues, ASnapshotThatCannotBeEncodedIsSignalledAndTheEntityGoesOn) {
  entity_options options{.snapshot_every = 1};
  int failed = 0;
  options.on_signal = [&](const entity_signal& s) {
    failed += s.what == entity_signal::kind::snapshot_failed ? 1 : 0;
  };
  entities<jar> jars{det, *store, options};
  due = "encoding the state";
  EXPECT_EQ(det.get(jars.of("one").ask(jar::fill{})), 1);
  EXPECT_EQ(failed, 1);
  due.clear();
  EXPECT_EQ(det.get(jars.of("one").ask(jar::fill{})), 2);
  EXPECT_EQ(failed, 1);
}

TEST_F(CallbacksOfValues, CopyingADurableStateRefusesItsCommandAndKeepsTheStateBefore) {
  entities<dial> dials{det, *store};
  ASSERT_EQ(det.get(dials.of("one").ask(dial::turn{1})), 1);
  due = "copying a state";
  const auto r = det.get(dials.of("one").ask(dial::turn{2}));
  due.clear();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::apply_failed);
  EXPECT_NE(r.error().message.find("dial|one"), std::string::npos) << r.error().message;
  EXPECT_EQ(det.get(dials.of("one").ask(dial::look{})), 1);
  EXPECT_EQ(det.get(dials.of("one").ask(dial::turn{3})), 3);
}

TEST_F(CallbacksOfValues, AFunctionOfAChainLeavesGet) {
  nexus::system sys{{.threads = 1}};
  auto journal = nexus::open("memory:");
  entities<jar> jars{sys, *journal};
  EXPECT_THROW((void)jars.of("one")
                   .ask(jar::fill{})
                   .map([](std::int64_t n) -> std::int64_t {
                     throw std::runtime_error{"boom"};
                     return n;
                   })
                   .get(30s),
               std::runtime_error);
  EXPECT_EQ(jars.of("one").ask(jar::look{}).get(30s), 1);
}
