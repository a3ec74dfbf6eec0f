// The logger itself, for sources that link spdlog.
#pragma once

#include <spdlog/logger.h>

#include "nexus/log.hpp"

namespace nexus::inline v0::detail {

[[nodiscard]] spdlog::logger& log() noexcept;

}
