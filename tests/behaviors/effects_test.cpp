// Effects at work in live entities: stash, passivation, snapshots, tags, metadata, questions.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "gallery.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

// Its tags throw, after earlier events have been encoded.
struct prickly {
  static constexpr std::string_view entity_type = "prickly";
  struct add {
    std::vector<std::int64_t> ns;
    MSGPACK_DEFINE_MAP(ns)
  };
  using command = std::variant<add>;
  using added = tally::added;
  using event = std::variant<added>;
  struct state {
    std::int64_t sum = 0;
    MSGPACK_DEFINE_MAP(sum)
  };
  static auto decide(const state&, const add& c) {
    std::vector<event> events;
    for (auto n : c.ns) events.emplace_back(added{n});
    return nexus::persist(std::move(events)).then_reply(&state::sum);
  }
  static void apply(state& s, const added& e) { s.sum += e.n; }
  static std::vector<std::string> tags(const added& e) {
    if (e.n < 0) throw std::runtime_error{"no tag for this"};
    if (e.n == 0) return {""};
    return {"fine"};
  }
};

struct Effects : testing::Test {
  nexus::system sys{{.threads = 2}};
  result<store> journal = nexus::open("memory:");
  entities<gallery> galleries{sys, *journal};

  struct stored_event {
    std::string type;
    std::vector<std::string> tags;
    event_metadata metadata;
  };
  std::vector<stored_event> stored(std::string_view type, std::string_view id) {
    std::vector<stored_event> all;
    auto session = *journal->open_session();
    EXPECT_TRUE(session->replay(*persistence_id::make(type, id), 1, sequence_nr_max, 1000,
                                [&](const record_view& r) {
                                  all.push_back({std::string{r.event.type},
                                                 {r.event.tags.begin(), r.event.tags.end()},
                                                 decode_metadata(r.event.metadata).value()});
                                  return true;
                                }));
    return all;
  }
  bool eventually(const std::function<bool()>& holds) {
    for (auto end = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < end;
         std::this_thread::yield()) {
      if (holds()) return true;
    }
    return false;
  }
};

}  // namespace

TEST_F(Effects, AStashedCommandIsAnsweredOnceItIsUnstashed) {
  auto front = galleries.of("front");
  auto first = front.ask(gallery::enter{});
  auto second = front.ask(gallery::enter{});
  EXPECT_EQ(front.ask(gallery::look{}).get(10s), 0);
  EXPECT_FALSE(first.is_answered());
  EXPECT_TRUE(front.ask(gallery::open{}).get(10s));
  EXPECT_EQ(first.get(10s), 1);
  EXPECT_EQ(second.get(10s), 2);
}

TEST_F(Effects, AFullStashAnswersOverloaded) {
  nexus::system other{{.threads = 2}};
  entities<gallery> small{other, *journal, {.stash_max = 3}};
  std::vector<asked<std::int64_t>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(small.of("x").ask(gallery::enter{}));
  auto refused = small.of("x").ask(gallery::enter{}).get(10s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::overloaded);
  EXPECT_TRUE(small.of("x").ask(gallery::open{}).get(10s));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(waiting[static_cast<std::size_t>(i)].get(10s), i + 1);
}

TEST_F(Effects, AStashNeverKeepsOutWhatWouldBringItBack) {
  nexus::system other{{.threads = 2}};
  entities<gallery> small{other, *journal, {.mailbox_max = 3}};
  auto first = small.of("x").ask(gallery::enter{});
  auto second = small.of("x").ask(gallery::enter{});
  EXPECT_EQ(small.of("x").ask(gallery::enter{}).get(10s).error().code, errc::overloaded);
  EXPECT_TRUE(small.of("x").ask(gallery::open{}).get(10s));
  EXPECT_EQ(first.get(10s), 1);
  EXPECT_EQ(second.get(10s), 2);
}

TEST_F(Effects, StashedCommandsAreToldWhenTheirEntitiesEnd) {
  nexus::system other{{.threads = 2}};
  auto short_lived = std::make_unique<entities<gallery>>(other, *journal);
  auto waiting = short_lived->of("x").ask(gallery::enter{});
  EXPECT_EQ(short_lived->of("x").ask(gallery::look{}).get(10s), 0);
  short_lived.reset();
  EXPECT_EQ(waiting.get(10s).error().code, errc::stopped);
}

TEST_F(Effects, AnEntityPassivatesAndComesBack) {
  EXPECT_TRUE(galleries.of("a").ask(gallery::open{}).get(10s));
  EXPECT_EQ(galleries.of("a").ask(gallery::enter{}).get(10s), 1);
  EXPECT_EQ(galleries.live(), 1u);
  EXPECT_TRUE(galleries.of("a").ask(gallery::leave{}).get(10s));
  EXPECT_TRUE(eventually([&] { return galleries.live() == 0; }));
  EXPECT_EQ(galleries.of("a").ask(gallery::look{}).get(10s), 1);
}

TEST_F(Effects, SnapshotsAreTakenWhenTheBehaviorSaysSo) {
  EXPECT_TRUE(galleries.of("a").ask(gallery::open{}).get(10s));
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(galleries.of("a").ask(gallery::enter{}).get(10s));
  auto newest = [&]() -> sequence_nr {
    auto session = *journal->open_session();
    auto numbers = session->snapshot_numbers(*persistence_id::make("gallery", "a"), {}, 10);
    return numbers->empty() ? 0 : numbers->front();
  };
  EXPECT_TRUE(eventually([&] { return newest() == 11; })) << "opened, and the tenth visitor";
  EXPECT_TRUE(galleries.of("a").ask(gallery::photograph{}).get(10s));
  EXPECT_TRUE(eventually([&] { return newest() == 13; }));
}

