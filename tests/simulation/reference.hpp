// One-at-a-time execution: each command is decided, stored and answered before the next one starts.
// No machine, no time, no failing storage.
#pragma once

#include "run.hpp"

namespace nexus::simulation {

/// The commands of `ran`, in the order they were sent, executed one at a time.
[[nodiscard]] outcome one_at_a_time(const plan& p, const outcome& ran);

/// The difference between two outcomes of the same commands; empty: none.
[[nodiscard]] std::string difference(const outcome& a, const outcome& b);

/// Runs a plan without faults with 256 undurable commands and with one, and compares both with
/// one-at-a-time execution.
[[nodiscard]] outcome run_hot(const plan& p, const listener& trace = {});

}
