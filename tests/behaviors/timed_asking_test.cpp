// Questions of entities to entities with a delay and a deadline.
#include <gtest/gtest.h>

#include <limits>
#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace nexus;
using namespace std::chrono_literals;
using nexus::testkit::deterministic_system;

namespace {

/// Answers at once, or when it is opened.
struct clerk {
  static constexpr std::string_view entity_type = "clerk";
  struct stamp {};
  struct stamp_late {};
  struct open {};
  struct count {};
  using command = std::variant<stamp, stamp_late, open, count>;
  struct state {
    std::int64_t stamps = 0;
    bool is_open = false;
    MSGPACK_DEFINE_MAP(stamps, is_open)
  };
  static auto decide(const state& s, const stamp&) {
    return persist(state{s.stamps + 1, s.is_open}).then_reply(&state::stamps);
  }
  static effect<clerk, std::int64_t> decide(const state& s, const stamp_late&) {
    if (!s.is_open) return stash();
    return persist(state{s.stamps + 1, true}).then_reply(&state::stamps);
  }
  static auto decide(const state& s, const open&) {
    return persist(state{s.stamps, true}).then_unstash();
  }
  static auto decide(const state& s, const count&) { return reply(s.stamps); }
};

/// Most tests have no entities of it.
struct ghost {
  static constexpr std::string_view entity_type = "ghost";
  struct stamp {};
  using command = std::variant<stamp>;
  struct state {};
  static auto decide(const state&, const stamp&) { return reply(std::int64_t{1}); }
};

struct asker {
  static constexpr std::string_view entity_type = "asker";
  struct begin {
    bool late = false;
    ask_options how{};
  };
  struct begin_ghost {
    ask_options how{};
  };
  struct keep_trying {};
  struct heard {
    std::string what;
  };
  struct tried {
    bool done = false;
  };
  struct look {};
  using command = std::variant<begin, begin_ghost, keep_trying, heard, tried, look>;

  struct noted {
    static constexpr std::string_view type_name = "noted";
    std::string what;
    MSGPACK_DEFINE_MAP(what)
  };
  using event = std::variant<noted>;
  struct state {
    std::vector<std::string> notes;
    MSGPACK_DEFINE_MAP(notes)
  };

  static heard answered(const result<std::int64_t>& r) {
    return {r ? std::to_string(*r) : std::string{to_string(r.error().code)}};
  }
  static effect<asker> decide(const state&, const begin& c) {
    if (c.late) return nexus::ask<clerk>("c", clerk::stamp_late{}, answered, c.how);
    return persist(noted{"begun"}).then_ask<clerk>("c", clerk::stamp{}, answered, c.how);
  }
  static auto decide(const state&, const begin_ghost& c) {
    return nexus::ask<ghost>("g", ghost::stamp{}, answered, c.how);
  }
  static auto decide(const state&, const keep_trying&) {
    return nexus::ask<ghost>("g", ghost::stamp{},
                             [](const result<std::int64_t>& r) { return tried{r.has_value()}; },
                             {.after = 10ms});
  }
  static auto decide(const state& s, const tried&) { return decide(s, keep_trying{}); }
  static auto decide(const state&, const heard& c) { return persist(noted{c.what}); }
  static auto decide(const state& s, const look&) { return reply(s.notes); }
  static void apply(state& s, const noted& e) { s.notes.push_back(e.what); }
};

using notes = std::vector<std::string>;

struct TimedAsking : testing::Test {
  void begin(bool late, ask_options how, time_span patience = std::chrono::nanoseconds::max()) {
    EXPECT_TRUE(det.get(askers->of("a").ask(asker::begin{late, how}, patience)));
    det.drain();
  }
  notes heard() { return det.get(askers->of("a").ask(asker::look{})).value(); }
  std::int64_t stamps() { return det.get(clerks->of("c").ask(clerk::count{})).value(); }
  void open() { EXPECT_TRUE(det.get(clerks->of("c").ask(clerk::open{}))); }

  deterministic_system det;
  result<store> journal = det.open("memory:");
  std::optional<entities<clerk>> clerks{std::in_place, det, *journal};
  std::optional<entities<asker>> askers{std::in_place, det, *journal,
                                        entity_options{.passivate_after = 10s}};
  std::vector<dead_letter> dead;
  dead_letters::subscription listening =
      det.sys().letters().subscribe([this](const dead_letter& l) { dead.push_back(l); });
};

constexpr auto longest = std::chrono::nanoseconds::max();

}  // namespace

TEST_F(TimedAsking, ADelayedQuestionIsAskedWhenItsDelayIsOver) {
  begin(false, {.after = 200ms});
  det.advance(199ms);
  EXPECT_EQ(stamps(), 0);
  EXPECT_EQ(heard(), notes{"begun"});
  det.advance(1ms);
  EXPECT_EQ(stamps(), 1);
  EXPECT_EQ(heard(), (notes{"begun", "1"}));
}

