// What a supervised actor lives through, in virtual time.
#include "nexus/supervisor.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "acting.hpp"
#include "nexus/stepping.hpp"
#include "nexus/system.hpp"
#include "nexus/timers.hpp"

using namespace std::chrono_literals;
using nexus::dead_letter;
using nexus::dead_letter_reason;
using nexus::directive;
using nexus::errc;
using nexus::failure;
using nexus::strategy;
using nexus::supervision;
using nexus::supervisor;

namespace {

using words = std::vector<std::string>;

/// Restarts after exactly 100 ms, 200 ms, …
supervision plain(supervision how = {}) {
  how.jitter = 0;
  return how;
}

supervision always(directive d) {
  return plain({.decide = [d](const failure&) { return d; }});
}

class Supervisor : public ::testing::Test {
 protected:
  nexus::stepping& steps() { return *sys.stepping(); }
  void drain() { ASSERT_TRUE(steps().drain()); }
  void pass(std::chrono::nanoseconds d) { ASSERT_TRUE(steps().advance(d)); }

  /// Counts what it is told; "throw" throws, "quit" quits with an error, "leave" without.
  nexus::actor_factory counting() {
    return [this](caf::event_based_actor* self) -> caf::behavior {
      ++made;
      return {[self, n = std::make_shared<int>(0)](const std::string& what) -> caf::result<int> {
        if (what == "throw") throw std::runtime_error{"oops"};
        if (what == "quit") self->quit(caf::make_error(caf::sec::cannot_open_file));
        if (what == "leave") self->quit();
        return ++*n;
      }};
    };
  }

  /// What `whom` answers: a number, or the name of an error.
  std::string ask(const caf::actor& whom, std::string what) {
    auto answer = std::make_shared<std::string>("nothing");
    ask_later(whom, std::move(what), answer);
    drain();
    return *answer;
  }

  void ask_later(const caf::actor& whom, std::string what, std::shared_ptr<std::string> answer) {
    nexus::test::spawn(sys.caf(), [=, this](caf::event_based_actor* self) -> caf::behavior {
      self->request(whom, caf::infinite, what)
          .then([=](int n) { *answer = std::to_string(n); },
                [=, this](const caf::error& e) { *answer = text(e); });
      return {};
    });
  }

  void tell(const caf::actor& whom, std::string what) {
    caf::anon_send(whom, std::move(what));
    drain();
  }

  /// How it ended, as soon as it has.
  std::shared_ptr<std::string> watch(const caf::actor& whom) {
    auto end = std::make_shared<std::string>("alive");
    auto watcher = [=, this](caf::event_based_actor* self) -> caf::behavior {
      self->monitor(whom);
      self->set_down_handler([=, this](const caf::down_msg& m) {
        *end = text(m.reason);
        self->quit();
      });
      return {[](int) {}};
    };
    watchers.push_back(nexus::test::spawn(sys.caf(), watcher));
    drain();
    return end;
  }

  /// "runtime_error: oops" of what CAF renders as system_error(runtime_error, ("oops")).
  std::string text(const caf::error& e) {
    auto all = sys.caf().render(e);
    all = all.substr(all.find('(') + 1);
    auto what = all.substr(0, all.find_first_of(",)"));
    const auto quoted = all.find('"');
    if (quoted != std::string::npos) {
      what += ": " + all.substr(quoted + 1, all.rfind('"') - quoted - 1);
    }
    return what;
  }

  nexus::system sys{{.stepped = true, .seed = 7}};
  std::vector<caf::actor> watchers;
  int made = 0;
  std::vector<dead_letter> letters;
  nexus::registration listening =
      sys.letters().subscribe([this](const dead_letter& l) { letters.push_back(l); });
};

}  // namespace

TEST_F(Supervisor, ARestartBeginsAnewAfterAPauseWithTheSameHandle) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  EXPECT_EQ(ask(one, "a"), "1");
  EXPECT_EQ(ask(one, "b"), "2");
  EXPECT_EQ(ask(one, "throw"), "runtime_error: oops");
  EXPECT_EQ(made, 1);
  pass(99ms);
  EXPECT_EQ(made, 1);
  pass(1ms);
  EXPECT_EQ(made, 2);
  EXPECT_EQ(ask(one, "a"), "1");
  EXPECT_EQ(group.counts().restarts, 1U);
  EXPECT_EQ(group.children(), words{"one"});
}

