// The life of a supervised actor.
#include "nexus/supervisor.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "nexus/timers.hpp"
#include "supervisor_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

TEST_F(Supervisor, ARestartMakesANewStateAfterAPauseWithTheSameHandle) {
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
  auto one = group
                 .spawn("one",
                        [&](caf::event_based_actor*) -> caf::behavior {
                          return {[&](const std::string& what) {
                            if (what == "throw") throw std::runtime_error{"oops"};
                            seen.push_back(what);
                          }};
                        })
                 .value();
  for (const auto* what : {"a", "throw", "b", "c"}) send(one, std::string{what});
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
  test::spawn(sys.caf(), [&](caf::event_based_actor* self) -> caf::behavior {
    urgent_request(*self, one, std::string{"a"}).then([answer](int n) {
      *answer = std::to_string(n);
    });
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

TEST_F(Supervisor, StopTellsMonitorsAndLinksAndWaitingAskers) {
  supervisor group{sys, "group", always(directive::stop)};
  auto one = group.spawn("one", counting()).value();
  auto end = watch(one);
  auto linked = test::spawn(sys.caf(), [&](caf::event_based_actor* self) -> caf::behavior {
    self->link_to(one);
    return {[](int) {}};
  });
  auto linked_end = watch(linked);
  std::vector<std::shared_ptr<std::string>> answers;
  for (const auto* what : {"throw", "a", "b"}) {
    ask_later(one, what, answers.emplace_back(std::make_shared<std::string>("nothing")));
    send(one, std::string{"told"});
  }
  drain();
  EXPECT_EQ(*end, "runtime_error: oops");
  EXPECT_EQ(*linked_end, "runtime_error: oops");
  for (const auto& answer : answers) EXPECT_NE(*answer, "nothing");
  EXPECT_EQ(ask(one, "late"), "request_receiver_down");
}

TEST_F(Supervisor, MessagesLeftInAMailboxAndLateOnesAreDeadLetters) {
  supervisor group{sys, "group", always(directive::stop)};
  auto one = group.spawn("one", counting()).value();
  for (const auto* what : {"throw", "a", "b"}) send(one, std::string{what});
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
  send(one, 7);
  drain();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].reason, dead_letter_reason::unhandled);
  EXPECT_EQ(group.counts().restarts, 0U);
}

TEST_F(Supervisor, MessagesDuringAPauseAreBounded) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  tell(one, "throw");
  for (unsigned i = 0; i < supervisor::waiting_max; ++i) send(one, std::string{"a"});
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

TEST_F(Supervisor, AnActorThatEndsWithoutAnErrorIsForgotten) {
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
  auto one = group
                 .spawn("one",
                        [&](caf::event_based_actor* self) -> caf::behavior {
                          if (++tries == 2) self->quit(caf::make_error(caf::sec::cannot_open_file));
                          if (tries < 3) throw std::runtime_error{"not yet"};
                          return {[](const std::string&) { return 1; }};
                        })
                 .value();
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
  auto one = group
                 .spawn("one",
                        [](caf::event_based_actor*) -> caf::behavior {
                          throw std::runtime_error{"never"};
                        })
                 .value();
  auto answer = std::make_shared<std::string>("nothing");
  ask_later(one, "a", answer);
  pass(10s);
  EXPECT_EQ(*answer, "request_receiver_down");
  EXPECT_EQ(group.children(), words{});
}

TEST_F(Supervisor, ARestartDropsRequestsTimeoutsAndTimers) {
  supervisor group{sys, "group", plain()};
  int stale = 0;
  auto silent = test::spawn(sys.caf(), [](caf::event_based_actor* self) -> caf::behavior {
    return {[self, kept = std::make_shared<caf::response_promise>()](int) {
      *kept = self->make_response_promise();
      return *kept;
    }};
  });
  auto one = group
                 .spawn("one",
                        [&](caf::event_based_actor* self) -> caf::behavior {
                          const bool first = ++made == 1;
                          auto timers = std::make_shared<nexus::timers>(self);
                          if (first) {
                            timers->once("stale", 150ms, [&] { ++stale; });
                            request(*self, silent, 150ms, 1)
                                .then([&](int) { ++stale; }, [&](caf::error&) { ++stale; });
                          }
                          caf::message_handler handlers{[timers](const std::string& what) {
                            if (what == "throw") throw std::runtime_error{"oops"};
                          }};
                          if (!first) return handlers;
                          return with_receive_timeout(*self, handlers, 150ms, [&] { ++stale; });
                        })
                 .value();
  tell(one, "throw");
  pass(10s);
  EXPECT_EQ(made, 2);
  EXPECT_EQ(stale, 0);
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);  // its promise keeps both
  drain();
}

TEST_F(Supervisor, AHandlerThatPromisedAnAnswerAndThrowsLeavesNoAskerWaiting) {
  supervisor group{sys, "group", always(directive::resume)};
  auto one = group
                 .spawn("one",
                        [](caf::event_based_actor* self) -> caf::behavior {
                          return {[self](const std::string&) -> caf::result<int> {
                            auto promise = self->make_response_promise();
                            throw std::runtime_error{"oops"};
                          }};
                        })
                 .value();
  const auto answer = ask(one, "a");
  // In CAF 1.x the promise answers, when the exception destroys it: before the supervisor can.
  EXPECT_TRUE(answer == "runtime_error: oops" || answer == "broken_promise") << answer;
}
