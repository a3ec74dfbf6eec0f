// An open journal and the threads that work on it: writers that commit in groups, and a pool of
// sessions for everything that reads.
//
//   nexus::result<nexus::store> store = nexus::open("sqlite:bank.db");
//   if (!store) return complain(store.error().message);
//
// Threads: a store is a handle; copies share one journal, and any thread may use them. The last
// handle waits for the jobs in flight.
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

#include "nexus/backend.hpp"
#include "nexus/executor.hpp"
#include "nexus/journal.hpp"
#include "nexus/metrics.hpp"
#include "nexus/pool.hpp"
#include "nexus/shutdown.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 {

class envelope;
class store;

namespace detail {
void write(const store& in, const envelope& job);  // in write_job.hpp

/// A second store on the journal of `in`, for what must not wait for its writers: of the journal
/// that `make` makes of it, with the options of `in` and threads, sessions and a circuit breaker of
/// its own. The first call makes it, later ones return the same. `in` closes it. Blocks.
[[nodiscard]] result<store> beside(
    const store& in, const std::function<std::shared_ptr<journal>(std::shared_ptr<journal>)>& make);
[[nodiscard]] const std::shared_ptr<journal>& journal_of(const store& in);

class dedicated_sessions;
[[nodiscard]] result<std::shared_ptr<dedicated_sessions>> dedicated_to(const store& in,
                                                                       std::string_view whose,
                                                                       std::size_t max);
}

struct store_options {
  /// The pool of sessions for everything except journal writes. Its name, metrics and runs_on are
  /// the store's. `reserved`, for readers of the journal, is at least `readers`; an empty
  /// `validation_query` is "SELECT 1".
  pool_options pool{};
  unsigned readers =
      2;  ///< threads that read for entities, each with a reserved session; at most 1,000
  std::size_t read_queue_max = 1'000'000;  ///< jobs waiting for a read thread

  std::size_t batch_events_max = 8'192;                 ///< of one commit
  std::size_t batch_bytes_max = std::size_t{16} << 20;  ///< of one commit
  std::size_t write_queue_max = 1'000'000;              ///< events waiting for a writer
  std::size_t write_queue_bytes_max = std::size_t{1} << 30;
  /// How long a writer waits while its queue grows, in commit times; 0: never.
  double linger_share = 0.1;

  unsigned breaker_failures =
      10;  ///< failed calls in a row that open the circuit breaker; 0: never
  std::chrono::milliseconds breaker_reset{3'000};  ///< time it stays open before a probe

  /// Replaces the store's threads: a stepped system's stepping()->storages(). The circuit breaker
  /// then uses that system's time. A writer takes its whole queue as one job; each read is one job.
  std::shared_ptr<executor> runs_on{};
  std::shared_ptr<nexus::metrics> metrics{};  ///< where to count; null: a new registry
};

/// Closed: calls go to the storage. Open: calls are answered `unavailable` at once. Half-open: one
/// call is on its way as a probe.
enum class circuit : std::uint8_t { closed, open, half_open };

struct breaker_status {
  circuit now = circuit::closed;
  unsigned failures = 0;       ///< in a row
  std::uint64_t openings = 0;  ///< since the store was opened
  std::string last_failure{};
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

  /// The number of sessions that append side by side: 1 if only one transaction can write at a time.
  [[nodiscard]] unsigned writers() const;

  /// The pool of sessions for recoveries, queries and SQL of the program; without circuit breaker.
  /// Recoveries, verified reads and live readers use reserved sessions, so they never wait for a
  /// borrower.
  [[nodiscard]] const pool<journal_session>& sessions() const;

  /// A session outside the pool, for blocking calls on a thread of the program; without circuit
  /// breaker.
  [[nodiscard]] result<std::unique_ptr<journal_session>> open_session() const;

  /// A watch over appends to the journal. It must end before the store; nexus/live_reader.hpp
  /// combines store and watch.
  [[nodiscard]] result<std::unique_ptr<journal_watch>> watch() const;

  /// Runs `f` on a reserved session of the pool, on a thread that may block. Entities are recovered
  /// on the same threads, so `f` must not wait for an entity. The circuit breaker counts an error
  /// of `f` if `counts_for_breaker` says so; an exception of `f` is logged and not counted. Fails
  /// with `overloaded` if the queue is full and `unavailable` while the circuit breaker is open;
  /// `f` is not called then. If the breaker opens while `f` waits, every call of its session
  /// returns `unavailable`.
  [[nodiscard]] result<void> read(std::function<result<void>(journal_session&)> f) const;

  /// Registers a reader, or stores how far it has read a strand: events past the position are kept
  /// for it, see journal_session::save_reader. Then erases what retention left to the reader until
  /// now. Blocks on a session of the pool, with the pool's errors.
  [[nodiscard]] result<void> save_reader(std::string_view name, const position& at) const;

  /// Removes a registered reader and erases what was kept for it alone. Blocks likewise.
  [[nodiscard]] result<void> forget_reader(std::string_view name) const;

  /// Waits until everything written before is answered; `timeout` if that takes longer than
  /// `within`. Blocks: `would_block` in an actor on the scheduler, unless everything is written. On
  /// a stepped system it runs the writers' work on this thread.
  [[nodiscard]] result<void> flush(time_span within) const;

  /// Refuses new jobs (`stopped`), finishes queued ones, ends the threads and closes their
  /// sessions. Jobs not started after `within` are answered `stopped`, and `close` returns
  /// `timeout`; the last handle waits for a storage call that is still running. In an actor it
  /// returns `would_block` and closes nothing.
  result<void> close(time_span within) const;

  /// The participant that a system's shutdown stops last: see system::join. Always the same object;
  /// it lives as long as the store's handles or any pointer to it.
  [[nodiscard]] std::shared_ptr<shutdown_participant> participant() const;

  /// Counts of the writers since the store was opened, also of that of relational entities.
  [[nodiscard]] writer_statistics statistics() const;

  /// The metrics of writers, readers and the circuit breaker, labelled with this journal's name. A
  /// system whose entities use the store includes them.
  [[nodiscard]] nexus::metrics& metrics() const;

  /// Why all future writes would be lost, e.g. because SQLite's file was removed while open; none
  /// if all is well. `/health` of nexus::http returns 503 then.
  [[nodiscard]] std::optional<error> trouble() const;

  /// The state of the circuit breaker that writers and pooled sessions share.
  [[nodiscard]] breaker_status breaker() const;

 private:
  friend void detail::write(const store& in, const envelope& job);
  friend result<std::shared_ptr<detail::dedicated_sessions>> detail::dedicated_to(
      const store& in, std::string_view whose, std::size_t max);
  friend const std::shared_ptr<journal>& detail::journal_of(const store& in);
  friend result<store> detail::beside(
      const store& in,
      const std::function<std::shared_ptr<journal>(std::shared_ptr<journal>)>& make);

  struct core;
  explicit store(std::shared_ptr<core> c) : core_{std::move(c)} {}

  std::shared_ptr<core> core_;
};

/// Opens `address` with the backend among `backends` that has its scheme.
[[nodiscard]] result<store> open(std::string_view address, std::span<const backend> backends,
                                 store_options options = {});
[[nodiscard]] inline result<store> open(std::string_view address,
                                        std::initializer_list<backend> backends,
                                        store_options options = {}) {
  return open(address, std::span{backends.begin(), backends.size()}, options);
}

}}  // namespace nexus::v0
