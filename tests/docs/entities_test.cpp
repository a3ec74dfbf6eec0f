// The code of docs/entities.md, compiled and run.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <chrono>
#include <iostream>
#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct account {
  static constexpr std::string_view entity_type = "account";

  struct deposit {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct balance {};
  struct audit {};
  using command = std::variant<deposit, balance, audit>;

  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited>;

  struct state {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };

  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
  }
  static auto decide(const state& s, const balance&) { return nexus::reply(s.cents); }
  static nexus::effect<account> decide(const state&, const audit&) {
    throw std::runtime_error{"the auditor is ill"};
  }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
};

struct nurse {
  static constexpr std::string_view entity_type = "nurse";

  struct look_after {
    std::string id;
    MSGPACK_DEFINE_MAP(id)
  };
  struct ended {
    bool failed = false;
    MSGPACK_DEFINE_MAP(failed)
  };
  struct count {};
  using command = std::variant<look_after, ended, count>;
  using state = std::int64_t;

  static auto decide(const state&, const look_after& c) {
    return nexus::watch<account>(c.id, [](nexus::result<nexus::ending> how) {
      return ended{how.has_value() && *how == nexus::ending::failed};
    });
  }
  static auto decide(const state& s, const ended& c) {
    return nexus::persist(s + (c.failed ? 100 : 1));
  }
  static auto decide(const state& s, const count&) { return nexus::reply(s); }
};

struct gift {
  static constexpr std::string_view entity_type = "gift";

  struct give {
    std::string to;
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(to, cents)
  };
  struct received {
    bool done = false;
    MSGPACK_DEFINE_MAP(done)
  };
  using command = std::variant<give, received>;

  struct given {
    static constexpr std::string_view type_name = "given";
  };
  struct taken {
    static constexpr std::string_view type_name = "taken";
  };
  using event = std::variant<given, taken>;

  struct state {
    bool is_taken = false;
    MSGPACK_DEFINE_MAP(is_taken)
  };

  static auto decide(const state&, const give& c) {
    return nexus::persist(given{}).then_ask<account>(
        c.to, account::deposit{c.cents},
        [](nexus::result<std::int64_t> r) { return received{r.has_value()}; });
  }
  static nexus::effect<gift> decide(const state&, const received& c) {
    EXPECT_TRUE(c.done);
    return nexus::persist(taken{});
  }
  static void apply(state&, const given&) {}
  static void apply(state& s, const taken&) { s.is_taken = true; }
};

caf::behavior teller(caf::event_based_actor* self, std::int64_t* heard) {
  auto alice = nexus::find<account>(self->system(), "alice");
  if (!alice) return {};
  alice->ask(account::deposit{20}).then(self, 20s, [=](nexus::result<std::int64_t> cents) {
    *heard = cents.value_or(-1);
    self->quit();
  });
  return {[](int) {}};  // the actor's own handlers
}

struct EntitiesPage : testing::Test {
  nexus::testkit::deterministic_system det;
  nexus::result<nexus::store> store = det.open("memory:");

  /// The sum of all samples of a family.
  double counted(std::string_view name) {
    double sum = 0;
    for (const auto& family : det.sys().metrics().collect()) {
      if (family.name != name) continue;
      for (const auto& one : family.samples) sum += one.value;
    }
    return sum;
  }
};

}  // namespace

TEST_F(EntitiesPage, OneIsLivePerName) {
  EXPECT_EQ(nexus::find<account>(det.sys(), "alice").error().code, nexus::errc::invalid_argument);
  nexus::entities<account> accounts{det, *store};
  nexus::entities<account> second{det, *store};
  EXPECT_EQ(second.status().error().code, nexus::errc::already_exists);
  EXPECT_EQ(det.get(second.of("alice").ask(account::deposit{1})).error().code,
            nexus::errc::already_exists);

  nexus::result<nexus::entity_ref<account>> alice = nexus::find<account>(det.sys(), "alice");
  EXPECT_EQ(det.get(alice->ask(account::deposit{100})), 100);

  std::int64_t heard = 0;
  det.sys().caf().spawn(teller, &heard);
  det.drain();
  EXPECT_EQ(heard, 120);
  EXPECT_EQ(accounts.live(), 1u);
}

TEST_F(EntitiesPage, AnIdleEntityPassivates) {
  nexus::entities<account> accounts{det, *store, {.passivate_after = 10s}};
  EXPECT_EQ(det.get(accounts.of("alice").ask(account::deposit{100})), 100);
  det.advance(11s);
  EXPECT_EQ(accounts.live(), 0u);
  EXPECT_EQ(det.get(accounts.of("alice").ask(account::deposit{1})), 101);
}

