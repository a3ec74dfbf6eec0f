#include "statements.hpp"

#include <fmt/format.h>

#include "layout.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

// Positions count up within the call, and a call is one transaction.
constexpr auto append_events_sql = R"sql(
INSERT INTO nexus_event_journal (persistence_id, sequence_nr, transaction_id, position, event_type,
    schema_version, codec, event_data, metadata, writer_id, timestamp, slice, tags)
SELECT unnest($1::text[]), unnest($2::int8[]), pg_current_xact_id(), unnest($3::int8[]),
    unnest($4::text[]), unnest($5::int8[]), unnest($6::text[]), unnest($7::bytea[]),
    unnest($8::bytea[]), unnest($9::text[]), unnest($10::timestamptz[]), unnest($11::int4[]),
    unnest($12::text[])::text[]
)sql";

constexpr auto append_tags_sql = R"sql(
INSERT INTO nexus_event_tags (tag, transaction_id, position)
SELECT t.tag, pg_current_xact_id(), t.position FROM unnest($1::text[], $2::int8[]) AS t (tag, position)
)sql";

// Checks that `expected` was each id's highest number; fails with "division by zero" if not. The
// unique key has ensured already that the numbers were free, by waiting for transactions that take
// or erase them. It remains to check that the number before is the last one, stored or erased. The
// check has its own snapshot, taken after the inserts, so nothing can have changed meanwhile.
// Sub-selects for single values are two look-ups per request. EXISTS would become a hash of the
// whole journal, built again for each batch.
// The commit sets its own durability, whatever a trigger has set meanwhile.
constexpr auto append_check_sql = R"sql(
SELECT pg_current_xact_id(), 1 / (count(*) = 0)::int4, set_config('synchronous_commit', $3::text, true)
FROM unnest($1::text[], $2::int8[]) AS r (id, expected)
WHERE coalesce(
    (SELECT e.sequence_nr FROM nexus_erased e
      WHERE e.persistence_id = r.id AND e.sequence_nr >= r.expected),
    (SELECT j.sequence_nr FROM nexus_event_journal j
      WHERE j.persistence_id = r.id AND j.sequence_nr = r.expected),
    CASE r.expected WHEN 0 THEN 0 ELSE -1 END) <> r.expected
)sql";

constexpr auto highest_sql = R"sql(
SELECT greatest(
    coalesce((SELECT max(j.sequence_nr) FROM nexus_event_journal j WHERE j.persistence_id = r.id), 0),
    coalesce((SELECT e.sequence_nr FROM nexus_erased e WHERE e.persistence_id = r.id), 0))
FROM unnest($1::text[]) WITH ORDINALITY AS r (id, at) ORDER BY r.at
)sql";

// The version that a state replaces is stored with it: so a conflicting row can be checked against
// it, and the statement needs no retry.
constexpr auto upsert_states_sql = R"sql(
INSERT INTO nexus_durable_state AS s (persistence_id, version, previous_version, state_type,
    schema_version, codec, state_data, writer_id, timestamp, slice, transaction_id, position)
SELECT r.id, r.version, r.previous, r.type, r.schema, r.codec, r.data, r.writer, r.time, r.slice,
    pg_current_xact_id(), r.n
FROM unnest($1::text[], $2::int8[], $3::int8[], $4::text[], $5::int8[], $6::text[], $7::bytea[],
    $8::text[], $9::timestamptz[], $10::int4[]) WITH ORDINALITY
  AS r (id, version, previous, type, schema, codec, data, writer, time, slice, n)
WHERE r.previous = 0
   OR (SELECT o.version FROM nexus_durable_state o WHERE o.persistence_id = r.id) IS NOT NULL
ON CONFLICT (persistence_id) DO UPDATE SET version = excluded.version,
    previous_version = excluded.previous_version, state_type = excluded.state_type,
    schema_version = excluded.schema_version, codec = excluded.codec,
    state_data = excluded.state_data, writer_id = excluded.writer_id,
    timestamp = excluded.timestamp, transaction_id = excluded.transaction_id,
    position = excluded.position
  WHERE s.version = excluded.previous_version
RETURNING persistence_id
)sql";

constexpr auto versions_sql = R"sql(
SELECT coalesce((SELECT s.version FROM nexus_durable_state s WHERE s.persistence_id = r.id), 0)
FROM unnest($1::text[]) WITH ORDINALITY AS r (id, at) ORDER BY r.at
)sql";

