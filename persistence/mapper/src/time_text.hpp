// Times as text: what the mapper writes, and what databases write.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "nexus/clock.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// "2026-01-31T12:00:00.000000Z": in this form texts are ordered as their times are.
[[nodiscard]] std::string text_of(timestamp time);

/// Reads ISO 8601 with T or a blank, none to nine digits of a second, and Z, an offset (+02,
/// +02:00, +0200) or nothing for UTC. None: it is something else.
[[nodiscard]] std::optional<timestamp> time_in(std::string_view text);

}}}
