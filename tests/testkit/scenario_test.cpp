// given, when, then: that it passes what is right and fails what is not.
#include <gtest/gtest-spi.h>

#include <nexus/nexus.hpp>
#include <nexus/testkit/scenario.hpp>

using namespace nexus;
using namespace nexus::testkit;

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
  using command = std::variant<enter, seen, wait, leave>;
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
};

}  // namespace

TEST(Scenario, EventsAndReply) {
  given<lamp>(lamp::lit{5}).when(lamp::light_up{7}).then(lamp::lit{7}, replies(12));
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
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1}).then(), "one more is persisted");
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1}).then(lamp::lit{1}, lamp::lit{1}),
                          "is not persisted");
}

TEST(Scenario, TellsAnotherReply) {
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1}).then(lamp::lit{1}, replies(2)),
                          "replies 1, expected 2");
}

TEST(Scenario, TellsARefusalNobodyExpected) {
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1001}).then(),
                          "turned down: too bright");
  EXPECT_NONFATAL_FAILURE(given<lamp>().when(lamp::light_up{1001}).then(rejects("too dark")),
                          "expected \"too dark\"");
}

TEST(Scenario, TellsAnotherQuestion) {
  EXPECT_NONFATAL_FAILURE(given<room>().when(room::enter{"l1"}).then(), "somebody else is asked");
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
