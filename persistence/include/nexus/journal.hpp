// The contract between Nexus and a database.
//
// A journal keeps, per persistence id, a run of events numbered 1, 2, 3 … without gaps, and
// snapshots of the resulting state. Separately it keeps durable states, which have a version and no
// history. A backend implements `journal` and `journal_session`; everything above (writers, pool,
// entities) uses these calls. The suite in nexus/testkit/journal_contract.hpp tests this contract.
//
// docs/backends.md has a checklist for authors of backends.
//
// Threads: any thread may use a journal. A session is one connection: it belongs to one thread at a
// time, and its calls block; only `interrupt` may come from any thread, during any call.
// Throws: nothing of its own; a backend catches the exceptions of its library. An exception of a
// sink passes through the call unchanged, and leaves the session as usable as a sink that returned
// false.
// Lifetimes: views passed in are valid during the call; views passed to a sink during that sink
// call. A sink must not call its own session. Numbers and counts past what a backend stores are
// clamped.
//
// One URI names one journal: sessions of several journal objects, in this process and in others,
// append to the same numbers. So a backend remembers nothing between calls that another writer
// could change, above all no highest number, and assigns positions within the transaction that
// stores them.
//
// Errors. nexus/journal_errors.hpp states what the runtime does about each code: whether it retries
// the call, and whether the circuit breaker counts it. A backend returns
//   unavailable        the database cannot be reached, is locked, full or read-only; may pass
//   corrupt            stored data cannot be read: names id and number, after the earlier records
//   too_large, invalid_argument   the request itself is at fault: also as `rejected`
//   foreign_schema, newer_schema, older_schema   not this journal's tables, also after `open`
//   pool_closed        the session was interrupted
//   foreign_position   a position of another journal, of a strand that it has not, or of an earlier
//                      numbering; or past the end, if the backend can tell
//   history_erased     a reader starts before erased events
// For an append or upsert the outcome matters more than its code. `failed` is retried after a
// pause, whatever the code. So only a request that is certainly not stored is `failed`; after any
// doubt it is `unknown`.
//
// After `interrupt` the session is `broken` and all its calls fail with `pool_closed`, appends and
// upserts as `failed`; calls that start afterwards store nothing. The running call ends soon: done,
// failed, or `unknown`, which any other session can settle.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/event_query.hpp"     // IWYU pragma: export
#include "nexus/journal_values.hpp"  // IWYU pragma: export
#include "nexus/session.hpp"         // IWYU pragma: export

namespace nexus { inline namespace v0 {

/// A session that also takes SQL of the program, if its database has SQL. Inside a transaction of
/// the program, the calls of the journal fail with `invalid_argument` and change nothing.
class journal_session : public session {
 public:
  using session::query;  // of SQL; beside the query of events below

  /// Appends each request's events right after `request.expected`, all or none of them. A call has
  /// at most one request per id. Returns one outcome per request, in order. SQL backends commit the
  /// call as one transaction, in which a conflicting or rejected request fails alone and the others
  /// commit; positions ascend within an id. A request that both conflicts and exceeds a limit may
  /// get either outcome; a request without events and without a change of the alarm, or whose
  /// numbers would pass sequence_nr_max, is `rejected` unless it conflicts; a request with an
  /// invalid tag is `rejected`. `stored` may lack a position if there are no events.
  ///
  /// A change of the alarm is a part of the request: stored with its events or not at all. A
  /// request without events compares `expected` like any other, in the transaction that changes the
  /// alarm. Changes of one alarm never overtake each other: the last one is that of the highest
  /// numbers. An append that leaves the alarm alone reads none, so a request without events that
  /// commits while the append does may be stored beside it, as if it had come first. A request
  /// without events for an id without events (`expected` is 0) is `rejected`.
  [[nodiscard]] virtual std::vector<append_outcome> append(
      std::span<const append_request> requests) = 0;

