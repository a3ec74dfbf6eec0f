// Entities as users see them, on the memory journal.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

struct Entities : testing::Test {
  nexus::system sys{{.threads = 2}};
  result<store> journal = nexus::open("memory:");
  std::unique_ptr<entities<tally>> tallies = start();

  std::unique_ptr<entities<tally>> start(entity_options options = {}) {
    return std::make_unique<entities<tally>>(sys, *journal, options);
  }
  void restart(entity_options options = {}) {
    tallies.reset();
    tallies = start(options);
  }
  template <class C>
  auto ask(std::string_view id, C command) {
    return tallies->of(id).ask(std::move(command)).get(10s);
  }
  std::size_t records(std::string_view id) {
    std::size_t n = 0;
    auto session = *journal->open_session();
    auto read = session->replay(*persistence_id::make("tally", id), 1, sequence_nr_max, 1'000'000,
                                [&](const record_view&) { return ++n > 0; });
    EXPECT_TRUE(read);
    return n;
  }
};

}  // namespace

TEST_F(Entities, APersistedCommandAnswersWithTheNewState) {
  EXPECT_EQ(ask("a", tally::add{5}), 5);
  EXPECT_EQ(ask("a", tally::add{2}), 7);
  EXPECT_EQ(ask("a", tally::read{}), 7);
  EXPECT_EQ(ask("b", tally::read{}), 0);
}

TEST_F(Entities, SeveralEventsArePersistedAtOnce) {
  EXPECT_EQ(ask("a", tally::add_each{{1, 2, 3}}), 6);
  EXPECT_EQ(records("a"), 3u);
}

TEST_F(Entities, NoEventsPersistNothing) {
  EXPECT_EQ(ask("a", tally::add_each{}), 0);
  EXPECT_EQ(records("a"), 0u);
}

TEST_F(Entities, StateIsTheFoldOfTheStoredEvents) {
  ask("a", tally::add{5});
  ask("a", tally::write_down{"hello"});
  restart();
  EXPECT_EQ(ask("a", tally::read{}), 5);
  EXPECT_EQ(ask("a", tally::read_text{}), "hello");
}

TEST_F(Entities, RecoveryInManyChunksComesToTheSameState) {
  for (int i = 0; i < 10; ++i) ask("a", tally::add_each{std::vector<std::int64_t>(25, 1)});
  for (std::size_t chunk : {1u, 7u, 250u, 1000u}) {
    restart({.replay_chunk_events = chunk});
    EXPECT_EQ(ask("a", tally::read{}), 250);
  }
  restart({.replay_chunk_bytes = 1});
  EXPECT_EQ(ask("a", tally::read{}), 250);
}

TEST_F(Entities, RecoveryContinuesFromASnapshot) {
  restart({.snapshot_every = 10});
  for (int i = 0; i < 25; ++i) ask("a", tally::add{1});
  tallies.reset();
  ASSERT_TRUE(journal->flush(10s));
  auto session = *journal->open_session();
  auto id = *persistence_id::make("tally", "a");
  auto snapshot = session->load_snapshot(id, {});
  ASSERT_TRUE(snapshot && *snapshot);
  EXPECT_GE((*snapshot)->number, 10u);
  ASSERT_TRUE(session->erase_to(id, (*snapshot)->number)) << "no longer needed";
  tallies = start();
  EXPECT_EQ(ask("a", tally::read{}), 25);
  EXPECT_EQ(ask("a", tally::add{1}), 26);
}

TEST_F(Entities, ARejectionPersistsNothingAndSaysWhy) {
  auto r = ask("a", tally::refuse{});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error(), (error{errc::rejected, "no, thank you"}));
  EXPECT_EQ(ask("a", tally::puzzle{}).error().code, errc::unhandled);
  EXPECT_EQ(records("a"), 0u);
}

TEST_F(Entities, AThrowingDecideRefusesItsCommandAlone) {
  ask("a", tally::add{1});
  auto r = ask("a", tally::throw_in_decide{});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error(),
            (error{errc::decide_failed, "tally|a: decide of throw_in_decide threw: undecided"}));
  EXPECT_EQ(ask("a", tally::add{1}), 2);
}

