// Encoded events on their way to a journal: owns their bytes and shows them as views.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class event_batch {
 public:
  event_batch();
  ~event_batch();
  event_batch(const event_batch&) = delete;
  event_batch& operator=(const event_batch&) = delete;

  /// Copies `data`, `metadata` and `tags`; `type` and `codec` must outlive the batch.
  void add(event_view event);

  /// Drops the events from index `size` on.
  void truncate(std::size_t size);

  /// Moves the events from index `size` on into a new batch.
  [[nodiscard]] std::unique_ptr<event_batch> split(std::size_t size);

  [[nodiscard]] std::span<const event_view> events() const noexcept { return events_; }
  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
  /// Nothing was ever added.
  [[nodiscard]] bool is_unused() const noexcept { return events_.capacity() == 0; }
  /// The size of data, metadata and tags.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::string_view> keep(std::span<const std::string_view> tags);
  std::string_view keep(std::string_view bytes);

  // Most batches have one small event, and need no more memory than the object has.
  alignas(event_view) std::array<std::byte, 512> first_;
  std::pmr::monotonic_buffer_resource arena_{first_.data(), first_.size()};
  std::pmr::vector<event_view> events_{&arena_};
  std::size_t bytes_ = 0;
};

}}}
