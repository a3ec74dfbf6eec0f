// How entities start and end: idle times and caps, watches, overflow, other writers, deadlines, names
// and the ordered shutdown.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <deque>
#include <future>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/faulty.hpp>

#include "tally.hpp"
#include "temporary_folder.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::testkit::deterministic_system;

namespace {

struct lamp {
  static constexpr std::string_view entity_type = "lamp";
  struct turn {
    bool on = false;
  };
  struct look {};
  using command = std::variant<turn, look>;
  struct state {
    bool on = false;
    MSGPACK_DEFINE_MAP(on)
  };
  static auto decide(const state&, const turn& c) {
    return nexus::persist(state{c.on}).then_reply(&state::on);
  }
  static auto decide(const state& s, const look&) { return nexus::reply(s.on); }
};

struct Lifecycle : testing::Test {
  deterministic_system det;
  result<store> journal = det.open("memory:");

  std::uint64_t counted(std::string_view name, std::string_view label = {}) {
    double sum = 0;
    for (const auto& family : det.sys().metrics().collect()) {
      if (family.name != name) continue;
      for (const auto& one : family.samples) {
        const bool wanted =
            label.empty() || std::any_of(one.labels.begin(), one.labels.end(),
                                         [&](auto& l) { return l.second == label; });
        if (wanted) sum += one.value;
      }
    }
    return static_cast<std::uint64_t>(sum);
  }
};

/// Knows only its own CAF system.
class finding_actor : public caf::event_based_actor {
 public:
  finding_actor(caf::actor_config& config, std::promise<std::int64_t>& heard)
      : caf::event_based_actor{config}, heard_{heard} {}

  caf::behavior make_behavior() override {
    auto a = find<tally>(system(), "a");
    EXPECT_TRUE(a);
    if (a)
      a->ask(tally::add{7}).then(this, [this](result<std::int64_t> r) { heard_.set_value(*r); });
    return {[](int) {}};
  }

 private:
  std::promise<std::int64_t>& heard_;
};

struct RealTimeLifecycle : testing::Test {
  nexus::system sys{{.threads = 2}};
  result<store> journal = nexus::open("memory:");
};

}  // namespace

TEST_F(Lifecycle, AnIdleEntityPassivatesWhenItsTimeHasCome) {
  entities<tally> tallies{det, *journal, {.passivate_after = 10s}};
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::add{1})), 1);
  det.advance(9s);
  EXPECT_EQ(tallies.live(), 1u);
  det.advance(2s);
  EXPECT_EQ(tallies.live(), 0u);
  EXPECT_EQ(counted("nexus_passivations_total", "idle"), 1u);
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::read{})), 1) << "it comes back with its state";
}

TEST_F(Lifecycle, AUsedEntityStays) {
  entities<tally> tallies{det, *journal, {.passivate_after = 10s}};
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(det.get(tallies.of("a").ask(tally::add{1})));
    if (i == 0) {
      EXPECT_TRUE(det.get(tallies.of("b").ask(tally::add{1})));
    }
    det.advance(6s);
  }
  EXPECT_EQ(tallies.live(), 1u);
  EXPECT_EQ(counted("nexus_passivations_total", "idle"), 1u) << "that was b";
  EXPECT_EQ(counted("nexus_recoveries_total", "done"), 2u) << "a was never started again";
}

TEST_F(Lifecycle, WithoutATimeNoEntityPassivates) {
  entities<tally> tallies{det, *journal, {.passivate_after = 0s}};
  EXPECT_TRUE(det.get(tallies.of("a").ask(tally::add{1})));
  det.advance(24h);
  EXPECT_EQ(tallies.live(), 1u);
}

TEST_F(Lifecycle, PastTheCapTheLeastRecentlyUsedGoes) {
  entities<tally> tallies{det, *journal, {.passivate_after = 0s, .live_max = 3}};
  auto use = [&](const char* id) {
    EXPECT_TRUE(det.get(tallies.of(id).ask(tally::add{1})));
    det.advance(1ms);
  };
  for (auto id : {"a", "b", "c", "a", "d"}) use(id);
  det.drain();
  EXPECT_EQ(tallies.live(), 3u);
  auto b = tallies.of("b").watch();
  det.drain();
  EXPECT_EQ(det.get(b).error().code, errc::stopped) << "b was used least recently";
  auto a = tallies.of("a").watch();
  det.drain();
  EXPECT_FALSE(a.is_answered());
  EXPECT_EQ(counted("nexus_passivations_total", "cap"), 1u);
  EXPECT_EQ(counted("nexus_live_entities_cap_exceeded_total"), 0u);
}