TEST_F(Entities, AThrowingApplyKeepsItsEventOutOfTheJournal) {
  ask("a", tally::add{1});
  auto before = tallies->of("a").ask(tally::add{1});
  auto spoilt = tallies->of("a").ask(tally::spoil{});
  auto after = tallies->of("a").ask(tally::add{1});
  EXPECT_EQ(before.get(10s), 2);
  EXPECT_EQ(spoilt.get(10s).error().code, errc::apply_failed);
  EXPECT_EQ(after.get(10s), 3);
  EXPECT_EQ(records("a"), 3u);
}

TEST_F(Entities, DecideKnowsItsIdAndTheNextNumber) {
  ask("a|b c", tally::add{1});
  EXPECT_EQ(ask("a|b c", tally::own_id{}), "a|b c 2");
}

TEST_F(Entities, ARunSeesTheStateItsCommandProducedBeforeTheReply) {
  std::atomic<std::int64_t> ran{0};
  std::deque<asked<std::int64_t>> answers;
  auto a = tallies->of("a");
  answers.push_back(a.ask(tally::add{1}));
  answers.push_back(a.ask(tally::add_and_run{1, [&](std::int64_t sum) { ran = sum; }}));
  answers.push_back(a.ask(tally::add{1}));
  EXPECT_EQ(answers[1].get(10s), 2);
  EXPECT_EQ(ran, 2);
  EXPECT_EQ(answers[2].get(10s), 3);
}

TEST_F(Entities, AThrowingRunHarmsNoOtherCommand) {
  auto r = ask("a", tally::add_and_run{1, [](std::int64_t) { throw std::runtime_error{"oops"}; }});
  EXPECT_EQ(r, 1);
  EXPECT_EQ(ask("a", tally::add{1}), 2);
}

TEST_F(Entities, AStoppedEntityComesBackWithTheNextCommand) {
  ask("a", tally::add{5});
  EXPECT_TRUE(ask("a", tally::retire{}));
  EXPECT_EQ(ask("a", tally::read{}), 5);
}