TEST_F(TimedAsking, ADelayOutlivesTheIncarnationThatAsks) {
  begin(false, {.after = 1h});
  det.advance(59min);
  EXPECT_EQ(askers->live(), 0u) << "as with any question, the answer brings it back";
  det.advance(1min);
  EXPECT_EQ(heard(), (notes{"begun", "1"}));
}

TEST_F(TimedAsking, WithoutAnAnswerInTimeItHearsTimeoutOnceAndNoLateAnswer) {
  begin(true, {.within = 5s});
  det.advance(5s - 1us);
  EXPECT_EQ(heard(), notes{});
  det.advance(1us);
  EXPECT_EQ(heard(), notes{"timeout"});
  open();
  det.advance(1h);
  EXPECT_EQ(heard(), notes{"timeout"});
  EXPECT_EQ(stamps(), 0) << "its deadline had passed when it was unstashed";
}

TEST_F(TimedAsking, AnAnswerInTimeIsNotFollowedByATimeout) {
  begin(true, {.within = 5s});
  det.advance(4s);
  open();
  det.drain();
  EXPECT_EQ(heard(), notes{"1"});
  det.advance(1h);
  EXPECT_EQ(heard(), notes{"1"});
}

TEST_F(TimedAsking, AnAnswerThatIsDecidedInTimeAndComesTooLateIsDropped) {
  open();
  det.steps().hold(executor::work::write);
  begin(true, {.within = 5s});
  det.advance(6s);
  det.steps().release(executor::work::write);
  det.drain();
  EXPECT_EQ(heard(), notes{"timeout"});
  EXPECT_EQ(stamps(), 1) << "it took effect all the same";
}

TEST_F(TimedAsking, TheDeadlineCountsFromTheQuestionAndNotFromTheDelay) {
  begin(true, {.after = 1h, .within = 5s});
  det.advance(1h + 4s);
  EXPECT_EQ(heard(), notes{});
  det.advance(1s);
  EXPECT_EQ(heard(), notes{"timeout"});
}

TEST_F(TimedAsking, HostileDurationsAreSaturated) {
  begin(false, {.after = std::chrono::nanoseconds::min(), .within = longest});
  EXPECT_EQ(heard(), (notes{"begun", "1"}));
  begin(false, {.after = -1ns, .within = longest - 1ns});
  EXPECT_EQ(heard(), (notes{"begun", "1", "begun", "2"}));
  begin(false, {.within = 0s});
  begin(false, {.within = std::chrono::nanoseconds::min()});
  EXPECT_EQ(heard(), (notes{"begun", "1", "begun", "2", "begun", "timeout", "begun", "timeout"}));
  EXPECT_EQ(stamps(), 2) << "nothing was asked";
  begin(false, {.after = longest, .within = longest - 1ns});
  begin(false, {.after = std::chrono::hours::max()});
  det.advance(std::chrono::hours{24 * 365 * 50});
  EXPECT_EQ(stamps(), 2);
}

TEST_F(TimedAsking, ADelayedQuestionOutlivesTheCallersDeadline) {
  begin(false, {.after = 1min}, 10s);
  det.advance(1min);
  EXPECT_EQ(heard(), (notes{"begun", "1"}));
}

TEST_F(TimedAsking, TheEarlierOfBothDeadlinesCountsForTheOneAsked) {
  begin(true, {.within = 1h}, 10s);
  det.advance(11s);
  EXPECT_EQ(heard(), notes{});
  open();
  det.drain();
  EXPECT_EQ(heard(), notes{"timeout"}) << "of the caller";
  EXPECT_EQ(stamps(), 0);
}

TEST_F(TimedAsking, WithoutEntitiesOfThatTypeItHearsSoAfterTheDelay) {
  EXPECT_TRUE(det.get(askers->of("a").ask(asker::begin_ghost{{.after = 1s, .within = 1s}})));
  det.drain();
  EXPECT_EQ(heard(), notes{});
  det.advance(1s);
  EXPECT_EQ(heard(), notes{"invalid_argument"});
  det.advance(1h);
  EXPECT_EQ(heard(), notes{"invalid_argument"});
}

TEST_F(TimedAsking, EntitiesThatCameDuringTheDelayAreFound) {
  EXPECT_TRUE(det.get(askers->of("a").ask(asker::begin_ghost{{.after = 1s}})));
  det.drain();
  entities<ghost> ghosts{det, *journal};
  det.advance(1s);
  EXPECT_EQ(heard(), notes{"1"});
}

TEST_F(TimedAsking, EntitiesThatWentDuringTheDelayAreNotAsked) {
  begin(false, {.after = 1s});
  clerks.reset();
  det.advance(1s);
  EXPECT_EQ(heard(), (notes{"begun", "invalid_argument"}));
}

TEST_F(TimedAsking, AShutdownDoesNotWaitForADelay) {
  askers.reset();
  askers.emplace(det, *journal, entity_options{.passivate_after = 0s});
  begin(false, {.after = 1h});
  const auto before = det.now();
  const auto report = det.sys().shutdown(1min);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.drained);
  EXPECT_LE(det.now() - before, 1min);
  ASSERT_EQ(dead.size(), 1u) << "its answer: the entity decides no more";
  EXPECT_EQ(dead[0].target, "asker|a");
  EXPECT_EQ(dead[0].why.code, errc::stopped);
}

