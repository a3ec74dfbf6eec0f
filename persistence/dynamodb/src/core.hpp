// What all sessions of one open journal share.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "address.hpp"
#include "endpoint.hpp"
#include "kept_back.hpp"
#include "nexus/commit_signal.hpp"
#include "nexus/journal_values.hpp"
#include "values.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

// The limits of DynamoDB:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Limits.html
inline constexpr std::size_t item_bytes_max = std::size_t{400} << 10;
inline constexpr std::size_t transaction_bytes_max = std::size_t{4} << 20;
/// What an item has beside its packed bytes: the keys, with an id of 255 bytes, and small
/// attributes.
inline constexpr std::size_t item_overhead = 1'024;
inline constexpr std::size_t packed_bytes_max = item_bytes_max - item_overhead;

/// The newest items of the strands' logs that this process knows: hints, which others make old. A
/// number stands for an item that exists.
class newest_logs {
 public:
  using name = std::string(std::uint32_t strand);  ///< the partition of a log

  newest_logs(std::uint32_t strands, name* of) : log_of{of}, all_(strands) {
    for (auto& one : all_) one = unknown;
  }
  name* const log_of;
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};

  [[nodiscard]] std::uint64_t of(std::uint32_t strand) const { return all_[strand]; }
  void saw(std::uint32_t strand, std::uint64_t n) {
    auto& one = all_[strand];
    for (auto known = one.load(); known == unknown || known < n;) {
      if (one.compare_exchange_weak(known, n)) return;
    }
  }

 private:
  std::vector<std::atomic<std::uint64_t>> all_;
};

/// The cells of projections as this process has written them last: hints, which other processes
/// make old. So a projection that runs alone need not read them before each change.
class cell_hints {
 public:
  [[nodiscard]] std::optional<strand_cells> of(const std::string& item) const {
    const std::lock_guard guard{lock_};
    const auto found = all_.find(item);
    return found == all_.end() ? std::nullopt : std::optional{found->second};
  }
  void saw(const std::string& item, const strand_cells& cells) {
    constexpr std::size_t most = 10'000;
    const std::lock_guard guard{lock_};
    if (all_.size() >= most) all_.clear();
    auto& known = all_[item];
    if (known.revision < cells.revision) known = cells;
  }
  void forget(const std::string& item) {
    const std::lock_guard guard{lock_};
    all_.erase(item);
  }

 private:
  mutable std::mutex lock_;
  std::unordered_map<std::string, strand_cells> all_;
};

struct core {
  core(address a, std::shared_ptr<endpoint> to, std::uint32_t strand_count, std::uint64_t numbering,
       std::size_t actions, chosen_indexes chosen = {})
      : where{std::move(a)},
        name{where.name()},
        table{where.journal_table()},
        server{std::move(to)},
        strands{strand_count},
        epoch{numbering},
        actions_max{actions},
        indexes{chosen},
        newest{strand_count, log_of},
        newest_changes{strand_count, changes_of} {}

  const address where;
  const std::string name;
  const std::string table;
  const std::shared_ptr<endpoint> server;
  const std::uint32_t strands;
  const std::uint64_t epoch;
  const std::size_t actions_max;  ///< of one transaction
  const chosen_indexes indexes;
  newest_logs newest;
  newest_logs newest_changes;  ///< of states
  cell_hints cells;
  std::atomic<bool> has_read_models{false};  ///< their table is there
  const std::shared_ptr<commit_signal> appended = std::make_shared<commit_signal>();

  /// Of a request: with a new id and an alarm that moves, five actions are no packed items, and one
  /// more at least is of its tags.
  [[nodiscard]] std::size_t items_max() const { return actions_max - (indexes.tag ? 6 : 5); }

  /// Any request within these fits one transaction: of items that are filled in turn, two
  /// neighbours hold more than one item has room for.
  [[nodiscard]] journal_limits limits() const {
    constexpr std::size_t payload = std::size_t{384} << 10;
    const auto bytes = std::min(items_max() / 2 * packed_bytes_max, transaction_bytes_max / 2);
    return {.payload_bytes_max = payload,
            .request_events_max = 10'000,
            .request_bytes_max = std::max(payload, bytes)};
  }
};

}}}  // namespace nexus::v0::dynamodb
