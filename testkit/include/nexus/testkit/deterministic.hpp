// A system in which nothing happens until the test steps, with stores that run on it: tests time,
// back-off, timers and order without sleeping.
//
//   nexus::testkit::deterministic_system det;
//   auto store = det.open("memory:");
//   nexus::entities<account> accounts{det, *store};
//   auto left = accounts.of("alice").ask(account::withdraw{500});   // sent, and not yet handled
//   EXPECT_FALSE(left.is_answered());
//   EXPECT_EQ(det.get(left), 500);                                  // steps until it is answered
//   det.advance(2min);                                              // timers fire, each in turn
//
// Threads: one; see nexus/stepping.hpp, also for the order. Failures: an endless loop of steps is a
// failure of the test.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "nexus/answers.hpp"
#include "nexus/call.hpp"
#include "nexus/memory.hpp"
#include "nexus/stepping.hpp"
#include "nexus/store.hpp"
#include "nexus/system.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

class deterministic_system {
 public:
  /// A different seed gives a different order of the possible steps; 0: first come, first served.
  explicit deterministic_system(std::uint64_t seed = 0)
      : sys_{system_options{.stepped = true, .seed = seed}} {}

  [[nodiscard]] system& sys() noexcept { return sys_; }
  operator system&() noexcept {
    return sys_;
  }  // NOLINT(google-explicit-constructor): implicit on purpose

  /// For holds, recordings and the like.
  [[nodiscard]] stepping& steps() noexcept { return *sys_.stepping(); }

  /// Opens a store with one of `backends`. Its jobs are steps of this system.
  [[nodiscard]] result<store> open(std::string_view address, std::span<const backend> backends,
                                   store_options options = {}) {
    options.runs_on = steps().storages();
    return nexus::open(address, backends, std::move(options));
  }
  [[nodiscard]] result<store> open(std::string_view address,
                                   std::initializer_list<backend> backends = {memory_backend()},
                                   store_options options = {}) {
    return open(address, std::span{backends.begin(), backends.size()}, std::move(options));
  }

  /// Does the next step: handles a message, runs a storage's job or fires a timer that is due.
  /// False if there was nothing to do.
  bool step() { return steps().step(); }

  /// Steps until nothing is left to do at this moment.
  void drain(std::size_t steps_max = stepping::steps_max) {
    if (auto done = steps().drain(steps_max); !done) ADD_FAILURE() << done.error().message;
  }

  /// Moves time from one timer to the next; each timer, and all it leads to, is handled at its
  /// time.
  void advance(time_span d) {
    if (auto done = steps().advance(d); !done) ADD_FAILURE() << done.error().message;
  }

  [[nodiscard]] std::size_t pending() { return steps().pending(); }
  [[nodiscard]] bool idle() { return steps().idle(); }
  [[nodiscard]] std::chrono::steady_clock::time_point now() { return steps().now(); }

  /// Steps until the answer is there. `timeout` as soon as no step could bring it, not even after
  /// moving time by `within`.
  template <class R>
  [[nodiscard]] result<R> get(asked<R>& a, time_span within = {}) {
    if (!steps().run_until([&] { return a.is_answered(); }, within)) {
      return fail(errc::timeout, idle() ? "nothing is left to do and it is not answered"
                                        : "it never becomes idle and is not answered");
    }
    return a.get({});
  }
  template <class R>
  [[nodiscard]] result<R> get(asked<R>&& a, time_span within = {}) {
    return get(a, within);
  }

 private:
  system sys_;
};

}}}  // namespace nexus::v0::testkit
