// An opened journal with the threads that work on it: writers that commit in groups, and a pool of
// sessions for everything that reads.
//
//   nexus::result<nexus::store> store = nexus::open("sqlite:bank.db");
//   if (!store) return complain(store.error().message);
//
// Threads: a store is a handle; copies share one journal, and any thread may use them. The last one
// to go waits for the jobs in flight.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nexus/actor.hpp"
#include "nexus/backend.hpp"
#include "nexus/event_batch.hpp"
#include "nexus/executor.hpp"
#include "nexus/handover.hpp"
#include "nexus/journal.hpp"
#include "nexus/metrics.hpp"
#include "nexus/pool.hpp"
#include "nexus/shutdown.hpp"
#include "nexus/time_span.hpp"

namespace nexus::inline v0 {

struct store_options {
  /// The sessions of everything that does not write to the journal; name, metrics and runs_on are the
  /// store's. `reserved`, for what reads the journal, is at least `readers`.
  pool_options pool{};
  unsigned readers =
      2;  ///< threads that read for entities, each with a reserved one; at most 1,000
  std::size_t read_queue_max = 1'000'000;  ///< jobs waiting for one of them

  std::size_t batch_events_max = 8'192;                 ///< of one commit
  std::size_t batch_bytes_max = std::size_t{16} << 20;  ///< of one commit
  std::size_t write_queue_max = 1'000'000;              ///< events waiting for a writer
  std::size_t write_queue_bytes_max = std::size_t{1} << 30;
  /// How long the queue is waited for while it grows, in commits; 0: never.
  double linger_share = 0.1;

  unsigned breaker_failures =
      10;  ///< failed calls in a row that open the circuit breaker; 0: never
  std::chrono::milliseconds breaker_reset{3'000};  ///< how long it is open before one call may try

  /// Instead of threads of its own: a stepped system's stepping()->storages(), in whose time the
  /// circuit breaker counts then. A writer takes what has queued up as one job, each read is one.
  std::shared_ptr<executor> runs_on{};
  std::shared_ptr<nexus::metrics> metrics{};  ///< where to count; none: a registry of its own
};

/// Closed: calls go to the storage. Open: they are answered `unavailable` at once. Half-open: one call
/// is on its way to try.
enum class circuit : std::uint8_t { closed, open, half_open };

struct breaker_status {
  circuit now = circuit::closed;
  unsigned failures = 0;       ///< in a row
  std::uint64_t openings = 0;  ///< since the store was opened
  std::string last_failure{};
};

/// What to keep of an id once a snapshot of it is durable.
struct retention {
  unsigned snapshots = 0;  ///< the newest so many; 0: all, and every event
  bool events = false;     ///< erase also the events up to the oldest of those snapshots
};

/// Something for a writer to do; comes back as a message to `reply_to` when it is done.
class write_job : public message, public handed_over {
 public:
  enum class step : std::uint8_t { append, settle, save_snapshot };

  write_job(std::uint8_t kind, persistence_id of) : message{kind}, id{std::move(of)} {}

  const persistence_id id;
  mailbox reply_to;
  step todo = step::append;
  std::chrono::steady_clock::time_point queued{};  ///< set by store::write

  // Appending and settling:
  /// Of a durable state: `expected` is a version, and of `events`, one for each version after it, only
  /// the last becomes the state, or a tombstone if it has no type.
  bool of_state = false;
  sequence_nr expected = 0;
  ulid writer;
  std::unique_ptr<event_batch> events;
  append_outcome outcome;      ///< of step::append
  result<settlement> settled;  ///< of step::settle

  // Saving a snapshot:
  stored_snapshot snapshot;
  retention keep;
  result<void> saved;
  result<void> pruned;  ///< of what `keep` lets go, after the snapshot was saved