// An alarm that goes is written like the others, with the time infinity, and deleted afterwards: a
// transaction that finds no row to delete would wait for no other one. So changes of an alarm come
// one after the other, and what follows in the transaction sees everything that others have
// committed with theirs.
constexpr std::string_view set_alarms_sql = R"sql(
INSERT INTO nexus_alarms (persistence_id, entity_type, due, slice, writer_id)
{}
ON CONFLICT (persistence_id) DO UPDATE SET entity_type = excluded.entity_type,
    due = excluded.due, writer_id = excluded.writer_id
)sql";
constexpr std::string_view alarms_of_events = R"sql(
SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::timestamptz[]), unnest($4::int4[]),
    unnest($5::text[]))sql";

// Those whose state was written by this transaction, and those that change only the alarm of a
// version that is stored: its row stays locked, so that an upsert waits. One look-up each, in the
// order of the ids.
constexpr std::string_view alarms_of_states = R"sql(
SELECT r.id, r.type, r.due, r.slice, r.writer
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::int4[], $5::text[], $6::int8[],
    $7::int8[]) AS r (id, type, due, slice, writer, version, alone)
CROSS JOIN LATERAL (SELECT FROM nexus_durable_state s
    WHERE s.persistence_id = r.id AND s.version = r.version
      AND (r.alone = 1 OR s.transaction_id = pg_current_xact_id()) FOR UPDATE) AS held)sql";

constexpr std::string_view clear_alarms_sql = R"sql(
DELETE FROM nexus_alarms WHERE persistence_id = ANY ($1::text[]) AND due = 'infinity'
)sql";

// Checks that `expected` is the highest number of ids without new events, after their alarms were
// written; fails with "division by zero" if not.
constexpr std::string_view check_bare_sql = R"sql(
SELECT 1 / (count(*) = 0)::int4 FROM unnest($1::text[], $2::int8[]) AS r (id, expected)
WHERE greatest(
    coalesce((SELECT max(j.sequence_nr) FROM nexus_event_journal j WHERE j.persistence_id = r.id), 0),
    coalesce((SELECT e.sequence_nr FROM nexus_erased e WHERE e.persistence_id = r.id), 0))
  <> r.expected
)sql";

constexpr std::string_view read_alarm_sql = R"sql(
SELECT persistence_id, due, writer_id, entity_type FROM nexus_alarms
WHERE persistence_id = $1::text
)sql";

constexpr std::string_view read_due_sql = R"sql(
SELECT a.persistence_id, a.due, a.writer_id, a.entity_type FROM unnest($1::text[]) AS t (type)
CROSS JOIN LATERAL (
  SELECT persistence_id, due, writer_id, entity_type FROM nexus_alarms
  WHERE entity_type = t.type AND due <= $2::timestamptz
    AND (due, persistence_id) > ($3::timestamptz, $4::text)
  ORDER BY due, persistence_id LIMIT $5::int8) a
ORDER BY a.due, a.persistence_id LIMIT $5::int8
)sql";

// Goes from type to type by a look-up each, and reads at most $2 alarms of each: in order, since
// otherwise a scan of the table would look cheaper where many are due.
constexpr std::string_view read_due_types_sql = R"sql(
WITH RECURSIVE types (type) AS (
  SELECT (SELECT min(entity_type) FROM nexus_alarms)
  UNION ALL
  SELECT (SELECT min(entity_type) FROM nexus_alarms WHERE entity_type > types.type)
  FROM types WHERE types.type IS NOT NULL)
SELECT t.type,
    (SELECT count(*) FROM (SELECT FROM nexus_alarms a
      WHERE a.entity_type = t.type AND a.due <= $1::timestamptz
      ORDER BY a.due LIMIT $2::int8) AS counted),
    f.first
FROM types t CROSS JOIN LATERAL
    (SELECT min(due) AS first FROM nexus_alarms a WHERE a.entity_type = t.type) f
WHERE t.type IS NOT NULL AND f.first <= $1::timestamptz ORDER BY t.type
)sql";

// An alarm without anything that it could wake: events were erased, and neither events nor
// snapshots are left. Sub-selects for single values are look-ups.
constexpr std::string_view is_bare = R"sql(
    (SELECT 1 FROM nexus_erased e WHERE e.persistence_id = a.persistence_id) IS NOT NULL