  /// Finds out about a request whose outcome was `unknown` (on any session of this journal):
  /// `stored` if the records at its numbers are exactly its own in everything it carried, else
  /// `not_stored`. `not_stored` is final: settle first makes a late commit of the old attempt
  /// impossible. Reading is not enough where an attempt can outlive its answer: a transaction that
  /// commits late, or a log whose sync failed and which a crash brings back. Such a backend ends
  /// the attempt, or commits something durable itself, and reads then. An error means "ask again
  /// later", whatever its code. Undefined if any of those numbers has been erased. Never
  /// `superseded`. The alarm is not compared, except for a request without events: that is `stored`
  /// if the alarm is as the request leaves it.
  [[nodiscard]] virtual result<settlement> settle(const append_request& request) = 0;

  /// Passes the records numbered from..to to `sink` in ascending order, at most `max` of them. An
  /// empty range, an unknown id and erased records pass nothing.
  [[nodiscard]] virtual result<void> replay(const persistence_id& id, sequence_nr from,
                                            sequence_nr to, std::size_t max,
                                            const record_sink& sink) = 0;

  /// Like `replay`, for folding a state: position, writer, metadata, time and tags may be left out.
  [[nodiscard]] virtual result<void> replay_payloads(const persistence_id& id, sequence_nr from,
                                                     sequence_nr to, std::size_t max,
                                                     const record_sink& sink) {
    return replay(id, from, to, max, sink);
  }

  /// The number of orders of the journal, as of `journal::strands`.
  [[nodiscard]] virtual std::uint32_t strands() const noexcept { return 1; }

  /// Passes the records of all ids of the strand of `from.after` with a position past it to `sink`,
  /// complete and in ascending order of position, at most `max` of them. It passes no record before
  /// whose position another event may still become visible. So a reader that continues after the
  /// last position it saw sees every event of the strand exactly once, and the events of an id in
  /// the order of their numbers.
  ///
  /// `history_erased` if an event past `from.after` has been erased, in the snapshot that the
  /// records are read from; with `from.from_kept` such events are skipped. Without events, and past
  /// the last one, nothing is passed; `foreign_position` as described above.
  [[nodiscard]] virtual result<void> read_all(reading_start from, std::size_t max,
                                              const journal_sink& sink) = 0;

  /// Passes the events that match `filter` to `sink`: those of one page, in its order. It passes
  /// only what `read_all` would pass now. A sink that returns false ends the page: `next` continues
  /// behind the last event passed. An invalid filter or page is `invalid_argument` and names
  /// the field; erased events are skipped. The implementation here scans the journal.
  [[nodiscard]] virtual result<page_info> query(const event_filter& filter, const event_page& page,
                                                const journal_sink& sink);

  /// The number of events that `query` would pass on all pages together.
  [[nodiscard]] virtual result<std::uint64_t> count(const event_filter& filter);

  /// How `query` finds the events of a filter, for people: the index that serves it, or that it
  /// scans.
  [[nodiscard]] virtual result<std::string> explain(const event_filter& filter);

  /// The position of the strand's last event that is stored and not erased, also if `read_all` does
  /// not pass it yet: once a reader is there, it has seen every event acknowledged before this call.
  /// The start of the strand if there is none.
  [[nodiscard]] virtual result<position> last(std::uint32_t strand);

  /// Stores the position up to which a reader has read a strand, and registers the reader if needed:
  /// from then on, events past it are not erased (see `erase_to`). The name is valid UTF-8 of 1 to
  /// `stored_reader::name_bytes_max` bytes without NUL. May be called in a transaction of the
  /// program, and is a part of it then.
  [[nodiscard]] virtual result<void> save_reader(const stored_reader& reader) = 0;

  /// All registered readers, a value per reader and strand, sorted by both.
  [[nodiscard]] virtual result<std::vector<stored_reader>> readers() = 0;

  /// Removes a registered reader, which then holds back nothing; removing an unknown one is no
  /// error.
  [[nodiscard]] virtual result<void> forget_reader(std::string_view name) = 0;

  /// What keeps stored events or states from being read by `read_all` or `read_states` now, in
  /// words for a warning, as in "pid 4711 (psql): its transaction has been open for 12 s"; none if
  /// nothing does.
  [[nodiscard]] virtual result<std::optional<std::string>> held_back() { return std::nullopt; }

