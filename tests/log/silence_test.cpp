// No log below warnings, and nothing on stdout, whatever happens.
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <functional>
#include <nexus/log.hpp>
#include <nexus/nexus.hpp>
#include <nexus/testkit/faulty.hpp>
#include <sstream>

using namespace nexus;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::operation;

namespace {

struct note {
  static constexpr std::string_view entity_type = "note";
  struct write {};
  struct riddle {};
  using command = std::variant<write, riddle>;
  struct written {
    static constexpr std::string_view type_name = "written";
  };
  using event = std::variant<written>;
  struct state {};
  static auto decide(const state&, const write&) { return persist(written{}); }
  static auto decide(const state&, const riddle&) { return unhandled(); }
  static void apply(state&, const written&) {}
};

// A dead letter (debug), an open circuit breaker (warning), and one that closes again (info).
void live_through_trouble() {
  auto faults = std::make_shared<testkit::faults>();
  nexus::system sys;
  auto store = nexus::open("memory:", {testkit::faulty(memory_backend(), faults)},
                           {.breaker_failures = 1, .breaker_reset = 0ms});
  entities<note> notes{sys, *store, {.backoff_min = 1ms}};
  EXPECT_FALSE(notes.of("a").ask(note::riddle{}).get(10s));
  faults->inject(fault::fail, operation::append);
  EXPECT_FALSE(notes.of("a").ask(note::write{}).get(10s));
  // During its probe the breaker refuses a second call.
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!notes.of("a").ask(note::write{}).get(10s)) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
  }
}

struct output {
  std::string to_stdout;
  std::string to_stderr;
};

output of(const std::function<void()>& what) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  what();
  return {testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

struct Log : testing::Test {
  void TearDown() override { use_logger(nullptr); }
};

TEST_F(Log, SaysNothingBelowWarningsAndNothingOnStdout) {
  const auto said = of(live_through_trouble);
  EXPECT_EQ(said.to_stdout, "");
  EXPECT_EQ(lines(said.to_stderr), 1u) << said.to_stderr;
  EXPECT_NE(said.to_stderr.find("[nexus] [warning] memory:: 1 failures in a row"),
            std::string::npos)
      << said.to_stderr;
}

TEST_F(Log, SaysMoreWhenAskedTo) {
  set_log_level(log_level::debug);
  const auto said = of(live_through_trouble);
  EXPECT_EQ(said.to_stdout, "");
  EXPECT_NE(said.to_stderr.find("[debug] dead letter for note|a"), std::string::npos)
      << said.to_stderr;
  EXPECT_NE(said.to_stderr.find("[info] memory:: works again"), std::string::npos);
}

TEST_F(Log, SaysNothingAtAllWhenAskedTo) {
  set_log_level(log_level::off);
  EXPECT_EQ(of(live_through_trouble).to_stderr, "");
}

TEST_F(Log, GoesToTheLoggerOfTheProgram) {
  std::ostringstream mine;
  auto logger = std::make_shared<spdlog::logger>(
      "mine", std::make_shared<spdlog::sinks::ostream_sink_mt>(mine));
  logger->set_level(spdlog::level::info);
  use_logger(logger);
  EXPECT_EQ(of(live_through_trouble).to_stderr, "");
  EXPECT_EQ(lines(mine.str()), 2u) << mine.str();
  use_logger(nullptr);
  EXPECT_EQ(lines(of(live_through_trouble).to_stderr), 1u);
}

}  // namespace
