// Supervised actors in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <memory>
#include <nexus/stepping.hpp>
#include <nexus/supervisor.hpp>
#include <nexus/system.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "acting.hpp"
#include "caf_dialect.hpp"

namespace nexus::test {

using words = std::vector<std::string>;

/// Restarts after exactly 100 ms, 200 ms, …
inline supervision plain(supervision how = {}) {
  how.jitter = 0;
  return how;
}

inline supervision always(directive d) {
  return plain({.decide = [d](const failure&) { return d; }});
}

class Supervisor : public ::testing::Test {
 protected:
  nexus::stepping& steps() { return *sys.stepping(); }
  void drain() { ASSERT_TRUE(steps().drain()); }
  void pass(std::chrono::nanoseconds d) { ASSERT_TRUE(steps().advance(d)); }

  /// Counts its messages; "throw" throws, "quit" quits with an error, "leave" without one.
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

  /// The answer of `whom`: a number, or the name of an error.
  std::string ask(const caf::actor& whom, std::string what) {
    auto answer = std::make_shared<std::string>("nothing");
    ask_later(whom, std::move(what), answer);
    drain();
    return *answer;
  }

  void ask_later(const caf::actor& whom, std::string what, std::shared_ptr<std::string> answer) {
    spawn(sys.caf(), [=](caf::event_based_actor* self) -> caf::behavior {
      request(*self, whom, caf::infinite, what)
          .then([=](int n) { *answer = std::to_string(n); },
                [=](const caf::error& e) { *answer = text(e); });
      return {};
    });
  }

  void tell(const caf::actor& whom, std::string what) {
    send(whom, std::move(what));
    drain();
  }

  /// How it ended, when it has ended.
  std::shared_ptr<std::string> watch(const caf::actor& whom) {
    auto end = std::make_shared<std::string>("alive");
    auto watcher = [=](caf::event_based_actor* self) -> caf::behavior {
      on_end(*self, whom, [=](const caf::error& why) {
        *end = text(why);
        self->quit();
      });
      return {[](int) {}};
    };
    watchers.push_back(spawn(sys.caf(), watcher));
    drain();
    return end;
  }

  nexus::system sys{{.stepped = true, .seed = 7}};
  std::vector<caf::actor> watchers;
  int made = 0;
  std::vector<dead_letter> letters;
  nexus::registration listening =
      sys.letters().subscribe([this](const dead_letter& l) { letters.push_back(l); });
};

}  // namespace nexus::test
