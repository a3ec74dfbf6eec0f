#include "nexus/detail/event_batch.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 { namespace detail {

event_batch::event_batch() = default;
event_batch::~event_batch() = default;

void event_batch::add(event_view event) {
  event.data = keep(event.data);
  event.metadata = keep(event.metadata);
  if (!event.tags.empty()) event.tags = keep(event.tags);
  bytes_ += bytes_of(event);
  events_.push_back(event);
}

void event_batch::truncate(std::size_t size) {
  for (; events_.size() > size; events_.pop_back()) bytes_ -= bytes_of(events_.back());
}

std::unique_ptr<event_batch> event_batch::split(std::size_t size) {
  auto rest = std::make_unique<event_batch>();
  for (auto i = size; i < events_.size(); ++i) rest->add(events_[i]);
  truncate(size);
  return rest;
}

// Events of one command often share their tags and their metadata: they are kept once.

std::span<const std::string_view> event_batch::keep(std::span<const std::string_view> tags) {
  if (!events_.empty() && std::ranges::equal(tags, events_.back().tags)) {
    return events_.back().tags;
  }
  auto* to =
      static_cast<std::string_view*>(arena_.allocate(tags.size_bytes(), alignof(std::string_view)));
  std::uninitialized_copy(tags.begin(), tags.end(), to);
  for (std::size_t i = 0; i < tags.size(); ++i) to[i] = keep(tags[i]);
  return {to, tags.size()};
}

std::string_view event_batch::keep(std::string_view bytes) {
  if (!events_.empty() && bytes == events_.back().metadata) return events_.back().metadata;
  if (bytes.empty()) return {};
  auto* to = static_cast<char*>(arena_.allocate(bytes.size(), 1));
  bytes.copy(to, bytes.size());
  return {to, bytes.size()};
}

}}}
