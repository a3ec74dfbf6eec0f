// How many rows to ask for at once.
//
// Threads: values.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "nexus/journal_values.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

// libpq holds a whole result in memory, so the first page of a journal has few rows, and later pages
// as many rows as make about so many bytes. The first page of a later call may have some more.
inline constexpr std::int64_t first_page_rows = 32;
inline constexpr std::int64_t next_call_rows = 256;
inline constexpr std::int64_t page_rows_max = 4'096;
inline constexpr std::int64_t page_bytes = 4 << 20;

class paging {
 public:
  /// `known`: the rows of a page that earlier calls came to; 0: none did.
  explicit paging(std::atomic<std::int64_t>& known)
      : known_{known},
        rows_{std::clamp(known.load(std::memory_order_relaxed), first_page_rows, next_call_rows)} {}
  ~paging() {
    next();
    if (count_ >= first_page_rows) known_.store(rows_, std::memory_order_relaxed);
  }
  paging(const paging&) = delete;
  paging& operator=(const paging&) = delete;

  [[nodiscard]] std::int64_t rows(std::size_t left) const {
    return left < static_cast<std::size_t>(rows_) ? static_cast<std::int64_t>(left) : rows_;
  }
  void seen(const record_view& r) {
    ++count_;
    bytes_ += static_cast<std::int64_t>(r.event.data.size() + r.event.metadata.size() +
                                        r.event.type.size() + 64);
  }
  void next() {
    if (count_ > 0)
      rows_ = std::clamp<std::int64_t>(page_bytes * count_ / bytes_, 1, page_rows_max);
  }

 private:
  std::atomic<std::int64_t>& known_;
  std::int64_t rows_;
  std::int64_t count_ = 0;
  std::int64_t bytes_ = 0;
};

}}}  // namespace nexus::v0::postgres
