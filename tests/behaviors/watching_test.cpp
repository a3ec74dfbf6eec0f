// Entities that watch other entities and CAF actors: an end comes back as a command.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/scenario.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

#include "caf_dialect.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

std::string told(const result<ending>& how) {
  if (!how) return std::string{to_string(how.error().code)} + ": " + how.error().message;
  switch (*how) {
    case ending::passivated:
      return "passivated";
    case ending::stopped:
      return "stopped";
    case ending::failed:
      return "failed";
    case ending::closed:
      return "closed";
  }
  return "?";
}

/// Keeps what it is told of the ends of others.
struct guard {
  static constexpr std::string_view entity_type = "guard";

  struct ended {
    std::string how;
    bool fails = false;  ///< the first decision
    MSGPACK_DEFINE_MAP(how, fails)
  };
  struct watch_tally {
    std::string id;
    bool throws = false;
    MSGPACK_DEFINE_MAP(id, throws)
  };
  struct watch_elsewhere {};
  struct watch_actor {
    caf::actor who;
  };
  struct heard {};
  struct leave {};
  using command = std::variant<ended, watch_tally, watch_elsewhere, watch_actor, heard, leave>;

  struct noted {
    static constexpr std::string_view type_name = "noted";
    std::string text;
    MSGPACK_DEFINE_MAP(text)
  };
  using event = std::variant<noted>;
  using state = std::vector<std::string>;

  static auto decide(const state&, const ended& c) { return nexus::persist(noted{c.how}); }
  static auto decide(const state&, const watch_tally& c) {
    return nexus::persist(noted{"watches " + c.id})
        .then_watch<tally>(c.id, [throws = c.throws](const result<ending>& how) {
          if (throws) throw std::runtime_error{"unwatched"};
          return ended{told(how)};
        });
  }
  struct elsewhere : tally {
    static constexpr std::string_view entity_type = "elsewhere";
  };
  static auto decide(const state&, const watch_elsewhere&) {
    return nexus::watch<elsewhere>("a", [](result<ending> how) { return ended{told(how)}; });
  }
  static auto decide(const state&, const watch_actor& c) {
    return nexus::watch(c.who, [](result<ending> how) { return ended{told(how)}; });
  }
  static auto decide(const state& s, const heard&) { return nexus::reply(s); }
  static auto decide(const state&, const leave&) { return nexus::stop(); }
  static void apply(state& s, const noted& e) { s.push_back(e.text); }
};

using heard = std::vector<std::string>;

struct Watching : testing::Test {
  testkit::deterministic_system det;
  result<store> journal = det.open("memory:");
  std::optional<entities<tally>> tallies{std::in_place, det, *journal,
                                         entity_options{.passivate_after = 1min}};
  std::optional<entities<guard>> guards{std::in_place, det, *journal,
                                        entity_options{.passivate_after = 0ms}};

  template <class C>
  void tell(C command) {
    ASSERT_TRUE(det.get(guards->of("g").ask(std::move(command))));
    det.drain();
  }
  void add(std::string_view id) { ASSERT_TRUE(det.get(tallies->of(id).ask(tally::add{1}))); }
  heard all() { return det.get(guards->of("g").ask(guard::heard{})).value(); }
};

/// Ends when it is told to: with an error, or without.
class ending_actor : public caf::event_based_actor {
 public:
  using caf::event_based_actor::event_based_actor;
  caf::behavior make_behavior() override {
    return {
        [this](int code) { code == 0 ? quit() : quit(caf::make_error(caf::sec::runtime_error)); }};
  }
};

}  // namespace

TEST_F(Watching, TheEndOfAnEntityComesAsACommand) {
  add("a");
  tell(guard::watch_tally{"a"});
  EXPECT_EQ(all(), heard{"watches a"});
  det.advance(2min);
  EXPECT_EQ(tallies->live(), 0u);
  EXPECT_EQ(all(), (heard{"watches a", "passivated"}));
}

TEST_F(Watching, AnEntityThatStopsItselfSaysSo) {
  add("a");
  tell(guard::watch_tally{"a"});
  ASSERT_TRUE(det.get(tallies->of("a").ask(tally::retire{})));
  det.drain();
  EXPECT_EQ(all(), (heard{"watches a", "stopped"}));
}

TEST_F(Watching, AnEntityThatIsNotLiveIsAnsweredAtOnce) {
  tell(guard::watch_tally{"a"});
  EXPECT_EQ(all(), (heard{"watches a", "stopped: tally|a is not live"}));
  EXPECT_EQ(tallies->live(), 0u) << "a watch starts nothing";
}