TEST_F(Effects, TagsAndMetadataAreStoredWithTheEvents) {
  call_header header{.command_id = sys.next_id(),
                     .correlation_id = sys.next_id(),
                     .causation_id = sys.next_id(),
                     .traceparent = "00-trace-span-01"};
  EXPECT_TRUE(galleries.of("a").ask(gallery::open{}, header).get(10s));
  EXPECT_TRUE(galleries.of("a").ask(gallery::enter{}).get(10s));
  const auto all = stored("gallery", "a");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].metadata.command_id, header.command_id);
  EXPECT_EQ(all[0].metadata.correlation_id, header.correlation_id);
  EXPECT_EQ(all[0].metadata.causation_id, header.causation_id);
  EXPECT_EQ(all[0].metadata.traceparent, "00-trace-span-01");
  EXPECT_EQ(all[0].metadata.fields.at("by"), "janitor");
  EXPECT_EQ(all[0].tags, std::vector<std::string>{});
  EXPECT_EQ(all[1].tags, (std::vector<std::string>{"people", "visit"}));
  EXPECT_TRUE(all[1].metadata.fields.empty());
}

TEST_F(Effects, AnUnhandledCommandReachesTheDeadLetters) {
  std::mutex lock;
  std::vector<dead_letter> letters;
  auto listening = sys.letters().subscribe([&](const dead_letter& l) {
    std::lock_guard guard{lock};
    letters.push_back(l);
  });
  entities<tally> tallies{sys, *journal};
  auto asked = tallies.of("a").ask(tally::puzzle{});
  const auto id = asked.command_id();
  EXPECT_EQ(asked.get(10s).error().code, errc::unhandled);
  std::lock_guard guard{lock};
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].target, "tally|a");
  EXPECT_EQ(letters[0].command_id, id);
  EXPECT_EQ(letters[0].why.code, errc::unhandled);
}

TEST_F(Effects, AnAnswerComesBackAsACommand) {
  entities<guide> guides{sys, *journal};
  EXPECT_TRUE(guides.of("h").ask(guide::visit{"front"}).get(10s)) << "asked, not yet answered";
  auto waiting = guides.of("h").ask(guide::wait{});
  EXPECT_TRUE(galleries.of("front").ask(gallery::open{}).get(10s));
  EXPECT_EQ(waiting.get(10s), "number 1");
}

TEST_F(Effects, TheAskedCommandKnowsWhatCausedIt) {
  entities<guide> guides{sys, *journal};
  EXPECT_TRUE(galleries.of("front").ask(gallery::open{}).get(10s));
  auto asked = guides.of("h").ask(guide::visit{"front"});
  const auto cause = asked.command_id();
  EXPECT_TRUE(asked.get(10s));
  EXPECT_EQ(guides.of("h").ask(guide::wait{}).get(10s), "number 1");
  const auto entered = stored("gallery", "front").back().metadata;
  EXPECT_EQ(entered.causation_id, cause);
  EXPECT_EQ(entered.correlation_id, cause);
  EXPECT_EQ(stored("guide", "h").back().metadata.correlation_id, cause);
}

TEST_F(Effects, AFailureComesBackAsACommandToo) {
  entities<guide> guides{sys, *journal};
  EXPECT_TRUE(guides.of("h").ask(guide::visit{""}).get(10s));
  auto said = guides.of("h").ask(guide::wait{}).get(10s);
  ASSERT_TRUE(said);
  EXPECT_NE(said->find("empty"), std::string::npos) << *said;
}

TEST_F(Effects, AskingATypeThatIsNotThereIsAFailureToo) {
  nexus::system lonely{{.threads = 2}};
  entities<guide> guides{lonely, *journal};
  EXPECT_TRUE(guides.of("h").ask(guide::visit{"front"}).get(10s));
  EXPECT_EQ(guides.of("h").ask(guide::wait{}).get(10s),
            "there are no entities of type \"gallery\" on this system");
}

TEST_F(Effects, AnAnswerToAnEntityThatIsGoneIsADeadLetter) {
  auto guides = std::make_unique<entities<guide>>(sys, *journal);
  EXPECT_TRUE(guides->of("h").ask(guide::visit{"front"}).get(10s));
  guides.reset();
  const auto before = sys.letters().count();
  EXPECT_TRUE(galleries.of("front").ask(gallery::open{}).get(10s));
  EXPECT_TRUE(eventually([&] { return sys.letters().count() > before; }));
}

TEST_F(Effects, RecoveryIsToldOncePerStartAlsoOfANewId) {
  for (std::int64_t starts = 1; starts <= 3; ++starts) {
    entities<guide> guides{sys, *journal};
    EXPECT_EQ(guides.of("h").ask(guide::starts{}).get(10s), starts);
    EXPECT_EQ(guides.of("h").ask(guide::starts{}).get(10s), starts);
  }
}

TEST_F(Effects, TagsThatThrowOrAreRefusedKeepTheirCommandOut) {
  entities<prickly> all{sys, *journal};
  auto p = all.of("p");
  auto one = p.ask(prickly::add{{1}});
  auto threw = p.ask(prickly::add{{5, -1}});
  auto invalid = p.ask(prickly::add{{5, 0}});
  auto two = p.ask(prickly::add{{1}});
  EXPECT_EQ(one.get(10s), 1);
  EXPECT_EQ(threw.get(10s).error(),
            (error{errc::decide_failed, "prickly|p: decide of add threw: no tag for this"}));
  EXPECT_EQ(invalid.get(10s).error().code, errc::invalid_argument);
  EXPECT_EQ(two.get(10s), 2) << "innocent, whatever it was decided together with";
  EXPECT_EQ(stored("prickly", "p").size(), 2u);
}
