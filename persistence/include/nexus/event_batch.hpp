// Encoded events on their way to a journal: owns their bytes, shows them as views.
//
// Threads: belongs to one at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "nexus/journal.hpp"

namespace nexus::inline v0 {

class event_batch {
 public:
  event_batch();
  ~event_batch();
  event_batch(const event_batch&) = delete;
  event_batch& operator=(const event_batch&) = delete;

  /// Copies `data`, `metadata` and `tags`; `type` and `codec` must be literals or outlive the batch.
  void add(event_view event);

  /// Forgets the events from number `size` on.
  void truncate(std::size_t size);

  /// Takes the events from number `size` on away, into a batch of their own.
  [[nodiscard]] std::unique_ptr<event_batch> split(std::size_t size);

  [[nodiscard]] std::span<const event_view> events() const noexcept { return events_; }
  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
  /// Of data, metadata and tags.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::string_view> keep(std::span<const std::string_view> tags);
  std::string_view keep(std::string_view bytes);

  std::pmr::monotonic_buffer_resource arena_{512};
  std::vector<event_view> events_;
  std::size_t bytes_ = 0;
};

}  // namespace nexus::inline v0