TEST_F(Lifecycle, TheCapHoldsWhileTimeStandsStill) {
  entities<tally> tallies{det, *journal, {.live_max = 5}};
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(det.get(tallies.of(std::to_string(i)).ask(tally::add{1})));
    det.drain();
    EXPECT_LE(tallies.live(), 5u);
  }
}

TEST_F(Lifecycle, WhenNoneIsIdleTheCapIsExceededAndCountedAndKeptLater) {
  entities<tally> tallies{det, *journal, {.live_max = 2}};
  det.steps().hold(executor::work::write);
  std::deque<asked<std::int64_t>> adds;
  for (int i = 0; i < 5; ++i) {
    adds.push_back(tallies.of(std::to_string(i)).ask(tally::add{1}));
    det.drain();
  }
  EXPECT_EQ(tallies.live(), 5u) << "no command is refused for it";
  EXPECT_EQ(counted("nexus_live_entities_cap_exceeded_total"), 3u);
  det.steps().release(executor::work::write);
  for (auto& one : adds) EXPECT_EQ(det.get(one), 1);
  det.drain();
  EXPECT_EQ(tallies.live(), 2u);
}

// It was asked without end, and kept the processor busy.
TEST_F(Lifecycle, PastTheCapAnEntityThatCannotLeaveIsNotAskedAgainAndAgain) {
  const auto faults = std::make_shared<testkit::faults>();
  const auto shaky = *det.open("memory:", {testkit::faulty(memory_backend(), faults)});
  entities<tally> tallies{det, shaky, {.live_max = 1, .backoff_min = 1h, .backoff_max = 1h}};
  faults->inject(testkit::fault::fail, testkit::operation::append);
  EXPECT_FALSE(det.get(tallies.of("a").ask(tally::add{1}))) << "now it pauses";
  det.steps().hold(executor::work::write);
  auto b = tallies.of("b").ask(tally::add{1});
  det.drain(1'000);
  EXPECT_FALSE(b.is_answered());
  EXPECT_EQ(tallies.live(), 2u);
  det.steps().release(executor::work::write);
  EXPECT_EQ(det.get(b), 1);
  det.advance(3h);
  EXPECT_LE(tallies.live(), 1u);
}

TEST_F(Lifecycle, AWatchIsToldWhyItEnded) {
  auto tallies =
      std::make_unique<entities<tally>>(det, *journal, entity_options{.passivate_after = 1s});
  auto watched = [&] {
    EXPECT_TRUE(det.get(tallies->of("a").ask(tally::read{})));
    return tallies->of("a").watch();
  };
  auto idle = watched();
  det.advance(2s);
  EXPECT_EQ(det.get(idle), ending::passivated);
  auto retired = watched();
  EXPECT_TRUE(det.get(tallies->of("a").ask(tally::retire{})));
  EXPECT_EQ(det.get(retired), ending::stopped);
  auto closed = watched();
  det.drain();
  tallies.reset();
  EXPECT_EQ(det.get(closed), ending::closed);
}

TEST_F(Lifecycle, ACommandWhoseDeadlineHasPassedIsNotDecided) {
  entities<tally> tallies{det, *journal};
  std::vector<errc> dead;
  auto listening =
      det.sys().letters().subscribe([&](const dead_letter& l) { dead.push_back(l.why.code); });
  det.steps().hold(executor::work::read);
  auto late = tallies.of("a").ask(tally::add{1}, 1s);
  auto patient = tallies.of("a").ask(tally::add{10}, 10s);
  det.drain();
  det.advance(2s);
  det.steps().release(executor::work::read);
  EXPECT_EQ(det.get(patient), 10);
  ASSERT_TRUE(late.is_answered());
  EXPECT_EQ(det.get(late).error().code, errc::timeout);
  EXPECT_EQ(dead, std::vector{errc::timeout});
  EXPECT_EQ(counted("nexus_commands_total", "timeout"), 1u);
}

TEST_F(Lifecycle, DropOldestMakesRoomForTheNewest) {
  entities<tally> tallies{det, *journal, {.mailbox_max = 3, .when_full = overflow::drop_oldest}};
  det.steps().hold(executor::work::read);
  std::deque<asked<std::int64_t>> adds;
  for (int i = 0; i < 6; ++i) adds.push_back(tallies.of("a").ask(tally::add{1 << i}));
  auto refused = tallies.of("a").ask(tally::add{64});
  EXPECT_EQ(refused.get(0s).error().code, errc::overloaded) << "twice the bound is the end";
  det.drain();
  det.steps().release(executor::work::read);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(det.get(adds[i]).error().code, errc::overloaded);
  EXPECT_EQ(det.get(adds[5]), 8 + 16 + 32);
}

TEST_F(Lifecycle, DropNewestTellsAskersAndDeadLettersAlone) {
  entities<tally> tallies{det, *journal, {.mailbox_max = 1, .when_full = overflow::drop_newest}};
  const auto before = det.sys().letters().count();
  auto kept = tallies.of("a").ask(tally::add{1});
  EXPECT_TRUE(tallies.of("a").tell(tally::add{1})) << "not a word";
  auto dropped = tallies.of("a").ask(tally::add{1});
  EXPECT_EQ(dropped.get(0s).error().code, errc::overloaded);
  EXPECT_EQ(det.get(kept), 1);
  EXPECT_EQ(det.sys().letters().count(), before + 2);
  EXPECT_EQ(counted("nexus_commands_total", "overloaded"), 2u);
}

TEST_F(Lifecycle, CommandsAreCountedByNameAndOutcome) {
  entities<tally> tallies{det, *journal};
  (void)det.get(tallies.of("a").ask(tally::add{1}));
  (void)det.get(tallies.of("a").ask(tally::refuse{}));
  (void)det.get(tallies.of("a").ask(tally::puzzle{}));
  EXPECT_EQ(counted("nexus_commands_total", "add"), 1u);
  EXPECT_EQ(counted("nexus_commands_total", "rejected"), 1u);
  EXPECT_EQ(counted("nexus_commands_total", "unhandled"), 1u);
}

TEST_F(Lifecycle, AnOrderedShutdownFinishesWhatIsInFlight) {
  entities<tally> tallies{det, *journal};
  auto added = tallies.of("a").ask(tally::add{1});
  const auto report = det.sys().shutdown(10s);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.drained);
  EXPECT_EQ(det.get(added), 1);
  EXPECT_EQ(tallies.of("a").ask(tally::add{1}).get(0s).error().code, errc::stopped);
  EXPECT_FALSE(journal->open_session()) << "the store is closed";
}

