// Functions of the program that throw: none ends the process or a thread of Nexus, and each is
// reported.
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <barrier>
#include <caf/event_based_actor.hpp>
#include <mutex>
#include <nexus/dead_letters.hpp>
#include <nexus/log.hpp>
#include <nexus/metrics.hpp>
#include <nexus/stepping.hpp>
#include <nexus/supervisor.hpp>
#include <nexus/system.hpp>
#include <nexus/timers.hpp>
#include <nexus/workers.hpp>
#include <thread>

#include "caf_dialect.hpp"
#include "pool_fixture.hpp"

namespace nexus::test { namespace {

// The thrown value: a std::exception, or something else.
enum class thrown { exception, number };

[[noreturn]] void throw_one(thrown what) {
  if (what == thrown::exception) throw std::runtime_error{"oops"};
  throw 7;
}

std::string text_of(thrown what) {
  return what == thrown::exception ? "oops" : "not a std::exception";
}

// Records the log.
struct log_keeper {
  struct sink final : spdlog::sinks::base_sink<std::mutex> {
    void sink_it_(const spdlog::details::log_msg& m) override {
      lines += std::string{m.payload.data(), m.payload.size()} + "\n";
    }
    void flush_() override {}
    std::string text() {
      std::lock_guard guard{mutex_};
      return lines;
    }
    std::string lines;
  };
  log_keeper() { use_logger(std::make_shared<spdlog::logger>("test", kept)); }
  ~log_keeper() { use_logger(nullptr); }
  [[nodiscard]] bool has(const std::string& what) const {
    return kept->text().find(what) != std::string::npos;
  }
  std::shared_ptr<sink> kept = std::make_shared<sink>();
};

class Throwing : public testing::TestWithParam<thrown> {
 protected:
  [[noreturn]] static void oops() { throw_one(GetParam()); }
  static std::string text() { return text_of(GetParam()); }
  static void wait_for(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!holds()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::yield();
    }
  }
  log_keeper log;
};

INSTANTIATE_TEST_SUITE_P(All, Throwing, testing::Values(thrown::exception, thrown::number),
                         [](const auto& of) {
                           return of.param == thrown::exception ? "Exception" : "Number";
                         });

// -- pools ------------------------------------------------------------------------------------

TEST_P(Throwing, AnOpenerHasFailedToOpen) {
  std::atomic<bool> throws{true};
  auto p = *pool<poolable>::make({.name = "p", .max = 1, .min_idle = 1},
                                 [&]() -> result<std::unique_ptr<poolable>> {
                                   if (throws) oops();
                                   return std::make_unique<poolable>();
                                 });
  const auto got = p.borrow({.timeout = 30s});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), (error{errc::unavailable, "p: opening a session threw: " + text()}));
  EXPECT_GE(p.statistics().open_failures, 1u);
  throws = false;
  wait_for([&] { return p.borrow({.timeout = 30s}).has_value(); });
}

TEST_P(Throwing, AnOpenerOfAPoolWithoutThreadsToo) {
  const auto cranked = std::make_shared<hand_cranked>();
  auto p = *pool<poolable>::make({.name = "p", .max = 1, .min_idle = 0, .runs_on = cranked},
                                 []() -> result<std::unique_ptr<poolable>> { oops(); });
  const auto got = p.borrow();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "p: opening a session threw: " + text());
}

TEST_P(Throwing, OnEventIsLoggedAndCounted) {
  const auto counts = metrics::make();
  std::atomic<int> told{0};
  pool_options o{.name = "p", .max = 1, .min_idle = 1};
  o.metrics = counts;
  o.on_event = [&](const pool_event&) {
    ++told;
    oops();
  };
  auto p = *pool<poolable>::make(
      o, []() -> result<std::unique_ptr<poolable>> { return std::make_unique<poolable>(); });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(p.borrow({.timeout = 30s}));
  (void)p.borrow({.timeout = -1s});
  auto asked = p.request();
  EXPECT_TRUE(asked.get(30s));
  EXPECT_TRUE(p.close(30s));
  EXPECT_GT(told, 8);
  EXPECT_GE(p.statistics().callback_failures, 8u);
  EXPECT_TRUE(log.has("p: on_event threw: " + text()));
  EXPECT_NE(to_text(*counts).find("nexus_pool_callback_failures_total{pool=\"p\"} "),
            std::string::npos);
}