TEST_F(EntitiesPage, ACapOnTheLiveOnes) {
  nexus::entities<account> accounts{det, *store, {.live_max = 2}};
  for (auto id : {"alice", "bob", "carol"}) {
    EXPECT_TRUE(det.get(accounts.of(id).ask(account::deposit{1})));
    det.advance(1s);
  }
  EXPECT_EQ(accounts.live(), 2u);  // alice was passivated
  EXPECT_EQ(det.get(accounts.of("alice").watch()).error().code, nexus::errc::stopped);

  det.steps().hold(nexus::executor::work::write);
  auto bob = accounts.of("bob").ask(account::deposit{1});
  auto carol = accounts.of("carol").ask(account::deposit{1});
  auto dave = accounts.of("dave").ask(account::deposit{1});
  det.drain();
  EXPECT_EQ(accounts.live(), 3u) << "none is idle";
  EXPECT_EQ(counted("nexus_live_entities_cap_exceeded_total"), 1);
  det.steps().release(nexus::executor::work::write);
  EXPECT_EQ(det.get(dave), 1);
  det.drain();
  EXPECT_EQ(accounts.live(), 2u);
}

TEST_F(EntitiesPage, TheOldestGiveWay) {
  nexus::entities<account> accounts{
      det, *store, {.mailbox_max = 1, .when_full = nexus::overflow::drop_oldest}};
  auto first = accounts.of("alice").ask(account::deposit{1});
  auto second = accounts.of("alice").ask(account::deposit{2});
  EXPECT_EQ(det.get(first).error().code, nexus::errc::overloaded);
  EXPECT_EQ(det.get(second), 2);
}

TEST_F(EntitiesPage, ARefusedCommandIsADeadLetter) {
  nexus::entities<account> accounts{det, *store, {.mailbox_max = 1}};
  EXPECT_TRUE(accounts.of("alice").tell(account::deposit{1}));
  EXPECT_EQ(accounts.of("alice").tell(account::deposit{2}).error().code, nexus::errc::overloaded);
  EXPECT_EQ(det.sys().letters().count(), 1u);
}

TEST_F(EntitiesPage, ADroppedCommandIsADeadLetter) {
  std::vector<std::string> dead;
  auto listening = det.sys().letters().subscribe([&](const nexus::dead_letter& l) {
    dead.push_back(l.target + ": " + std::string{nexus::to_string(l.why.code)});
  });
  nexus::entities<account> accounts{
      det, *store, {.mailbox_max = 1, .when_full = nexus::overflow::drop_newest}};
  EXPECT_TRUE(accounts.of("alice").tell(account::deposit{1}));
  EXPECT_TRUE(accounts.of("alice").tell(account::deposit{2}));
  det.drain();
  EXPECT_EQ(dead, std::vector<std::string>{"account|alice: overloaded"});
}

TEST_F(EntitiesPage, ALateCommandIsNotDecided) {
  nexus::entities<account> accounts{det, *store};
  det.steps().hold(nexus::executor::work::read);  // the recovery of alice is slow
  auto hasty = accounts.of("alice").ask(account::deposit{1}, 1s);
  auto patient = accounts.of("alice").ask(account::deposit{10}, 1min);
  det.advance(2s);
  det.steps().release(nexus::executor::work::read);
  EXPECT_EQ(det.get(hasty).error().code, nexus::errc::timeout);
  EXPECT_EQ(det.get(patient), 10);
}

TEST(DocsOfTwoProcesses, ACommandIsRefusedOrDecidedAgain) {
  auto store = nexus::open("memory:");
  nexus::system here;
  nexus::system there;
  nexus::entities<account> ours{here, *store};
  nexus::entities<account> theirs{
      there, *store, {.on_conflict = nexus::conflict_policy::decide_again}};
  EXPECT_EQ(ours.of("alice").ask(account::deposit{100}).get(10s), 100);
  EXPECT_EQ(theirs.of("alice").ask(account::deposit{5}).get(10s), 105);
  EXPECT_EQ(ours.of("alice").ask(account::deposit{1}).get(10s).error().code, nexus::errc::conflict);
  EXPECT_EQ(ours.of("alice").ask(account::deposit{1}).get(10s), 106);
  EXPECT_EQ(theirs.of("alice").ask(account::deposit{20}).get(10s), 126);  // decided again, on 106
}

