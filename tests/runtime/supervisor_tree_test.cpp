// A group after one of its members failed.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "nexus/supervisor.hpp"
#include "supervisor_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

using SupervisorTree = Supervisor;

TEST_F(SupervisorTree, OneForOneLeavesTheOthersAlone) {
  supervisor group{sys, "group", plain()};
  auto one = group.spawn("one", counting()).value();
  auto two = group.spawn("two", counting()).value();
  EXPECT_EQ(ask(two, "a"), "1");
  tell(one, "throw");
  pass(1s);
  EXPECT_EQ(ask(two, "a"), "2");
}

TEST_F(SupervisorTree, AllForOneRestartsAllWithTheirMailboxes) {
  supervisor group{sys, "group", plain({.scope = strategy::all_for_one, .restarts_max = 2})};
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
  // They count together: one more each, and the limit is exceeded.
  tell(two, "throw");
  pass(1s);
  tell(one, "throw");
  EXPECT_EQ(group.children(), words{});
  EXPECT_EQ(group.counts().stops, 2U);
}

TEST_F(SupervisorTree, TheParentDecidesAboutTheGroupAsAWhole) {
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

TEST_F(SupervisorTree, AParentMayResumeTheOneThatFailed) {
  supervisor top{sys, "top", always(directive::resume)};
  supervisor group{sys, "group", always(directive::escalate), &top};
  auto one = group.spawn("one", counting()).value();
  EXPECT_EQ(ask(one, "a"), "1");
  tell(one, "throw");
  EXPECT_EQ(ask(one, "a"), "2");
}

TEST_F(SupervisorTree, AParentMayStopTheGroup) {
  supervisor top{sys, "top", always(directive::stop)};
  supervisor group{sys, "group", always(directive::escalate), &top};
  auto one = group.spawn("one", counting()).value();
  (void)group.spawn("two", counting()).value();
  tell(one, "throw");
  EXPECT_EQ(group.children(), words{});
  EXPECT_EQ(group.spawn("three", counting()).error().code, errc::stopped);
  EXPECT_TRUE(top.spawn("three", counting()));
}

TEST_F(SupervisorTree, AFailureWithoutADecisionStopsTheGroupAndIsReported) {
  std::string given_up;
  supervisor top{sys,
                 "top",
                 {.decide = [](const failure&) { return directive::escalate; },
                  .on_given_up = [&](const failure& f) { given_up = f.why.message; }}};
  auto one = top.spawn("one", counting()).value();
  (void)top.spawn("two", counting()).value();
  EXPECT_EQ(ask(one, "throw"), "runtime_error: oops");
  EXPECT_EQ(given_up, "oops");
  EXPECT_EQ(top.children(), words{});
  EXPECT_EQ(top.status().error().code, errc::stopped);
}

TEST_F(SupervisorTree, TooManyRestartsMayBeEscalated) {
  supervisor top{sys, "top", plain()};
  supervisor group{sys, "group", plain({.restarts_max = 1, .when_exceeded = directive::escalate}),
                   &top};
  auto one = group.spawn("one", counting()).value();
  for (int i = 0; i < 3; ++i) {
    tell(one, "throw");
    pass(1s);
  }
  // The second failure went to the parent, whose restart of the group reset the count.
  EXPECT_EQ(ask(one, "a"), "1");
  EXPECT_EQ(group.counts().escalations, 1U);
}

TEST_F(SupervisorTree, StopsItsActorsAndThoseBelow) {
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

TEST_F(SupervisorTree, ItsEndIsTheEndOfItsActors) {
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

TEST_F(SupervisorTree, NamesAreTakenOnce) {
  supervisor top{sys, "top", plain()};
  supervisor same{sys, "top", plain()};
  EXPECT_EQ(same.status().error().code, errc::already_exists);
  EXPECT_EQ(same.spawn("one", counting()).error().code, errc::already_exists);
  ASSERT_TRUE(top.spawn("one", counting()));
  EXPECT_EQ(top.spawn("one", counting()).error().message, "\"top/one\" already exists");
  supervisor group{sys, "one", plain(), &top};
  EXPECT_EQ(group.status().error().code, errc::already_exists);
}

TEST_F(SupervisorTree, AnInvalidConfigurationTakesNoActors) {
  supervisor group{sys, "group", {.jitter = 2}};
  EXPECT_EQ(group.spawn("one", counting()).error().message,
            "supervision: jitter must be from 0 to 1");
}

TEST_F(SupervisorTree, TakesPartInAnOrderedShutdown) {
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
