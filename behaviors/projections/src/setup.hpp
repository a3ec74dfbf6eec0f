// What all parts of a projection share: its names and options, and what it counts.
//
// Threads: the setup is constant; the counts take any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "nexus/detail/projection_core.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct projection_setup {
  projection_version which;
  std::string owner;  // of the leases: a ULID, new for every object
  std::string label;  // "projection revenue version 2 of account", for messages
  std::string claim;  // its name in the system
  store source;
  store target;
  projection_options options;
  std::shared_ptr<projection_handler> handler;
  unsigned workers = 1;
};

/// Whether the session has no SQL, and stores a handler's documents and the offset in one call of
/// `store_together`.
[[nodiscard]] inline bool stores_together(session& on) {
  auto* const storage = on.projections();
  return !on.has_sql() && storage != nullptr && storage->together_max() > 0;
}

/// The name under which it is registered at its source.
[[nodiscard]] std::string reader_of(const projection_version& which);

struct projection_counts {
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> skipped{0};
  std::atomic<std::uint64_t> read{0};     // handed to workers, or nothing
  std::atomic<std::uint64_t> nothing{0};  // stored events that the behavior adapts to no event
  std::atomic<std::uint64_t> unread{0};   // counted at the source, see `counted_at`
  std::atomic<std::uint64_t> counted_at{0};
  counter* events = nullptr;
  counter* failures = nullptr;
  histogram* latency = nullptr;
};

/// Why the work has to begin again, or end.
struct projection_end {
  enum class kind : std::uint8_t {
    lost,    // others own some of the cells
    failed,  // at an event, or by a lasting error: not to be tried again
  };
  kind how = kind::lost;
  error why{};
};

/// Growing pauses between tries: doubled from `first` up to `most`.
class growing_pause {
 public:
  growing_pause(std::chrono::nanoseconds first, std::chrono::nanoseconds most)
      : first_{std::max<std::chrono::nanoseconds>(first, std::chrono::milliseconds{1})},
        most_{most} {}
  [[nodiscard]] std::chrono::nanoseconds next() {
    next_ = next_.count() == 0 ? first_ : doubled(next_, 1);
    next_ = std::min(next_, most_);
    return next_;
  }
  void reset() { next_ = {}; }

 private:
  const std::chrono::nanoseconds first_, most_;
  std::chrono::nanoseconds next_{0};
};

}}}
