#include "nexus/detail/snapshot_cache.hpp"

#include <functional>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

std::uint64_t fingerprint_of(const document_view& row) {
  constexpr std::uint64_t odd = 0x9e37'79b9'7f4a'7c15u;
  std::uint64_t sum = row.schema_version;
  for (const auto part : {row.type, row.codec, row.data}) {
    sum = (sum ^ std::hash<std::string_view>{}(part)) * odd;
  }
  return sum;
}

}  // namespace

// With the mutex held. The number of a part changes when all its rows are forgotten.
std::string snapshot_cache::place_of(const std::pair<std::string, std::string>& part,
                                     std::string_view id) {
  const auto [at, is_new] = parts_.try_emplace(part, last_part_ + 1);
  if (is_new) ++last_part_;
  return std::to_string(at->second).append("|").append(id);
}

bool snapshot_cache::part::may_hold(const document_view& row) const {
  const std::lock_guard guard{cache_.mutex_};
  const auto place = cache_.place_of(key_, row.id);
  for (const auto* half : {&cache_.young_, &cache_.old_}) {
    if (const auto at = half->find(place); at != half->end()) {
      return at->second == fingerprint_of(row);
    }
  }
  return false;
}

void snapshot_cache::part::saw(const document_view& row) const {
  const std::lock_guard guard{cache_.mutex_};
  cache_.young_.insert_or_assign(cache_.place_of(key_, row.id), fingerprint_of(row));
  if (cache_.young_.size() < cache_.half_) return;
  cache_.old_ = std::move(cache_.young_);
  cache_.young_.clear();
}

void snapshot_cache::part::forget(std::string_view id) const {
  const std::lock_guard guard{cache_.mutex_};
  const auto place = cache_.place_of(key_, id);
  cache_.young_.erase(place);
  cache_.old_.erase(place);
}

void snapshot_cache::part::forget_all() const {
  const std::lock_guard guard{cache_.mutex_};
  cache_.parts_.insert_or_assign(key_, ++cache_.last_part_);
}

void snapshot_cache::clear() {
  const std::lock_guard guard{mutex_};
  young_.clear();
  old_.clear();
}

}}}  // namespace nexus::v0::detail