  /// Called before and after several reads of entities that are made one after another. The session
  /// may make them in one view of the database, not older than `begin_reads`, if that is cheaper.
  /// The other calls work between them, too, and end the view. Neither fails: a read tells what is
  /// wrong.
  virtual void begin_reads() noexcept {}
  virtual void end_reads() noexcept {}

  /// The highest number ever stored under `id`, 0 for none. It never falls, not even by erasing.
  [[nodiscard]] virtual result<sequence_nr> highest(const persistence_id& id) = 0;

  /// Erases the records numbered up to and including `to` for good. Erasing past `highest` erases
  /// all records and leaves `highest`; if there is no snapshot either, the alarm goes with them. May
  /// stop part of the way on an error; the rest has no gap. Stops at the slowest registered reader
  /// of the strand, and returns `held_back` with its name if there was more to erase, unless forced.
  [[nodiscard]] virtual result<void> erase_to(const persistence_id& id, sequence_nr to,
                                              erasing how = erasing::up_to_readers) = 0;

  /// The alarms of a strand that match, in ascending order of their due times and then of their
  /// ids, bytewise, at most `max` of them. A type that cannot have ids has none, nor has a strand
  /// that the journal has not. Reads at most `max` rows of each type, also if many are due at the
  /// same time.
  [[nodiscard]] virtual result<std::vector<stored_alarm>> due(std::uint32_t strand,
                                                              const due_filter& which,
                                                              std::size_t max) = 0;

  /// The alarm of an id, if it has one.
  [[nodiscard]] virtual result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) = 0;

  /// The types of which alarms of the strand are due at `until` or before, sorted bytewise, with
  /// the number of those alarms, counted up to `count_max`. Reads no alarm that is not due.
  [[nodiscard]] virtual result<std::vector<due_type>> due_types(std::uint32_t strand,
                                                                timestamp until,
                                                                std::uint64_t count_max) = 0;

  /// Up to `max` ids whose `highest` is not 0, in ascending bytewise order. An invalid `which.type`
  /// (journal_checks.hpp: `may_have_ids`) lists nothing: "a|b" does not list the ids of type "a"
  /// that begin with "b".
  [[nodiscard]] virtual result<std::vector<persistence_id>> ids(const id_filter& which,
                                                                std::size_t max) = 0;

  /// Saves all snapshots or none. Replaces a snapshot of the same id and number.
  [[nodiscard]] virtual result<void> save_snapshots(std::span<const snapshot_request> requests) = 0;

  /// The snapshot with the highest number within bounds, if any.
  [[nodiscard]] virtual result<std::optional<stored_snapshot>> load_snapshot(
      const persistence_id& id, snapshot_bounds within) = 0;

  /// Erases the snapshots within bounds for good; the alarm too, if events were erased before, and
  /// neither events nor snapshots are left.
  [[nodiscard]] virtual result<void> erase_snapshots(const persistence_id& id,
                                                     snapshot_bounds within) = 0;

  /// The numbers of the snapshots within bounds, newest first, at most `max`; reads no data.
  [[nodiscard]] virtual result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                                          snapshot_bounds within,
                                                                          std::size_t max) = 0;

  /// Erases old snapshots and events of many ids for good, if possible in one transaction. May stop
  /// part of the way on an error; the rest has no gap. Events that a registered reader still needs
  /// are not erased; the journal remembers them for `prune_held_back`. An alarm goes as with
  /// `erase_to`.
  [[nodiscard]] virtual result<void> prune(std::span<const prune_request> requests) = 0;

  /// Erases what earlier calls of `prune` left to readers that have gone on since, of up to `max`
  /// ids. Returns the number of ids from which it erased; fewer than `max`: nothing is left to do
  /// until a reader goes on.
  [[nodiscard]] virtual result<std::size_t> prune_held_back(std::size_t max) = 0;

