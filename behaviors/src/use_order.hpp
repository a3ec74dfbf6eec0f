// Slots in the order of their last use, for passivation: a binary heap of the times known so far.
//
// An entity stamps its slot with each message and touches nothing shared; the times in the heap lag
// behind. To find the least recently used slot, look at the top, and renew it if its stamp has
// moved on: since the times of the others lag behind too, a top that has not moved is the oldest of
// all. Equal times are in the order of their renewals, so a clock that stands still does no harm.
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "entity_slot.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class use_order {
 public:
  using slot = entity_directory::slot;

  void add(slot& s, steady_time at) {
    heap_.push_back({at, renewals_++, &s});
    s.place_in_order = static_cast<std::uint32_t>(heap_.size() - 1);
    up(heap_.size() - 1);
  }

  void remove(slot& s) {
    const std::size_t at = s.place_in_order;
    put(at, heap_.back());
    heap_.pop_back();
    if (at < heap_.size()) settle(at);
  }

  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] slot& oldest() const noexcept { return *heap_.front().of; }
  [[nodiscard]] steady_time oldest_known() const noexcept { return heap_.front().at; }

  /// The oldest slot was used at `at`.
  void renew_oldest(steady_time at) {
    heap_.front().at = at;
    heap_.front().renewal = renewals_++;
    down(0);
  }

  /// The number of additions and renewals so far, and the one that gave the oldest slot its time.
  [[nodiscard]] std::uint64_t renewals() const noexcept { return renewals_; }
  [[nodiscard]] std::uint64_t oldest_renewal() const noexcept { return heap_.front().renewal; }

 private:
  struct entry {
    steady_time at;
    std::uint64_t renewal;
    slot* of;

    [[nodiscard]] bool before(const entry& other) const noexcept {
      return at != other.at ? at < other.at : renewal < other.renewal;
    }
  };

  void put(std::size_t at, entry e) {
    heap_[at] = e;
    e.of->place_in_order = static_cast<std::uint32_t>(at);
  }

  void settle(std::size_t at) {
    up(at);
    down(at);
  }

  void up(std::size_t at) {
    const auto moving = heap_[at];
    for (; at > 0 && moving.before(heap_[(at - 1) / 2]); at = (at - 1) / 2) {
      put(at, heap_[(at - 1) / 2]);
    }
    put(at, moving);
  }

  void down(std::size_t at) {
    const auto moving = heap_[at];
    while (true) {
      auto child = 2 * at + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
      if (!heap_[child].before(moving)) break;
      put(at, heap_[child]);
      at = child;
    }
    put(at, moving);
  }

  std::vector<entry> heap_;
  std::uint64_t renewals_ = 0;
};

}}}
