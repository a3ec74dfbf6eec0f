// The code of docs/supervision.md, compiled and run.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <chrono>
#include <memory>
#include <new>
#include <nexus/nexus.hpp>
#include <nexus/stepping.hpp>
#include <nexus/supervisor.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "caf_dialect.hpp"

// The page uses functions of CAF 0.17, which 1.x has too, and deprecates.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

using namespace std::chrono_literals;
using nexus::test::send;

namespace {

std::string parsed(const std::string& line) {
  if (line.empty()) throw std::invalid_argument{"an empty line"};
  return line;
}

struct parsing {
  std::vector<std::string> lines;
};

caf::behavior parser(caf::event_based_actor*) {
  auto state = std::make_shared<parsing>();
  return {[state](const std::string& line) {
    state->lines.push_back(parsed(line));
    return state->lines.size();
  }};
}

caf::behavior watcher(caf::event_based_actor* self, const caf::actor& one, std::string* seen) {
  self->monitor(one);
  self->set_down_handler([=](const caf::down_msg& m) {
    *seen = to_string(m.reason);
    self->quit();
  });
  return {[](int) {}};
}

class SupervisionPage : public ::testing::Test {
 protected:
  void drain() { ASSERT_TRUE(sys.stepping()->drain()); }
  void pass(std::chrono::nanoseconds d) { ASSERT_TRUE(sys.stepping()->advance(d)); }

  nexus::system sys{{.stepped = true}};
};

}  // namespace

TEST_F(SupervisionPage, Supervision) {
  nexus::supervisor app{sys, "app"};
  nexus::supervisor parsers{sys, "parsers", {.restarts_max = 3, .restarts_window = 10s}, &app};
  caf::actor one = parsers.spawn("parser 1", parser).value();
  send(one, std::string{});
  send(one, std::string{"a"});
  drain();
  EXPECT_EQ(parsers.counts().restarts, 1U);
  pass(1s);
  EXPECT_EQ(parsers.children(), std::vector<std::string>{"parser 1"});
  EXPECT_EQ(sys.letters().count(), 0U);
}

TEST_F(SupervisionPage, Strategy) {
  nexus::supervision how{.scope = nexus::strategy::all_for_one,
                         .when_exceeded = nexus::directive::escalate,
                         .backoff_min = 50ms,
                         .backoff_max = 5s};
  how.decide = [](const nexus::failure& f) {
    if (f.is<std::invalid_argument>()) return nexus::directive::resume;
    if (f.is<std::bad_alloc>()) return nexus::directive::escalate;
    return nexus::directive::restart;
  };
  nexus::supervisor parsers{sys, "parsers", how};
  auto one = parsers.spawn("parser 1", parser).value();
  send(one, std::string{});
  drain();
  EXPECT_EQ(parsers.counts().resumes, 1U);
}

TEST_F(SupervisionPage, Watch) {
  nexus::supervisor parsers{
      sys, "parsers", {.decide = [](const nexus::failure&) { return nexus::directive::stop; }}};
  auto one = parsers.spawn("parser 1", parser).value();
  std::string seen;
  auto watching = sys.caf().spawn(watcher, one, &seen);
  drain();
  send(one, std::string{});
  drain();
  EXPECT_NE(seen.find("an empty line"), std::string::npos) << seen;
}

TEST_F(SupervisionPage, ReceiveTimeout) {
  nexus::supervisor sessions{sys, "sessions"};
  auto make = [](caf::event_based_actor* self) -> caf::behavior {
    return {[](const std::string&) {},  //
            caf::after(30s) >> [self] { self->quit(); }};
  };
  auto one = sessions.spawn("session 1", make).value();
  pass(29s);
  send(one, std::string{"still here"});
  pass(29s);
  EXPECT_EQ(sessions.children().size(), 1U);
  pass(1s);
  EXPECT_TRUE(sessions.children().empty());
}

TEST_F(SupervisionPage, Stash) {
  nexus::supervisor lines{sys, "lines"};
  std::vector<std::string> sent;
  auto make = [&sent](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(caf::skip);  // what has no handler yet stays in the mailbox
    return {[self, &sent](caf::ok_atom) {  // connected
      self->become([&sent](const std::string& line) { sent.push_back(line); });
    }};
  };
  auto one = lines.spawn("line 1", make).value();
  for (const auto* line : {"a", "b"}) send(one, std::string{line});
  drain();
  EXPECT_TRUE(sent.empty());
  send(one, caf::ok_atom{});
  drain();
  EXPECT_EQ(sent, (std::vector<std::string>{"a", "b"}));
}

TEST_F(SupervisionPage, DeadLetters) {
  std::string heard;
  auto listening = sys.letters().subscribe([&](const nexus::dead_letter& l) {
    heard = l.target + ": " + std::string{to_string(l.reason)} + ", " + l.why.message;
  });
  nexus::supervisor parsers{sys, "parsers"};
  auto one = parsers.spawn("parser 1", parser).value();
  send(one, 7);
  drain();
  EXPECT_EQ(heard, "parsers/parser 1: unhandled, parsers/parser 1 has no handler for the message");
}

TEST_F(SupervisionPage, DeadLettersInAnActor) {
  std::vector<std::string> lost;
  auto make = [&](caf::event_based_actor* self) -> caf::behavior {
    auto mine = std::make_shared<nexus::registration>(sys.letters().subscribe(
        self, [&lost](const nexus::dead_letter& l) { lost.push_back(l.target); }));
    return {[mine](caf::get_atom) {}};  // keeps the subscription alive
  };
  nexus::supervisor listeners{sys, "listeners"};
  ASSERT_TRUE(listeners.spawn("listener 1", make));
  drain();
  sys.letters().publish({"gone", {}, {nexus::errc::stopped, "why"}});
  drain();
  EXPECT_EQ(lost, std::vector<std::string>{"gone"});
}
