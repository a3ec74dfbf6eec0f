#include "statements.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

// Goes from id to id by two index seeks each, however many events an id has; min() of a range is a
// seek.
constexpr std::string_view list_ids_sql =
    "WITH RECURSIVE listed (id) AS ("
    "  SELECT (SELECT min(id) FROM"
    "    (SELECT min(persistence_id) AS id FROM nexus_event_journal"
    "       WHERE persistence_id >= ?1 AND persistence_id < ?2"
    "     UNION ALL SELECT min(persistence_id) FROM nexus_erased"
    "       WHERE persistence_id > ?1 AND persistence_id < ?2))"
    "  UNION ALL SELECT (SELECT min(id) FROM"
    "    (SELECT min(persistence_id) AS id FROM nexus_event_journal"
    "       WHERE persistence_id > listed.id AND persistence_id < ?2"
    "     UNION ALL SELECT min(persistence_id) FROM nexus_erased"
    "       WHERE persistence_id > listed.id AND persistence_id < ?2))"
    "  FROM listed WHERE listed.id IS NOT NULL)"
    "SELECT id FROM listed WHERE id IS NOT NULL LIMIT ?3";

// Goes from type to type by an index seek each, and reads at most ?2 alarms of each.
constexpr std::string_view due_types_sql =
    "WITH RECURSIVE types (type) AS ("
    "  SELECT min(entity_type) FROM nexus_alarms"
    "  UNION ALL SELECT (SELECT min(entity_type) FROM nexus_alarms WHERE entity_type > types.type)"
    "  FROM types WHERE types.type IS NOT NULL)"
    "SELECT type, (SELECT count(*) FROM (SELECT 1 FROM nexus_alarms"
    "    WHERE entity_type = type AND due <= ?1 LIMIT ?2)),"
    "  (SELECT min(due) FROM nexus_alarms WHERE entity_type = type) AS first "
    "FROM types WHERE type IS NOT NULL AND first <= ?1";

}  // namespace

