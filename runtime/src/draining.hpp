// Decides whether work in flight is over, or makes no progress. It uses only the clock it is given.
//
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "nexus/shutdown.hpp"

namespace nexus { inline namespace v0 {

class draining {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  /// Null: work is never given up.
  using clock = std::function<time_point()>;
  using participants = std::vector<std::shared_ptr<shutdown_participant>>;

  enum class verdict : std::uint8_t { goes_on, over, stuck };

  explicit draining(clock now) : now_{std::move(now)} {}

  /// `storage_is_quiet` tells whether no storage is at work that could bring progress.
  [[nodiscard]] verdict look(const participants& all,
                             const std::function<bool()>& storage_is_quiet);

 private:
  struct seen {
    const shutdown_participant* who;
    std::uint64_t admitted;
    std::uint64_t advanced;
  };
  struct window {
    time_point begun;
    std::vector<seen> then;
  };

  [[nodiscard]] bool is_stuck(const participants& busy, const std::vector<seen>& now,
                              const std::function<bool()>& storage_is_quiet);

  const clock now_;
  std::vector<seen> before_;
  bool was_quiet_ = false;
  std::optional<window> window_;
};

}}  // namespace nexus::v0
