// given, when, then: passes for correct expectations and fails for wrong ones.
#include <gtest/gtest-spi.h>

#include <array>
#include <nexus/nexus.hpp>
#include <nexus/testkit/scenario.hpp>

using namespace nexus;
using namespace nexus::testkit;
using namespace std::chrono_literals;

namespace {

struct lamp {
  static constexpr std::string_view entity_type = "lamp";
  struct light_up {
    int lumen = 0;
    MSGPACK_DEFINE_MAP(lumen)
  };
  struct explode {};
  using command = std::variant<light_up, explode>;
  struct lit {
    static constexpr std::string_view type_name = "lit";
    int lumen = 0;
    MSGPACK_DEFINE_MAP(lumen)
  };
  using event = std::variant<lit>;
  struct state {
    int lumen = 0;
    MSGPACK_DEFINE_MAP(lumen)
  };
  static effect<lamp, int> decide(const state&, const light_up& c) {
    if (c.lumen > 1000) return nexus::reject("too bright");
    return nexus::persist(lit{c.lumen}).then_reply(&state::lumen);
  }
  static auto decide(const state&, const explode&) { return nexus::unhandled(); }
  static void apply(state& s, const lit& e) { s.lumen += e.lumen; }
};

struct room {
  static constexpr std::string_view entity_type = "room";
  struct enter {
    std::string lamp_id;
    MSGPACK_DEFINE_MAP(lamp_id)
  };
  struct seen {
    int lumen = 0;
    MSGPACK_DEFINE_MAP(lumen)
  };
  struct wait {};
  struct leave {};
  struct doze {};
  using command = std::variant<enter, seen, wait, leave, doze>;
  struct state {
    int lumen = 0;
    int forgotten = 0;  // not stored
    MSGPACK_DEFINE_MAP(lumen)
  };
  static auto decide(const state&, const enter& c) {
    return nexus::ask<lamp>(c.lamp_id, lamp::light_up{10},
                            [](result<int> r) { return seen{r.value_or(-1)}; });
  }
  static auto decide(const state& s, const seen& c) {
    return nexus::persist(state{c.lumen, s.forgotten}).then_unstash();
  }
  static effect<room, int> decide(const state& s, const wait&) {
    if (s.lumen == 0) return nexus::stash();
    return nexus::reply(s.lumen);
  }
  static auto decide(const state&, const leave&) { return nexus::erase().then_stop(); }
  static auto decide(const state&, const doze&) {
    return nexus::after("dark", 5s, seen{0})
        .then_when_idle("leave", 1min, leave{}, {.lets_passivate = true})
        .then_cancel("blink")
        .then_ask<lamp>("l1", lamp::light_up{1}, [](result<int> r) { return seen{r.value_or(-1)}; },
                        {.after = 1s, .within = 2s});
  }
};

}  // namespace

TEST(Scenario, EventsAndReply) {
  given<lamp>(lamp::lit{5}).when(lamp::light_up{7}).then(lamp::lit{7}, replies(12));
}

namespace {

struct numbered {
  static constexpr std::string_view entity_type = "numbered";
  struct count {};
  using command = std::variant<count>;
  struct counted {
    static constexpr std::string_view type_name = "counted";
    std::int64_t number = 0;
    MSGPACK_DEFINE_MAP(number)
  };
  using event = std::variant<counted>;
  struct state {};
  static auto decide(const state&, const count&, const context& c) {
    return nexus::persist(counted{static_cast<std::int64_t>(c.next_nr())});
  }
  static void apply(state&, const counted&) {}
};

}  // namespace

TEST(Scenario, MayBeginAtANumber) {
  given<numbered>()
      .at_number(1'000'000)
      .when(numbered::count{})
      .then(numbered::counted{1'000'001})
      .when(numbered::count{})
      .then(numbered::counted{1'000'002});
  given<numbered>(numbered::counted{1}).when(numbered::count{}).then(numbered::counted{2});
}

TEST(Scenario, GoesOn) {
  given<lamp>()
      .when(lamp::light_up{1})
      .then(lamp::lit{1})
      .when(lamp::light_up{2})
      .then(lamp::lit{2}, replies(3));
}

TEST(Scenario, Refusals) {
  given<lamp>().when(lamp::light_up{1001}).then(rejects("too bright"));
  given<lamp>().when(lamp::explode{}).then(is_unhandled);
}

