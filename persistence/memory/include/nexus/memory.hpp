// `memory:`, a journal that keeps everything until it is closed; for tests and trials.
#pragma once

#include "nexus/backend.hpp"

namespace nexus { inline namespace v0 {

[[nodiscard]] backend memory_backend();

}}  // namespace nexus::v0
