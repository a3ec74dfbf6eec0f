#include "nexus/supervision.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using nexus::check;
using nexus::directive;
using nexus::errc;
using nexus::failure;
using nexus::failure_record;
using nexus::measure;
using nexus::strategy;
using nexus::supervision;

namespace {

constexpr failure_record::time_point at(std::chrono::nanoseconds t) {
  return failure_record::time_point{1h} + t;
}

measure restart_after(std::chrono::nanoseconds d, bool all = false) {
  return {directive::restart, all, d};
}

std::string complaint(const supervision& how) {
  auto checked = check(how);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, errc::invalid_argument);
  return checked.error().message;
}

failure thrown(std::exception_ptr what) { return {{errc::actor_failed, "threw"}, what}; }

}  // namespace

TEST(Supervision, PausesDoubleUpToTheLargest) {
  const supervision how{.backoff_min = 100ms, .backoff_max = 1s, .jitter = 0};
  failure_record record;
  std::vector<measure> all;
  for (int i = 0; i < 6; ++i) all.push_back(record.failed(how, directive::restart, at(0ms), 0));
  EXPECT_EQ(all, (std::vector{restart_after(100ms), restart_after(200ms), restart_after(400ms),
                              restart_after(800ms), restart_after(1s), restart_after(1s)}));
}

TEST(Supervision, PausesStartAgainAfterAQuietTime) {
  const supervision how{.backoff_min = 100ms, .jitter = 0, .quiet_after = 5s};
  failure_record record;
  EXPECT_EQ(record.failed(how, directive::restart, at(0s), 0), restart_after(100ms));
  // The uptime counts from the restart, at 100 ms.
  EXPECT_EQ(record.failed(how, directive::restart, at(5099ms), 0), restart_after(200ms));
  EXPECT_EQ(record.failed(how, directive::restart, at(5099ms + 200ms + 5s), 0),
            restart_after(100ms));
}

TEST(Supervision, JitterIsAddedByChance) {
  const supervision how{.backoff_min = 100ms, .jitter = 0.5};
  EXPECT_EQ(failure_record{}.failed(how, directive::restart, at(0s), 0), restart_after(100ms));
  EXPECT_EQ(failure_record{}.failed(how, directive::restart, at(0s), 0.5), restart_after(125ms));
  EXPECT_EQ(failure_record{}.failed(how, directive::restart, at(0s), 1), restart_after(150ms));
}

TEST(Supervision, WithoutABackoffARestartIsAtOnce) {
  const supervision how{.backoff_min = 0ms, .backoff_max = 0ms};
  failure_record record;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(record.failed(how, directive::restart, at(0s), 1), restart_after(0ms));
  }
}

TEST(Supervision, OneRestartTooManyInTheWindowIsExceeded) {
  for (auto exceeded : {directive::stop, directive::escalate}) {
    const supervision how{.restarts_max = 2,
                          .restarts_window = 10s,
                          .when_exceeded = exceeded,
                          .backoff_min = 0ms,
                          .backoff_max = 0ms};
    failure_record record;
    EXPECT_EQ(record.failed(how, directive::restart, at(0s), 0).what, directive::restart);
    EXPECT_EQ(record.failed(how, directive::restart, at(9s), 0).what, directive::restart);
    EXPECT_EQ(record.failed(how, directive::restart, at(9999ms), 0).what, exceeded);
  }
}

TEST(Supervision, TheWindowSlides) {
  const supervision how{.restarts_max = 2, .restarts_window = 10s};
  failure_record record;
  EXPECT_EQ(record.failed(how, directive::restart, at(0s), 0).what, directive::restart);
  EXPECT_EQ(record.failed(how, directive::restart, at(9s), 0).what, directive::restart);
  EXPECT_EQ(record.failed(how, directive::restart, at(10s), 0).what, directive::restart);
  EXPECT_EQ(record.failed(how, directive::restart, at(11s), 0).what, directive::stop);
}