AND (SELECT 1 FROM nexus_event_journal j WHERE j.persistence_id = a.persistence_id LIMIT 1) IS NULL
AND (SELECT 1 FROM nexus_snapshot_store s WHERE s.persistence_id = a.persistence_id LIMIT 1) IS NULL
)sql";

// In two statements: the first one waits for a transaction that writes the alarm, the second one
// sees the events that were committed with it.
constexpr std::string_view hold_bare_alarms_sql = R"sql(
SELECT 1 FROM unnest($1::text[]) AS r (id)
CROSS JOIN LATERAL (SELECT FROM nexus_alarms a WHERE a.persistence_id = r.id AND {} FOR UPDATE) AS held
)sql";
constexpr std::string_view erase_bare_alarms_sql = R"sql(
DELETE FROM nexus_alarms a WHERE a.persistence_id = ANY ($1::text[]) AND {}
)sql";

// Ends the holder of the lock: a process id alone may belong to another session by now.
constexpr auto end_holder_sql = R"sql(
SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND l.classid::int8 = ($1::int8 >> 32) & 4294967295 AND l.objid::int8 = $1::int8 & 4294967295
)sql";

constexpr auto read_events_sql = R"sql(
SELECT j.sequence_nr, j.event_type, j.schema_version, j.codec, j.event_data,
    j.transaction_id, j.position, j.writer_id, j.metadata, j.timestamp, j.tags
FROM nexus_event_journal j
WHERE j.persistence_id = $1::text AND j.sequence_nr BETWEEN $2::int8 AND $3::int8
ORDER BY j.sequence_nr LIMIT $4::int8
)sql";

constexpr auto read_payloads_sql = R"sql(
SELECT sequence_nr, event_type, schema_version, codec, event_data FROM nexus_event_journal
WHERE persistence_id = $1::text AND sequence_nr BETWEEN $2::int8 AND $3::int8
ORDER BY sequence_nr LIMIT $4::int8
)sql";

// All transactions before the snapshot's xmin have ended, so none of their events can still appear.
// The position alone would skip events that commit late, as would one from a sequence. The last
// columns tell whether something past the start was erased, in the same snapshot, and whether the
// start is past the end; so there is a row even without events.
constexpr auto read_all_sql = R"sql(
SELECT j.*, m.erased, m.past_the_end
FROM (SELECT coalesce((SELECT (e.transaction_id, e.position) > ($1::xid8, $2::int8)
                         FROM nexus_erased e
                        ORDER BY e.transaction_id DESC, e.position DESC LIMIT 1), false) AS erased,
             $1::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) AS past_the_end) m
LEFT JOIN LATERAL (
  SELECT j.sequence_nr, j.event_type, j.schema_version, j.codec, j.event_data,
      j.transaction_id, j.position, j.writer_id, j.metadata, j.timestamp, j.tags,
      j.persistence_id
  FROM nexus_event_journal j
  WHERE (j.transaction_id, j.position) > ($1::xid8, $2::int8)
    AND j.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY j.transaction_id, j.position LIMIT $3::int8) j ON true
ORDER BY j.transaction_id, j.position
)sql";

// Whether a position is of a transaction that this server has not begun. A server that a dump was
// loaded into counts on its own: it may take the dump's ids for those of its past, but a position
// that a program stored after the dump would skip what is appended now.
constexpr std::string_view is_past_the_end_sql =
    "SELECT $1::xid8 >= pg_snapshot_xmax(pg_current_snapshot())";

constexpr auto read_states_sql = R"sql(
SELECT version, state_type, schema_version, codec, state_data, writer_id, timestamp,
    transaction_id, position, persistence_id
FROM nexus_durable_state
WHERE (transaction_id, position) > ($1::xid8, $2::int8)
  AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY transaction_id, position LIMIT $3::int8
)sql";

// A DELETE sees only the readers of its snapshot, which is older than a reader that is registered
// while it waits. So erasing takes a shared lock in a statement before the DELETE. A reader that is
// new or goes back takes the lock exclusively: it waits for running erasing, and later erasing sees
// it. A reader that goes on takes no lock.
constexpr auto share_readers_sql =
    "SELECT pg_advisory_xact_lock_shared(hashtext('nexus readers'), "
    "'nexus_readers'::regclass::oid::int4)";