struct rude final : poolable {
  explicit rude(thrown w) : what{w} {}
  bool unfinished() const noexcept override { return true; }
  bool touched() const noexcept override { return true; }
  result<void> finish() override {
    if (in_finish) throw_one(what);
    return {};
  }
  result<void> reset(const std::string&) override { throw_one(what); }
  result<void> validate(const std::string&) override {
    if (in_validate) throw_one(what);
    return {};
  }
  const thrown what;
  bool in_finish = false;
  bool in_validate = false;
};

TEST_P(Throwing, ASessionsOwnFunctionsCostThatSession) {
  auto p = *pool<rude>::make(
      {.name = "p", .max = 1, .min_idle = 0, .validate_on_borrow = true},
      []() -> result<std::unique_ptr<rude>> { return std::make_unique<rude>(GetParam()); });
  for (const bool in_finish : {true, false}) {
    for (const bool by_actor : {true, false}) {  // returned on the pool's thread, or on this one
      auto lent = by_actor ? p.request().get(30s) : p.borrow({.timeout = 30s});
      ASSERT_TRUE(lent) << lent.error().message;
      (*lent)->in_finish = in_finish;
    }
  }
  wait_for([&] { return p.statistics().destroyed_for(session_end::not_reset) == 4; });
  EXPECT_TRUE(log.has("p: finish threw: " + text()));
  EXPECT_TRUE(log.has("p: reset threw: " + text()));
  EXPECT_EQ(p.statistics().callback_failures, 4u);
}

TEST_P(Throwing, AValidationHasNotPassed) {
  struct sick final : poolable {
    explicit sick(bool t) : throws{t} {}
    result<void> validate(const std::string&) override {
      if (throws) oops();
      return {};
    }
    const bool throws;
  };
  std::atomic<bool> throws{true};
  auto p = *pool<sick>::make({.name = "p", .max = 1, .min_idle = 1, .validate_on_borrow = true},
                             [&]() -> result<std::unique_ptr<sick>> {
                               return std::make_unique<sick>(throws.exchange(false));
                             });
  wait_for([&] { return p.statistics().idle == 1; });
  EXPECT_TRUE(p.borrow({.timeout = 30s})) << "another one was opened";
  EXPECT_EQ(p.statistics().destroyed_for(session_end::not_valid), 1u);
  EXPECT_TRUE(log.has("p: validate threw: " + text()));
}

TEST_P(Throwing, AThrowingUseOfASessionReturnsIt) {
  auto p = *pool<poolable>::make(
      {.max = 1, .min_idle = 0},
      []() -> result<std::unique_ptr<poolable>> { return std::make_unique<poolable>(); });
  EXPECT_ANY_THROW((void)p.with([](poolable&) -> int { oops(); }));
  EXPECT_TRUE(p.borrow({.timeout = 30s}));
}

// -- threads, letters, metrics ----------------------------------------------------------------

TEST_P(Throwing, AJobCostsItsThreadNothing) {
  workers w{"test.jobs", 1, 10};
  std::atomic<int> done{0};
  ASSERT_TRUE(w.submit([](unsigned) { oops(); }));
  ASSERT_TRUE(w.submit([&](unsigned) { ++done; }));
  w.finish();
  EXPECT_TRUE(w.wait_until_ended(std::chrono::steady_clock::now() + 30s));
  EXPECT_EQ(done, 1);
  EXPECT_EQ(w.failed(), 1u);
  EXPECT_TRUE(w.is_quiet());
  EXPECT_TRUE(log.has("test.jobs: a job threw: " + text()));
}

TEST_P(Throwing, AJobOfASteppedSystemToo) {
  nexus::system sys{{.stepped = true}};
  workers w{sys.stepping()->storages(), 10};
  ASSERT_TRUE(w.submit([](unsigned) { oops(); }));
  ASSERT_TRUE(sys.stepping()->drain());
  EXPECT_EQ(w.failed(), 1u);
  sys.stepping()->storages()->post(executor::work::read, [] { oops(); });
  EXPECT_ANY_THROW((void)sys.stepping()->step()) << "the caller of step gets it";
  EXPECT_EQ(executor::current(), nullptr);
  EXPECT_FALSE(sys.stepping()->step()) << "and may go on";
}

TEST_P(Throwing, AListenerToDeadLettersKeepsNoOtherFromHearing) {
  dead_letters letters;
  int heard = 0;
  auto one = letters.subscribe([](const dead_letter&) { oops(); });
  auto two = letters.subscribe([&](const dead_letter&) { ++heard; });
  letters.publish({"account|alice", {}, {errc::stopped, "gone"}});
  EXPECT_EQ(heard, 1);
  EXPECT_TRUE(
      log.has("a listener of dead letters threw on the letter for account|alice: " + text()));
}

