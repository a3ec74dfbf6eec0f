// A program that registered a logger named "nexus" before Nexus first logged.
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <nexus/dead_letters.hpp>
#include <nexus/log.hpp>
#include <sstream>

TEST(RegisteredLog, IsFoundByItsName) {
  std::ostringstream mine;
  auto logger = std::make_shared<spdlog::logger>(
      "nexus", std::make_shared<spdlog::sinks::ostream_sink_mt>(mine));
  spdlog::register_logger(logger);
  nexus::set_log_level(nexus::log_level::debug);
  EXPECT_EQ(logger->level(), spdlog::level::debug);
  nexus::dead_letters letters;
  letters.publish({.target = "account|alice"});
  EXPECT_NE(mine.str().find("dead letter for account|alice"), std::string::npos) << mine.str();
  spdlog::drop("nexus");
  nexus::use_logger(nullptr);
}
