// What the entities' actors have a store write: an append, a settlement or a snapshot, as a message to
// a writer and back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "nexus/actor.hpp"
#include "nexus/detail/event_batch.hpp"
#include "nexus/detail/handover.hpp"
#include "nexus/journal.hpp"
#include "nexus/message.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// What to keep of an id when a snapshot of it is durable.
struct retention {
  unsigned snapshots = 0;  ///< the number of newest snapshots to keep; 0: all, and every event
  bool events = false;     ///< erase also the events up to the oldest of those snapshots
};

/// A job of a writer. When it is done it comes back as a message to `reply_to`.
class write_job : public message, public handed_over {
 public:
  enum class step : std::uint8_t { append, settle, save_snapshot };

  write_job(std::uint8_t kind, persistence_id of) : message{kind}, id{std::move(of)} {}

  const persistence_id id;
  bool may_repeat = false;  ///< others may have jobs of the same id in the queue
  mailbox reply_to;
  step todo = step::append;
  std::chrono::steady_clock::time_point queued{};  ///< set by `write`

  // For appending and settling:
  /// A durable state: `expected` is a version, and `events` has one event for each later version.
  /// Only the last one becomes the state, or a tombstone if it has no type.
  bool of_state = false;
  sequence_nr expected = 0;
  ulid writer;
  std::unique_ptr<event_batch> events;  ///< null: changes only the alarm
  due_change due;
  append_outcome outcome;      ///< of step::append
  result<settlement> settled;  ///< of step::settle

  /// A snapshot, and what became of it.
  struct saving {
    stored_snapshot snapshot;
    retention keep;
    result<void> saved;
    result<void> pruned;  ///< the outcome of erasing what `keep` drops, after it was saved
  };
  /// Of step::save_snapshot: most jobs are others, and smaller without it.
  std::unique_ptr<saving> save;

  [[nodiscard]] append_request request() const {
    const auto all = events ? events->events() : std::span<const event_view>{};
    return {id, expected, writer, all, due};
  }
  [[nodiscard]] upsert_request state_request() const;
  [[nodiscard]] std::size_t event_count() const noexcept { return events ? events->size() : 0; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return (events ? events->bytes() : 0) + (save ? save->snapshot.data.size() : 0);
  }
};

/// Queues a job for the writer of its id. A job that is not accepted (`overloaded`, `stopped`)
/// comes back at once as certainly not done. The job's message goes to its `reply_to`. Any thread.
void write(const store& in, const envelope& job);

}}}