TEST(Supervision, NoRestartAtAll) {
  const supervision how{.restarts_max = 0};
  EXPECT_EQ(failure_record{}.failed(how, directive::restart, at(0s), 0).what, directive::stop);
}

TEST(Supervision, UnlimitedRestartsAreNeverExceeded) {
  const supervision how{.restarts_max = supervision::unlimited};
  failure_record record;
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(record.failed(how, directive::restart, at(0s), 0).what, directive::restart);
  }
}

TEST(Supervision, AllForOneRestartsAndStopsAllAndResumesOne) {
  const supervision how{.scope = strategy::all_for_one, .jitter = 0};
  failure_record record;
  EXPECT_EQ(record.failed(how, directive::restart, at(0s), 0), restart_after(100ms, true));
  EXPECT_EQ(record.failed(how, directive::stop, at(0s), 0), (measure{directive::stop, true, {}}));
  EXPECT_EQ(record.failed(how, directive::resume, at(0s), 0),
            (measure{directive::resume, false, {}}));
  EXPECT_EQ(record.failed(how, directive::escalate, at(0s), 0),
            (measure{directive::escalate, false, {}}));
}

TEST(Supervision, ResumesAndStopsAreNotCounted) {
  const supervision how{.restarts_max = 1, .jitter = 0};
  failure_record record;
  for (int i = 0; i < 10; ++i) (void)record.failed(how, directive::resume, at(0s), 0);
  EXPECT_EQ(record.failed(how, directive::restart, at(0s), 0), restart_after(100ms));
}

TEST(Supervision, DecideSeesWhatWasThrown) {
  supervision how;
  EXPECT_EQ(decide(how, {}), directive::restart);
  how.decide = [](const failure& f) {
    if (f.is<std::bad_alloc>()) return directive::escalate;
    if (f.is<std::logic_error>()) return directive::resume;
    return directive::stop;
  };
  EXPECT_EQ(decide(how, thrown(std::make_exception_ptr(std::bad_alloc{}))), directive::escalate);
  EXPECT_EQ(decide(how, thrown(std::make_exception_ptr(std::out_of_range{"x"}))),
            directive::resume);
  EXPECT_EQ(decide(how, thrown(std::make_exception_ptr(7))), directive::stop);
  EXPECT_EQ(decide(how, thrown(nullptr)), directive::stop);
}

TEST(Supervision, ADecideThatThrowsEscalates) {
  supervision how;
  how.decide = [](const failure&) -> directive { throw std::runtime_error{"no idea"}; };
  EXPECT_EQ(decide(how, {}), directive::escalate);
}

TEST(Supervision, AConfigurationThatMakesNoSenseIsNamed) {
  EXPECT_EQ(complaint({}), "");
  EXPECT_EQ(complaint({.when_exceeded = directive::escalate}), "");
  EXPECT_EQ(complaint({.when_exceeded = directive::restart}),
            "supervision: when_exceeded must be stop or escalate");
  EXPECT_EQ(complaint({.when_exceeded = directive::resume}),
            "supervision: when_exceeded must be stop or escalate");
  EXPECT_EQ(complaint({.restarts_window = 0s}), "supervision: restarts_window must be positive");
  EXPECT_EQ(complaint({.backoff_min = -1ms}), "supervision: backoff_min must not be negative");
  EXPECT_EQ(complaint({.backoff_min = 2s, .backoff_max = 1s}),
            "supervision: backoff_max is less than backoff_min");
  EXPECT_EQ(complaint({.jitter = 1.5}), "supervision: jitter must be from 0 to 1");
  EXPECT_EQ(complaint({.jitter = std::numeric_limits<double>::quiet_NaN()}),
            "supervision: jitter must be from 0 to 1");
  EXPECT_EQ(complaint({.quiet_after = -1s}), "supervision: quiet_after must not be negative");
  EXPECT_EQ(complaint({.restarts_max = supervision::unlimited, .backoff_min = 0s}),
            "supervision: unlimited restarts need a backoff_min: an actor that always fails would "
            "restart without a pause");
}
