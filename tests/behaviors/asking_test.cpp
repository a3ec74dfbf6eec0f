// Entities asked with deadlines, in chains and many at once, by threads and by CAF actors.
#include <future>
#include <utility>
#include <vector>

#include "scripted_actor.hpp"
#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::operation;

namespace {

struct Asking : store_fixture {
  entities<tally> tallies{sys, *journal};

  caf::actor spawn(scripted_actor::body body) {
    return sys.caf().spawn<scripted_actor>(std::move(body));
  }

  call_header within(std::chrono::nanoseconds d) { return {.deadline = sys.steady() + d}; }

  auto add(std::string_view id, std::int64_t n, call_header header = {}) {
    return tallies.of(id).ask(tally::add{n}, std::move(header));
  }
  std::int64_t sum(std::string_view id) { return *tallies.of(id).ask(tally::read{}).get(20s); }
};

std::string name(int i) { return std::to_string(i); }

}  // namespace

TEST_P(Asking, AThreadStopsWaitingAtTheDeadlineAndTheCommandTakesEffectAllTheSame) {
  ASSERT_TRUE(add("a", 1).get(20s));
  faults->hold(operation::append);
  auto late = add("a", 1, within(250ms));
  ASSERT_TRUE(faults->wait_for(operation::append, 2)) << "decided before its deadline";
  auto r = late.get();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::timeout);
  faults->release(operation::append);
  EXPECT_EQ(sum("a"), 2);
}

TEST_P(Asking, AnActorIsToldTimeoutAtTheDeadlineAndNoLateAnswer) {
  ASSERT_TRUE(add("a", 1).get(20s));
  faults->hold(operation::append);
  std::promise<errc> late;
  std::promise<std::pair<int, std::int64_t>> after;
  int told = 0;
  auto a = spawn([&](auto* self) {
    add("a", 1, within(250ms)).then(self, [&, self](const result<std::int64_t>& r) {
      ++told;
      late.set_value(r ? errc{} : r.error().code);
      // Answered after the late one, since an entity answers in order.
      tallies.of("a").ask(tally::read{}).then(self, [&, self](const result<std::int64_t>& sum) {
        after.set_value({told, *sum});
        self->quit();
      });
    });
  });
  ASSERT_TRUE(faults->wait_for(operation::append, 2));
  EXPECT_EQ(heard(late), errc::timeout);
  faults->release(operation::append);
  EXPECT_EQ(heard(after), (std::pair<int, std::int64_t>{1, 2}));
  wait_for_end(sys.caf(), a);
}

TEST_P(Asking, AnActorThatQuitsWhileItWaitsHarmsNoOther) {
  faults->hold(operation::append);
  auto a = spawn([&](auto* self) {
    auto fails = [](const auto&) { ADD_FAILURE(); };
    add("a", 1, within(1h)).then(self, fails);
    gather(add("a", 1), add("b", 1)).then(self, 1h, fails);
    tallies.of("c").ask(tally::read{}).then(self, [self](const auto&) { self->quit(); });
  });
  wait_for_end(sys.caf(), a);
  faults->release(operation::append);
  EXPECT_EQ(sum("a"), 2);
  EXPECT_EQ(sum("b"), 1);
}

TEST_P(Asking, OneEntityIsAskedAfterAnother) {
  auto moved = add("a", 40).and_then([&](std::int64_t n) { return add("b", n + 2); });
  EXPECT_EQ(moved.get(20s), 42);
  EXPECT_EQ(sum("a"), 40);
  std::promise<result<std::string>> told;
  spawn([&](auto* self) {
    add("a", 1)
        .and_then([&](std::int64_t n) { return add("b", n); })
        .map([](std::int64_t n) { return "sum " + std::to_string(n); })
        .then(self, [&, self](result<std::string> r) {
          told.set_value(std::move(r));
          self->quit();
        });
  });
  EXPECT_EQ(heard(told), "sum 83");
}

TEST_P(Asking, ARefusalIsMendedByAskingAnotherEntity) {
  auto mended = tallies.of("a")
                    .ask(tally::refuse{})
                    .map([] { return std::int64_t{-1}; })
                    .or_else([&](const error& e) {
                      EXPECT_EQ(e.code, errc::rejected);
                      return add("b", 7);
                    });
  EXPECT_EQ(mended.get(20s), 7);
}

TEST_P(Asking, GatheredAreRefusedLateAndStoppedOnesInTheirPlaces) {
  ASSERT_TRUE(add("late", 1).get(20s));
  nexus::system other{{.threads = 2}};
  auto gone = std::make_unique<entities<tally>>(other, *journal);
  auto ref = gone->of("x");
  gone.reset();
  faults->hold(operation::append);
  auto [read, refused, late, stopped] =
      gather(tallies.of("a").ask(tally::read{}), tallies.of("a").ask(tally::refuse{}),
             add("late", 1, within(10ms)), ref.ask(tally::read{}))
          .get(20s)
          .value();
  EXPECT_EQ(read, 0);
  EXPECT_EQ(refused.error().code, errc::rejected);
  EXPECT_EQ(late.error().code, errc::timeout);
  EXPECT_EQ(stopped.error().code, errc::stopped);
  faults->release(operation::append);
}

TEST_P(Asking, TenThousandEntitiesAnswerAThread) {
  std::vector<asked<std::int64_t>> many;
  for (int i = 0; i < 10'000; ++i) many.push_back(add(name(i), i));
  auto all = gather(std::move(many)).get(60s).value();
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
}

TEST_P(Asking, TenThousandEntitiesAnswerAnActor) {
  std::promise<std::vector<result<std::int64_t>>> told;
  spawn([&](auto* self) {
    std::vector<answer<std::int64_t>> many;
    for (int i = 0; i < 10'000; ++i) {
      many.push_back(add(name(i % 100), 1).map([i](std::int64_t) { return std::int64_t{i}; }));
    }
    gather(std::move(many)).then(self, 60s, [&, self](auto all) {
      told.set_value(std::move(*all));
      self->quit();
    });
  });
  auto all = heard(told);
  ASSERT_EQ(all.size(), 10'000u);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(sum(name(i)), 100);
}

INSTANTIATE_TEST_SUITE_P(Journals, Asking, journals(), journal_name);
