// Thousands of lives of one entity, each made from a seed. See plan.hpp for the content of a life,
// and CMakeLists.txt for running more, or repeating one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "reference.hpp"
#include "run.hpp"

namespace nexus::simulation { namespace {

// An assertion of the machine ends the program: report at least its seed.
std::array<char, 64> running{};
void tell_seed(int signal) {
  const auto told =
      ::write(STDERR_FILENO, running.data(), std::char_traits<char>::length(running.data()));
  (void)told;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::optional<std::uint64_t> number_from(const char* variable) {
  const char* given = std::getenv(variable);
  if (given == nullptr) return {};
  return std::strtoull(given, nullptr, 10);
}

std::uint64_t seeds(std::uint64_t usually, std::uint64_t when_long) {
  const bool is_long = std::getenv("NEXUS_LONG_TESTS") != nullptr;
  return number_from("NEXUS_SIMULATION_SEEDS").value_or(is_long ? when_long : usually);
}

/// The totals of all runs.
struct total {
  std::uint64_t steps = 0;
  std::uint32_t happened = 0;
  std::uint64_t reached = 0;
  std::uint64_t appends = 0;
  std::uint64_t appends_one_at_a_time = 0;
};

total run_seeds(std::uint64_t count, plan (*plan_of_seed)(std::uint64_t), const runner& runs) {
  for (int s : {SIGABRT, SIGSEGV}) std::signal(s, tell_seed);
  total all;
  const auto only = number_from("NEXUS_SIMULATION_SEED");
  const auto first = only.value_or(1);
  const auto last = only ? first : count;
  for (auto seed = first; seed <= last; ++seed) {
    std::snprintf(running.data(), running.size(), "\nNEXUS_SIMULATION_SEED=%llu\n",
                  static_cast<unsigned long long>(seed));
    const auto p = plan_of_seed(seed);
    if (only) std::cout << to_string(p) << '\n';
    const auto o = only ? runs(p, [](const std::string& line) { std::cout << line << std::endl; })
                        : runs(p, {});
    all.steps += o.steps;
    all.happened |= o.happened;
    all.reached |= o.reached;
    all.appends += o.appends;
    all.appends_one_at_a_time += o.appends_one_at_a_time;
    if (!o.ok()) {
      ADD_FAILURE() << report(p, o, runs);
      break;
    }
  }
  for (int s : {SIGABRT, SIGSEGV}) std::signal(s, SIG_DFL);
  return all;
}

bool one_seed_only() { return std::getenv("NEXUS_SIMULATION_SEED") != nullptr; }

TEST(Simulation, SurvivingStateEqualsASequentialModel) {
  const auto all = run_seeds(seeds(10'000, 200'000), plan_of, run);
  if (one_seed_only() || HasFailure()) return;
  for (int f = 0; f < faults_drawn; ++f) {
    const auto one = static_cast<fault>(f);
    EXPECT_NE(all.happened & bit(one), 0U) << to_string(one) << " never happened";
  }
  EXPECT_EQ(all.reached, (std::uint64_t{1} << landmarks) - 1) << "not every landmark was reached";
  std::cout << all.steps << " steps\n";
}

TEST(Simulation, AHotEntityIsIndistinguishableFromOneAtATimeExecution) {
  const auto all = run_seeds(seeds(5'000, 100'000), hot_plan_of, run_hot);
  if (one_seed_only() || HasFailure()) return;
  EXPECT_LT(all.appends * 3, all.appends_one_at_a_time * 2)
      << "it is faster because it appends less";
}

// A test of the simulator: a lying journal is found, and the failure is reduced.
TEST(Simulation, ALostWriteIsFoundAndMadeSmall) {
  for (std::uint64_t seed = 1; seed < 1'000; ++seed) {
    auto p = plan_of(seed);
    p.faults = bit(fault::lost_write);
    p.fault_permille = 100;
    const auto o = run(p);
    if (o.rule != "what is shown is durable") continue;  // another rule may fail first
    const auto small = shrink(p, o.rule, run);
    std::size_t lines = 0;
    const auto again = run(small, [&](const std::string&) { ++lines; });
    EXPECT_EQ(again.rule, o.rule);
    EXPECT_EQ(small.faults, bit(fault::lost_write));
    EXPECT_LE(again.fates.size(), 4U);
    EXPECT_LE(lines, 40U) << report(p, o, run);
    return;
  }
  FAIL() << "no lost write was found";
}

TEST(Simulation, ASeedIsTheWholeOfARun) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::string first;
    std::string second;
    (void)run(plan_of(seed), [&](const std::string& line) { first += line; });
    (void)run(plan_of(seed), [&](const std::string& line) { second += line; });
    EXPECT_EQ(first, second);
  }
}

}  // namespace
}
