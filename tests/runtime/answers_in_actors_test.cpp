// Answers collected inside a CAF actor: deadlines, late answers, actors that end.
#include <gtest/gtest.h>

#include <nexus/system.hpp>
#include <thread>
#include <vector>

#include "hand_made.hpp"
#include "scripted_actor.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

struct AnswersInActors : ::testing::Test {
  caf::actor spawn(scripted_actor::body body) {
    return sys.caf().spawn<scripted_actor>(std::move(body));
  }

  void wait_for(const caf::actor& a) { wait_for_end(sys.caf(), a); }

  nexus::system sys{{.threads = 2}};
};

}  // namespace

TEST_F(AnswersInActors, TheDeadlineTellsTimeoutOnceAndALateAnswerIsDropped) {
  question<int> asks{1ms};
  question<int> afterwards;
  std::promise<result<int>> first;
  std::promise<int> after;
  int told = 0;
  auto a = spawn([&](auto* self) {
    asks.asked().then(self, [&](result<int> r) {
      ++told;
      first.set_value(std::move(r));
    });
    afterwards.asked().then(self, [&, self](const result<int>&) {
      after.set_value(told);
      self->quit();
    });
  });
  auto r = heard(first);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::timeout);
  asks.answer(1);
  afterwards.answer(2);
  EXPECT_EQ(heard(after), 1);
  wait_for(a);
}

TEST_F(AnswersInActors, AnAnswerInTimeIsToldOnceTheDeadlineIsForgotten) {
  question<int> asks{5ms};
  question<int> afterwards{10ms};
  asks.answer(1);
  std::promise<int> after;
  int told = 0;
  auto a = spawn([&](auto* self) {
    asks.asked().then(self, 1h, [&](const result<int>& r) { told += *r; });
    afterwards.asked().then(self, [&, self](const result<int>& r) {
      EXPECT_FALSE(r);
      after.set_value(told);
      self->quit();
    });
  });
  EXPECT_EQ(heard(after), 1) << "both deadlines have passed by now";
  wait_for(a);
}

TEST_F(AnswersInActors, TheShorterOfTimeoutAndDeadlineCounts) {
  question<int> asks{1h};
  question<int> chained{1h};
  std::promise<std::vector<errc>> codes;
  std::vector<errc> seen;
  spawn([&](auto* self) {
    auto note = [&, self](const result<int>& r) {
      seen.push_back(r.error().code);
      if (seen.size() < 2) return;
      codes.set_value(seen);
      self->quit();
    };
    asks.asked().then(self, 1ms, note);
    chained.asked().map([](int n) { return n; }).then(self, 1ms, note);
  });
  EXPECT_EQ(heard(codes), (std::vector{2, errc::timeout}));
}

TEST_F(AnswersInActors, AChainRunsInsideTheActor) {
  question<int> first;
  question<int> second;
  std::promise<result<int>> told;
  std::vector<std::thread::id> ran;
  spawn([&](auto* self) {
    auto note = [&](int n) {
      ran.push_back(std::this_thread::get_id());
      return n + 1;
    };
    first.asked()
        .map(note)
        .and_then([&](int) { return second.asked(); })
        .map(note)
        .then(self, [&, self](result<int> r) {
          told.set_value(std::move(r));
          self->quit();
        });
  });
  first.answer(1);
  second.answer(10);
  EXPECT_EQ(heard(told), 11);
  ASSERT_EQ(ran.size(), 2u);
  EXPECT_NE(ran[0], std::this_thread::get_id());
  EXPECT_NE(ran[1], std::this_thread::get_id());
}

TEST_F(AnswersInActors, AnAnswerThatIsThereAlreadyComesAsAMessage) {
  question<int> q;
  q.answer(1);
  std::promise<bool> told;
  spawn([&](auto* self) {
    auto begun = std::make_shared<bool>(false);
    q.asked().map([begun](int) { return *begun; }).then(self, [&, self](const result<bool>& r) {
      told.set_value(*r);
      self->quit();
    });
    *begun = true;
  });
  EXPECT_TRUE(heard(told));
}

TEST_F(AnswersInActors, AnActorThatQuitsWhileItWaitsIsToldNothing) {
  question<int> single;
  question<int> timed{1h};
  question<int> chained{1h};
  question<int> says_quit;
  auto fails = [](const result<int>&) { ADD_FAILURE() << "told after quit"; };
  auto a = spawn([&](auto* self) {
    single.asked().then(self, fails);
    timed.asked().then(self, fails);
    chained.asked().map([](int n) { return n; }).then(self, fails);
    says_quit.asked().then(self, [self](const result<int>&) { self->quit(); });
  });
  says_quit.answer(1);
  wait_for(a);
  single.answer(1);
  timed.answer(1);
  chained.answer(1);
  EXPECT_EQ(calls_alive, 0) << "nothing keeps the answers";
}

TEST_F(AnswersInActors, AskingAfterQuitDoesNotKeepTheActor) {
  question<int> single{1h};
  question<int> chained;
  auto a = spawn([&](auto* self) {
    self->quit();
    single.asked().then(self, [](const result<int>&) { ADD_FAILURE(); });
    chained.asked().map([](int n) { return n; }).then(self, [](const result<int>&) {
      ADD_FAILURE();
    });
  });
  wait_for(a);
}

TEST_F(AnswersInActors, AChainEndsWhereItsActorQuits) {
  question<int> first;
  question<int> second{1h};
  auto a = spawn([&](auto* self) {
    first.asked()
        .and_then([&, self](int) {
          self->quit();
          return second.asked();
        })
        .then(self, [](const result<int>&) { ADD_FAILURE(); });
  });
  first.answer(1);
  wait_for(a);
  second.answer(2);
}

TEST_F(AnswersInActors, ManyThousandsAreGathered) {
  constexpr int count = 10'000;
  std::vector<question<int>> questions(count);
  question<int> open;
  std::promise<std::vector<result<int>>> told;
  spawn([&](auto* self) {
    std::vector<asked<int>> many;
    for (auto& q : questions) many.push_back(q.asked());
    gather(std::move(many)).then(self, 1min, [&, self](auto all) {
      told.set_value(std::move(*all));
      self->quit();
    });
  });
  {
    std::vector<std::jthread> others;
    for (int t = 0; t < 4; ++t) {
      others.emplace_back([&questions, t] {
        for (int i = t; i < count; i += 4) questions[i].answer(i);
      });
    }
  }
  auto all = heard(told);
  ASSERT_EQ(all.size(), std::size_t{count});
  for (int i = 0; i < count; ++i) ASSERT_EQ(all[i], i);
}

TEST_F(AnswersInActors, ALateAnswerIsTimeoutInItsPlace) {
  question<int> open;
  question<int> there;
  there.answer(2);
  std::promise<std::pair<errc, int>> told;
  spawn([&](auto* self) {
    gather(open.asked(), there.asked()).then(self, 2ms, [&, self](auto both) {
      auto& [a, b] = *both;
      told.set_value({a.error().code, *b});
      self->quit();
    });
  });
  EXPECT_EQ(heard(told), (std::pair{errc::timeout, 2}));
  open.answer(1);
}
