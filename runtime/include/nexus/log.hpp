// Where Nexus writes its log: one spdlog logger named "nexus".
//
// At its first use it is what the program registered under that name (spdlog::register_logger), else
// one of its own that writes warnings and errors to stderr. Nothing ever goes to stdout.
//
// Threads: any. Throws: nothing.
#pragma once

#include <cstdint>
#include <memory>

namespace spdlog {
class logger;
}

namespace nexus::inline v0 {

enum class log_level : std::uint8_t { debug, info, warning, error, off };

/// Lets messages of `from` and above through, of whichever logger is used now.
void set_log_level(log_level from) noexcept;

/// Logs to `to` from now on, at the level that it has; none: to stderr, from warnings on, as by
/// default. Every logger given here is kept until the process ends, since any thread may be using it.
void use_logger(std::shared_ptr<spdlog::logger> to);

}  // namespace nexus::inline v0
