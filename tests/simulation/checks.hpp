// The rules that are checked when everything has come to rest.
#pragma once

#include "model_journal.hpp"

namespace nexus::simulation {

/// Compares what callers were told with what is stored.
void check_history(surroundings& s, const model_journal& journal);

}
