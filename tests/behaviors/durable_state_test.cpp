// Behaviors whose state is stored instead of their events.
#include <unistd.h>

#include <deque>
#include <variant>

#include "store_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

struct profile {
  static constexpr std::string_view entity_type = "profile";

  struct rename {
    std::string name;
    MSGPACK_DEFINE_MAP(name)
  };
  struct count_up {};
  struct forget {};
  struct read {};
  struct version {};
  struct spoil {
    std::string text;
    MSGPACK_DEFINE_MAP(text)
  };
  using command = std::variant<rename, count_up, forget, read, version, spoil>;

  struct state {
    std::string name;
    std::int64_t changes = 0;
    MSGPACK_DEFINE_MAP(name, changes)
  };

  static effect<profile, std::string> decide(const state& s, const rename& c) {
    if (c.name.empty()) return nexus::reject("a name is needed");
    return nexus::persist(state{c.name, s.changes + 1}).then_reply(&state::name);
  }
  static auto decide(const state& s, const count_up&, const context& c) {
    return nexus::persist(state{s.name, s.changes + 1})
        .then_reply([version = c.next_nr()](const state& now) {
          return std::pair{static_cast<std::int64_t>(version), now.changes};
        });
  }
  static auto decide(const state&, const forget&) { return nexus::erase(); }
  static auto decide(const state& s, const read&) { return nexus::reply(s.name); }
  static auto decide(const state&, const version&, const context& c) {
    return nexus::reply(static_cast<std::int64_t>(c.next_nr() - 1));
  }
  static auto decide(const state& s, const spoil& c) {
    return nexus::persist(state{c.text, s.changes});
  }
};

struct DurableState : store_fixture {
  std::unique_ptr<entities<profile>> profiles = start();

  std::unique_ptr<entities<profile>> start() {
    return std::make_unique<entities<profile>>(sys, *journal, entity_options{.backoff_min = 1ms});
  }
  void restart() {
    profiles.reset();
    profiles = start();
  }
  template <class C>
  auto ask(std::string_view id, C command) {
    return profiles->of(id).ask(std::move(command)).get(10s);
  }
};

}  // namespace

TEST_P(DurableState, IsWhatItWasAfterARestart) {
  EXPECT_EQ(ask("a", profile::rename{"Ada"}), "Ada");
  EXPECT_EQ(ask("a", profile::rename{"Grace"}), "Grace");
  restart();
  EXPECT_EQ(ask("a", profile::read{}), "Grace");
  EXPECT_EQ(ask("a", profile::version{}), 2);
  EXPECT_EQ(ask("b", profile::read{}), "");
}

TEST_P(DurableState, ARejectionChangesNothing) {
  EXPECT_EQ(ask("a", profile::rename{""}).error().code, errc::rejected);
  EXPECT_EQ(ask("a", profile::version{}), 0);
}

TEST_P(DurableState, ErasingLeavesAVersionThatGoesOn) {
  ask("a", profile::rename{"Ada"});
  EXPECT_TRUE(ask("a", profile::forget{}));
  EXPECT_EQ(ask("a", profile::read{}), "");
  restart();
  EXPECT_EQ(ask("a", profile::read{}), "");
  EXPECT_EQ(ask("a", profile::version{}), 2);
  EXPECT_EQ(ask("a", profile::rename{"Ada"}), "Ada");
  EXPECT_EQ(ask("a", profile::version{}), 3);
}

TEST_P(DurableState, EachReplyCarriesItsOwnVersionThoughStatesCollapse) {
  auto a = profiles->of("a");
  std::deque<asked<std::pair<std::int64_t, std::int64_t>>> asked;
  for (int i = 0; i < 500; ++i) asked.push_back(a.ask(profile::count_up{}));
  for (std::int64_t i = 1; i <= 500; ++i) {
    EXPECT_EQ(asked.front().get(10s), (std::pair{i, i}));
    asked.pop_front();
  }
  EXPECT_LT(faults->calls(testkit::operation::append), 500u) << "they share upserts";
  restart();
  EXPECT_EQ(ask("a", profile::version{}), 500);
}

TEST_P(DurableState, ALostAnswerIsSettled) {
  ask("a", profile::rename{"Ada"});
  faults->inject(testkit::fault::lose_answer, testkit::operation::append);
  EXPECT_EQ(ask("a", profile::rename{"Grace"}), "Grace") << "it was stored";
  faults->inject(testkit::fault::lose_request, testkit::operation::append);
  EXPECT_EQ(ask("a", profile::rename{"Edsger"}).error().code, errc::unavailable);
  EXPECT_EQ(ask("a", profile::read{}), "Grace");
}

TEST_P(DurableState, AnotherWritersStateIsNotOverwritten) {
  ask("a", profile::rename{"Ada"});
  nexus::system other{{.threads = 2}};
  entities<profile> theirs{other, *journal};
  EXPECT_EQ(theirs.of("a").ask(profile::rename{"Grace"}).get(10s), "Grace");
  EXPECT_EQ(ask("a", profile::rename{"Edsger"}).error().code, errc::conflict);
  EXPECT_EQ(ask("a", profile::read{}), "Grace") << "recovered";
}

TEST_P(DurableState, OptionsThatMakeNoSenseAreRefused) {
  nexus::system other{{.threads = 2}};
  entities<profile> odd{other, *journal, {.snapshot_every = 10}};
  EXPECT_EQ(odd.status().error().code, errc::invalid_argument);
  EXPECT_EQ(odd.of("a").ask(profile::read{}).get(10s).error().message,
            "entities \"profile\": a durable state has no snapshots");
}

INSTANTIATE_TEST_SUITE_P(Journals, DurableState, journals(), journal_name);
