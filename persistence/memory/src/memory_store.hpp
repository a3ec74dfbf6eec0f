// The data of the memory backend, and the changes by requests.
//
// Threads: the holder of the store's lock.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "memory_alarms.hpp"
#include "memory_projections.hpp"
#include "nexus/commit_signal.hpp"
#include "nexus/document_storage.hpp"
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

struct state {
  persistence_id id;
  position at;  // of the last change
  stored_state value;

  changed_state view() const { return changed_as(value, at); }
};

struct indexed_document {
  stored_document value;
  std::vector<std::string> indexed;  // the fields that its writer indexed
  std::vector<indexed_value> values;
};
using documents = std::map<std::string, std::shared_ptr<const indexed_document>, std::less<>>;

/// The numbering of a new journal. Two journals have the same one with a probability of 2^-63.
inline std::uint64_t new_epoch() {
  std::random_device random;
  return (std::uint64_t{random()} << 31 ^ random()) | 1;
}

struct memory_store {
  explicit memory_store(std::uint64_t numbering) : epoch{numbering} {}

  std::mutex lock;
  const std::uint64_t epoch;
  const std::shared_ptr<commit_signal> appended = std::make_shared<commit_signal>();
  std::uint64_t last_position = 0;
  std::uint64_t last_erased = 0;  // the highest position of an erased event
  std::uint64_t last_change = 0;  // of states
  // Ordered bytewise by the whole `type|id`, the order in which `ids` lists.
  std::map<std::string, history, std::less<>> histories;
  std::map<std::uint64_t, std::shared_ptr<const record>> journal;  // the same records, of all ids
  std::map<std::string, std::map<sequence_nr, stored_snapshot>, std::less<>> snapshots;
  std::map<std::string, std::shared_ptr<const state>, std::less<>> states;
  std::map<std::uint64_t, std::shared_ptr<const state>> changes;  // the same, by their last changes
  std::map<std::string, stored_reader, std::less<>> readers;
  std::map<persistence_id, sequence_nr> to_prune;             // what readers hold back
  std::map<std::string, documents, std::less<>> collections;  // bytewise by id
  kept_projections projections;
  kept_alarms alarms;

  position at(std::uint64_t minor) const { return {.epoch = epoch, .minor = minor}; }

  /// The reader that has read least; null if none is registered.
  const stored_reader* slowest() const {
    auto behind = [](const auto& a, const auto& b) { return a.second.at < b.second.at; };
    auto found = std::min_element(readers.begin(), readers.end(), behind);
    return found == readers.end() ? nullptr : &found->second;
  }
};

inline error why_interrupted() {
  return {errc::pool_closed, "memory: the session was interrupted: the pool closed"};
}

inline const history& history_of(const memory_store& s, const persistence_id& id) {
  static const history none;
  auto found = s.histories.find(id.str());
  return found == s.histories.end() ? none : found->second;
}

inline append_outcome append_one(memory_store& s, const append_request& request) {
  if (auto fault = fault_of(request, limits_of_memory)) return rejected{*std::move(fault)};
  if (auto why = refusal(request, history_of(s, request.id).highest)) return *std::move(why);
  s.alarms.change(request.id, request.due, request.writer);
  if (request.only_due()) return stored{};
  auto& into = s.histories[request.id.str()];
  if (!into.id) into.id = std::make_shared<const persistence_id>(request.id);
  for (const auto& event : request.events) {
    const auto at = s.at(++s.last_position);
    auto made = std::make_shared<const record>(into.id, ++into.highest, at, request.writer, event);
    s.journal.emplace_hint(s.journal.end(), at.minor, made);
    into.records.push_back(std::move(made));
  }
  return stored{into.records.back()->at};
}

inline append_outcome upsert_one(memory_store& s, const upsert_request& request) {
  if (auto fault = fault_of(request, limits_of_memory)) return rejected{*std::move(fault)};
  auto found = s.states.find(request.id.str());
  const auto version = found == s.states.end() ? 0 : found->second->value.version;
  if (request.expected != version) return conflict{version};
  s.alarms.change(request.id, request.due, request.writer);
  if (request.only_due()) return stored{};
  const auto value = request.value.value_or(state_view{.codec = {}});
  auto made = std::make_shared<const state>(
      state{request.id,
            s.at(++s.last_change),
            {request.next, !request.value, std::string{value.type}, value.schema_version,
             std::string{value.codec}, std::string{value.data}, request.writer, request.time}});
  auto& into = s.states[request.id.str()];
  if (into) s.changes.erase(into->at.minor);
  s.changes.emplace_hint(s.changes.end(), made->at.minor, made);
  into = std::move(made);
  return stored{into->at};
}

/// Removes the id's alarm if events of it were erased, and neither events nor snapshots are left.
inline void remove_bare_alarm(memory_store& s, const persistence_id& id) {
  const auto& events = history_of(s, id);
  const auto snapshots = s.snapshots.find(id.str());
  const bool saved = snapshots != s.snapshots.end() && !snapshots->second.empty();
  if (events.highest > 0 && events.records.empty() && !saved) s.alarms.remove(id);
}

/// Erases the id's events up to `to`, as far as the slowest reader allows. Returns the reader that
/// holds others back, if there are some.
inline const stored_reader* erase(memory_store& s, const persistence_id& id, sequence_nr to,
                                  erasing how) {
  const auto found = s.histories.find(id.str());
  if (found == s.histories.end()) return nullptr;
  const auto* slowest = how == erasing::forced ? nullptr : s.slowest();
  auto& from = found->second;
  while (!from.records.empty() && from.first() <= to) {
    const auto at = from.records.front()->at;
    if (slowest != nullptr && at > slowest->at) return slowest;
    s.last_erased = std::max(s.last_erased, at.minor);
    s.journal.erase(at.minor);
    from.records.pop_front();
  }
  remove_bare_alarm(s, id);
  return nullptr;
}

/// Up to `max` of the ids `which` in `from` for which `wanted` returns true.
template <class Map, class Wanted>
std::vector<persistence_id> list(const Map& from, const id_filter& which, std::size_t max,
                                 Wanted wanted) {
  if (!may_have_ids(which.type)) return {};
  const auto type = which.type.empty() ? std::string{} : fmt::format("{}|", which.type);
  const auto prefix = fmt::format("{}{}", type, which.prefix);
  std::vector<persistence_id> found;
  const auto after = fmt::format("{}{}", type, which.after);
  auto at = after < prefix ? from.lower_bound(prefix) : from.upper_bound(after);
  for (; at != from.end() && found.size() < max; ++at) {
    if (!at->first.starts_with(prefix)) break;
    if (wanted(at->second)) found.push_back(persistence_id::parse(at->first).value());
  }
  return found;
}

}}}  // namespace nexus::v0::memory
