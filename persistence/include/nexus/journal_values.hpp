// The values that go into and come out of a journal: events, snapshots, durable states, requests
// and their outcomes. nexus/journal.hpp has the calls.
//
// Threads: plain values. Views are valid as long as the bytes they point to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/clock.hpp"
#include "nexus/persistence_id.hpp"
#include "nexus/position.hpp"  // IWYU pragma: export
#include "nexus/result.hpp"
#include "nexus/ulid.hpp"

namespace nexus { inline namespace v0 {

/// The number of an event within its persistence id, from 1; 0 means "before the first".
using sequence_nr = std::uint64_t;

/// The largest number that backends store (a signed 64-bit column).
inline constexpr sequence_nr sequence_nr_max = std::numeric_limits<std::int64_t>::max();

/// Where a reader of a strand starts: behind `after`.
struct reading_start {
  position after{};
  /// Passes what is kept where events behind `after` were erased, instead of `history_erased`.
  bool from_kept = false;

  reading_start() = default;
  reading_start(position at) : after{at} {}  // NOLINT: implicit

  /// A start with `from_kept`.
  [[nodiscard]] static reading_start kept_after(position at) {
    reading_start made{at};
    made.from_kept = true;
    return made;
  }
};

/// An event as stored: its bytes, and what is needed to read them.
struct event_view {
  std::string_view type{};           ///< the stable name, e.g. "deposited"
  std::uint32_t schema_version = 1;  ///< of that type
  std::string_view codec = "msgpack";
  std::string_view data{};      ///< any bytes, may be empty
  std::string_view metadata{};  ///< any bytes, may be empty
  timestamp time{};
  /// At most `tags_max` tags, each 1 to `tag_bytes_max` bytes of valid UTF-8 without NUL. Order and
  /// repeats do not matter; tags are read back distinct and sorted bytewise.
  std::span<const std::string_view> tags{};

  static constexpr std::size_t tags_max = 64;
  static constexpr std::size_t tag_bytes_max = 255;
};

/// The size of an event in bounds by bytes: its data, metadata and tags.
[[nodiscard]] inline std::size_t bytes_of(const event_view& event) noexcept {
  auto bytes = event.data.size() + event.metadata.size();
  for (const auto& tag : event.tags) bytes += tag.size();
  return bytes;
}

/// What a request does to the alarm of its id: the time at which the entity is to be woken.
struct due_change {
  enum class kind : std::uint8_t { none, set, clear };

  kind what = kind::none;
  timestamp at{};  ///< of kind::set

  [[nodiscard]] static constexpr due_change set(timestamp t) noexcept { return {kind::set, t}; }
  [[nodiscard]] static constexpr due_change clear() noexcept { return {kind::clear, {}}; }

  [[nodiscard]] explicit operator bool() const noexcept { return what != kind::none; }
  friend bool operator==(const due_change&, const due_change&) = default;
};

/// Events to store right after `expected`, all or none of them. Without events, but with a change
/// of the alarm, it changes only that, if `expected` is the highest number; see `set_due`.
struct append_request {
  persistence_id id;
  sequence_nr expected = 0;  ///< must be exactly the id's highest number, or the request conflicts
  ulid writer{};
  std::span<const event_view> events{};
  due_change due{};

  [[nodiscard]] bool only_due() const noexcept { return due && events.empty(); }
};

/// A change of the alarm alone, fenced like an append.
[[nodiscard]] inline append_request set_due(persistence_id id, sequence_nr expected, ulid writer,
                                            due_change due) {
  return {std::move(id), expected, writer, {}, due};
}

/// An alarm as stored. An id has at most one.
struct stored_alarm {
  persistence_id id;
  timestamp due{};
  ulid writer{};  ///< of the request that set it

  friend bool operator==(const stored_alarm&, const stored_alarm&) = default;
};

/// Which alarms to list: those of ids of `types` that are due at `until` or before, past `after` in
/// the order of listing (due time, then id).
struct due_filter {
  std::span<const std::string_view> types{};
  timestamp until = timestamp::max();
  const stored_alarm* after = nullptr;  ///< null: from the first one
  /// Told of each row that cannot be read, which is left out then; without it, such a row is an
  /// error (`corrupt`). Must not throw.
  const std::function<void(const error&)>* on_corrupt = nullptr;
};

/// The alarms of one type that are due.
struct due_type {
  std::string type{};
  std::uint64_t count = 0;
  timestamp first{};

  friend bool operator==(const due_type&, const due_type&) = default;
};

/// Durable. `last` is the position of the request's last event.
struct stored {
  position last;
  friend bool operator==(const stored&, const stored&) = default;
};
/// Not stored: the id's highest number (of a state: its version) is not the expected one.
struct conflict {
  sequence_nr highest = 0;
  friend bool operator==(const conflict&, const conflict&) = default;
};
/// Certainly not stored, through the request's own fault: too large, invalid.
struct rejected {
  error why;
  friend bool operator==(const rejected&, const rejected&) = default;
};
/// Certainly not stored: the storage failed before anything could be durable.
struct failed {
  error why;
  friend bool operator==(const failed&, const failed&) = default;
};
/// May be stored, now or later: any error of COMMIT or after sending. Ask `settle`.
struct unknown {
  error why;
  friend bool operator==(const unknown&, const unknown&) = default;
};
/// Of a request of several states, the first `count` are stored, and the next one is refused by
/// itself; nothing of the others is stored. Only of journals that store states step by step.
struct partly {
  std::uint64_t count = 0;
  error why;
  friend bool operator==(const partly&, const partly&) = default;
};
using append_outcome = std::variant<stored, conflict, rejected, failed, unknown, partly>;

enum class settlement : std::uint8_t {
  stored,
  not_stored,  ///< and never will be stored
  superseded   ///< of a state: a later version exists by now, so the outcome is lost
};

/// An event, as read back.
struct record_view {
  sequence_nr number = 0;
  position at{};
  ulid writer{};
  event_view event{};
};

/// Takes one record; false ends the replay early.
using record_sink = std::function<bool(const record_view&)>;

/// The same for records of many ids, in the order of the journal.
using journal_sink = std::function<bool(const persistence_id& of, const record_view&)>;

/// A registered reader's progress in one strand.
struct stored_reader {
  std::string name{};
  position at{};     ///< it has read up to here
  timestamp time{};  ///< when it said so