// A position past the end is not stored, except in a transaction whose snapshot may be older than
// the position. The factor of an interval has only 53 bits, so the time is a sum of two parts.
constexpr auto save_reader_sql = R"sql(
WITH goes_on AS MATERIALIZED (
  SELECT FROM nexus_readers WHERE name = $1::text AND strand = 0
    AND (transaction_id, position) <= ($2::xid8, $3::int8) FOR UPDATE),
alone AS MATERIALIZED (
  SELECT pg_advisory_xact_lock(hashtext('nexus readers'), 'nexus_readers'::regclass::oid::int4)
  WHERE NOT EXISTS (SELECT FROM goes_on))
INSERT INTO nexus_readers (name, strand, transaction_id, position, timestamp)
SELECT $1::text, 0, $2::xid8, $3::int8,
    'epoch'::timestamptz + $4::int8 / 3600000000 * interval '1 hour'
      + $4::int8 % 3600000000 * interval '1 microsecond'
FROM (SELECT count(*) FROM alone) AS locked
WHERE $2::xid8 < pg_snapshot_xmax(pg_current_snapshot())
   OR current_setting('transaction_isolation') <> 'read committed'
ON CONFLICT (name, strand) DO UPDATE SET transaction_id = excluded.transaction_id,
    position = excluded.position, timestamp = excluded.timestamp
)sql";

// The session with the oldest transaction that may still write, if a stored event or an indexed
// change of a state waits for it. A session's own transaction number has only 32 bits.
constexpr std::string_view held_back_sql = R"sql(
WITH horizon AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin)
SELECT coalesce(
    (SELECT format('pid %s (%s, user %s, %s): its transaction has been open for %s s', a.pid,
         coalesce(nullif(a.application_name, ''), 'no name'), a.usename, a.state,
         extract(epoch FROM clock_timestamp() - a.xact_start)::int8)
       FROM pg_stat_activity a, horizon h
       WHERE a.backend_xid::text = (h.xmin::text::numeric % 4294967296)::text
       ORDER BY a.xact_start LIMIT 1),
    (SELECT format('the prepared transaction "%s", since %s', p.gid, p.prepared)
       FROM pg_prepared_xacts p, horizon h
       WHERE p.transaction::text = (h.xmin::text::numeric % 4294967296)::text),
    (SELECT format('transaction %s, of a session that user %s may not see', h.xmin, current_user)
       FROM horizon h))
FROM horizon
WHERE EXISTS (SELECT FROM nexus_event_journal j WHERE j.transaction_id >= horizon.xmin)
   OR CASE WHEN {} THEN
     EXISTS (SELECT FROM nexus_durable_state s WHERE s.transaction_id >= horizon.xmin) END
)sql";

// Goes from id to id by two look-ups each, however many events an id has.
constexpr auto list_ids_sql = R"sql(
WITH RECURSIVE listed (id) AS (
  SELECT (SELECT least(
      (SELECT min(persistence_id) FROM nexus_event_journal
        WHERE persistence_id >= $1::text AND ($2::text IS NULL OR persistence_id < $2::text)),
      (SELECT min(persistence_id) FROM nexus_erased
        WHERE persistence_id >= $1::text AND ($2::text IS NULL OR persistence_id < $2::text))))
  UNION ALL
  SELECT (SELECT least(
      (SELECT min(persistence_id) FROM nexus_event_journal
        WHERE persistence_id > listed.id AND ($2::text IS NULL OR persistence_id < $2::text)),
      (SELECT min(persistence_id) FROM nexus_erased
        WHERE persistence_id > listed.id AND ($2::text IS NULL OR persistence_id < $2::text))))
  FROM listed WHERE listed.id IS NOT NULL)
SELECT id FROM listed WHERE id IS NOT NULL LIMIT $3::int8
)sql";

constexpr auto list_states_sql = R"sql(
SELECT persistence_id FROM nexus_durable_state
WHERE persistence_id >= $1::text AND ($2::text IS NULL OR persistence_id < $2::text)
  AND state_data IS NOT NULL
ORDER BY persistence_id LIMIT $3::int8
)sql";

constexpr auto save_snapshots_sql = R"sql(
INSERT INTO nexus_snapshot_store (persistence_id, sequence_nr, state_type, schema_version, codec,
    state_data, writer_id, timestamp)
