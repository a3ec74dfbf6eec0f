// Index of the file: made from its entries in order, so it is the same in every process.
//
// Threads: the holder of the journal's lock.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <nexus/journal.hpp>
#include <nexus/journal_checks.hpp>
#include <string>
#include <vector>

#include "log_file.hpp"

struct log_index {
  struct stored_event {
    nexus::sequence_nr number = 0;
    nexus::position at;
    place where;
  };
  struct history {
    nexus::sequence_nr highest = 0;   // also when everything was erased
    std::deque<stored_event> events;  // without gaps
  };
  struct head_of_state {
    nexus::sequence_nr version = 0;
    bool erased = false;
    place where;
  };

  std::map<std::string, history> histories;
  std::map<nexus::position, std::pair<std::string, place>> order;
  std::map<std::string, std::map<nexus::sequence_nr, place>> snapshots;
  std::map<std::string, head_of_state> states;
  std::uint64_t last_position = 0;

  void apply(const entry& e, place where) {
    if (e.of == entry::event) {
      auto& into = histories[e.id];
      const nexus::position at{0, ++last_position};
      into.highest = e.number;
      into.events.push_back({e.number, at, where});
      order.emplace_hint(order.end(), at, std::pair{e.id, where});
    } else if (e.of == entry::erase_events) {
      auto& events = histories[e.id].events;
      for (; !events.empty() && events.front().number <= e.number; events.pop_front()) {
        order.erase(events.front().at);
      }
    } else if (e.of == entry::snapshot) {
      snapshots[e.id][e.number] = where;
    } else if (e.of == entry::erase_snapshots) {
      std::erase_if(snapshots[e.id],
                    [&](const auto& one) { return e.from <= one.first && one.first <= e.number; });
    } else if (e.of == entry::state) {
      states[e.id] = {e.number, e.erased, where};
    }
  }

  [[nodiscard]] nexus::sequence_nr highest(const nexus::persistence_id& id) const {
    const auto found = histories.find(id.str());
    return found == histories.end() ? 0 : found->second.highest;
  }
  [[nodiscard]] nexus::sequence_nr version(const nexus::persistence_id& id) const {
    const auto found = states.find(id.str());
    return found == states.end() ? 0 : found->second.version;
  }

  [[nodiscard]] const std::map<nexus::sequence_nr, place>& snapshots_of(
      const nexus::persistence_id& id) const {
    static const std::map<nexus::sequence_nr, place> none;
    const auto found = snapshots.find(id.str());
    return found == snapshots.end() ? none : found->second;
  }

  /// The events numbered from..to, at most `max`.
  [[nodiscard]] std::vector<stored_event> range(const nexus::persistence_id& id,
                                                nexus::sequence_nr from, nexus::sequence_nr to,
                                                std::size_t max) const {
    std::vector<stored_event> found;
    const auto of = histories.find(id.str());
    if (of == histories.end() || of->second.events.empty()) return found;
    const auto& events = of->second.events;
    const auto first = events.front().number;
    for (auto n = std::max(from, first); n <= std::min(to, of->second.highest); ++n) {
      if (found.size() == max) break;
      found.push_back(events[n - first]);
    }
    return found;
  }

  /// The ids of `type` in `map`, after `after`, for which `wanted` returns true.
  template <class Map, class Wanted>
  static std::vector<nexus::persistence_id> list(const Map& map, std::string_view type,
                                                 std::string_view after, std::size_t max,
                                                 Wanted wanted) {
    std::vector<nexus::persistence_id> found;
    if (!nexus::may_have_ids(type)) return found;
    const auto prefix = type.empty() ? std::string{} : std::string{type} + "|";
    for (auto at = map.upper_bound(prefix + std::string{after}); at != map.end(); ++at) {
      if (found.size() == max || !at->first.starts_with(prefix)) break;
      if (wanted(at->second)) found.push_back(*nexus::persistence_id::parse(at->first));
    }
    return found;
  }
};