  /// Replaces each request's state of version `request.expected`. As with `append`: at most one
  /// request per id in a call; one outcome each, in order; one transaction, in which a conflicting
  /// or rejected request fails alone. `conflict` has the version; `stored` may lack a position. A
  /// request whose `next` is not past `expected`, or is past sequence_nr_max, is `rejected`; if it
  /// also exceeds a limit or conflicts, it may get either outcome. A request that changes only the
  /// alarm (`next` is `expected`) leaves the state alone, and `read_states` does not pass it; on
  /// version 0 it is `rejected`, since an id without a state has no alarm.
  [[nodiscard]] virtual std::vector<append_outcome> upsert(
      std::span<const upsert_request> requests) = 0;

  /// Finds out about an upsert whose outcome was `unknown`: `stored` if the state at exactly `next`
  /// is its own in everything it carried; `not_stored`, which is final, if that is another state or
  /// `next` was never reached; `superseded` if the version is past `next` by now. The alarm is not
  /// compared; only for a request that changes nothing else it is, and then nothing else is.
  [[nodiscard]] virtual result<settlement> settle(const upsert_request& request) = 0;

  /// The state of an id, or its tombstone; none if none was ever written.
  [[nodiscard]] virtual result<std::optional<stored_state>> get_state(const persistence_id& id) = 0;

  /// Like `ids`, for ids that have a state which is not erased.
  [[nodiscard]] virtual result<std::vector<persistence_id>> state_ids(const id_filter& which,
                                                                      std::size_t max) = 0;

  /// Passes the latest state or tombstone of every id that changed past `after`, in the order of the
  /// last changes, with the guarantees of `read_all`: a reader that continues after the last
  /// position it saw misses no id's latest state, and may miss states between. A state whose last
  /// change is held back is passed later, with that change; until then not even its former value is
  /// passed. `invalid_argument` if the journal does not number changes of states: SQL backends and
  /// DynamoDB number them if the URI has `indexes=states`.
  [[nodiscard]] virtual result<void> read_states(position after, std::size_t max,
                                                 const state_sink& sink) = 0;
};

/// Tells a reader that there may be more events. It misses what its database does not report (with
/// SQLite: appends of other processes), so a reader also polls the journal.
///
/// Threads: one waits, any may wake it. Lifetime: ends before its journal.
class journal_watch {
 public:
  virtual ~journal_watch() = default;

  /// Blocks until events may have been appended since the last `wait` returned or the watch was
  /// made, until `wake` was called since then, or until `within` is over. May return for no reason.
  /// After an error the reader must poll the journal until a later `wait` succeeds.
  [[nodiscard]] virtual result<void> wait(std::chrono::nanoseconds within) = 0;

  virtual void wake() noexcept = 0;
};

/// An opened database: makes sessions.
class journal {
 public:
  virtual ~journal() = default;

  /// Connects. The session must not outlive the journal, nor be used by two threads at once.
  [[nodiscard]] virtual result<std::unique_ptr<journal_session>> open_session() = 0;

  /// A watch over the appends of all sessions; nexus/commit_signal.hpp has one for the sessions of
  /// this journal object.
  [[nodiscard]] virtual result<std::unique_ptr<journal_watch>> watch() = 0;

  [[nodiscard]] virtual journal_limits limits() const = 0;

  /// The number of orders in which events stand, 1 to `slices`: positions of one strand are ordered.
  /// Never changes. `strand_of` says which strand an id belongs to.
  [[nodiscard]] virtual std::uint32_t strands() const noexcept { return 1; }

  /// The number of sessions that should append side by side; an id always uses the same one. 1 if
  /// only a single transaction can write at a time.
  [[nodiscard]] virtual unsigned writers() const { return 1; }

  /// How many reads of entities that wait are given to one session at once, between `begin_reads`
  /// and `end_reads`. 1 unless that makes them cheaper: the later ones wait for the earlier ones.
  [[nodiscard]] virtual std::size_t reads_at_once() const noexcept { return 1; }

  /// Why all future writes would be lost, as far as that is visible without calling the database;
  /// none if all is well. Must be cheap: /health asks.
  [[nodiscard]] virtual std::optional<error> trouble() { return std::nullopt; }

  /// The name in messages, e.g. "sqlite:bank.db"; never contains a password.
  [[nodiscard]] virtual std::string name() const = 0;
};

}}  // namespace nexus::v0
