// The contract between Nexus and a database.
//
// A journal keeps, per persistence id, a run of events numbered 1, 2, 3 … without gaps, and snapshots
// of the state they add up to; and, apart from those, durable states that have a version and no
// history. A backend implements `journal` and `journal_session`; everything
// above (writers, pool, entities) is made from these calls. The suite in
// nexus/testkit/journal_contract.hpp says in tests what is said here in words.
//
// docs/backends.md has a checklist for authors of backends.
//
// Threads: a journal may be used from any thread. A session is one connection: it belongs to one
// thread at a time and its calls block; only `interrupt` comes from any thread, during any call.
// Throws: nothing of its own; a backend catches its library's exceptions. What a sink throws passes
// through the call unchanged, and the session is then as usable as after a sink that returned false.
// Lifetimes: views passed in are valid during the call; views passed to a sink during that sink call.
// A sink does not call its own session. Numbers and counts past what a backend stores are clamped.
//
// One journal is what one URI names: sessions of several journal objects, in this process and in
// others, append to the same numbers. So a backend remembers nothing about the database between calls
// that another one could change, above all no highest number, and gives positions within the
// transaction that stores them.
//
// Errors. nexus/journal_errors.hpp says what the runtime does about each code: whether the call is
// tried again, and whether it counts for the circuit breaker. A backend answers
//   unavailable        the database cannot be reached, is locked, full or read-only; anything that may pass
//   corrupt            what is stored cannot be read: with the id and the number, after the records before
//   too_large, invalid_argument   the request's own fault: also as `rejected`
//   foreign_schema, newer_schema, older_schema   the tables are not this journal's, also after `open`
//   pool_closed        the session was interrupted
// and of an append or upsert the outcome says more than its code: `failed` is tried again after a pause,
// whatever the code, so only what is certainly not stored is `failed`, and after any doubt `unknown`.
//
// After `interrupt` the session is `broken` and all its calls fail with `pool_closed`, appends and
// upserts as `failed`; nothing is stored by a call that begins afterwards. The one under way ends soon:
// done, failed, or `unknown`, which any other session settles.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/journal_values.hpp"  // IWYU pragma: export
#include "nexus/session.hpp"         // IWYU pragma: export

namespace nexus::inline v0 {

/// A session that is also open to SQL of one's own, if its database has some. Within a transaction of
/// one's own on it the calls of the journal fail with `invalid_argument` and touch nothing.
class journal_session : public session {
 public:
  /// Appends each request's events right after `request.expected`, all or none of them. There is at
  /// most one request per id in a call. Answers one outcome per request, in order.
  /// SQL backends commit the call as one transaction, in which a conflicting or rejected request
  /// fails alone and the others commit; positions ascend within an id. A request that both conflicts
  /// and is past a limit may get either outcome; one without events, or whose numbers would pass
  /// sequence_nr_max, is `rejected` unless it conflicts; one with an invalid tag is `rejected`.
  [[nodiscard]] virtual std::vector<append_outcome> append(
      std::span<const append_request> requests) = 0;

  /// The truth about a request whose outcome was `unknown` (on any session of this journal):
  /// `stored` if the records at its numbers are exactly its own in everything it carried, else
  /// `not_stored`, and then it stays so: a late commit of the old attempt is made impossible first.
  /// Reading is not enough where an attempt can outlive its answer: a transaction that commits late, a
  /// log whose sync failed and which a crash brings back. Such a backend ends the attempt, or commits
  /// something durable itself, and reads then.
  /// An error means "ask again later", whatever its code. Not defined once any of those numbers has
  /// been erased. Never `superseded`.
  [[nodiscard]] virtual result<settlement> settle(const append_request& request) = 0;

  /// Passes the records numbered from..to in ascending order to `sink`, at most `max` of them.
  /// An empty range, an unknown id and erased records pass nothing.
  [[nodiscard]] virtual result<void> replay(const persistence_id& id, sequence_nr from,
                                            sequence_nr to, std::size_t max,
                                            const record_sink& sink) = 0;

  /// Like `replay`, for whoever folds a state: position, writer, metadata, time and tags may be left
  /// out.
  [[nodiscard]] virtual result<void> replay_payloads(const persistence_id& id, sequence_nr from,
                                                     sequence_nr to, std::size_t max,
                                                     const record_sink& sink) {
    return replay(id, from, to, max, sink);
  }

  /// Passes the records of all ids whose position is past `after` to `sink`, complete and ascending in
  /// position, at most `max` of them; none before whose position another event may yet become visible.
  /// So whoever goes on after the last position it saw sees every event exactly once, and those of an
  /// id in the order of their numbers. Erased records pass nothing.
  [[nodiscard]] virtual result<void> read_all(position after, std::size_t max,
                                              const journal_sink& sink) = 0;

  /// Who keeps events that are stored already from being read by `read_all` now, in words for a
  /// warning, as in "pid 4711 (psql): its transaction has been open for 12 s"; nothing if nobody does.
  [[nodiscard]] virtual result<std::optional<std::string>> held_back() { return std::nullopt; }

  /// The highest number ever stored under `id`, 0 for none. Never falls, also not by erasing.
  [[nodiscard]] virtual result<sequence_nr> highest(const persistence_id& id) = 0;

