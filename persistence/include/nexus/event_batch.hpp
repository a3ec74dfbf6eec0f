// Encoded events on their way to a journal: owns their bytes and shows them as views.
//
// Threads: one at a time.
#pragma once

#include <algorithm>
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
  event_batch() = default;
  event_batch(const event_batch&) = delete;
  event_batch& operator=(const event_batch&) = delete;

  /// Copies `data`, `metadata` and `tags`; `type` and `codec` must outlive the batch.
  void add(event_view event) {
    event.data = keep(event.data);
    event.metadata = keep(event.metadata);
    if (!event.tags.empty()) event.tags = keep(event.tags);
    bytes_ += bytes_of(event);
    events_.push_back(event);
  }

  /// Drops the events from index `size` on.
  void truncate(std::size_t size) {
    for (; events_.size() > size; events_.pop_back()) bytes_ -= bytes_of(events_.back());
  }

  /// Moves the events from index `size` on into a new batch.
  [[nodiscard]] std::unique_ptr<event_batch> split(std::size_t size) {
    auto rest = std::make_unique<event_batch>();
    for (auto i = size; i < events_.size(); ++i) rest->add(events_[i]);
    truncate(size);
    return rest;
  }

  [[nodiscard]] std::span<const event_view> events() const noexcept { return events_; }
  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
  /// The size of data, metadata and tags.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  // Events of one command often share their tags too.
  std::span<const std::string_view> keep(std::span<const std::string_view> tags) {
    if (!events_.empty() && std::ranges::equal(tags, events_.back().tags)) {
      return events_.back().tags;
    }
    auto* to = static_cast<std::string_view*>(
        arena_.allocate(tags.size_bytes(), alignof(std::string_view)));
    std::uninitialized_copy(tags.begin(), tags.end(), to);
    for (std::size_t i = 0; i < tags.size(); ++i) to[i] = keep(tags[i]);
    return {to, tags.size()};
  }

  std::string_view keep(std::string_view bytes) {
    // Events of one command often share their metadata: store it once.
    if (!events_.empty() && bytes == events_.back().metadata) return events_.back().metadata;
    if (bytes.empty()) return {};
    auto* to = static_cast<char*>(arena_.allocate(bytes.size(), 1));
    bytes.copy(to, bytes.size());
    return {to, bytes.size()};
  }

  std::pmr::monotonic_buffer_resource arena_{512};
  std::vector<event_view> events_;
  std::size_t bytes_ = 0;
};

}  // namespace nexus::inline v0
