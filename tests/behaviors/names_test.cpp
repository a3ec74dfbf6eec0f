// Stored names: valid and unique. tests/refused checks those that the compiler knows.
#include <gtest/gtest.h>

#include <nexus/nexus.hpp>
#include <string>

using namespace nexus;
using namespace std::chrono_literals;

namespace {

struct plain {
  struct poke {};
  using command = std::variant<poke>;
  struct poked {
    static constexpr std::string_view type_name = "poked";
  };
  using event = std::variant<poked>;
  struct state {};
  static auto decide(const state&, const poke&) { return nexus::persist(poked{}); }
  static void apply(state&, const poked&) {}
};

struct first_bell : plain {
  static constexpr std::string_view entity_type = "bell";
};
struct second_bell : plain {
  static constexpr std::string_view entity_type = "bell";
};

/// Its names are made at run time.
struct late {
  static inline std::string entity_type = "late";
  struct poke {};
  using command = std::variant<poke>;
  struct one {
    static inline std::string type_name = "one";
  };
  struct other {
    static inline std::string type_name = "other";
  };
  using event = std::variant<one, other>;
  struct state {};
  static auto decide(const state&, const poke&) { return nexus::persist(one{}); }
  static void apply(state&, const one&) {}
  static void apply(state&, const other&) {}
};

class Names : public testing::Test {
 public:
  ~Names() override {
    late::entity_type = "late";
    late::other::type_name = "other";
  }

 protected:
  std::string why_refused() {
    const entities<late> some{sys, journal};
    const auto status = some.status();
    if (status) return "taken";
    EXPECT_EQ(status.error().code, errc::invalid_argument);
    EXPECT_EQ(some.of("a").ask(late::poke{}).get(10s).error(), status.error());
    return status.error().message.substr(status.error().message.find(": ") + 2);
  }

  nexus::system sys{{.threads = 1}};
  store journal = *nexus::open("memory:");
};

template <class First, class Second>
std::string why_second(nexus::system& sys, const store& in) {
  const entities<First> first{sys, in};
  const entities<Second> second{sys, in};
  EXPECT_TRUE(first.status());
  EXPECT_TRUE(first.of("a").ask(plain::poke{}).get(10s));
  EXPECT_EQ(second.status().error().code, errc::already_exists);
  EXPECT_EQ(second.of("a").ask(plain::poke{}).get(10s).error(), second.status().error());
  return second.status().error().message;
}

}  // namespace

TEST_F(Names, TwoBehaviorsOfOneEntityTypeAreBothNamedInEitherOrder) {
  for (const auto& why : {why_second<first_bell, second_bell>(sys, journal),
                          why_second<second_bell, first_bell>(sys, journal)}) {
    EXPECT_NE(why.find("entities \"bell\": two behaviors on this system have this entity_type"),
              std::string::npos)
        << why;
    EXPECT_NE(why.find("first_bell"), std::string::npos) << why;
    EXPECT_NE(why.find("second_bell"), std::string::npos) << why;
  }
}

TEST_F(Names, ASecondOneOfTheSameBehaviorIsToldFromThat) {
  const auto why = why_second<first_bell, first_bell>(sys, journal);
  EXPECT_NE(why.find("this system has entities of"), std::string::npos) << why;
  EXPECT_NE(why.find("first_bell already"), std::string::npos) << why;
}

TEST_F(Names, NamesMadeAtRunTimeAreCheckedWhenEntitiesAreMade) {
  EXPECT_EQ(why_refused(), "taken");
  late::other::type_name = "one";
  const auto same = why_refused();
  EXPECT_NE(same.find("late::one and "), std::string::npos) << same;
  EXPECT_NE(same.find("late::other have the same type_name \"one\""), std::string::npos) << same;
  late::other::type_name = "";
  EXPECT_TRUE(why_refused().ends_with("late::other is empty")) << why_refused();
  late::other::type_name = std::string{"a\0b", 3};
  EXPECT_TRUE(why_refused().ends_with("contains a NUL byte"));
  late::other::type_name = "\xff";
  EXPECT_TRUE(why_refused().ends_with("is not valid UTF-8"));
  late::other::type_name = std::string(256, 'x');
  EXPECT_TRUE(why_refused().ends_with("is too long"));
  late::other::type_name = "other";
  late::entity_type = "a|b";
  EXPECT_TRUE(why_refused().ends_with("contains '|'"));
  late::entity_type = "";
  EXPECT_TRUE(why_refused().ends_with("is empty"));
}
