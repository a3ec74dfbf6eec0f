// The data of the memory backend, and the changes by requests.
//
// Threads: the holder of the store's lock.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "nexus/commit_signal.hpp"
#include "nexus/journal.hpp"
#include "nexus/journal_checks.hpp"

namespace nexus { inline namespace v0 { namespace memory {

inline constexpr journal_limits limits_of_memory{};

struct record {
  std::shared_ptr<const persistence_id> of;  // one for all records of an id
  sequence_nr number;
  position at;
  ulid writer;
  std::string type;
  std::uint32_t schema_version;
  std::string codec;
  std::string data;
  std::string metadata;
  timestamp time;
  std::vector<std::string> tags;        // distinct and sorted
  std::vector<std::string_view> shown;  // the same, as views

  record(std::shared_ptr<const persistence_id> whose, sequence_nr nr, position where,
         const ulid& who, const event_view& event)
      : of{std::move(whose)},
        number{nr},
        at{where},
        writer{who},
        type{event.type},
        schema_version{event.schema_version},
        codec{event.codec},
        data{event.data},
        metadata{event.metadata},
        time{event.time} {
    for (auto tag : sorted_tags(event.tags)) tags.emplace_back(tag);
    shown.assign(tags.begin(), tags.end());
  }
  record(const record&) = delete;
  record& operator=(const record&) = delete;

  event_view event() const { return {type, schema_version, codec, data, metadata, time, shown}; }
  record_view view() const { return {number, at, writer, event()}; }
};

/// An id's records; erased ones are missing at the front, while `highest` stays. Shared, so that a
/// replay keeps its records without holding the lock.
struct history {
  std::shared_ptr<const persistence_id> id;
  sequence_nr highest = 0;
  std::deque<std::shared_ptr<const record>> records;

  sequence_nr first() const { return highest - records.size() + 1; }
};

struct memory_store {
  std::mutex lock;
  const std::shared_ptr<commit_signal> appended = std::make_shared<commit_signal>();
  std::uint64_t last_position = 0;
  // Ordered bytewise by the whole `type|id`, the order in which `ids` lists.
  std::map<std::string, history, std::less<>> histories;
  std::map<position, std::shared_ptr<const record>> journal;  // the same records, of all ids
  std::map<std::string, std::map<sequence_nr, stored_snapshot>, std::less<>> snapshots;
  std::map<std::string, stored_state, std::less<>> states;
};

inline const history& history_of(const memory_store& s, const persistence_id& id) {
  static const history none;
  auto found = s.histories.find(id.str());
  return found == s.histories.end() ? none : found->second;
}

inline append_outcome append_one(memory_store& s, const append_request& request) {
  if (auto fault = fault_of(request, limits_of_memory)) return rejected{*std::move(fault)};
  if (auto why = refusal(request, history_of(s, request.id).highest)) return *std::move(why);
  auto& into = s.histories[request.id.str()];
  if (!into.id) into.id = std::make_shared<const persistence_id>(request.id);
  for (const auto& event : request.events) {
    position at{.major = 0, .minor = ++s.last_position};
    auto made = std::make_shared<const record>(into.id, ++into.highest, at, request.writer, event);
    s.journal.emplace_hint(s.journal.end(), at, made);
    into.records.push_back(std::move(made));
  }
  return stored{into.records.back()->at};
}

inline append_outcome upsert_one(memory_store& s, const upsert_request& request) {
  if (auto fault = fault_of(request, limits_of_memory)) return rejected{*std::move(fault)};
  auto found = s.states.find(request.id.str());
  const auto version = found == s.states.end() ? 0 : found->second.version;
  if (request.expected != version) return conflict{version};
  auto& into = s.states[request.id.str()];
  const auto value = request.value.value_or(state_view{.codec = {}});
  into = {request.next,
          !request.value,
          std::string{value.type},
          value.schema_version,
          std::string{value.codec},
          std::string{value.data},
          request.writer,
          request.time};
  return stored{};
}

/// Up to `max` ids of `type` in `from`, after `after`, for which `wanted` returns true.
template <class Map, class Wanted>
std::vector<persistence_id> list(const Map& from, std::string_view type, std::string_view after,
                                 std::size_t max, Wanted wanted) {
  if (!may_have_ids(type)) return {};
  auto prefix = type.empty() ? std::string{} : fmt::format("{}|", type);
  std::vector<persistence_id> found;
  auto at = from.upper_bound(fmt::format("{}{}", prefix, after));
  for (; at != from.end() && found.size() < max; ++at) {
    if (!at->first.starts_with(prefix)) break;
    if (wanted(at->second)) found.push_back(persistence_id::parse(at->first).value());
  }
  return found;
}

}}}  // namespace nexus::v0::memory
