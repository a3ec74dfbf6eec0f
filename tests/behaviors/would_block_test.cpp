// Waiting on a thread that others need is an error at once, which says what to use instead;
// elsewhere, also in detached and blocking actors, it waits.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <future>
#include <memory>
#include <nexus/live_reader.hpp>
#include <nexus/nexus.hpp>
#include <nexus/timers.hpp>
#include <thread>

#include "scripted_actor.hpp"
#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::testkit::operation;

namespace {

constexpr auto long_time = 30s;

/// Has its own thread, like CAF's blocking actors.
class waiting final : public caf::blocking_actor {
 public:
  waiting(caf::actor_config& config, std::function<void()> f)
      : caf::blocking_actor{config}, f_{std::move(f)} {}
  void act() override { f_(); }

 private:
  std::function<void()> f_;
};

struct WouldBlock : store_fixture {
  entities<tally> tallies{sys, *journal};

  template <class T>
  static T heard(std::promise<T>& from) {
    auto f = from.get_future();
    if (f.wait_for(long_time) != std::future_status::ready) {
      ADD_FAILURE() << "nothing was heard";
      std::abort();
    }
    return f.get();
  }

  // The result of `f` in an actor on the scheduler.
  template <class F>
  auto in_actor(F f) {
    std::promise<decltype(f())> told;
    sys.caf().spawn<scripted_actor>([&](caf::event_based_actor*) { told.set_value(f()); });
    return heard(told);
  }
};

template <class R>
errc code(const result<R>& r) {
  return r ? errc{} : r.error().code;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(All, WouldBlock, testing::Values("memory"), journal_name);

// Held reads keep `b` from answering.
TEST_P(WouldBlock, GetInABehaviorIsAnErrorAtOnce) {
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(long_time));
  faults->hold(operation::read);
  std::promise<result<std::int64_t>> told;
  ASSERT_TRUE(tallies.of("a")
                  .ask(tally::add_and_run{1,
                                          [&](std::int64_t) {
                                            told.set_value(
                                                tallies.of("b").ask(tally::read{}).get(long_time));
                                          }})
                  .get(long_time));
  auto r = heard(told);
  faults->release(operation::read);
  ASSERT_EQ(code(r), errc::would_block);
  EXPECT_NE(r.error().message.find("then_ask"), std::string::npos) << r.error().message;
}

TEST_P(WouldBlock, GetInAnActorIsAnErrorAtOnceUnlessTheAnswerIsThere) {
  faults->hold(operation::read);
  EXPECT_EQ(code(in_actor([&] { return tallies.of("a").ask(tally::read{}).get(long_time); })),
            errc::would_block);
  EXPECT_EQ(code(in_actor([&] { return tallies.of("a").ask(tally::read{}).get(0s); })),
            errc::timeout)
      << "that does not wait";
  faults->release(operation::read);
  auto answered = tallies.of("b").ask(tally::add{3});
  ASSERT_TRUE(eventually([&] { return answered.is_answered(); }));
  EXPECT_EQ(in_actor([&] { return answered.get(long_time); }), 3);
}

TEST_P(WouldBlock, GatheringInAnActorIsAnErrorInEachPlaceThatIsOpen) {
  auto there = tallies.of("b").ask(tally::add{3});
  ASSERT_TRUE(eventually([&] { return there.is_answered(); }));
  faults->hold(operation::read);
  auto all = in_actor(
      [&] { return gather(std::move(there), tallies.of("a").ask(tally::read{})).get(long_time); });
  ASSERT_TRUE(all);
  EXPECT_EQ(std::get<0>(*all), 3);
  EXPECT_EQ(code(std::get<1>(*all)), errc::would_block);
  faults->release(operation::read);
}

TEST_P(WouldBlock, ACallbackOfThenMustNotWaitEither) {
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(long_time));
  faults->hold(operation::read);
  std::promise<result<std::int64_t>> told;
  sys.caf().spawn<scripted_actor>([&](caf::event_based_actor* self) {
    tallies.of("a").ask(tally::add{1}).then(self, long_time, [&](auto) {
      told.set_value(tallies.of("b").ask(tally::read{}).get(long_time));
    });
  });
  const auto r = heard(told);
  faults->release(operation::read);
  EXPECT_EQ(code(r), errc::would_block);
}

TEST_P(WouldBlock, ATimerMustNotWaitEither) {
  faults->hold(operation::read);
  std::promise<result<std::int64_t>> told;
  auto late = std::make_shared<std::unique_ptr<timers>>();
  sys.caf().spawn<scripted_actor>([&, late](caf::event_based_actor* self) {
    *late = std::make_unique<timers>(self);
    (*late)->once("one", 1ms, [&, self, late] {
      told.set_value(tallies.of("b").ask(tally::read{}).get(long_time));
      late->reset();
      self->quit();
    });
  });
  const auto r = heard(told);
  faults->release(operation::read);
  EXPECT_EQ(code(r), errc::would_block);
}

