// The live entities of one type by id, and their order of use.
//
// Threads: any. Sharded by id: there is no common lock, and a command whose sender has a reference
// takes none.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "entity_slot.hpp"
#include "use_order.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class live_entities {
 public:
  using slot = entity_directory::slot;
  using slot_ref = entity_directory::slot_ref;

  [[nodiscard]] slot_ref find(std::string_view id) const;

  /// The slot of `id`, or the result of `make()`, under the shard's lock. `closed` is a slot whose
  /// gate is closed: a new slot takes its place.
  template <class Make>
  [[nodiscard]] result<slot_ref> find_or_add(std::string_view id, const slot_ref& closed,
                                             Make make) {
    auto& s = shard_of(id);
    std::lock_guard guard{s.lock};
    if (auto at = s.slots.find(id); at != s.slots.end()) {
      if (at->second != closed) return at->second;
      erase(s, at);
    }
    result<slot_ref> made = make();
    if (made) {
      s.slots.emplace((*made)->id.id(), *made);
      s.order.add(**made, (*made)->last_used());
    }
    return made;
  }

  void remove(const slot& gone);

  [[nodiscard]] std::vector<slot_ref> all() const;

  /// Calls `f` with each slot.
  void each(const std::function<void(slot&)>& f) const;

  /// Whether `f` returns true for each; stops at the first false.
  [[nodiscard]] bool every(const std::function<bool(const slot&)>& f) const;

  /// The idle slots not used since `cutoff`, now marked as asked to leave; `next` becomes the
  /// earliest known last use of the others, if there are any.
  struct unused {
    std::vector<slot_ref> found;
    steady_time next = steady_time::max();
  };
  [[nodiscard]] unused unused_since(steady_time cutoff, steady_time now);

  /// The idle slot used least recently, marked the same way; null if none is idle.
  [[nodiscard]] slot_ref least_recently_used(steady_time now);

 private:
  struct shard {
    mutable std::mutex lock;
    std::unordered_map<std::string_view, slot_ref> slots;  // the key is in the slot
    use_order order;
  };
  static constexpr std::size_t shards = 64;

  [[nodiscard]] shard& shard_of(std::string_view id) const noexcept {
    return shards_[std::hash<std::string_view>{}(id) % shards];
  }
  static void erase(shard& s, std::unordered_map<std::string_view, slot_ref>::iterator at);
  static bool refresh(shard& s, steady_time now);
  static slot_ref take(shard& s, steady_time now);

  mutable std::array<shard, shards> shards_;
};

}}}