  /// Erases the records numbered up to and including `to` for good. Erasing past `highest` erases
  /// all there is and moves nothing. May stop part of the way on an error: what is left has no gap.
  [[nodiscard]] virtual result<void> erase_to(const persistence_id& id, sequence_nr to) = 0;

  /// Up to `max` ids of `type` whose `highest` is not 0, ascending bytewise, those after `after`
  /// (the part behind `type|`; empty: from the start). An empty `type` lists every type, and then
  /// `after` is a whole `type|id`. A `type` that none can be (journal_checks.hpp: `may_have_ids`)
  /// lists nothing: "a|b" does not list the ids of type "a" that begin with "b".
  [[nodiscard]] virtual result<std::vector<persistence_id>> ids(std::string_view type,
                                                                std::string_view after,
                                                                std::size_t max) = 0;

  /// Saves every snapshot, replacing one of the same id and number; all or none of them.
  [[nodiscard]] virtual result<void> save_snapshots(std::span<const snapshot_request> requests) = 0;

  /// The snapshot with the highest number within bounds, if any.
  [[nodiscard]] virtual result<std::optional<stored_snapshot>> load_snapshot(
      const persistence_id& id, snapshot_bounds within) = 0;

  /// Erases the snapshots within bounds for good.
  [[nodiscard]] virtual result<void> erase_snapshots(const persistence_id& id,
                                                     snapshot_bounds within) = 0;

  /// The numbers of the snapshots within bounds, the newest first, at most `max`; reads no data.
  [[nodiscard]] virtual result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                                          snapshot_bounds within,
                                                                          std::size_t max) = 0;

  /// Erases old snapshots and events of many ids for good, at best in one transaction. May stop part
  /// of the way on an error; what is left has no gap.
  [[nodiscard]] virtual result<void> prune(std::span<const prune_request> requests) {
    for (const auto& [id, snapshots_below, events_to] : requests) {
      if (snapshots_below > 0) {
        auto done = erase_snapshots(id, {.from = 0, .to = snapshots_below - 1});
        if (!done) return done;
      }
      if (events_to > 0) {
        if (auto done = erase_to(id, events_to); !done) return done;
      }
    }
    return {};
  }

  /// Stores each request's state in the place of version `request.expected`. As with `append`: at
  /// most one request per id in a call, one outcome each, in order; one transaction, in which a
  /// conflicting or rejected request fails alone. `conflict` has the version, `stored` need not have
  /// a position. A request whose `next` is not past `expected`, or past sequence_nr_max, is
  /// `rejected`; one that is also past a limit or conflicts may get either outcome.
  [[nodiscard]] virtual std::vector<append_outcome> upsert(
      std::span<const upsert_request> requests) = 0;

  /// The truth about an upsert whose outcome was `unknown`: `stored` if the state at exactly `next`
  /// is its own in everything it carried; `not_stored` if that is another one, or `next` was never
  /// reached, and then it stays so; `superseded` if the version is past `next` by now.
  [[nodiscard]] virtual result<settlement> settle(const upsert_request& request) = 0;

  /// The state of an id, or its tombstone; nothing if none was ever written.
  [[nodiscard]] virtual result<std::optional<stored_state>> get_state(const persistence_id& id) = 0;

  /// Like `ids`, of those that have a state which is not erased.
  [[nodiscard]] virtual result<std::vector<persistence_id>> state_ids(std::string_view type,
                                                                      std::string_view after,
                                                                      std::size_t max) = 0;
};

/// Tells somebody who reads on that there may be more. What its database does not tell it about (of
/// SQLite: what other processes append) is not noticed, so a reader asks the journal now and then, too.
///
/// Threads: one waits, any may wake it. Lifetime: goes before its journal.
class journal_watch {
 public:
  virtual ~journal_watch() = default;

  /// Blocks until events may have been appended since the last `wait` returned, or since the watch was
  /// made; until `wake` was called since then; or until `within` is over. May return for no reason. An
  /// error means that the journal must be asked now and then until a later `wait` succeeds.
  [[nodiscard]] virtual result<void> wait(std::chrono::nanoseconds within) = 0;

  virtual void wake() noexcept = 0;
};

/// An opened database: makes sessions.
class journal {
 public:
  virtual ~journal() = default;

  /// Connects; the session outlives neither the journal nor its thread's turn.
  [[nodiscard]] virtual result<std::unique_ptr<journal_session>> open_session() = 0;

  /// A watch over what any session appends; nexus/commit_signal.hpp has one for those of this journal
  /// object.
  [[nodiscard]] virtual result<std::unique_ptr<journal_watch>> watch() = 0;

  [[nodiscard]] virtual journal_limits limits() const = 0;

  /// How many sessions are to append side by side; an id always uses the same one. One where a
  /// single transaction writes at a time anyway.
  [[nodiscard]] virtual unsigned writers() const { return 1; }

  /// Why all that is written to it now would be lost, as far as this can be seen without a call to the
  /// database; nothing if all is well. Cheap: /health asks.
  [[nodiscard]] virtual std::optional<error> trouble() { return std::nullopt; }

  /// What to call it in a message, e.g. "sqlite:bank.db"; never holds a password.
  [[nodiscard]] virtual std::string name() const = 0;
};

}  // namespace nexus::inline v0