TEST(Scenario, QuestionsStashesAndStates) {
  given<room>().when(room::enter{"l1"}).then(asks<lamp>("l1", lamp::light_up{10}));
  given<room>().when(room::wait{}).then(stashes);
  given<room>().when(room::seen{4}).then(room::state{4}, unstashes);
  given<room>(room::state{4}).when(room::wait{}).then(replies(4));
  given<room>(room::state{4}).when(room::leave{}).then(erases, stops);
}

TEST(Scenario, TellsAnotherEvent) {
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1}).then(lamp::lit{2}),
                          R"(persists lit {"lumen":1}, expected lit {"lumen":2})");
}

TEST(Scenario, TellsAMissingAndAnExtraEvent) {
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1}).then(),
                          "one more record is persisted");
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1}).then(lamp::lit{1}, lamp::lit{1}),
                          "is not persisted");
}

TEST(Scenario, TellsAnotherReply) {
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1}).then(lamp::lit{1}, replies(2)),
                          "replies 1, expected 2");
}

TEST(Scenario, TellsAnUnexpectedRefusal) {
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1001}).then(), "rejected: too bright");
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1001}).then(rejects("too dark")),
                          "expected \"too dark\"");
}

TEST(Scenario, TellsAnotherQuestion) {
  EXPECT_NONFATAL_FAILURE(given<room>().when(room::enter{"l1"}).then(),
                          "one more question is asked");
  EXPECT_NONFATAL_FAILURE(
      given<room>().when(room::enter{"l1"}).then(asks<lamp>("l2", lamp::light_up{10})),
      "asks lamp|l1, expected lamp|l2");
  EXPECT_NONFATAL_FAILURE(
      given<room>().when(room::enter{"l1"}).then(asks<lamp>("l1", lamp::light_up{11})),
      R"({"lumen":10}, expected {"lumen":11})");
}

TEST(Scenario, TellsWhatItDoesNotDo) {
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1}).then(lamp::lit{1}, stops),
                          "expected that it stops");
}

// -- what the runtime refuses ---------------------------------------------------------------------

namespace {

/// Persists a given number of events, of a given size and depth, with a given tag.
struct press {
  static constexpr std::string_view entity_type = "press";
  struct sheet {
    std::vector<sheet> below{};
    MSGPACK_DEFINE_MAP(below)
  };
  struct print {
    std::int64_t copies = 1;
    std::int64_t bytes = 0;
    std::int64_t depth = 1;
    std::string tag{};
    double weight = 0;
    MSGPACK_DEFINE_MAP(copies, bytes, depth, tag, weight)
  };
  using command = std::variant<print>;
  struct printed {
    static constexpr std::string_view type_name = "printed";
    sheet top{};
    std::string text{};
    std::string tag{};
    double weight = 0;
    MSGPACK_DEFINE_MAP(top, text, tag, weight)
  };
  using event = std::variant<printed>;
  struct state {
    std::int64_t sheets = 0;
    MSGPACK_DEFINE_MAP(sheets)
  };
  static sheet nested(std::int64_t depth) {
    sheet made;
    for (; depth > 1; --depth) {
      sheet above;
      above.below.push_back(std::move(made));
      made = std::move(above);
    }
    return made;
  }
  static effect<press, std::int64_t> decide(const state&, const print& c) {
    const printed one{nested(c.depth), std::string(static_cast<std::size_t>(c.bytes), 'x'), c.tag,
                      c.weight};
    return nexus::persist(std::vector<printed>(static_cast<std::size_t>(c.copies), one))
        .then_reply(&state::sheets);
  }
  static void apply(state& s, const printed&) { ++s.sheets; }
  static std::array<std::string, 1> tags(const event& e) {
    const auto& tag = std::get<printed>(e).tag;
    return {tag.empty() ? "untagged" : tag};
  }
};

template <class Outcome>
std::string refusal_of(Outcome outcome) {
  testing::TestPartResultArray told;
  {
    const testing::ScopedFakeTestPartResultReporter reporter{
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &told};
    (void)outcome.then();
  }
  if (told.size() == 0) return {};
  const std::string message = told.GetTestPartResult(0).message();
  return message.substr(message.find('\n') + 1);  // behind "Failed"
}

}  // namespace

