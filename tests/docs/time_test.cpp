// The code of docs/time.md, compiled and run.
#include <gtest/gtest.h>

#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/scenario.hpp>
#include <optional>
#include <string>

namespace {

using namespace std::chrono_literals;
using namespace nexus::testkit;

struct hold {
  static constexpr std::string_view entity_type = "hold";

  struct reserve {
    std::int64_t minutes = 15;
  };
  struct confirm {};
  struct expire {};  // the command of the alarm
  struct status {};
  using command = std::variant<reserve, confirm, expire, status>;

  struct reserved {
    static constexpr std::string_view type_name = "reserved";
    nexus::timestamp until{};
    MSGPACK_DEFINE_MAP(until)
  };
  struct confirmed {
    static constexpr std::string_view type_name = "confirmed";
  };
  struct expired {
    static constexpr std::string_view type_name = "expired";
  };
  using event = std::variant<reserved, confirmed, expired>;

  struct state {
    std::string is = "free";
    nexus::timestamp until{};
    MSGPACK_DEFINE_MAP(is, until)
  };

  static std::optional<nexus::alarm<hold>> alarm(const state& s) {
    if (s.is != "reserved") return std::nullopt;
    return nexus::alarm<hold>{s.until, expire{}};
  }

  static nexus::effect<hold, nexus::timestamp> decide(const state& s, const reserve& c,
                                                      const nexus::context& at) {
    if (s.is == "reserved" || s.is == "confirmed") return nexus::reject("it is taken");
    return nexus::persist(reserved{at.now() + std::chrono::minutes{c.minutes}})
        .then_reply(&state::until);
  }
  static nexus::effect<hold> decide(const state& s, const confirm&) {
    if (s.is != "reserved") return nexus::reject("it is " + s.is);
    return nexus::persist(confirmed{});
  }
  static nexus::effect<hold> decide(const state& s, const expire&, const nexus::context& at) {
    if (s.is != "reserved" || at.now() < s.until) return nexus::none();
    return nexus::persist(expired{});
  }
  static auto decide(const state& s, const status&) { return nexus::reply(s.is); }

  static void apply(state& s, const reserved& e) { s = {"reserved", e.until}; }
  static void apply(state& s, const confirmed&) { s.is = "confirmed"; }
  static void apply(state& s, const expired&) { s.is = "expired"; }
};

TEST(TimePage, AScenarioKnowsTheAlarm) {
  const nexus::timestamp noon{std::chrono::hours{12}};
  given<hold>()
      .at(noon)
      .when(hold::reserve{15})
      .then(hold::reserved{noon + 15min}, replies(noon + 15min))
      .then_alarm(noon + 15min, hold::expire{})
      .advance(15min)
      .when_alarm<hold::expire>()
      .then(hold::expired{})
      .then_no_alarm();
}

TEST(TimePage, TheAlarmOfAPassiveEntityWakesIt) {
  nexus::testkit::deterministic_system det;
  auto store = det.open("memory:");
  nexus::entities<hold> holds{det, *store, {.passivate_after = 1min}};
  ASSERT_TRUE(det.get(holds.of("A1").ask(hold::reserve{15})));
  det.advance(14min);
  EXPECT_EQ(holds.live(), 0u);  // it is passive, and its alarm is stored
  EXPECT_EQ(det.get(holds.of("A1").ask(hold::status{})), "reserved");
  det.advance(2min);
  EXPECT_EQ(det.get(holds.of("A1").ask(hold::status{})), "expired");
}

struct changed_hold : hold {
  static constexpr std::uint32_t alarm_version = 2;  // 1 if it is missing
};
static_assert(changed_hold::alarm_version == 2);

}  // namespace