TEST_F(Supervisor, MessagesWaitInOrderForTheRestart) {
  supervisor group{sys, "group", plain()};
  words seen;
  auto one = group.spawn("one", [&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const std::string& what) {
      if (what == "throw") throw std::runtime_error{"oops"};
      seen.push_back(what);
    }};
  }).value();
  for (const auto* what : {"a", "throw", "b", "c"}) caf::anon_send(one, std::string{what});
  drain();
  for (const auto* what : {"d", "e"}) tell(one, what);
  EXPECT_EQ(seen, words{"a"});
  pass(100ms);
  EXPECT_EQ(seen, (words{"a", "b", "c", "d", "e"}));
  EXPECT_TRUE(letters.empty());
}

TEST_F(Supervisor, UrgentMessagesWaitForTheRestartToo) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  tell(one, "throw");
  auto answer = std::make_shared<std::string>("nothing");
  nexus::test::spawn(sys.caf(), [&](caf::event_based_actor* self) -> caf::behavior {
    self->request<caf::message_priority::high>(one, caf::infinite, std::string{"a"})
        .then([answer](int n) { *answer = std::to_string(n); });
    return {};
  });
  drain();
  EXPECT_EQ(*answer, "nothing");
  pass(100ms);
  EXPECT_EQ(*answer, "1");
}

TEST_F(Supervisor, PausesGrow) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  for (auto pause : {100ms, 200ms, 400ms}) {
    tell(one, "throw");
    const auto before = made;
    pass(pause - 1ms);
    EXPECT_EQ(made, before);
    pass(1ms);
    EXPECT_EQ(made, before + 1);
  }
}

TEST_F(Supervisor, OnlyTheWindowsRestartsAreGranted) {
  supervisor group{sys, "group", plain({.restarts_max = 2})};
  auto one = group.spawn("one", counting()).value();
  auto end = watch(one);
  for (int i = 0; i < 2; ++i) {
    tell(one, "throw");
    pass(1s);
  }
  EXPECT_EQ(*end, "alive");
  EXPECT_EQ(ask(one, "throw"), "runtime_error: oops");
  EXPECT_EQ(*end, "runtime_error: oops");
  EXPECT_EQ(group.children(), words{});
  EXPECT_EQ(group.counts().stops, 1U);
  EXPECT_TRUE(group.spawn("one", counting()));  // the name is free again
}

TEST_F(Supervisor, ResumeKeepsTheState) {
  supervisor group{sys, "group", always(directive::resume)};
  auto one = group.spawn("one", counting()).value();
  EXPECT_EQ(ask(one, "a"), "1");
  EXPECT_EQ(ask(one, "throw"), "runtime_error: oops");
  EXPECT_EQ(ask(one, "a"), "2");
  EXPECT_EQ(made, 1);
  EXPECT_EQ(group.counts().resumes, 1U);
}

TEST_F(Supervisor, StopTellsMonitorsAndLinksAndWhoWaits) {
  supervisor group{sys, "group", always(directive::stop)};
  auto one = group.spawn("one", counting()).value();
  auto end = watch(one);
  auto linked = nexus::test::spawn(sys.caf(), [&](caf::event_based_actor* self) -> caf::behavior {
    self->link_to(one);
    return {[](int) {}};
  });
  auto linked_end = watch(linked);
  std::vector<std::shared_ptr<std::string>> answers;
  for (const auto* what : {"throw", "a", "b"}) {
    ask_later(one, what, answers.emplace_back(std::make_shared<std::string>("nothing")));
    caf::anon_send(one, std::string{"told"});
  }
  drain();
  EXPECT_EQ(*end, "runtime_error: oops");
  EXPECT_EQ(*linked_end, "runtime_error: oops");
  for (const auto& answer : answers) EXPECT_NE(*answer, "nothing");
  EXPECT_EQ(ask(one, "late"), "request_receiver_down");
}