// The handshake: every command sent while an entity stops is handled, once, by this actor or the
// next.
TEST_F(Entities, NoCommandIsLostOrDoubledWhileEntitiesStop) {
  restart({.snapshot_every = 50});
  constexpr int senders = 4;
  constexpr int rounds = 3000;
  std::vector<std::thread> threads;
  for (int t = 0; t < senders; ++t) {
    threads.emplace_back([&] {
      auto a = tallies->of("a");
      std::deque<asked<std::int64_t>> adds;
      for (int i = 0; i < rounds; ++i) {
        adds.push_back((i % 2 == 0 ? a : tallies->of("a")).ask(tally::add{1}));
        const bool retires = i % 7 == 0;
        EXPECT_TRUE(!retires || a.tell(tally::retire{}));
        if (adds.size() > 20) {
          EXPECT_TRUE(adds.front().get(30s));
          adds.pop_front();
        }
      }
      for (auto& one : adds) EXPECT_TRUE(one.get(30s));
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(ask("a", tally::read{}), senders * rounds);
  EXPECT_LE(tallies->live(), 2u) << "one is live; another may be on its way out";
}

TEST_F(Entities, OneEntityOfManyThreadsCountsEveryCommandOnce) {
  constexpr int senders = 4;
  constexpr int each = 5000;
  restart({.mailbox_max = senders * each + 1});
  std::vector<std::thread> threads;
  for (int t = 0; t < senders; ++t) {
    threads.emplace_back([&] {
      auto a = tallies->of("a");
      for (int i = 0; i < each; ++i) {
        EXPECT_TRUE(a.tell(tally::add{1}));
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(ask("a", tally::read{}), senders * each) << "it is the last in line";
  restart();
  EXPECT_EQ(ask("a", tally::read{}), senders * each);
}

TEST_F(Entities, AFullMailboxIsATypedErrorAtOnce) {
  restart({.mailbox_max = 1});
  std::atomic<bool> go{false};
  auto a = tallies->of("a");
  auto blocked = a.ask(tally::add_and_run{1, [&](std::int64_t) { go.wait(false); }});
  auto refused = a.ask(tally::add{1});
  EXPECT_TRUE(refused.is_answered());
  auto r = refused.get(0s);
  EXPECT_EQ(r.error().code, errc::overloaded);
  EXPECT_EQ(a.tell(tally::add{1}).error().code, errc::overloaded);
  go = true;
  go.notify_all();
  EXPECT_EQ(blocked.get(10s), 1);
  EXPECT_EQ(ask("a", tally::read{}), 1);
}

// A refused command must not be counted as one on its way, even for a moment: the entity would
// delay its append for it.
TEST_F(Entities, RefusedCommandsDoNotHoldUpAdmittedOnes) {
  restart({.mailbox_max = 2});
  std::atomic<std::int64_t> stored{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto a = tallies->of("a");
      for (int i = 0; i < 2000; ++i) {
        auto r = a.ask(tally::add{1}).get(20s);
        ASSERT_TRUE(r || r.error().code == errc::overloaded) << r.error().message;
        stored += r.has_value();
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_GT(stored, 0);
  EXPECT_EQ(ask("a", tally::read{}), stored);
}

TEST_F(Entities, AnEventPastTheLimitIsRefusedAndTheEntityLivesOn) {
  restart({.undurable_bytes_max = std::size_t{1} << 30, .mailbox_bytes_max = std::size_t{1} << 30});
  auto r = ask("a", tally::write_down{std::string(journal->limits().payload_bytes_max + 1, 'x')});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::too_large);
  EXPECT_EQ(ask("a", tally::add{1}), 1);
}

TEST_F(Entities, AnImpossibleIdIsNamedInTheAnswer) {
  EXPECT_EQ(ask("", tally::read{}).error().code, errc::invalid_id);
  EXPECT_EQ(ask(std::string(300, 'x'), tally::read{}).error().code, errc::invalid_id);
  EXPECT_EQ(ask("\xff", tally::read{}).error().code, errc::invalid_id);
}

TEST_F(Entities, ASecondOneOfATypeIsANamedError) {
  entities<tally> second{sys, *journal};
  ASSERT_FALSE(second.status());
  EXPECT_EQ(second.status().error().code, errc::already_exists);
  EXPECT_NE(second.status().error().message.find("tally"), std::string::npos);
  EXPECT_EQ(second.of("a").ask(tally::read{}).get(1s).error().code, errc::already_exists);
  EXPECT_TRUE(tallies->status());
}

// The thread of the last entity and the one that closes both see that none is left.
TEST_F(Entities, TheirNameIsFreeOnceTheyAreClosed) {
  tallies.reset();
  for (int i = 0; i < 300; ++i) {
    entities<tally> again{sys, *journal};
    ASSERT_TRUE(again.status()) << again.status().error().message;
    ASSERT_TRUE(again.of("a").ask(tally::add{1}).get(10s));
  }
}

TEST_F(Entities, AfterClosingEveryCommandIsAnsweredStopped) {
  auto a = tallies->of("a");
  EXPECT_TRUE(a.ask(tally::add{1}).get(10s));
  tallies.reset();
  EXPECT_EQ(a.ask(tally::add{1}).get(1s).error().code, errc::stopped);
}

TEST_F(Entities, ClosingAnswersEverythingThatWasSent) {
  std::deque<asked<std::int64_t>> answers;
  for (int i = 0; i < 2000; ++i) {
    answers.push_back(tallies->of("e" + std::to_string(i % 50)).ask(tally::add{1}));
  }
  tallies.reset();
  std::int64_t stored = 0;
  for (auto& one : answers) {
    ASSERT_TRUE(one.is_answered());
    auto r = one.get(0s);
    EXPECT_TRUE(r || r.error().code == errc::stopped);
    stored += r.has_value();
  }
  tallies = start();
  std::int64_t sum = 0;
  for (int i = 0; i < 50; ++i) sum += *ask("e" + std::to_string(i), tally::read{});
  EXPECT_EQ(sum, stored) << "acknowledged is stored, and refused is not";
}

TEST_F(Entities, AnswersThatComeTooLateAreATimeout) {
  std::atomic<bool> go{false};
  auto blocked = tallies->of("a").ask(tally::add_and_run{1, [&](std::int64_t) { go.wait(false); }});
  EXPECT_EQ(blocked.get(1ms).error().code, errc::timeout);
  go = true;
  go.notify_all();
  EXPECT_EQ(ask("a", tally::read{}), 1);
}