TEST_P(WouldBlock, DetachedAndBlockingActorsMayWait) {
  std::promise<result<std::int64_t>> detached;
  std::promise<result<std::int64_t>> blocking;
  sys.caf().spawn<scripted_actor, caf::detached>([&](caf::event_based_actor* self) {
    tallies.of("a").ask(tally::add{1}).then(self, long_time, [&](auto) {
      detached.set_value(tallies.of("b").ask(tally::add{2}).get(long_time));
    });
  });
  sys.caf().spawn<waiting>(
      [&] { blocking.set_value(tallies.of("c").ask(tally::add{3}).get(long_time)); });
  EXPECT_EQ(heard(detached), 2);
  EXPECT_EQ(heard(blocking), 3);
}

TEST_P(WouldBlock, AThreadThatAnActorStartsMayWait) {
  std::promise<result<std::int64_t>> told;
  std::jthread started;
  std::promise<bool> has_started;
  sys.caf().spawn<scripted_actor>([&](caf::event_based_actor*) {
    started =
        std::jthread{[&] { told.set_value(tallies.of("a").ask(tally::add{1}).get(long_time)); }};
    has_started.set_value(true);
  });
  ASSERT_TRUE(heard(has_started));
  EXPECT_EQ(heard(told), 1);
}

TEST_P(WouldBlock, BorrowingInAnActorIsAnErrorWhenNoneIsFree) {
  auto small = pool<journal_session>::make({.name = "small", .max = 1, .min_idle = 0},
                                           [this] { return journal->open_session(); });
  ASSERT_TRUE(small) << small.error().message;
  auto mine = small->borrow({.timeout = long_time});
  ASSERT_TRUE(mine);
  auto borrow = [&] { return code(small->borrow({.timeout = long_time})); };
  EXPECT_EQ(in_actor(borrow), errc::would_block);
  mine->give_back();
  EXPECT_EQ(in_actor(borrow), errc{});
}

TEST_P(WouldBlock, FlushingAndClosingInAnActorAreErrorsAtOnce) {
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(long_time));
  ASSERT_TRUE(journal->flush(long_time));  // a writer answers before it counts the answer
  EXPECT_EQ(code(in_actor([&] { return journal->flush(long_time); })), errc{}) << "all is written";
  faults->hold(operation::append);
  auto held = tallies.of("a").ask(tally::add{1});
  ASSERT_TRUE(faults->wait_for(operation::append, 2));
  EXPECT_EQ(code(in_actor([&] { return journal->flush(long_time); })), errc::would_block);
  EXPECT_EQ(code(in_actor([&] { return journal->close(long_time); })), errc::would_block);
  const auto report = in_actor([&] { return sys.shutdown(long_time); });
  faults->release(operation::append);
  EXPECT_FALSE(report.complete());
  ASSERT_TRUE(report.refused);
  EXPECT_EQ(report.refused->code, errc::would_block);
  EXPECT_EQ(held.get(long_time), 2) << "nothing was stopped";
}

TEST_P(WouldBlock, ALiveReaderInAnActorDoesNotWaitForMore) {
  ASSERT_TRUE(tallies.of("a").ask(tally::add{1}).get(long_time));
  auto reader = live_reader::open(*journal);
  ASSERT_TRUE(reader);
  auto read = [&] {
    return reader->read([](const auto&, const auto&) { return true; }, long_time);
  };
  EXPECT_EQ(in_actor(read), 1u);
  EXPECT_EQ(code(in_actor(read)), errc::would_block);
}

TEST_P(WouldBlock, AReadersJobMustNotWaitForWhatMayNeedIt) {
  faults->hold(operation::read);
  std::promise<result<std::int64_t>> told;
  ASSERT_TRUE(journal->read([&](journal_session&) {
    told.set_value(tallies.of("a").ask(tally::read{}).get(long_time));
    return result<void>{};
  }));
  const auto r = heard(told);
  faults->release(operation::read);
  EXPECT_EQ(code(r), errc::would_block);
}

TEST_P(WouldBlock, OnAnAdoptedSchedulerCallbacksOfNexusMustNotWait) {
  caf::actor_system_config config;
  caf::actor_system theirs{config};
  nexus::system adopted{theirs};
  entities<tally> here{adopted, *journal};
  ASSERT_TRUE(here.of("a").ask(tally::add{1}).get(long_time));
  faults->hold(operation::read);
  std::promise<result<std::int64_t>> told;
  ASSERT_TRUE(here.of("a")
                  .ask(tally::add_and_run{1,
                                          [&](std::int64_t) {
                                            told.set_value(
                                                here.of("b").ask(tally::read{}).get(long_time));
                                          }})
                  .get(long_time));
  const auto r = heard(told);
  faults->release(operation::read);
  EXPECT_EQ(code(r), errc::would_block);
}
