#include "nexus/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>

#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 {
namespace {

using logger_ptr = std::shared_ptr<spdlog::logger>;

std::atomic<spdlog::logger*> current{nullptr};

// Not registered, so spdlog's global level does not apply and the program may use the name.
logger_ptr make_default() {
  auto made = std::make_shared<spdlog::logger>(
      "nexus", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  made->set_level(spdlog::level::warn);
  return made;
}

// Never destroyed: threads log until the end.
void use(logger_ptr next, bool if_first) {
  static auto& lock = *new std::mutex;
  static auto& kept = *new std::vector<logger_ptr>;
  std::lock_guard guard{lock};
  if (if_first && current.load() != nullptr) return;
  kept.push_back(std::move(next));
  current.store(kept.back().get(), std::memory_order_release);
}

spdlog::logger& logger() {
  if (auto* now = current.load(std::memory_order_acquire)) return *now;
  auto registered = spdlog::get("nexus");
  use(registered ? std::move(registered) : make_default(), true);
  return *current.load(std::memory_order_acquire);
}

}  // namespace

detail::logging detail::log() noexcept { return logging{logger()}; }

void detail::note_lost_line() noexcept {
  static std::atomic<bool> told{false};
  if (!told.exchange(true)) std::fputs("nexus: the logger threw, and a line is lost\n", stderr);
}

void set_log_level(log_level from) noexcept {
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                         spdlog::level::warn, spdlog::level::err,
                                                         spdlog::level::off};
  logger().set_level(levels[static_cast<std::size_t>(from)]);
}

void use_logger(std::shared_ptr<spdlog::logger> to) {
  use(to ? std::move(to) : make_default(), false);
}

}}  // namespace nexus::v0