TEST_F(Supervisor, WhatIsLeftInAMailboxAndWhatComesLateAreDeadLetters) {
  supervisor group{sys, "group", always(directive::stop)};
  auto one = group.spawn("one", counting()).value();
  for (const auto* what : {"throw", "a", "b"}) caf::anon_send(one, std::string{what});
  drain();
  tell(one, "late");
  ASSERT_EQ(letters.size(), 3U);
  for (const auto& l : letters) {
    EXPECT_EQ(l.target, "group/one");
    EXPECT_EQ(l.reason, dead_letter_reason::stopped);
  }
}

TEST_F(Supervisor, AMessageWithoutAHandlerIsADeadLetter) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  caf::anon_send(one, 7);
  drain();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].reason, dead_letter_reason::unhandled);
  EXPECT_EQ(group.counts().restarts, 0U);
}

TEST_F(Supervisor, WhatComesDuringAPauseIsBounded) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  tell(one, "throw");
  for (unsigned i = 0; i < supervisor::waiting_max; ++i) caf::anon_send(one, std::string{"a"});
  EXPECT_EQ(ask(one, "a"), "unavailable_or_would_block");
  tell(one, "a");
  ASSERT_EQ(letters.size(), 2U);
  EXPECT_EQ(letters[0].reason, dead_letter_reason::overloaded);
  pass(100ms);
  EXPECT_EQ(ask(one, "a"), std::to_string(supervisor::waiting_max + 1));
}

TEST_F(Supervisor, QuittingWithAnErrorIsAFailure) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  auto end = watch(one);
  EXPECT_EQ(ask(one, "quit"), "1");
  EXPECT_EQ(group.counts().restarts, 1U);
  pass(100ms);
  EXPECT_EQ(ask(one, "a"), "1");
  EXPECT_EQ(made, 2);
  EXPECT_EQ(*end, "alive");
}

TEST_F(Supervisor, ALinkThatDiesOfAnErrorIsAFailure) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  drain();
  caf::anon_send_exit(one, caf::exit_reason::unreachable);
  drain();
  pass(100ms);
  EXPECT_EQ(made, 2);
  EXPECT_EQ(ask(one, "a"), "1");
}

TEST_F(Supervisor, WhoLeavesOrIsToldToIsForgotten) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  auto two = group.spawn("two", counting()).value();
  auto three = group.spawn("three", counting()).value();
  tell(one, "leave");
  EXPECT_EQ(group.children(), (words{"three", "two"}));
  caf::anon_send_exit(two, caf::exit_reason::user_shutdown);
  tell(three, "throw");
  caf::anon_send_exit(three, caf::exit_reason::kill);  // while it waits for its restart
  pass(1s);
  EXPECT_EQ(group.children(), words{});
  EXPECT_EQ(made, 3);
}

TEST_F(Supervisor, AFactoryThatThrowsIsAFailure) {
  supervisor group{sys, "group", plain({.restarts_max = 3})};
  int tries = 0;
  auto one = group.spawn("one", [&](caf::event_based_actor* self) -> caf::behavior {
    if (++tries == 2) self->quit(caf::make_error(caf::sec::cannot_open_file));
    if (tries < 3) throw std::runtime_error{"not yet"};
    return {[](const std::string&) { return 1; }};
  }).value();
  auto answer = std::make_shared<std::string>("nothing");
  ask_later(one, "a", answer);
  pass(100ms);
  EXPECT_EQ(tries, 2);
  EXPECT_EQ(*answer, "nothing");
  pass(200ms);
  EXPECT_EQ(*answer, "1");
  EXPECT_EQ(group.counts().restarts, 2U);
}

TEST_F(Supervisor, AFactoryThatAlwaysThrowsIsGivenUp) {
  supervisor group{sys, "group", plain({.restarts_max = 3})};
  auto one = group.spawn("one", [](caf::event_based_actor*) -> caf::behavior {
    throw std::runtime_error{"never"};
  }).value();
  auto answer = std::make_shared<std::string>("nothing");
  ask_later(one, "a", answer);
  pass(10s);
  EXPECT_EQ(*answer, "request_receiver_down");
  EXPECT_EQ(group.children(), words{});
}

