// Encoded events on their way to a journal: owns their bytes, shows them as views.
//
// Threads: belongs to one at a time.
#pragma once

#include <cstddef>
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

  /// Copies `data` and `metadata`; `type` and `codec` must be literals or outlive the batch.
  void add(event_view event) {
    event.data = keep(event.data);
    event.metadata = keep(event.metadata);
    bytes_ += event.data.size() + event.metadata.size();
    events_.push_back(event);
  }

  /// Forgets the events from number `size` on.
  void truncate(std::size_t size) {
    for (; events_.size() > size; events_.pop_back()) {
      bytes_ -= events_.back().data.size() + events_.back().metadata.size();
    }
  }

  [[nodiscard]] std::span<const event_view> events() const noexcept { return events_; }
  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::string_view keep(std::string_view bytes) {
    // Events of one command often share their metadata: keep it once.
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
