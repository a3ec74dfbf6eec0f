// Offsets of projections in memory.
//
// Threads: any; each call takes the store's lock.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "nexus/projection_storage.hpp"

namespace nexus { inline namespace v0 { namespace memory {

struct kept_projection {
  std::map<std::uint32_t, projection_cell> cells;
  std::map<std::pair<persistence_id, sequence_nr>, projection_failure> failures;
  std::string reads;
  bool paused = false;
};

using kept_projections = std::map<std::pair<std::string, std::int64_t>, kept_projection>;

class memory_projections final : public projection_storage {
 public:
  memory_projections(std::mutex& lock, kept_projections& all, const std::atomic<bool>& interrupted)
      : lock_{lock}, all_{all}, interrupted_{interrupted} {}

  result<std::string> declare(const projection_version& of, std::string_view reads) override {
    return with(of, [&](auto& kept) -> result<std::string> {
      if (kept.reads.empty()) kept.reads = reads;
      return kept.reads;
    });
  }

  result<void> add(const projection_version& of, std::span<const projection_cell> cells) override {
    return with(of, [&](auto& kept) -> result<void> {
      for (const auto& one : cells)
        kept.cells.try_emplace(one.cell, projection_cell{one.cell, one.at});
      return {};
    });
  }

  result<std::vector<projection_cell>> cells(const projection_version& of) override {
    return with(of, [&](auto& kept) -> result<std::vector<projection_cell>> {
      std::vector<projection_cell> found;
      for (const auto& [number, one] : kept.cells) found.push_back(one);
      return found;
    });
  }

  result<std::uint64_t> advance(const projection_version& of, std::string_view owner,
                                const projection_move& move) override {
    return with(of, [&](auto& kept) -> result<std::uint64_t> {
      std::uint64_t moved = 0;
      for (auto at = kept.cells.lower_bound(move.first);
           at != kept.cells.end() && at->first <= move.last; ++at) {
        auto& one = at->second;
        if (one.owner != owner || one.at != move.from) continue;
        one.at = move.to;
        ++one.lease;
        ++moved;
      }
      return moved;
    });
  }

  result<bool> give(const projection_version& of, const projection_cell& seen,
                    std::string_view owner) override {
    return with(of, [&](auto& kept) -> result<bool> {
      auto found = kept.cells.find(seen.cell);
      if (found == kept.cells.end()) return false;
      auto& one = found->second;
      if (one.owner != seen.owner || one.lease != seen.lease) return false;
      one.owner = owner;
      one.wanted_by.clear();
      ++one.lease;
      return true;
    });
  }

  result<bool> want(const projection_version& of, std::uint32_t cell, std::string_view owner,
                    std::string_view who) override {
    return with(of, [&](auto& kept) -> result<bool> {
      auto found = kept.cells.find(cell);
      if (found == kept.cells.end() || found->second.owner != owner) return false;
      if (!found->second.wanted_by.empty()) return false;
      found->second.wanted_by = who;
      return true;
    });
  }

  result<void> end_others(const projection_version& of, std::uint32_t, std::uint32_t) override {
    return with(of, [](auto&) -> result<void> { return {}; });
  }

  result<void> restart(const projection_version& of, std::span<const position> at) override {
    return with(of, [&](auto& kept) -> result<void> {
      for (auto& [number, one] : kept.cells) {
        const auto strand = number / cells_per_strand;
        if (strand < at.size()) one.at = at[strand];
        one.owner.clear();
        one.wanted_by.clear();
        ++one.lease;
      }
      std::erase_if(kept.failures, [&](const auto& one) {
        const auto& failed_at = one.second.at;
        return failed_at.strand < at.size() && !(failed_at <= at[failed_at.strand]);
      });
      return {};
    });
  }

  result<bool> paused(const projection_version& of) override {
    return with(of, [](auto& kept) -> result<bool> { return kept.paused; });
  }
  result<void> pause(const projection_version& of, bool paused) override {
    return with(of, [&](auto& kept) -> result<void> {
      kept.paused = paused;
      return {};
    });
  }

  result<void> add_failure(const projection_version& of,
                           const projection_failure& failure) override {
    return with(of, [&](auto& kept) -> result<void> {
      auto made = failure;
      made.time = wall_clock{}.now();
      kept.failures.insert_or_assign({failure.of, failure.number}, std::move(made));
      return {};
    });
  }
  result<bool> update_failure(const projection_version& of,
                              const projection_failure& failure) override {
    return with(of, [&](auto& kept) -> result<bool> {
      const auto found = kept.failures.find({failure.of, failure.number});
      if (found == kept.failures.end()) return false;
      found->second.error = failure.error;
      found->second.attempts = failure.attempts;
      found->second.time = wall_clock{}.now();
      return true;
    });
  }
  result<std::vector<projection_failure>> failures(const projection_version& of,
                                                   std::size_t max) override {
    return with(of, [&](auto& kept) -> result<std::vector<projection_failure>> {
      std::vector<projection_failure> found;
      for (const auto& [which, one] : kept.failures) {
        if (found.size() == max) break;
        found.push_back(one);
      }
      return found;
    });
  }
  result<std::uint64_t> count_failures(const projection_version& of) override {
    return with(of, [](auto& kept) -> result<std::uint64_t> { return kept.failures.size(); });
  }
  result<bool> remove_failure(const projection_version& of, const persistence_id& id,
                              sequence_nr number) override {
    return with(of, [&](auto& kept) -> result<bool> {
      return kept.failures.erase({id, number}) > 0;
    });
  }

  result<void> forget(const projection_version& of) override {
    return with(of, [](auto& kept) -> result<void> {
      kept = {};
      return {};
    });
  }

  result<std::vector<projection_version>> versions() override {
    std::lock_guard guard{lock_};
    if (interrupted_) return fail(why());
    std::vector<projection_version> found;
    for (const auto& [of, kept] : all_) {
      if (!kept.cells.empty()) found.push_back({of.first, of.second});
    }
    return found;
  }

 private:
  static error why() {
    return {errc::pool_closed, "memory: the session was interrupted: the pool closed"};
  }

  template <class F>
  auto with(const projection_version& of, F f) -> decltype(f(std::declval<kept_projection&>())) {
    std::lock_guard guard{lock_};
    if (interrupted_) return fail(why());
    return f(all_[{of.name, of.version}]);
  }

  std::mutex& lock_;
  kept_projections& all_;
  const std::atomic<bool>& interrupted_;
};

}}}  // namespace nexus::v0::memory
