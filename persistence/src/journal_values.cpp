#include "nexus/journal_values.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "text.hpp"

namespace nexus { inline namespace v0 {
namespace {

/// The error in a tag; empty if it is valid.
std::string fault_of_tag(std::string_view tag) {
  if (tag.empty()) return "is empty";
  if (tag.size() > event_view::tag_bytes_max) {
    return fmt::format("has {} bytes, at most {} are allowed", tag.size(),
                       event_view::tag_bytes_max);
  }
  if (tag.find('\0') != std::string_view::npos) return "contains a NUL byte";
  if (!is_utf8(tag)) return "is not valid UTF-8";
  return {};
}

constexpr auto time_out_of_range = "its time is out of the range that the journal can store";

std::string fault_of_tags(std::span<const std::string_view> tags) {
  if (tags.size() > event_view::tags_max) {
    return fmt::format("an event with {} tags, at most {} are allowed", tags.size(),
                       event_view::tags_max);
  }
  for (const auto& tag : tags) {
    if (auto fault = fault_of_tag(tag); !fault.empty()) {
      return fmt::format("the tag \"{}\" {}", shown(tag), fault);
    }
  }
  return {};
}

/// The error in a change of an alarm; empty if it is valid.
std::string fault_of_due(const due_change& change, const journal_limits& max) {
  if (change.what != due_change::kind::set || max.take(change.at)) return {};
  return "its alarm's time is out of the range that the journal can store";
}

constexpr auto alarm_of_nothing = "an alarm of an id of which nothing is stored";

}  // namespace

std::optional<error> fault_of(const append_request& request, const journal_limits& max) {
  auto refuse = [&](errc code, std::string_view why) {
    return error{code,
                 fmt::format("append to {} after {}: {}", request.id.str(), request.expected, why)};
  };
  if (auto fault = fault_of_due(request.due, max); !fault.empty()) {
    return refuse(errc::invalid_argument, fault);
  }
  const auto count = request.events.size();
  if (count == 0 && !request.due) return refuse(errc::invalid_argument, "no events");
  if (count == 0 && request.expected == 0) return refuse(errc::invalid_argument, alarm_of_nothing);
  if (count > max.request_events_max) {
    return refuse(errc::too_large,
                  fmt::format("{} events, at most {} are allowed", count, max.request_events_max));
  }
  std::size_t bytes = 0;
  for (const auto& event : request.events) {
    if (auto fault = fault_of(event, max)) return refuse(fault->code, fault->message);
    bytes += bytes_of(event);
  }
  if (bytes > max.request_bytes_max) {
    return refuse(errc::too_large, fmt::format("events of {} bytes, at most {} are allowed", bytes,
                                               max.request_bytes_max));
  }
  return std::nullopt;
}

std::optional<error> fault_of(const event_view& event, const journal_limits& max) {
  const auto largest = std::max({event.data.size(), event.metadata.size(), event.type.size()});
  if (largest > max.payload_bytes_max) {
    return error{errc::too_large, fmt::format("an event of {} bytes, at most {} are allowed",
                                              largest, max.payload_bytes_max)};
  }
  if (!max.take(event.time)) return error{errc::invalid_argument, time_out_of_range};
  if (event.tags.empty()) return std::nullopt;
  if (auto fault = fault_of_tags(event.tags); !fault.empty()) {
    return error{errc::invalid_argument, std::move(fault)};
  }
  return std::nullopt;
}

std::optional<error> fault_of(const upsert_request& request, const journal_limits& max) {
  auto refuse = [&](errc code, std::string_view why) {
    return error{code, fmt::format("state {} of {}: {}", request.next, request.id.str(), why)};
  };
  if (auto fault = fault_of_due(request.due, max); !fault.empty()) {
    return refuse(errc::invalid_argument, fault);
  }
  if (request.only_due() && request.expected == 0) {
    return refuse(errc::invalid_argument, alarm_of_nothing);
  }
  if (!request.only_due() && request.next <= request.expected) {
    return refuse(errc::invalid_argument,
                  fmt::format("the version is not past {}", request.expected));
  }
  if (request.next > sequence_nr_max) {
    return refuse(errc::invalid_argument, "the version is past the highest possible one");
  }
  if (request.only_due()) return std::nullopt;
  if (!max.take(request.time)) return refuse(errc::invalid_argument, time_out_of_range);
  if (!request.value) return std::nullopt;
  const auto largest = std::max(request.value->data.size(), request.value->type.size());
  if (largest > max.payload_bytes_max) {
    return refuse(errc::too_large,
                  fmt::format("{} bytes, at most {} are allowed", largest, max.payload_bytes_max));
  }
  return std::nullopt;
}

std::vector<std::string_view> sorted_tags(std::span<const std::string_view> tags) {
  std::vector<std::string_view> sorted{tags.begin(), tags.end()};
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

}}  // namespace nexus::v0