TEST_F(Lifecycle, AShutdownNamesEntitiesThatMissItsDeadline) {
  entities<tally> tallies{det, *journal};
  EXPECT_TRUE(det.get(tallies.of("a").ask(tally::add{1})));
  EXPECT_TRUE(det.get(tallies.of("b").ask(tally::add{1})));
  det.steps().hold(executor::work::write);
  auto stuck = tallies.of("b").ask(tally::add{1});
  const auto report = det.sys().shutdown(1s);
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(std::count(report.missed.begin(), report.missed.end(), "tally|b"), 1);
  EXPECT_EQ(std::count(report.missed.begin(), report.missed.end(), "tally|a"), 0);
  det.steps().release(executor::work::write);
  EXPECT_TRUE(det.sys().shutdown(1s).complete());
  EXPECT_EQ(det.get(stuck), 2);
}

TEST_F(Lifecycle, SupervisionRestartsAnEntityAfterAPauseAndStopsItInTheEnd) {
  entities<tally> tallies{
      det,
      *journal,
      {.supervised =
           supervision{.restarts_max = 1, .backoff_min = 1s, .backoff_max = 1s, .jitter = 0}}};
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::add{1})), 1);
  auto watched = tallies.of("a").watch();
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::throw_in_decide{})).error().code,
            errc::decide_failed);
  auto next = tallies.of("a").ask(tally::add{1});
  det.drain();
  EXPECT_FALSE(next.is_answered()) << "it waits for the pause to end";
  det.advance(1s);
  EXPECT_EQ(det.get(next), 2);
  EXPECT_FALSE(watched.is_answered()) << "a restart is no end";
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::spoil{})).error().code, errc::apply_failed);
  EXPECT_EQ(det.get(watched), ending::failed);
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::read{})), 2);
}

