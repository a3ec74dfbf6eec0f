// Recoveries take turns, are watched, and report their end.
#include <condition_variable>
#include <deque>
#include <mutex>

#include "messages.hpp"
#include "recoveries.hpp"
#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::detail::recoveries;
using testkit::fault;
using testkit::operation;

namespace {

// Counts its messages.
class probe final : public actor {
 public:
  struct heard {
    std::mutex lock;
    std::condition_variable changed;
    int watched = 0;
  };
  explicit probe(std::shared_ptr<heard> in) : in_{std::move(in)} {}
  void started(const mailbox&) override {}
  verdict receive(envelope m) override {
    if (!m) return verdict::stop;
    std::lock_guard guard{in_->lock};
    ++in_->watched;
    in_->changed.notify_all();
    return verdict::go_on;
  }

 private:
  std::shared_ptr<heard> in_;
};

struct Turns : testing::Test {
  nexus::system sys{{.threads = 2}};
  std::shared_ptr<probe::heard> heard = std::make_shared<probe::heard>();
  mailbox who = sys.spawn(std::make_unique<probe>(heard));
  int begun = 0;
  ~Turns() override { who.send(envelope{}); }

  recoveries::ticket ask(recoveries& of) {
    return of.ask(who, "a", [this] { ++begun; });
  }

  template <class F>
  bool hears(F f) {
    std::unique_lock guard{heard->lock};
    return heard->changed.wait_for(guard, 10s, f);
  }
};

struct Recovery : store_fixture {
  std::mutex lock;
  std::deque<entity_signal> signals;

  entity_options with_signals(entity_options o = {}) {
    o.on_signal = [this](const entity_signal& s) {
      std::lock_guard guard{lock};
      signals.push_back(s);
    };
    return o;
  }
};

}  // namespace

TEST_F(Turns, AreGivenUpToTheBoundAndThenInOrder) {
  recoveries of{sys, {.recoveries_max = 2}};
  auto first = ask(of);
  auto second = ask(of);
  auto third = ask(of);
  auto fourth = ask(of);
  EXPECT_TRUE(first.called() && second.called());
  EXPECT_FALSE(third.called() || fourth.called());
  second = {};
  EXPECT_TRUE(third.called());
  EXPECT_FALSE(fourth.called());
  EXPECT_TRUE(third.waited() && !second.waited());
  EXPECT_EQ(begun, 1) << "the third is told, the others knew";
  of.close();
}

TEST_F(Turns, ATicketThatLeavesTheQueueIsNotCalled) {
  recoveries of{sys, {.recoveries_max = 1}};
  auto first = ask(of);
  auto second = ask(of);
  auto third = ask(of);
  second = {};
  first = {};
  EXPECT_TRUE(third.called());
  EXPECT_EQ(begun, 1);
  of.close();
}

TEST_F(Turns, AreWatchedWhileTheyLast) {
  recoveries of{sys, {.recovery_timeout = 1ms}};
  auto turn = ask(of);
  EXPECT_TRUE(hears([&] { return heard->watched >= 3; }));
  of.close();
}

TEST_P(Recovery, AStorageThatDoesNotAnswerIsATypedError) {
  entities<tally> tallies{sys, *journal, {.recovery_timeout = 5ms, .backoff_min = 1ms}};
  faults->hold(operation::read);
  auto r = tallies.of("a").ask(tally::add{1}).get(10s);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::timeout);
  faults->release(operation::read);
  EXPECT_TRUE(eventually([&] { return tallies.of("a").ask(tally::add{1}).get(10s) == 1; }));
}

TEST_P(Recovery, ItsEndIsToldWithTheHighestNumber) {
  {
    entities<tally> tallies{sys, *journal};
    EXPECT_EQ(tallies.of("a").ask(tally::add_each{{1, 2, 3}}).get(10s), 6);
  }
  entities<tally> tallies{sys, *journal, with_signals()};
  EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(10s), 6);
  std::lock_guard guard{lock};
  ASSERT_EQ(signals.size(), 1u);
  EXPECT_EQ(signals[0].what, entity_signal::kind::recovered);
  EXPECT_EQ(signals[0].number, 3u);
}

TEST_P(Recovery, AFailureIsToldAndTheNextCommandTriesAgain) {
  entities<tally> tallies{sys, *journal, with_signals({.backoff_min = 1ms})};
  faults->inject(fault::fail, operation::read);
  EXPECT_EQ(tallies.of("a").ask(tally::add{1}).get(10s).error().code, errc::unavailable);
  EXPECT_EQ(tallies.of("a").ask(tally::add{1}).get(10s), 1);
  std::lock_guard guard{lock};
  // It may have stopped between the two commands.
  std::erase_if(signals, [](const auto& s) { return s.what == entity_signal::kind::stopped; });
  ASSERT_GE(signals.size(), 2u);
  EXPECT_EQ(signals[0].what, entity_signal::kind::recovery_failed);
  EXPECT_EQ(signals[1].what, entity_signal::kind::recovered);
}

TEST_P(Recovery, ManyMoreThanTheBoundAllRecover) {
  entities<tally> tallies{sys, *journal, {.recoveries_max = 3}};
  std::deque<asked<std::int64_t>> asked;
  for (int i = 0; i < 200; ++i) asked.push_back(tallies.of(std::to_string(i)).ask(tally::add{1}));
  for (auto& one : asked) EXPECT_EQ(one.get(10s), 1);
}

TEST_P(Recovery, TheReplayFilterSeesWritersTakeTurns) {
  for (int round = 0; round < 2; ++round) {
    entities<tally> mine{sys, *journal};
    EXPECT_TRUE(mine.of("a").ask(tally::add{1}).get(10s));
    nexus::system other{{.threads = 2}};
    if (round == 0) {
      entities<tally> theirs{other, *journal};
      EXPECT_TRUE(theirs.of("a").ask(tally::add{10}).get(10s));
    }
  }
  entities<tally> strict{sys, *journal,
                         with_signals({.replay_filter = {replay_filter_mode::fail}})};
  EXPECT_EQ(strict.of("a").ask(tally::read{}).get(10s).error().code, errc::conflict);
}

INSTANTIATE_TEST_SUITE_P(Journals, Recovery, journals(), journal_name);
