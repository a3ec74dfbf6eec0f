// The rules checked after everything has finished.
#pragma once

#include "model_journal.hpp"

namespace nexus::simulation {

/// Compares the answers to callers with the stored events.
void check_history(surroundings& s, const model_journal& journal);

}