TEST_F(Supervisor, ARestartDropsRequestsTimeoutsAndTimers) {
  supervisor group{sys, "group", plain()};
  int stale = 0;
  auto silent = nexus::test::spawn(sys.caf(), [](caf::event_based_actor* self) -> caf::behavior {
    return {[self, kept = std::make_shared<caf::response_promise>()](int) {
      *kept = self->make_response_promise();
      return *kept;
    }};
  });
  auto one = group.spawn("one", [&](caf::event_based_actor* self) -> caf::behavior {
    const bool first = ++made == 1;
    auto timers = std::make_shared<nexus::timers>(self);
    if (first) {
      timers->once("stale", 150ms, [&] { ++stale; });
      self->request(silent, 150ms, 1).then([&](int) { ++stale; }, [&](caf::error&) { ++stale; });
    }
    caf::message_handler handlers{
        [timers](const std::string& what) { if (what == "throw") throw std::runtime_error{"oops"}; }};
    if (!first) return handlers;
    return handlers.or_else(caf::after(150ms) >> [&] { ++stale; });
  }).value();
  tell(one, "throw");
  pass(10s);
  EXPECT_EQ(made, 2);
  EXPECT_EQ(stale, 0);
}

TEST_F(Supervisor, AHandlerThatPromisedAnAnswerAndThrowsLeavesNobodyWaiting) {
  supervisor group{sys, "group", always(directive::resume)};
  auto one = group.spawn("one", [](caf::event_based_actor* self) -> caf::behavior {
    return {[self](const std::string&) -> caf::result<int> {
      auto promise = self->make_response_promise();
      throw std::runtime_error{"oops"};
    }};
  }).value();
  EXPECT_EQ(ask(one, "a"), "runtime_error: oops");
}

TEST_F(Supervisor, OneForOneLeavesTheOthersAlone) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  auto two = group.spawn("two", counting()).value();
  EXPECT_EQ(ask(two, "a"), "1");
  tell(one, "throw");
  pass(1s);
  EXPECT_EQ(ask(two, "a"), "2");
}

TEST_F(Supervisor, AllForOneRestartsAllWithTheirMailboxes) {
  supervisor group{sys, "group", plain({.who = strategy::all_for_one, .restarts_max = 2})};
  auto one = group.spawn("one", counting()).value();
  auto two = group.spawn("two", counting()).value();
  EXPECT_EQ(ask(two, "a"), "1");
  tell(one, "throw");
  auto answer = std::make_shared<std::string>("nothing");
  ask_later(two, "a", answer);
  drain();
  EXPECT_EQ(*answer, "nothing");
  pass(100ms);
  EXPECT_EQ(*answer, "1");
  EXPECT_EQ(made, 4);
  EXPECT_EQ(group.counts().restarts, 2U);
  // They count together: one more each, and the group is done for.
  tell(two, "throw");
  pass(1s);
  tell(one, "throw");
  EXPECT_EQ(group.children(), words{});
  EXPECT_EQ(group.counts().stops, 2U);
}

TEST_F(Supervisor, TheParentDecidesAboutTheGroupAsAWhole) {
  supervisor top{sys, "top", plain()};
  supervisor group{sys, "group", always(directive::escalate), &top};
  supervisor below{sys, "below", plain(), &group};
  EXPECT_EQ(below.path(), "top/group/below");
  auto one = group.spawn("one", counting()).value();
  auto two = group.spawn("two", counting()).value();
  auto deep = below.spawn("deep", counting()).value();
  auto aside = top.spawn("aside", counting()).value();
  for (const auto& a : {one, two, deep, aside}) EXPECT_EQ(ask(a, "a"), "1");
  tell(one, "throw");
  pass(100ms);
  for (const auto& a : {one, two, deep}) EXPECT_EQ(ask(a, "a"), "1");
  EXPECT_EQ(ask(aside, "a"), "2");
  EXPECT_EQ(group.counts().escalations, 1U);
  EXPECT_EQ(top.counts().restarts, 1U);
}

TEST_F(Supervisor, AParentMayResumeTheOneThatFailed) {
  supervisor top{sys, "top", always(directive::resume)};
  supervisor group{sys, "group", always(directive::escalate), &top};
  auto one = group.spawn("one", counting()).value();
  EXPECT_EQ(ask(one, "a"), "1");
  tell(one, "throw");
  EXPECT_EQ(ask(one, "a"), "2");
}