  [[nodiscard]] append_request request() const { return {id, expected, writer, events->events()}; }
  [[nodiscard]] upsert_request state_request() const;
  [[nodiscard]] std::size_t event_count() const noexcept { return events ? events->size() : 0; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return (events ? events->bytes() : 0) + snapshot.data.size();
  }
};

struct writer_statistics {
  std::uint64_t commits = 0;
  std::uint64_t requests = 0;
  std::uint64_t events = 0;
};

class store {
 public:
  /// Opens `address` with `from` and starts the threads.
  [[nodiscard]] static result<store> open(const uri& address, const backend& from,
                                          store_options options = {});

  [[nodiscard]] std::string name() const;
  [[nodiscard]] journal_limits limits() const;

  /// The pool of sessions that recoveries, queries and SQL of one's own share; no circuit breaker.
  /// Recoveries, verified reads and live readers use reserved ones: they never wait for a borrower.
  [[nodiscard]] const pool<journal_session>& sessions() const;

  /// A session of one's own beside the pool, for blocking calls on a thread of one's own; no circuit
  /// breaker.
  [[nodiscard]] result<std::unique_ptr<journal_session>> open_session() const;

  /// A watch over what is appended to the journal, which must go before the store; nexus/live_reader.hpp
  /// makes a reader of the two.
  [[nodiscard]] result<std::unique_ptr<journal_watch>> watch() const;

  /// Queues a job for the writer its id belongs to; a job not taken (`overloaded`, `stopped`) comes
  /// back at once as certainly not done. The job's message goes to its `reply_to`.
  void write(const envelope& job) const;

  /// Runs `f` on a reserved session of the pool, on a thread that may block; entities are recovered on the
  /// same threads, so `f` must not wait for one. The circuit breaker counts an error that `f` returns if
  /// `counts_for_breaker` says so. What `f` throws is logged and not counted. Fails with `overloaded` when the
  /// queue is full, and `unavailable` while the circuit breaker is open; `f` is not called then. If the
  /// breaker opens while `f` waits, every call of its session answers `unavailable`.
  [[nodiscard]] result<void> read(std::function<result<void>(journal_session&)> f) const;

  /// Waits until everything written before is answered; `timeout` if that takes longer than `within`.
  /// Blocks: `would_block` in an actor on the scheduler, unless all is written. On a stepped system it does
  /// the writers' work here and now.
  [[nodiscard]] result<void> flush(time_span within) const;

  /// Takes no more jobs (`stopped`), finishes what is queued, ends the threads and closes their
  /// sessions. What has not begun after `within` is answered `stopped`, and this with `timeout`; a call
  /// to the storage that is under way then is waited for by the last handle to go. `would_block` in an
  /// actor, and then nothing is closed.
  result<void> close(time_span within) const;

  /// What a system's shutdown stops last: system::join. Always the same one, and lives as long as the
  /// handles or whoever keeps it.
  [[nodiscard]] std::shared_ptr<shutdown_participant> participant() const;

  /// What the writers did since the store was opened.
  [[nodiscard]] writer_statistics statistics() const;

  /// What writers, readers and the circuit breaker count, labelled with this journal's name. A system
  /// whose entities use the store shows it, too.
  [[nodiscard]] nexus::metrics& metrics() const;

  /// Why all that is written now would be lost, e.g. because SQLite's file was removed while it is open;
  /// nothing if all is well. `/health` of nexus::http is 503 then.
  [[nodiscard]] std::optional<error> trouble() const;

  /// Of the circuit breaker that writers and pooled sessions share.
  [[nodiscard]] breaker_status breaker() const;

 private:
  struct core;
  explicit store(std::shared_ptr<core> c) : core_{std::move(c)} {}

  std::shared_ptr<core> core_;
};

/// Opens `address` with the backend among `backends` whose scheme it has.
[[nodiscard]] result<store> open(std::string_view address, std::span<const backend> backends,
                                 store_options options = {});
[[nodiscard]] inline result<store> open(std::string_view address,
                                        std::initializer_list<backend> backends,
                                        store_options options = {}) {
  return open(address, std::span{backends.begin(), backends.size()}, options);
}

}  // namespace nexus::inline v0
