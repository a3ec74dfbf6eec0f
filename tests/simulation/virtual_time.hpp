// Time that passes only when nothing is left to do at the current moment.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "random.hpp"

namespace nexus::simulation {

/// Microseconds since the run began.
using vtime = std::uint64_t;

/// Tasks in order of time; the seed orders tasks of one moment.
class virtual_time {
 public:
  using task = std::function<void()>;

  explicit virtual_time(std::uint64_t seed) : seed_{seed} {}

  [[nodiscard]] vtime now() const noexcept { return now_; }

  void at(vtime when, task what) {
    ++made_;
    heap_.push_back({std::max(when, now_), mix(seed_ ^ mix(made_)), std::move(what)});
    std::push_heap(heap_.begin(), heap_.end(), later{});
  }
  void after(vtime delay, task what) { at(now_ + delay, std::move(what)); }

  /// Performs the next task; false if there is none.
  bool step() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later{});
    auto next = std::move(heap_.back());
    heap_.pop_back();
    now_ = next.when;
    next.what();
    return true;
  }

 private:
  struct entry {
    vtime when;
    std::uint64_t tie;
    task what;
  };
  struct later {
    bool operator()(const entry& a, const entry& b) const noexcept {
      return a.when != b.when ? a.when > b.when : a.tie > b.tie;
    }
  };

  std::uint64_t seed_;
  std::uint64_t made_ = 0;
  vtime now_ = 0;
  std::vector<entry> heap_;
};

}
