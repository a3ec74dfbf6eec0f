// What one-at-a-time execution gives: each command is decided, stored and answered before the next one
// is looked at. No machine, no time, no storage that fails.
#pragma once

#include "run.hpp"

namespace nexus::simulation {

/// The commands of `ran`, in the order they were sent, executed one at a time.
[[nodiscard]] outcome one_at_a_time(const plan& p, const outcome& ran);

/// Where two outcomes of the same commands differ; empty: nowhere.
[[nodiscard]] std::string difference(const outcome& a, const outcome& b);

/// Runs a plan without faults with 256 undurable commands and with one, and compares both with
/// one-at-a-time execution.
[[nodiscard]] outcome run_hot(const plan& p, const listener& trace = {});

}
