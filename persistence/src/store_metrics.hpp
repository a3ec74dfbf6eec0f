// The metrics of a store's writers. The store samples the rest: queues and circuit breaker.
//
// Threads: any.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "nexus/journal.hpp"
#include "nexus/metrics.hpp"

namespace nexus { inline namespace v0 {

class store_metrics {
 public:
  /// Counts into `in`; null: into a new registry.
  store_metrics(std::shared_ptr<metrics> in, const std::string& journal);

  const std::shared_ptr<metrics> registry;
  const metric_labels labels;

  void waited(std::span<const double> seconds_in_queue) noexcept;
  void committed(std::size_t requests, std::size_t events, std::chrono::nanoseconds took) noexcept;
  void appended(std::span<const append_outcome> outcomes) noexcept;
  void settled(const result<settlement>& what) noexcept;
  void saved(const result<void>& what, std::size_t snapshots) noexcept;

 private:
  [[nodiscard]] counter* count(std::string_view name, std::string_view help,
                               std::string_view outcome) const;

  histogram& queue_seconds_;
  histogram& commit_seconds_;
  histogram& batch_requests_;
  histogram& batch_events_;
  std::array<counter*, 6> appends_;      // in the order of append_outcome
  std::array<counter*, 4> settlements_;  // in the order of settlement; then failures
  std::array<counter*, 2> snapshots_;    // failed, saved
};

}}  // namespace nexus::v0