TEST(Scenario, RefusesMoreEventsThanTheRuntimeTakes) {
  const auto refused = refusal_of(given<press>().when(press::print{.copies = 10'001}));
  EXPECT_EQ(refused,
            "rejected: one command persists 10001 events, at most 10000 are allowed: raise "
            "entity_options::events_per_command_max, or persist them with several commands");
  const auto bounded = given<press>().with({.events_per_command_max = 2});
  bounded.when(press::print{.copies = 2}).then(press::printed{}, press::printed{}, replies(2));
  EXPECT_NE(refusal_of(bounded.when(press::print{.copies = 3})).find("at most 2"),
            std::string::npos);
}

TEST(Scenario, RefusesWhatIsTooLargeOrTooDeepAndInvalidTags) {
  const auto big = std::int64_t{64} << 20;
  EXPECT_NE(refusal_of(given<press>().when(press::print{.bytes = big})).find("is too large"),
            std::string::npos);
  EXPECT_EQ(refusal_of(given<press>().when(press::print{.depth = 32})),
            "rejected: an event \"printed\" cannot be stored by \"msgpack\": nests more than 64 "
            "maps and arrays in one another");
  given<press>().when(press::print{.depth = 31}).then(press::printed{press::nested(31)});
  EXPECT_NE(refusal_of(given<press>().when(press::print{.tag = std::string{"a\0b", 3}}))
                .find("contains a NUL byte"),
            std::string::npos);
}

TEST(Scenario, ARefusalPersistsNothing) {
  EXPECT_EQ(
      given<press>()
          .when(press::print{.copies = 10'001})
          .then(rejects("one command persists 10001 events, at most 10000 are allowed: raise "
                        "entity_options::events_per_command_max, or persist them with several "
                        "commands"))
          .state()
          .sheets,
      0);
}

TEST(Scenario, TellsNumbersApartThatPrintAlike) {
  EXPECT_NONFATAL_FAILURE(given<press>()
                              .when(press::print{.weight = 0.1234567})
                              .then(press::printed{.weight = 0.1234568}),
                          "at .weight");
  EXPECT_NONFATAL_FAILURE(
      given<press>().when(press::print{.weight = -0.0}).then(press::printed{.weight = 0.0}),
      "at .weight");
}

TEST(Scenario, TimersAreExpectedInTheirOrder) {
  given<room>()
      .when(room::doze{})
      .then(asks<lamp>("l1", lamp::light_up{1}, {.after = 1s, .within = 2s}),
            sets_timer("dark", 5s, room::seen{0}),
            sets_idle_timer("leave", 1min, room::leave{}, {.lets_passivate = true}),
            cancels_timer("blink"));
}

namespace {

/// The effect of `doze` with another expectation for each part.
struct dozing {
  ask_options asked{.after = 1s, .within = 2s};
  std::string key = "dark";
  std::chrono::nanoseconds delay = 5s;
  int lumen = 0;
  bool lets = true;

  void then() const {
    given<room>()
        .when(room::doze{})
        .then(asks<lamp>("l1", lamp::light_up{1}, asked), sets_timer(key, delay, room::seen{lumen}),
              sets_idle_timer("leave", 1min, room::leave{}, {.lets_passivate = lets}),
              cancels_timer("blink"));
  }
};

}  // namespace

TEST(Scenario, AnotherTimerThanExpectedFails) {
  EXPECT_NONFATAL_FAILURE(dozing{.key = "light"}.then(),
                          "sets the timer dark, expected to set light");
  EXPECT_NONFATAL_FAILURE(dozing{.delay = 6s}.then(),
                          "the timer dark is 5000 ms, expected 6000 ms");
  EXPECT_NONFATAL_FAILURE(dozing{.lumen = 1}.then(), "the timer dark brings");
  EXPECT_NONFATAL_FAILURE(dozing{.lets = false}.then(),
                          "the timer leave lets the entity passivate");
  EXPECT_NONFATAL_FAILURE(dozing{.asked{.after = 1s}}.then(),
                          "the deadline of the question to lamp|l1 is 2000 ms, expected for ever");
  EXPECT_NONFATAL_FAILURE((dozing{.asked{.after = 0s, .within = 2s}}.then()),
                          "the delay of the question to lamp|l1 is 1000 ms, expected 0 ms");
  EXPECT_NONFATAL_FAILURE(
      given<room>().when(room::leave{}).then(erases, sets_timer("dark", 5s, room::seen{0})),
      "does not set the timer dark");
  EXPECT_NONFATAL_FAILURE(given<room>().when(room::leave{}).then(erases, cancels_timer("dark")),
                          "does not cancel the timer dark");
  EXPECT_NONFATAL_FAILURE(
      given<room>()
          .when(room::doze{})
          .then(asks<lamp>("l1", lamp::light_up{1}, {.after = 1s, .within = 2s}),
                sets_timer("dark", 5s, room::seen{0}),
                sets_idle_timer("leave", 1min, room::leave{}, {.lets_passivate = true})),
      "one more timer is cancelled: blink");
}
