// The code of docs/time.md, compiled and run.
#include <gtest/gtest.h>

#include <chrono>
#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/scenario.hpp>
#include <optional>
#include <string>
#include <variant>

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

// -- timers that need not survive ---------------------------------------------------------------

struct door {
  static constexpr std::string_view entity_type = "door";

  struct open {};
  struct close {};
  struct look {};
  using command = std::variant<open, close, look>;

  struct state {
    bool is_open = false;
    MSGPACK_DEFINE_MAP(is_open)
  };

  static auto decide(const state&, const open&) {
    return nexus::persist(state{true}).then_after("close", 10s, close{});
  }
  static auto decide(const state&, const close&) {
    return nexus::persist(state{false}).then_cancel("close");
  }
  static auto decide(const state& s, const look&) { return nexus::reply(s.is_open); }

  static nexus::effect<door> on_recovered(const state& s) {
    if (!s.is_open) return nexus::none();
    return nexus::after("close", 10s, close{});
  }
};

struct visit {
  static constexpr std::string_view entity_type = "visit";

  struct view {
    std::string page;
  };
  struct leave {};
  using command = std::variant<view, leave>;

  struct state {
    std::int64_t pages = 0;
    bool is_over = false;
    MSGPACK_DEFINE_MAP(pages, is_over)
  };

  static auto decide(const state& s, const view&) {
    return nexus::persist(state{s.pages + 1})
        .then_reply(&state::pages)
        .then_when_idle("leave", 30min, leave{});
  }
  static auto decide(const state& s, const leave&) {
    return nexus::persist(state{s.pages, true}).then_passivate();
  }
};

struct courier {
  static constexpr std::string_view entity_type = "courier";

  struct deliver {
    std::string to;
  };
  struct opened {
    bool done = false;
    std::string why;
  };
  using command = std::variant<deliver, opened>;

  struct state {
    std::string last;
    MSGPACK_DEFINE_MAP(last)
  };

  static auto decide(const state&, const deliver& c) {
    return nexus::ask<door>(c.to, door::open{},
                            [](const nexus::result<void>& r) {
                              return opened{r.has_value(), r ? "" : r.error().message};
                            },
                            {.after = 200ms, .within = 5s});
  }
  static auto decide(const state&, const opened& c) {
    return nexus::persist(state{c.done ? "opened" : c.why});
  }
};

}  // namespace

TEST(Docs, ADoorClosesByItself) {
  nexus::testkit::deterministic_system det;
  auto store = det.open("memory:");
  nexus::entities<door> doors{det, *store};
  EXPECT_TRUE(det.get(doors.of("front").ask(door::open{})));
  det.advance(9s);
  EXPECT_TRUE(det.get(doors.of("front").ask(door::open{})));  // the 10 s begin again
  det.advance(9s);
  EXPECT_EQ(det.get(doors.of("front").ask(door::look{})), true);
  det.advance(1s);
  EXPECT_EQ(det.get(doors.of("front").ask(door::look{})), false);
}

TEST(Docs, ADoorIsATimerAndAState) {
  using namespace nexus::testkit;
  given<door>()
      .when(door::open{})
      .then(door::state{true}, sets_timer("close", 10s, door::close{}))
      .when(door::close{})
      .then(door::state{false}, cancels_timer("close"));
}

TEST(Docs, AVisitEndsWhenNoPageIsViewed) {
  nexus::testkit::deterministic_system det;
  auto store = det.open("memory:");
  nexus::entities<visit> visits{det, *store};
  auto ended = [&] {
    auto w = visits.of("7").watch();
    det.drain();
    return w.is_answered();
  };
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(det.get(visits.of("7").ask(visit::view{"home"})), i);
    det.advance(29min);
    EXPECT_FALSE(ended());
  }
  det.advance(2min);
  EXPECT_TRUE(ended());
}

TEST(Docs, ACourierWaitsForADoorButNotForEver) {
  nexus::testkit::deterministic_system det;
  auto store = det.open("memory:");
  nexus::entities<door> doors{det, *store};
  nexus::entities<courier> couriers{det, *store};
  EXPECT_TRUE(det.get(couriers.of("1").ask(courier::deliver{"front"})));
  EXPECT_EQ(det.get(doors.of("front").ask(door::look{})), false);
  det.advance(200ms);
  EXPECT_EQ(det.get(doors.of("front").ask(door::look{})), true);
}
