// Runs plans: callers, nodes and a journal in virtual time, then the rules that must hold at the end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "history.hpp"

namespace nexus::simulation {

struct outcome {
  std::string rule;    ///< the first violated rule; empty: none
  std::string detail;  ///< how
  std::uint64_t steps = 0;
  std::uint32_t happened = 0;  ///< faults, a bit each
  std::uint64_t reached = 0;   ///< landmarks, a bit each
  std::uint64_t appends = 0;
  std::uint64_t appends_one_at_a_time = 0;  ///< for the comparison of `run_hot`
  // For comparison with another run of the same commands.
  std::vector<fate> fates{};
  std::vector<std::string> stored{};
  std::vector<command_id> chains{};

  [[nodiscard]] bool ok() const noexcept { return rule.empty(); }
};

using listener = std::function<void(const std::string&)>;

[[nodiscard]] outcome run(const plan& p, const listener& trace = {});

/// A way to run plans: `run`, or one that compares runs.
using runner = std::function<outcome(const plan&, const listener&)>;

/// The smallest plan found for which `runs` violates the same rule.
[[nodiscard]] plan shrink(plan p, const std::string& rule, const runner& runs);

/// The report of a failing plan: the rule, how to repeat it, and a short trace.
[[nodiscard]] std::string report(const plan& p, const outcome& o, const runner& runs);

}