TEST(DocsOfTwoProcesses, AVerifiedAskSeesTheOther) {
  auto store = nexus::open("memory:");
  nexus::system here;
  nexus::system there;
  nexus::entities<account> ours{here, *store};
  nexus::entities<account> theirs{there, *store};
  EXPECT_EQ(ours.of("alice").ask(account::deposit{100}).get(10s), 100);
  EXPECT_EQ(theirs.of("alice").ask(account::deposit{5}).get(10s), 105);
  EXPECT_EQ(ours.of("alice").ask(account::balance{}).get(10s), 100);  // stale: 105 is stored
  EXPECT_EQ(ours.of("alice").ask_verified(account::balance{}).get(10s), 105);
}

TEST_F(EntitiesPage, AWatchIsTold) {
  nexus::entities<account> accounts{det, *store};
  EXPECT_TRUE(det.get(accounts.of("alice").ask(account::deposit{1})));
  nexus::asked<nexus::ending> end = accounts.of("alice").watch();
  det.advance(3min);  // alice gets no command
  EXPECT_EQ(det.get(end), nexus::ending::passivated);
}

TEST_F(EntitiesPage, ANurseWatches) {
  nexus::entities<account> accounts{det, *store};
  nexus::entities<nurse> nurses{det, *store};
  EXPECT_TRUE(det.get(accounts.of("alice").ask(account::deposit{1})));
  EXPECT_TRUE(det.get(nurses.of("n").ask(nurse::look_after{"alice"})));
  EXPECT_EQ(det.get(nurses.of("n").ask(nurse::count{})), 0);
  det.advance(3min);  // alice gets no command
  EXPECT_EQ(det.get(nurses.of("n").ask(nurse::count{})), 1);
}

TEST_F(EntitiesPage, AnEntityIsSupervised) {
  nexus::supervision how{.restarts_max = 1, .backoff_min = 1s, .backoff_max = 10s, .jitter = 0};
  nexus::entities<account> accounts{det, *store, {.supervised = how}};
  EXPECT_EQ(det.get(accounts.of("alice").ask(account::deposit{100})), 100);
  auto end = accounts.of("alice").watch();
  EXPECT_EQ(det.get(accounts.of("alice").ask(account::audit{})).error().code,
            nexus::errc::decide_failed);
  auto next = accounts.of("alice").ask(account::balance{});
  EXPECT_EQ(det.get(next).error().code, nexus::errc::timeout);  // waits until alice is restarted
  det.advance(1s);
  EXPECT_TRUE(next.is_answered());
  EXPECT_FALSE(det.get(accounts.of("alice").ask(account::audit{})));
  EXPECT_EQ(det.get(end), nexus::ending::failed);  // more failures than restarts_max
  EXPECT_EQ(det.get(accounts.of("alice").ask(account::balance{})), 100);
}

TEST(DocsOfThreads, ASystemShutsDown) {
  auto store = nexus::open("memory:");
  nexus::system sys;
  nexus::entities<account> accounts{sys, *store};
  EXPECT_EQ(accounts.of("alice").ask(account::deposit{1}).get(10s), 1);
  nexus::shutdown_report report = sys.shutdown(10s);
  for (const auto& name : report.missed) std::cerr << name << " did not stop in time\n";
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.drained);
}

TEST_F(EntitiesPage, AShutdownFinishesWhatIsInFlight) {
  nexus::entities<account> accounts{det, *store};
  nexus::entities<gift> gifts{det, *store, {.parent = "account"}};
  auto given = gifts.of("1").ask(gift::give{"bob", 30});
  EXPECT_TRUE(det.sys().shutdown(10s).complete());
  EXPECT_TRUE(det.get(given));
  EXPECT_EQ(det.get(accounts.of("bob").ask(account::balance{})).error().code, nexus::errc::stopped);
  EXPECT_FALSE(store->open_session());  // the store is closed too
}

TEST_F(EntitiesPage, AShutdownNamesWhatMissesIt) {
  nexus::entities<account> accounts{det, *store};
  det.steps().hold(nexus::executor::work::write);  // the storage does not answer
  auto stuck = accounts.of("alice").ask(account::deposit{1});
  auto report = det.sys().shutdown(1s);
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.missed.front(), "account|alice");
  det.steps().release(nexus::executor::work::write);
  EXPECT_TRUE(det.sys().shutdown(10s).complete());
  EXPECT_EQ(det.get(stuck), 1);
}