SELECT * FROM unnest($1::text[], $2::int8[], $3::text[], $4::int8[], $5::text[], $6::bytea[],
    $7::text[], $8::timestamptz[])
ON CONFLICT (persistence_id, sequence_nr) DO UPDATE SET state_type = excluded.state_type,
    schema_version = excluded.schema_version, codec = excluded.codec,
    state_data = excluded.state_data, writer_id = excluded.writer_id,
    timestamp = excluded.timestamp
)sql";

constexpr auto load_snapshot_sql = R"sql(
SELECT sequence_nr, state_type, schema_version, codec, state_data, writer_id, timestamp
FROM nexus_snapshot_store
WHERE persistence_id = $1::text AND sequence_nr BETWEEN $2::int8 AND $3::int8
ORDER BY sequence_nr DESC LIMIT 1
)sql";

constexpr auto list_snapshots_sql = R"sql(
SELECT sequence_nr FROM nexus_snapshot_store
WHERE persistence_id = $1::text AND sequence_nr BETWEEN $2::int8 AND $3::int8
ORDER BY sequence_nr DESC LIMIT $4::int8
)sql";

constexpr auto load_state_sql = R"sql(
SELECT version, state_type, schema_version, codec, state_data, writer_id, timestamp
FROM nexus_durable_state WHERE persistence_id = $1::text
)sql";

constexpr auto erase_snapshots_sql = R"sql(
DELETE FROM nexus_snapshot_store
WHERE persistence_id = $1::text AND sequence_nr BETWEEN $2::int8 AND $3::int8
)sql";

constexpr auto prune_snapshots_sql = R"sql(
DELETE FROM nexus_snapshot_store s USING unnest($1::text[], $2::int8[]) AS r (id, below)
WHERE s.persistence_id = r.id AND s.sequence_nr < r.below
)sql";

// From the lowest up, at most $3 of each id: an interruption leaves runs without gaps.
constexpr auto erase_events_sql = R"sql(
DELETE FROM nexus_event_journal j USING
  (SELECT r.id, least(r.upto, (SELECT min(m.sequence_nr) FROM nexus_event_journal m
                                WHERE m.persistence_id = r.id) - 1 + $3::int8) AS upto
     FROM unnest($1::text[], $2::int8[]) AS r (id, upto)) AS l
WHERE j.persistence_id = l.id AND j.sequence_nr <= l.upto
  AND ($4::int8 = 1 OR NOT EXISTS (SELECT FROM nexus_readers s
        WHERE (s.transaction_id, s.position) < (j.transaction_id, j.position)))
)sql";

// The same for one id. With it, in the same snapshot, the slowest reader that has not read the last
// event of the range; null: the range has been read, or there is none. So an event that is appended
// meanwhile counts as no event left.
constexpr std::string_view erase_range_sql = R"sql(
WITH erased AS ({} RETURNING 1)
SELECT count(*), (SELECT s.name FROM nexus_readers s
    WHERE $4::int8 = 0 AND (s.transaction_id, s.position) <
      (SELECT j.transaction_id, j.position FROM nexus_event_journal j
        WHERE j.persistence_id = ($1::text[])[1] AND j.sequence_nr <= ($2::int8[])[1]
        ORDER BY j.sequence_nr DESC LIMIT 1)
    ORDER BY s.transaction_id, s.position, s.name LIMIT 1)
FROM erased
)sql";

constexpr auto forget_held_back_sql = R"sql(
DELETE FROM nexus_pruning p USING unnest($1::text[], $2::int8[]) AS l (id, upto)
WHERE p.persistence_id = l.id AND p.sequence_nr <= l.upto
)sql";

constexpr auto hold_back_sql = R"sql(
INSERT INTO nexus_pruning AS p (persistence_id, sequence_nr, transaction_id, position)
SELECT l.id, l.upto, j.transaction_id, j.position
FROM unnest($1::text[], $2::int8[]) AS l (id, upto)
CROSS JOIN LATERAL (SELECT j.sequence_nr, j.transaction_id, j.position FROM nexus_event_journal j
    WHERE j.persistence_id = l.id ORDER BY j.sequence_nr LIMIT 1) j
WHERE j.sequence_nr <= l.upto ORDER BY l.id
ON CONFLICT (persistence_id) DO UPDATE
  SET sequence_nr = greatest(p.sequence_nr, excluded.sequence_nr),
    transaction_id = excluded.transaction_id, position = excluded.position
)sql";

