// The contract between Nexus and a database.
//
// A journal keeps, per persistence id, a run of events numbered 1, 2, 3 … without gaps, and snapshots
// of the state they add up to. A backend implements `journal` and `journal_session`; everything
// above (writers, pool, entities) is made from these calls. The suite in
// nexus/testkit/journal_contract.hpp says in tests what is said here in words.
//
// Threads: a journal may be used from any thread. A session is one connection: it belongs to one
// thread at a time and its calls block. Throws: nothing; a backend catches its library's exceptions.
// Lifetimes: views passed in are valid during the call; views passed to a sink during that sink call.
// A sink does not call its own session. Numbers and counts past what a backend stores are clamped.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nexus/clock.hpp"
#include "nexus/persistence_id.hpp"
#include "nexus/result.hpp"
#include "nexus/ulid.hpp"

namespace nexus::inline v0 {

/// The number of an event within its persistence id, from 1; 0 means "before the first".
using sequence_nr = std::uint64_t;

/// The largest number any backend stores (a signed 64-bit column).
inline constexpr sequence_nr sequence_nr_max = std::numeric_limits<std::int64_t>::max();

/// Where an event stands in the journal as a whole: opaque, ordered, never reused.
/// Only backends look inside (PostgreSQL needs two parts, SQLite one).
struct position {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;

  friend auto operator<=>(const position&, const position&) = default;
};

/// An event as it is stored: bytes, and what it takes to read them.
struct event_view {
  std::string_view type{};           ///< the stable name, e.g. "deposited"
  std::uint32_t schema_version = 1;  ///< of that type
  std::string_view codec = "msgpack";
  std::string_view data{};      ///< any bytes, also none
  std::string_view metadata{};  ///< any bytes, also none
  timestamp time{};
};

/// Events to be stored right after `expected`, all or none of them.
struct append_request {
  persistence_id id;
  sequence_nr expected = 0;  ///< must be exactly the id's highest number, or the request conflicts
  ulid writer{};
  std::span<const event_view> events{};  ///< at least one
};

/// Durable; `last` is where the request's last event stands.
struct stored {
  position last;
  friend bool operator==(const stored&, const stored&) = default;
};
/// Not stored by this call: the id's highest number is not what the request expected.
struct conflict {
  sequence_nr highest = 0;
  friend bool operator==(const conflict&, const conflict&) = default;
};
/// Certainly not stored, and the request's own fault: too large, invalid.
struct rejected {
  error why;
  friend bool operator==(const rejected&, const rejected&) = default;
};
/// Certainly not stored: the storage was in trouble before anything could be durable.
struct failed {
  error why;
  friend bool operator==(const failed&, const failed&) = default;
};
/// May be stored, now or later: any error from COMMIT or after sending. Ask `settle`.
struct unknown {
  error why;
  friend bool operator==(const unknown&, const unknown&) = default;
};
using append_outcome = std::variant<stored, conflict, rejected, failed, unknown>;

enum class settlement : std::uint8_t { stored, not_stored };

/// An event read back.
struct record_view {
  sequence_nr number = 0;
  position at{};
  ulid writer{};
  event_view event{};
};

/// Takes one record; false ends the replay early.
using record_sink = std::function<bool(const record_view&)>;

/// The state an entity had right after event `number`.
struct snapshot_view {
  sequence_nr number = 0;
  std::string_view type{};
  std::uint32_t schema_version = 1;
  std::string_view codec = "msgpack";
  std::string_view data{};
  ulid writer{};
  timestamp time{};
};

struct snapshot_request {
  persistence_id id;
  snapshot_view snapshot{};
};

/// A snapshot read back; owns its bytes.
struct stored_snapshot {
  sequence_nr number = 0;
  std::string type{};
  std::uint32_t schema_version = 1;
  std::string codec{};
  std::string data{};
  ulid writer{};
  timestamp time{};
};

/// Snapshots whose number is within [from, to].
struct snapshot_bounds {
  sequence_nr from = 0;
  sequence_nr to = sequence_nr_max;
};

/// What a backend takes; past it an append is `rejected` with `too_large`, a snapshot fails with it.
struct journal_limits {
  std::size_t payload_bytes_max = std::size_t{64}
                                  << 20;     ///< of one event's data, or one snapshot's
  std::size_t request_events_max = 100'000;  ///< events in one request
};

class journal_session {
 public:
  virtual ~journal_session() = default;

  /// Appends each request's events right after `request.expected`, all or none of them. There is at
  /// most one request per id in a call. Answers one outcome per request, in order.
  /// SQL backends commit the call as one transaction, in which a conflicting or rejected request
  /// fails alone and the others commit; positions ascend within an id. A request that both conflicts
  /// and is past a limit may get either outcome; one without events, or whose numbers would pass
  /// sequence_nr_max, is `rejected` unless it conflicts.
  [[nodiscard]] virtual std::vector<append_outcome> append(
      std::span<const append_request> requests) = 0;

  /// The truth about a request whose outcome was `unknown` (on any session of this journal):
  /// `stored` if the records at its numbers are exactly its own in everything it carried, else
  /// `not_stored`, and then it stays so: a late commit of the old attempt is made impossible first.
  /// An error means "ask again later". Not defined once any of those numbers has been erased.
  [[nodiscard]] virtual result<settlement> settle(const append_request& request) = 0;

  /// Passes the records numbered from..to in ascending order to `sink`, at most `max` of them.
  /// An empty range, an unknown id and erased records pass nothing.
  [[nodiscard]] virtual result<void> replay(const persistence_id& id, sequence_nr from,
                                            sequence_nr to, std::size_t max,
                                            const record_sink& sink) = 0;

  /// Like `replay`, for whoever folds a state: position, writer, metadata and time may be left out.
  [[nodiscard]] virtual result<void> replay_payloads(const persistence_id& id, sequence_nr from,
                                                     sequence_nr to, std::size_t max,
                                                     const record_sink& sink) {
    return replay(id, from, to, max, sink);
  }

  /// The highest number ever stored under `id`, 0 for none. Never falls, also not by erasing.
  [[nodiscard]] virtual result<sequence_nr> highest(const persistence_id& id) = 0;

  /// Erases the records numbered up to and including `to` for good. Erasing past `highest` erases
  /// all there is and moves nothing. May stop part of the way on an error: what is left has no gap.
  [[nodiscard]] virtual result<void> erase_to(const persistence_id& id, sequence_nr to) = 0;

  /// Up to `max` ids of `type` whose `highest` is not 0, ascending bytewise, those after `after`
  /// (the part behind `type|`; empty: from the start). An empty `type` lists every type, and then
  /// `after` is a whole `type|id`.
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
};

/// An opened database: makes sessions.
class journal {
 public:
  virtual ~journal() = default;

  /// Connects; the session outlives neither the journal nor its thread's turn.
  [[nodiscard]] virtual result<std::unique_ptr<journal_session>> open_session() = 0;

  [[nodiscard]] virtual journal_limits limits() const = 0;

  /// What to call it in a message, e.g. "sqlite:bank.db"; never holds a password.
  [[nodiscard]] virtual std::string name() const = 0;
};

}  // namespace nexus::inline v0
