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
    spawn(sys.caf(), [=, this](caf::event_based_actor* self) -> caf::behavior {
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

  /// How it ended, when it has ended.
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
    watchers.push_back(spawn(sys.caf(), watcher));
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

}  // namespace nexus::test