  static constexpr std::size_t name_bytes_max = 255;
};

enum class erasing : std::uint8_t {
  up_to_readers,  ///< events that a registered reader has not read yet stay
  forced          ///< also those; the reader gets `history_erased`
};

/// Which ids to list: those of `type` that begin with `prefix`, past `after`. An empty type means
/// every type; then `prefix` and `after` are parts of the whole `type|id`, else of the part behind
/// `type|`.
struct id_filter {
  std::string_view type{};
  std::string_view after{};
  std::string_view prefix{};
};

/// The state of an entity right after event `number`.
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

/// A snapshot as read back; owns its bytes.
struct stored_snapshot {
  sequence_nr number = 0;
  std::string type{};
  std::uint32_t schema_version = 1;
  std::string codec{};
  std::string data{};
  ulid writer{};
  timestamp time{};
};

/// Snapshots with a number within [from, to].
struct snapshot_bounds {
  sequence_nr from = 0;
  sequence_nr to = sequence_nr_max;
};

/// What to erase of an id: snapshots numbered below `snapshots_below`, and events up to
/// `events_to`.
struct prune_request {
  persistence_id id;
  sequence_nr snapshots_below = 0;
  sequence_nr events_to = 0;
};

/// A durable state as stored: only the value, without history.
struct state_view {
  std::string_view type{};
  std::uint32_t schema_version = 1;
  std::string_view codec = "msgpack";
  std::string_view data{};  ///< any bytes, may be empty
};

/// A state to store in place of version `expected`. Consecutive states that were never stored
/// separately are one request, so `next` may be more than `expected` + 1. With a change of the
/// alarm, and `next` equal to `expected`, it changes only that, and `value` and `time` are ignored.
struct upsert_request {
  persistence_id id;
  sequence_nr expected = 0;  ///< must be exactly the id's version, 0: never written
  sequence_nr next = 0;      ///< the new version; greater than `expected`, or it changes only `due`
  ulid writer{};
  timestamp time{};
  std::optional<state_view> value{};  ///< none: erases, and leaves a tombstone with the version
  due_change due{};
  /// The states between `expected` and `next`, the last one is `value`; `metadata` is what each
  /// replaces, if its kind of states says that. For journals that answer `partly`; others leave it.
  std::span<const event_view> steps{};

  [[nodiscard]] bool only_due() const noexcept { return due && next == expected; }
};

/// A durable state as read back; owns its bytes.
struct stored_state {
  sequence_nr version = 0;
  bool erased = false;  ///< a tombstone: type, codec and data are empty
  std::string type{};
  std::uint32_t schema_version = 1;
  std::string codec{};
  std::string data{};
  ulid writer{};
  timestamp time{};
};

/// The last change of a state, as read back.
struct changed_state {
  position at{};
  sequence_nr version = 0;
  std::optional<state_view> value{};  ///< none: a tombstone
  ulid writer{};
  timestamp time{};
};

/// Takes one state; false ends the reading early.
using state_sink = std::function<bool(const persistence_id& of, const changed_state&)>;

/// The limits of a backend. Past them an append or upsert is `rejected` with `too_large`, and a
/// snapshot fails with `too_large`.
struct journal_limits {
  std::size_t payload_bytes_max = std::size_t{64}
                                  << 20;     ///< of an event's, snapshot's or state's data
  std::size_t request_events_max = 100'000;  ///< events in one request
  /// Of their data, metadata and tags together; at least payload_bytes_max.
  std::size_t request_bytes_max = std::size_t{256} << 20;
  /// Of the time of an event, snapshot, state or alarm; a time outside is `invalid_argument`.
  timestamp time_min = timestamp::min();
  timestamp time_max = timestamp::max();

  [[nodiscard]] bool take(timestamp t) const noexcept { return time_min <= t && t <= time_max; }
};

/// Why a journal with these limits never stores the request, whatever it holds; a backend returns
/// it as `rejected` before it starts. Numbers past sequence_nr_max are not checked, as they may
/// conflict.
[[nodiscard]] std::optional<error> fault_of(const append_request& request,
                                            const journal_limits& max);
[[nodiscard]] std::optional<error> fault_of(const event_view& event, const journal_limits& max);
[[nodiscard]] std::optional<error> fault_of(const upsert_request& request,
                                            const journal_limits& max);

/// The tags as they are read back: distinct, sorted bytewise.
[[nodiscard]] std::vector<std::string_view> sorted_tags(std::span<const std::string_view> tags);

}}  // namespace nexus::v0