constexpr auto held_back_events_sql = R"sql(
SELECT p.persistence_id, p.sequence_nr FROM nexus_pruning p
WHERE NOT EXISTS (SELECT FROM nexus_readers s
    WHERE (s.transaction_id, s.position) < (p.transaction_id, p.position))
ORDER BY p.transaction_id, p.position LIMIT $1::int8
)sql";

}  // namespace

statements::statements(const schema_choices& names)
    : append_events{"append_events", names.named(append_events_sql)},
      append_tags{"append_tags", names.named(append_tags_sql)},
      append_check{"append_check", names.named(append_check_sql)},
      highest{"highest", names.named(highest_sql)},
      durable{"durable", "SELECT set_config('synchronous_commit', $1::text, true)"},
      upsert_states{"upsert_states", names.named(upsert_states_sql)},
      versions{"versions", names.named(versions_sql)},
      set_alarms{"set_alarms", names.named(fmt::format(set_alarms_sql, alarms_of_events))},
      set_state_alarms{"set_state_alarms",
                       names.named(fmt::format("{}RETURNING persistence_id",
                                               fmt::format(set_alarms_sql, alarms_of_states)))},
      clear_alarms{"clear_alarms", names.named(clear_alarms_sql)},
      check_bare{"check_bare", names.named(check_bare_sql)},
      read_alarm{"read_alarm", names.named(read_alarm_sql)},
      read_due{"read_due", names.named(read_due_sql)},
      read_due_types{"read_due_types", names.named(read_due_types_sql)},
      hold_lock{"hold_lock", "SELECT pg_advisory_lock($1::int8)"},
      wait_briefly{"wait_briefly", "SELECT set_config('lock_timeout', '5s', true)"},
      end_holder{"end_holder", end_holder_sql},
      take_lock{"take_lock", "SELECT pg_advisory_lock($1::int8)"},
      release_lock{"release_lock", "SELECT pg_advisory_unlock($1::int8)"},
      read_events{"read_events", names.named(read_events_sql)},
      read_payloads{"read_payloads", names.named(read_payloads_sql)},
      read_all{"read_all", names.named(read_all_sql)},
      held_back{"held_back", names.named(fmt::format(held_back_sql, changes_are_indexed))},
      list_ids{"list_ids", names.named(list_ids_sql)},
      load_snapshot{"load_snapshot", names.named(load_snapshot_sql)},
      list_snapshots{"list_snapshots", names.named(list_snapshots_sql)},
      load_state{"load_state", names.named(load_state_sql)},
      list_states{"list_states", names.named(list_states_sql)},
      read_states{"read_states", names.named(read_states_sql)},
      index_of_changes{
          "index_of_changes",
          names.named(fmt::format("{} WHERE {}", is_past_the_end_sql, changes_are_indexed))},
      is_past_the_end{"is_past_the_end", std::string{is_past_the_end_sql}},
      share_readers{"share_readers", names.named(share_readers_sql)},
      save_reader{"save_reader", names.named(save_reader_sql)},
      list_readers{"list_readers",
                   names.named("SELECT name, transaction_id, position, timestamp FROM "
                               "nexus_readers ORDER BY name, strand")},
      forget_reader{"forget_reader",
                    names.named("DELETE FROM nexus_readers WHERE name = $1::text")},
      save_snapshots{"save_snapshots", names.named(save_snapshots_sql)},
      erase_snapshots{"erase_snapshots", names.named(erase_snapshots_sql)},
      prune_snapshots{"prune_snapshots", names.named(prune_snapshots_sql)},
      erase_events{"erase_events", names.named(erase_events_sql)},
      erase_range{"erase_range", names.named(fmt::format(erase_range_sql, erase_events_sql))},
      hold_back{"hold_back", names.named(hold_back_sql)},
      held_back_events{"held_back_events", names.named(held_back_events_sql)},
      forget_held_back{"forget_held_back", names.named(forget_held_back_sql)},
      hold_bare_alarms{"hold_bare_alarms", names.named(fmt::format(hold_bare_alarms_sql, is_bare))},
      erase_bare_alarms{"erase_bare_alarms",
                        names.named(fmt::format(erase_bare_alarms_sql, is_bare))} {}

}}}  // namespace nexus::v0::postgres