TEST_F(Supervisor, AParentMayStopTheGroup) {
  supervisor top{sys, "top", always(directive::stop)};
  supervisor group{sys, "group", always(directive::escalate), &top};
  auto one = group.spawn("one", counting()).value();
  (void)group.spawn("two", counting()).value();
  tell(one, "throw");
  EXPECT_EQ(group.children(), words{});
  EXPECT_EQ(group.spawn("three", counting()).error().code, errc::stopped);
  EXPECT_TRUE(top.spawn("three", counting()));
}

TEST_F(Supervisor, WhatNobodyDecidesStopsTheGroupAndIsTold) {
  std::string given_up;
  supervisor top{sys, "top",
                 {.decide = [](const failure&) { return directive::escalate; },
                  .on_given_up = [&](const failure& f) { given_up = f.why.message; }}};
  auto one = top.spawn("one", counting()).value();
  (void)top.spawn("two", counting()).value();
  EXPECT_EQ(ask(one, "throw"), "runtime_error: oops");
  EXPECT_EQ(given_up, "oops");
  EXPECT_EQ(top.children(), words{});
  EXPECT_EQ(top.status().error().code, errc::stopped);
}

TEST_F(Supervisor, TooManyRestartsMayBeEscalated) {
  supervisor top{sys, "top", plain()};
  supervisor group{
      sys, "group", plain({.restarts_max = 1, .when_exceeded = directive::escalate}), &top};
  auto one = group.spawn("one", counting()).value();
  for (int i = 0; i < 3; ++i) {
    tell(one, "throw");
    pass(1s);
  }
  // The second went to the parent, whose restart of the group made its count begin anew.
  EXPECT_EQ(ask(one, "a"), "1");
  EXPECT_EQ(group.counts().escalations, 1U);
}

TEST_F(Supervisor, StopsItsActorsAndThoseBelow) {
  supervisor top{sys, "top", plain()};
  supervisor group{sys, "group", plain(), &top};
  auto one = group.spawn("one", counting()).value();
  auto end = watch(one);
  top.stop();
  drain();
  EXPECT_EQ(*end, "user_shutdown");
  EXPECT_EQ(group.children(), words{});
  EXPECT_EQ(group.spawn("two", counting()).error().code, errc::stopped);
}

TEST_F(Supervisor, ItsEndIsTheEndOfItsActors) {
  caf::actor one;
  {
    supervisor group{sys, "group", plain()};
    one = group.spawn("one", counting()).value();
    tell(one, "throw");
  }
  EXPECT_EQ(ask(one, "a"), "request_receiver_down");
  supervisor again{sys, "group", plain()};  // the name is free
  EXPECT_TRUE(again.status());
}

TEST_F(Supervisor, NamesAreTakenOnce) {
  supervisor top{sys, "top", plain()};
  supervisor same{sys, "top", plain()};
  EXPECT_EQ(same.status().error().code, errc::already_exists);
  EXPECT_EQ(same.spawn("one", counting()).error().code, errc::already_exists);
  ASSERT_TRUE(top.spawn("one", counting()));
  EXPECT_EQ(top.spawn("one", counting()).error().message, "\"top/one\" is there already");
  supervisor group{sys, "one", plain(), &top};
  EXPECT_EQ(group.status().error().code, errc::already_exists);
}

TEST_F(Supervisor, AConfigurationThatMakesNoSenseTakesNobody) {
  supervisor group{sys, "group", {.jitter = 2}};
  EXPECT_EQ(group.spawn("one", counting()).error().message,
            "supervision: jitter must be from 0 to 1");
}

TEST_F(Supervisor, TakesPartInAnOrderedShutdown) {
  supervisor top{sys, "top", plain()};
  supervisor group{sys, "group", plain(), &top};
  words ended;
  auto noted = [&](std::string name) {
    return [&ended, name](caf::event_based_actor* self) -> caf::behavior {
      self->attach_functor([&ended, name] { ended.push_back(name); });
      return {[](int) {}};
    };
  };
  ASSERT_TRUE(top.spawn("one", noted("one")));
  ASSERT_TRUE(group.spawn("two", noted("two")));
  drain();
  auto report = sys.shutdown(1s);
  EXPECT_EQ(report.missed, words{});
  EXPECT_EQ(ended, (words{"two", "one"}));
  EXPECT_EQ(top.spawn("three", counting()).error().code, errc::stopped);
}