TEST_F(Lifecycle, AllForOneRestartsTheOthersToo) {
  entities<tally> tallies{
      det, *journal, {.supervised = supervision{.scope = strategy::all_for_one}}};
  for (auto id : {"a", "b"}) EXPECT_EQ(det.get(tallies.of(id).ask(tally::add{1})), 1);
  const auto before = counted("nexus_recoveries_total", "done");
  (void)det.get(tallies.of("a").ask(tally::throw_in_decide{}));
  det.drain();
  EXPECT_EQ(counted("nexus_recoveries_total", "done"), before + 1) << "b; a pauses";
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::read{}), 1s), 1);
  EXPECT_EQ(det.get(tallies.of("b").ask(tally::read{})), 1);
}

TEST_F(Lifecycle, EscalationClosesTheType) {
  int given_up = 0;
  supervision how;
  how.decide = [](const failure&) { return directive::escalate; };
  how.on_given_up = [&](const failure&) { ++given_up; };
  entities<tally> tallies{det, *journal, {.supervised = how}};
  EXPECT_EQ(det.get(tallies.of("b").ask(tally::add{1})), 1);
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::throw_in_decide{})).error().code,
            errc::decide_failed);
  det.drain();
  EXPECT_EQ(given_up, 1);
  EXPECT_EQ(tallies.live(), 0u);
  EXPECT_EQ(tallies.of("b").ask(tally::read{}).get(0s).error().code, errc::stopped);
  EXPECT_EQ(tallies.status().error().code, errc::stopped);
}

TEST_F(Lifecycle, ASupervisionThatMakesNoSenseIsNamed) {
  supervision how;
  how.backoff_min = 1h;
  entities<tally> tallies{det, *journal, {.supervised = how}};
  EXPECT_EQ(tallies.status().error().code, errc::invalid_argument);
}

TEST_F(Lifecycle, AnEntityIsFoundByName) {
  EXPECT_EQ(find<tally>(det.sys(), "a").error().code, errc::invalid_argument);
  entities<tally> tallies{det, *journal};
  auto a = find<tally>(det.sys(), "a");
  ASSERT_TRUE(a);
  EXPECT_EQ(det.get(a->ask(tally::add{1})), 1);
  EXPECT_EQ(det.get(tallies.of("a").ask(tally::read{})), 1);
}

TEST_F(RealTimeLifecycle, APlainActorFindsAnEntityByName) {
  entities<tally> tallies{sys, *journal};
  std::promise<std::int64_t> heard;
  auto answer = heard.get_future();
  sys.caf().spawn<finding_actor>(heard);
  ASSERT_EQ(answer.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(answer.get(), 7);
}

// Two systems with their own stores on one database stand for two processes.
TEST_F(RealTimeLifecycle, AVerifiedAskSeesWhatAnotherWriterHasWritten) {
  temporary_folder folder;
  const auto uri = "sqlite:" + folder.path("shared.db");
  auto our_store = nexus::open(uri);
  auto their_store = nexus::open(uri);
  nexus::system other{{.threads = 1}};
  entities<tally> ours{sys, *our_store};
  entities<tally> theirs{other, *their_store};
  EXPECT_EQ(ours.of("a").ask(tally::add{1}).get(10s), 1);
  EXPECT_EQ(theirs.of("a").ask(tally::add{2}).get(10s), 3);
  EXPECT_EQ(ours.of("a").ask(tally::read{}).get(10s), 1) << "stale, as it may be";
  EXPECT_EQ(ours.of("a").ask_verified(tally::read{}).get(10s), 3);
  EXPECT_EQ(ours.of("a").ask(tally::read{}).get(10s), 3);
  EXPECT_EQ(theirs.of("a").ask_verified(tally::add{1}).get(10s), 4);
}

TEST_F(RealTimeLifecycle, AVerifiedAskOfADurableStateGoesByItsVersion) {
  nexus::system other{{.threads = 1}};
  entities<lamp> ours{sys, *journal};
  entities<lamp> theirs{other, *journal};
  EXPECT_EQ(ours.of("a").ask(lamp::turn{true}).get(10s), true);
  EXPECT_EQ(theirs.of("a").ask(lamp::turn{false}).get(10s), false);
  EXPECT_EQ(ours.of("a").ask(lamp::look{}).get(10s), true);
  EXPECT_EQ(ours.of("a").ask_verified(lamp::look{}).get(10s), false);
  EXPECT_EQ(ours.of("never").ask_verified(lamp::look{}).get(10s), false);
}
