// How a projection works, and how it is doing.
//
// Threads: plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/event_query.hpp"
#include "nexus/projection_storage.hpp"
#include "nexus/session.hpp"
#include "nexus/store.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 {

/// What a projection does when it works, waits or has given up.
enum class projection_phase : std::uint8_t {
  starting,  ///< it has not reached its storages yet
  standby,   ///< other processes work on all its cells
  running,
  waiting,  ///< a storage failed: it tries again after a growing pause
  paused,
  failed,  ///< it has stopped at an event or at a lasting error, until `resume`
  stopped  ///< it has ended
};
[[nodiscard]] std::string_view to_string(projection_phase phase) noexcept;

struct projection_status {
  projection_phase phase = projection_phase::starting;
  std::string why{};            ///< of `waiting` and `failed`: names the event or the storage
  std::uint64_t handled = 0;    ///< events, by this process since it was made
  std::uint64_t skipped = 0;    ///< of these, recorded as failures
  std::uint64_t cells = 0;      ///< that this process works on
  std::uint64_t behind = 0;     ///< events of these cells not handled yet, as far as is known
  std::chrono::seconds lag{0};  ///< age of the oldest of them; 0: none
  bool exactly_once = false;    ///< the target stores rows and offset at once
};

struct projection_options {
  /// Another version has offsets of its own: it begins from the start, beside the older one.
  std::int64_t version = 1;

  /// How many transactions are worked on at once, at most 64; 1 where the target has one writer
  /// (SQLite). The handler is called by as many threads, never by two for one entity.
  unsigned parallel = 1;

  std::optional<std::string> tag{};     ///< only events with this tag
  std::optional<slice_range> slices{};  ///< only events of ids in these slices
  std::optional<store> target{};        ///< where rows, offsets and failures are; none: the source
  std::vector<position> from{};         ///< where this version begins; default: at the start

  /// Skips events that were erased before this version began; without it they are an error.
  bool from_kept = false;
  /// Keeps events that are not handled yet from being erased; see store::save_reader.
  bool holds_back_erasing = true;

  std::size_t batch_max = 1'000;  ///< events of one transaction, at most 10,000
  std::chrono::nanoseconds batch_time = std::chrono::milliseconds{50};  ///< a batch ends after it

  /// Of the handler's transactions. With the default a handler may read a row, change it and write
  /// it back: of two transactions that change a row one is repeated. If it changes rows only by
  /// statements such as SET n = n + 1, `read_committed` is enough, and repeats nothing. SQLite's
  /// transactions are always serializable.
  isolation level = isolation::repeatable_read;

  unsigned retries = 5;  ///< of an event whose handling failed, before `on_failure` counts
  std::chrono::nanoseconds retry_pause = std::chrono::milliseconds{100};  ///< doubled, up to 10 s
  enum class failing : std::uint8_t {
    stop,  ///< the projection stops before the event
    skip   ///< the event is recorded, and the projection goes on
  };
  failing on_failure = failing::stop;

  /// After this time without a sign of life another process takes a cell over. A single event that
  /// takes longer than this to handle is taken for a dead process, again and again. At least 1 s.
  std::chrono::nanoseconds lease = std::chrono::seconds{10};
  /// See live_reader_options::poll_every.
  std::chrono::nanoseconds poll_every = std::chrono::seconds{1};

  /// Called when the phase has changed, on a thread of the projection; must not call it.
  std::function<void(const projection_status&)> on_change{};
  /// Empties the rows of this version, in the transaction of `rebuild`.
  std::function<result<void>(session&)> on_rebuild{};
};

}}  // namespace nexus::v0
