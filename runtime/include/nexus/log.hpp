// The log of Nexus: one spdlog logger named "nexus".
//
// The first use takes the logger that the program registered under that name
// (spdlog::register_logger); without one, Nexus makes a logger that writes warnings and errors to
// stderr. Nexus never writes to stdout.
//
// Threads: any. Throws: nothing.
#pragma once

#include <cstdint>
#include <memory>

namespace spdlog {
class logger;
}

namespace nexus { inline namespace v0 {

enum class log_level : std::uint8_t { debug, info, warning, error, off };

/// Sets the level of the logger in use: messages of level `from` and above are written.
void set_log_level(log_level from) noexcept;

/// Logs to `to` from now on, at the level of that logger; null: to stderr, warnings and above, as
/// by default. Each logger given here is kept until the process ends, since any thread may be using
/// it.
void use_logger(std::shared_ptr<spdlog::logger> to);

}}  // namespace nexus::v0