TEST_P(Throwing, ASampledMetricIsLeftOut) {
  const auto all = metrics::make();
  auto bad = all->sample("bad", "Throws.", {}, []() -> double { oops(); });
  auto good = all->sample("good", "Does not.", {}, [] { return 1.0; });
  EXPECT_NE(to_text(*all).find("good 1"), std::string::npos);
  EXPECT_TRUE(log.has("the sample of bad threw: " + text()));
}

TEST_P(Throwing, ALogSinkCostsTheLine) {
  struct sink final : spdlog::sinks::base_sink<std::mutex> {
    void sink_it_(const spdlog::details::log_msg&) override {
      ++asked;
      oops();
    }
    void flush_() override {}
    std::atomic<int> asked{0};
  };
  const auto bad = std::make_shared<sink>();
  auto to = std::make_shared<spdlog::logger>("bad", bad);
  to->set_error_handler([](const std::string&) { oops(); });
  use_logger(to);
  workers w{"test.jobs", 1, 10};
  ASSERT_TRUE(w.submit([](unsigned) { oops(); }));  // logged on its thread
  w.finish();
  EXPECT_TRUE(w.wait_until_ended(std::chrono::steady_clock::now() + 30s));
  EXPECT_GE(bad->asked, 1);
}

// -- actors -----------------------------------------------------------------------------------

TEST_P(Throwing, ThrowingCallbacksLeaveASupervisorAtWork) {
  nexus::system sys;
  std::atomic<int> given_up{0};
  supervision how;
  how.decide = [](const failure&) -> directive { oops(); };
  how.on_given_up = [&](const failure&) {
    ++given_up;
    oops();
  };
  supervisor top{sys, "top", how};
  auto made = top.spawn(
      "child", [](caf::event_based_actor*) -> caf::behavior { return {[](int) { oops(); }}; });
  ASSERT_TRUE(made);
  send(*made, 1);
  wait_for([&] { return given_up == 1 && top.children().empty(); });
  EXPECT_FALSE(top.status()) << "it was escalated, and there is no parent";
  wait_for([&] { return log.has("top: on_given_up threw: " + text()); });
  EXPECT_TRUE(log.has("supervision: decide threw on "));
}

TEST_P(Throwing, AFactoryOfASupervisedActorIsAFailureLikeAnyOther) {
  nexus::system sys;
  supervisor top{sys, "top", {.restarts_max = 2, .backoff_min = 1ms, .backoff_max = 1ms}};
  std::atomic<int> tries{0};
  auto made = top.spawn("child", [&](caf::event_based_actor*) -> caf::behavior {
    ++tries;
    oops();
  });
  ASSERT_TRUE(made);
  wait_for([&] { return top.children().empty(); });
  EXPECT_EQ(tries, 3);
}

TEST_P(Throwing, ATimerIsAFailureOfItsActor) {
  nexus::system sys;
  supervisor top{sys, "top", {.restarts_max = 0}};
  auto made = top.spawn("child", [](caf::event_based_actor* self) -> caf::behavior {
    auto own = std::make_shared<timers>(self);
    own->once("now", 0s, [] { oops(); });
    return {[own](int) {}};
  });
  ASSERT_TRUE(made);
  wait_for([&] { return top.children().empty(); });
}

TEST_P(Throwing, AThrowingHandlerOfAnAnswerOrALetterFailsItsActor) {
  nexus::system sys;
  supervisor top{sys, "top", {.restarts_max = 0}};
  dead_letters::subscription kept;
  auto made = top.spawn("letters", [&](caf::event_based_actor* self) -> caf::behavior {
    kept = sys.letters().subscribe(self, [](const dead_letter&) { oops(); });
    return {[](int) {}};
  });
  ASSERT_TRUE(made);
  auto p = *pool<poolable>::make(
      {.max = 1, .min_idle = 0},
      []() -> result<std::unique_ptr<poolable>> { return std::make_unique<poolable>(); });
  auto leases = top.spawn("leases", [&](caf::event_based_actor* self) -> caf::behavior {
    p.request().then(self, [](result<lease<poolable>>) { oops(); });
    return {[](int) {}};
  });
  ASSERT_TRUE(leases);
  wait_for([&] { return top.children() == std::vector<std::string>{"letters"}; });
  wait_for([&] {
    sys.letters().publish({"account|alice", {}, {errc::stopped, "gone"}});
    return top.children().empty();
  });
  kept = {};
  EXPECT_TRUE(p.borrow({.timeout = 30s})) << "the lease went back";
}

}  // namespace
}