// Every answer is a failure, and leads to the next question.
TEST_F(TimedAsking, AskingAgainAfterADelayDoesNotHoldUpAShutdown) {
  for (auto id : {"a", "b", "c"}) {
    EXPECT_TRUE(det.get(askers->of(id).ask(asker::keep_trying{})));
  }
  det.advance(1s);
  const auto before = det.now();
  const auto report = det.sys().shutdown(1min);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.drained);
  EXPECT_LT(det.now() - before, 1s);
}

TEST_F(TimedAsking, AShutdownWaitsForAQuestionThatIsUnderWay) {
  begin(false, {});
  EXPECT_TRUE(det.get(clerks->of("c").ask(clerk::count{})));
  det.steps().hold(executor::work::write);
  auto asked = askers->of("b").ask(asker::begin{true, {.within = 500ms}});
  det.advance(1ms);
  det.steps().release(executor::work::write);
  EXPECT_TRUE(det.sys().shutdown(1min).complete());
  EXPECT_TRUE(det.get(asked));
}

TEST_F(TimedAsking, EntitiesThatEndAnswerDelayedQuestionsWithStopped) {
  begin(false, {.after = 1h});
  askers.reset();
  det.drain();
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].why.code, errc::stopped);
  clerks.reset();
  askers.emplace(det, *journal);
  EXPECT_EQ(heard(), notes{"begun"});
}

TEST_F(TimedAsking, ManyDelaysAreOverInTheirOrder) {
  for (int i = 1'000; i > 0; --i) {
    const ask_options how{.after = std::chrono::milliseconds{i}, .within = 1h};
    EXPECT_TRUE(det.get(askers->of(std::to_string(i)).ask(asker::begin{false, how})));
  }
  det.advance(1'000ms);
  for (int i = 1; i <= 1'000; ++i) {
    const auto one = det.get(askers->of(std::to_string(i)).ask(asker::look{})).value();
    ASSERT_EQ(one, (notes{"begun", std::to_string(i)}));
  }
}

TEST(RealTimeAsking, ADelayAndADeadlineArePassed) {
  nexus::system sys{{.threads = 2}};
  auto store = nexus::open("memory:");
  entities<clerk> clerks{sys, *store};
  entities<asker> askers{sys, *store};
  auto a = askers.of("a");
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(a.ask(asker::begin{true, {.after = 20ms, .within = 30ms}}).get(20s));
  auto heard = [&] { return *a.ask(asker::look{}).get(20s); };
  while (heard().empty() && std::chrono::steady_clock::now() - begun < 20s) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 50ms);
  EXPECT_EQ(heard(), notes{"timeout"});
  ASSERT_TRUE(clerks.of("c").ask(clerk::open{}).get(20s));
  EXPECT_TRUE(sys.shutdown(20s).drained);
}

// Answers and deadlines race: each question is answered once.
TEST(RealTimeAsking, AnAnswerThatRacesItsDeadlineIsHeardOnce) {
  nexus::system sys{{.threads = 4}};
  auto store = nexus::open("memory:");
  entities<clerk> clerks{sys, *store};
  entities<asker> askers{sys, *store};
  constexpr int count = 500;
  std::vector<asked<void>> all;
  for (int i = 0; i < count; ++i) {
    const ask_options how{.within = std::chrono::microseconds{i}};
    all.push_back(askers.of(std::to_string(i)).ask(asker::begin{false, how}));
  }
  for (auto& one : all) ASSERT_TRUE(one.get(60s));
  auto heard = [&](int i) { return *askers.of(std::to_string(i)).ask(asker::look{}).get(60s); };
  const auto patience = std::chrono::steady_clock::now() + 60s;
  for (int i = 0; i < count; ++i) {
    while (heard(i).size() < 2 && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(1ms);
    }
  }
  (void)clerks.of("c").ask(clerk::count{}).get(60s);  // late answers are behind it
  for (int i = 0; i < count; ++i) ASSERT_EQ(heard(i).size(), 2u) << i;
  EXPECT_TRUE(sys.shutdown(60s).drained);
}

TEST(GrowingPause, DoublesUpToTheLongestAndNeverOverflows) {
  static_assert(growing_pause(0) == 0ns);
  static_assert(growing_pause(1) == 100ms);
  static_assert(growing_pause(2) == 200ms);
  static_assert(growing_pause(7) == 6'400ms);
  static_assert(growing_pause(8) == 10s);
  EXPECT_EQ(growing_pause(std::numeric_limits<unsigned>::max()), 10s);
  EXPECT_EQ(growing_pause(3, 1s, 1h), 4s);
  EXPECT_EQ(growing_pause(1'000, 1ns, longest), longest);
  EXPECT_EQ(growing_pause(5, longest, longest), longest);
  EXPECT_LE(growing_pause(5, -1s), 0ns);
  EXPECT_EQ(growing_pause(5, 1s, 0s), 0ns);
}