TEST_F(Watching, ATypeWithoutEntitiesIsAnErrorAtOnce) {
  tell(guard::watch_elsewhere{});
  EXPECT_EQ(all(), heard{"invalid_argument: there are no entities of type \"elsewhere\" on this "
                         "system"});
}

TEST_F(Watching, TheAnswerStartsAnEntityThatHasStoppedMeanwhile) {
  add("a");
  tell(guard::watch_tally{"a"});
  ASSERT_TRUE(det.get(guards->of("g").ask(guard::leave{})));
  det.drain();
  EXPECT_EQ(guards->live(), 0u) << "a watch keeps nothing alive";
  det.advance(2min);
  EXPECT_EQ(guards->live(), 1u);
  EXPECT_EQ(all(), (heard{"watches a", "passivated"}));
}

TEST_F(Watching, IsForOneEnd) {
  add("a");
  tell(guard::watch_tally{"a"});
  det.advance(2min);
  add("a");
  det.advance(2min);
  EXPECT_EQ(all(), (heard{"watches a", "passivated"}));
}

TEST_F(Watching, AFunctionThatThrowsIsReportedAndItsCommandIsADeadLetter) {
  std::vector<std::string> dead;
  auto listening = det.sys().letters().subscribe(
      [&](const dead_letter& l) { dead.push_back(l.target + ": " + l.why.message); });
  add("a");
  tell(guard::watch_tally{"a", true});
  det.advance(2min);
  EXPECT_EQ(dead, heard{"guard|g: guard|g: the function of then_watch of \"tally|a\" threw: "
                        "unwatched"});
  EXPECT_EQ(all(), heard{"watches a"});
}

TEST_F(Watching, HoldsUpNoShutdown) {
  add("a");
  tell(guard::watch_tally{"a"});
  const auto spawned = det.sys().caf().spawn<ending_actor>();
  tell(guard::watch_actor{spawned});
  EXPECT_TRUE(det.sys().shutdown(10s).complete());
}

TEST_F(Watching, EndsWithTheEntitiesThatWatch) {
  add("a");
  tell(guard::watch_tally{"a"});
  std::vector<std::string> dead;
  auto listening =
      det.sys().letters().subscribe([&](const dead_letter& l) { dead.push_back(l.target); });
  guards.reset();
  det.advance(2min);
  EXPECT_EQ(tallies->live(), 0u);
  EXPECT_EQ(dead, heard{});
}

TEST_F(Watching, TheEndOfAnActorComesAsACommand) {
  const auto spawned = det.sys().caf().spawn<ending_actor>();
  tell(guard::watch_actor{spawned});
  EXPECT_EQ(all(), heard{});
  nexus::test::send(spawned, 0);
  det.drain();
  EXPECT_EQ(all(), heard{"stopped"});
  tell(guard::watch_actor{spawned});
  EXPECT_EQ(all(), (heard{"stopped", "stopped"})) << "it has ended already";
}

TEST_F(Watching, AnActorThatFailsIsAnErrorWithItsReason) {
  const auto spawned = det.sys().caf().spawn<ending_actor>();
  tell(guard::watch_actor{spawned});
  nexus::test::send(spawned, 1);
  det.drain();
  ASSERT_EQ(all().size(), 1u);
  const auto text = all().front();
  EXPECT_TRUE(text.starts_with("actor_failed: actor ")) << text;
  EXPECT_NE(text.find(" ended: "), std::string::npos) << text;
}

TEST_F(Watching, AnInvalidHandleIsAnErrorAtOnce) {
  tell(guard::watch_actor{caf::actor{}});
  EXPECT_EQ(all(), heard{"invalid_argument: watched an invalid handle of an actor"});
}

TEST_F(Watching, KeepsNoActorAlive) {
  auto spawned = det.sys().caf().spawn<ending_actor>();
  tell(guard::watch_actor{spawned});
  const auto weak = caf::actor_cast<caf::weak_actor_ptr>(spawned);
  spawned = nullptr;
  det.drain();
  EXPECT_EQ(weak.lock(), nullptr) << "nothing else refers to it";
  ASSERT_EQ(all().size(), 1u);
}

TEST(WatchingInAScenario, IsExpectedLikeAQuestion) {
  using namespace nexus::testkit;
  given<guard>().when(guard::watch_tally{"a"}).then(guard::noted{"watches a"}, watches<tally>("a"));
  const caf::actor none;
  given<guard>().when(guard::watch_actor{none}).then(watches(none));
}