statements::statements(const journal_database& db)
    : begin{db, "BEGIN IMMEDIATE"},
      begin_reading{db, "BEGIN"},
      commit{db, "COMMIT"},
      rollback{db, "ROLLBACK"},
      tail{db,
           "SELECT coalesce((SELECT max(position) FROM nexus_event_journal), 0), "
           "coalesce((SELECT max(position) FROM nexus_erased), 0)"},
      // The text of a corrupt row would be the maximum, since texts sort after all numbers.
      last_number{db,
                  "SELECT max(sequence_nr) FROM nexus_event_journal "
                  "WHERE persistence_id = ?1 AND sequence_nr <= 9223372036854775807"},
      last_erased{db, "SELECT sequence_nr FROM nexus_erased WHERE persistence_id = ?1"},
      append_event{db,
                   "INSERT INTO nexus_event_journal (persistence_id, writer_id, slice, "
                   "sequence_nr, position, event_type, schema_version, codec, event_data, "
                   "metadata, timestamp) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
      read_events{db,
                  "SELECT sequence_nr, position, writer_id, event_type, schema_version, codec, "
                  "event_data, metadata, timestamp FROM nexus_event_journal "
                  "WHERE persistence_id = ?1 AND sequence_nr BETWEEN ?2 AND ?3 "
                  "ORDER BY sequence_nr LIMIT ?4"},
      read_payloads{db,
                    "SELECT sequence_nr, event_type, schema_version, codec, event_data "
                    "FROM nexus_event_journal "
                    "WHERE persistence_id = ?1 AND sequence_nr BETWEEN ?2 AND ?3 "
                    "ORDER BY sequence_nr LIMIT ?4"},
      read_all{db,
               "SELECT sequence_nr, position, writer_id, event_type, schema_version, codec, "
               "event_data, metadata, timestamp, persistence_id FROM nexus_event_journal "
               "WHERE position > ?1 ORDER BY position LIMIT ?2"},
      epoch{db, "SELECT value FROM nexus_meta WHERE name = 'epoch'"},
      last_erased_position{db, "SELECT max(position) FROM nexus_erased"},
      last_position{db,
                    "SELECT max(coalesce((SELECT max(position) FROM nexus_event_journal), 0),"
                    " coalesce((SELECT max(position) FROM nexus_erased), 0))"},
      lowest_number{db,
                    "SELECT min(sequence_nr) FROM nexus_event_journal WHERE persistence_id = ?1"},
      position_of{db,
                  "SELECT position FROM nexus_event_journal "
                  "WHERE persistence_id = ?1 AND sequence_nr = ?2"},
      erase_events{db,
                   "DELETE FROM nexus_event_journal "
                   "WHERE persistence_id = ?1 AND sequence_nr <= ?2"},
      list_ids{db, list_ids_sql},
      save_reader{db,
                  "INSERT INTO nexus_readers (name, strand, position, timestamp) "
                  "VALUES (?1, 0, ?2, ?3) ON CONFLICT (name, strand) DO UPDATE SET "
                  "position = excluded.position, timestamp = excluded.timestamp"},
      list_readers{db, "SELECT name, position, timestamp FROM nexus_readers ORDER BY name"},
      forget_reader{db, "DELETE FROM nexus_readers WHERE name = ?1"},
      slowest_reader{db, "SELECT name, position FROM nexus_readers ORDER BY position LIMIT 1"},
      hold_back{db,
                "INSERT INTO nexus_pruning (persistence_id, sequence_nr, position) "
                "VALUES (?1, ?2, ?3) ON CONFLICT (persistence_id) DO UPDATE SET "
                "sequence_nr = max(sequence_nr, excluded.sequence_nr), "
                "position = excluded.position"},
      held_back{db,
                "SELECT persistence_id, sequence_nr FROM nexus_pruning "
                "WHERE position <= ?1 ORDER BY position LIMIT ?2"},
      forget_held_back{db,
                       "DELETE FROM nexus_pruning "
                       "WHERE persistence_id = ?1 AND sequence_nr <= ?2"},
      append_tag{db, "INSERT OR IGNORE INTO nexus_event_tags (tag, position) VALUES (?1, ?2)"},
      read_tags{db,
                "SELECT position, tag FROM nexus_event_tags WHERE position >= ?1 "
                "ORDER BY position, tag"},
      save_snapshot{db,
                    "INSERT OR REPLACE INTO nexus_snapshot_store (persistence_id, sequence_nr, "
                    "state_type, schema_version, codec, state_data, writer_id, timestamp) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
      load_snapshot{db,
                    "SELECT sequence_nr, state_type, schema_version, codec, state_data, writer_id, "
                    "timestamp FROM nexus_snapshot_store "
                    "WHERE persistence_id = ?1 AND sequence_nr BETWEEN ?2 AND ?3 "
                    "ORDER BY sequence_nr DESC LIMIT 1"},
      list_snapshots{db,
                     "SELECT sequence_nr FROM nexus_snapshot_store "
                     "WHERE persistence_id = ?1 AND sequence_nr BETWEEN ?2 AND ?3 "
                     "ORDER BY sequence_nr DESC LIMIT ?4"},
      erase_snapshots{db,
                      "DELETE FROM nexus_snapshot_store "
                      "WHERE persistence_id = ?1 AND sequence_nr BETWEEN ?2 AND ?3"},
      upsert_state{db,
                   "INSERT INTO nexus_durable_state (persistence_id, version, state_type, "
                   "schema_version, codec, state_data, writer_id, timestamp, slice) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (persistence_id) "
                   "DO UPDATE SET version = excluded.version, state_type = excluded.state_type, "
                   "schema_version = excluded.schema_version, codec = excluded.codec, "
                   "state_data = excluded.state_data, writer_id = excluded.writer_id, "
                   "timestamp = excluded.timestamp"},
      read_version{db, "SELECT version FROM nexus_durable_state WHERE persistence_id = ?1"},
      load_state{db,
                 "SELECT version, state_type, schema_version, codec, state_data, writer_id, "
                 "timestamp FROM nexus_durable_state WHERE persistence_id = ?1"},
      list_states{db,
                  "SELECT persistence_id FROM nexus_durable_state WHERE persistence_id >= ?1 "
                  "AND persistence_id < ?2 AND state_data IS NOT NULL "
                  "ORDER BY persistence_id LIMIT ?3"},
      read_states{db,
                  "SELECT version, state_type, schema_version, codec, state_data, writer_id, "
                  "timestamp, position, persistence_id FROM nexus_durable_state "
                  "WHERE position > ?1 ORDER BY position LIMIT ?2"},
      index_of_changes{db,
                       "SELECT 1 FROM sqlite_master "
                       "WHERE type = 'index' AND name = 'nexus_durable_state_by_position'"},
      set_alarm{db,
                "INSERT INTO nexus_alarms (persistence_id, entity_type, due, slice, writer_id) "
                "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (persistence_id) DO UPDATE SET "
                "entity_type = excluded.entity_type, due = excluded.due, "
                "writer_id = excluded.writer_id"},
      clear_alarm{db, "DELETE FROM nexus_alarms WHERE persistence_id = ?1"},
      remove_bare_alarm{
          db,
          "DELETE FROM nexus_alarms WHERE persistence_id = ?1"
          " AND EXISTS (SELECT 1 FROM nexus_erased WHERE persistence_id = ?1)"
          " AND NOT EXISTS (SELECT 1 FROM nexus_event_journal WHERE persistence_id = ?1)"
          " AND NOT EXISTS (SELECT 1 FROM nexus_snapshot_store WHERE persistence_id = ?1)"},
      read_alarm{db,
                 "SELECT persistence_id, due, writer_id, entity_type FROM nexus_alarms "
                 "WHERE persistence_id = ?1"},
      read_due{db,
               "SELECT persistence_id, due, writer_id, entity_type FROM nexus_alarms "
               "WHERE entity_type = ?1 AND due <= ?2 AND (due, persistence_id) > (?3, ?4) "
               "ORDER BY due, persistence_id LIMIT ?5"},
      read_due_types{db, due_types_sql},
      mark_settled{db, "UPDATE nexus_meta SET value = value + 1 WHERE name = 'settled'"} {}

}}}  // namespace nexus::v0::sqlite
