// Remembers what the rows of read models held when they were last seen: a fingerprint per row.
//
// A row whose fingerprint is that of a new value probably holds it already. So the cache only says
// where a look may save a write; whether it is left out, the row itself decides.
//
// Threads: any. Bounds: `rows_max` rows; those that were not seen for long are forgotten first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "nexus/document_storage.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class snapshot_cache {
 public:
  explicit snapshot_cache(std::size_t rows_max) : half_{rows_max / 2 + 1} {}

  /// The rows of a name and class. Others share nothing with them.
  class part {
   public:
    part(snapshot_cache& of, std::string name, std::string model)
        : cache_{of}, key_{std::move(name), std::move(model)} {}

    [[nodiscard]] bool may_hold(const document_view& row) const;
    void saw(const document_view& row) const;
    void forget(std::string_view id) const;
    void forget_all() const;

   private:
    snapshot_cache& cache_;
    std::pair<std::string, std::string> key_;
  };

  void clear();

 private:
  using rows = std::unordered_map<std::string, std::uint64_t>;

  std::string place_of(const std::pair<std::string, std::string>& part, std::string_view id);

  std::mutex mutex_;
  const std::size_t half_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> parts_;
  std::uint64_t last_part_ = 0;
  rows young_;  // becomes the old half when it is full
  rows old_;
};

}}}  // namespace nexus::v0::detail
