// The logger itself, for source files that link spdlog.
#pragma once

#include <spdlog/logger.h>

#include <utility>

#include "nexus/log.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Reports a lost line on stderr, once per process.
void note_lost_line() noexcept;

/// For threads of Nexus: if a program's sink, formatter or error handler throws, only the line is
/// lost.
class logging {
 public:
  explicit logging(spdlog::logger& to) noexcept : to_{to} {}

  template <class... Args>
  void debug(spdlog::format_string_t<Args...> text, Args&&... args) const noexcept {
    write(spdlog::level::debug, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(spdlog::format_string_t<Args...> text, Args&&... args) const noexcept {
    write(spdlog::level::info, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warn(spdlog::format_string_t<Args...> text, Args&&... args) const noexcept {
    write(spdlog::level::warn, text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(spdlog::format_string_t<Args...> text, Args&&... args) const noexcept {
    write(spdlog::level::err, text, std::forward<Args>(args)...);
  }

 private:
  template <class... Args>
  void write(spdlog::level::level_enum at, spdlog::format_string_t<Args...> text,
             Args&&... args) const noexcept {
    try {
      to_.log(at, text, std::forward<Args>(args)...);
    } catch (...) {
      note_lost_line();
    }
  }

  spdlog::logger& to_;
};

[[nodiscard]] logging log() noexcept;

}}}
