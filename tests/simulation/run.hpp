// Runs plans: callers, nodes and a journal in virtual time, then the rules that must hold at the end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "history.hpp"

namespace nexus::simulation {

struct outcome {
  std::string rule;    ///< the first that was broken; empty: all is well
  std::string detail;  ///< how
  std::uint64_t steps = 0;
  std::uint32_t happened = 0;  ///< faults, a bit each
  std::uint32_t reached = 0;   ///< landmarks, likewise
  std::uint64_t appends = 0;
  std::uint64_t appends_one_at_a_time = 0;  ///< what `run_hot` compared with
  // What there is to compare with another run of the same commands.
  std::vector<fate> fates{};
  std::vector<std::string> stored{};
  std::vector<command_id> chains{};

  [[nodiscard]] bool ok() const noexcept { return rule.empty(); }
};

using listener = std::function<void(const std::string&)>;

[[nodiscard]] outcome run(const plan& p, const listener& trace = {});

/// A way to run plans: `run`, or one that compares runs.
using runner = std::function<outcome(const plan&, const listener&)>;

/// The smallest plan found with which `runs` breaks the same rule.
[[nodiscard]] plan shrink(plan p, const std::string& rule, const runner& runs);

/// What to print of a plan that fails: the rule, how to repeat it, and a short trace.
[[nodiscard]] std::string report(const plan& p, const outcome& o, const runner& runs);

}
