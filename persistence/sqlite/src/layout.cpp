#include "layout.hpp"

#include <fmt/format.h>

#include <array>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

// docs/internals/sqlite.md has the measurements behind this layout. The append assigns positions
// inside its transaction: past the last one in the journal and past every erased one. AUTOINCREMENT
// promises the same, but writes to sqlite_sequence with every row. The trigger keeps `highest` and
// the positions from falling after any deletion, also one by hand in SQL.
constexpr std::string_view tables_of_events = R"sql(
-- schema_version; epoch, which names this journal's numbering of positions; settled; changes, the
-- last position of a durable state.
CREATE TABLE nexus_meta (
  name  TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) WITHOUT ROWID;

-- An event each. The UNIQUE key refuses a second writer of an id.
CREATE TABLE nexus_event_journal (
  position       INTEGER PRIMARY KEY,  -- in the journal as a whole, ascending, never reused
  persistence_id TEXT    NOT NULL,     -- type|id
  sequence_nr    INTEGER NOT NULL,     -- 1, 2, 3 ... within the id
  event_type     TEXT    NOT NULL,
  schema_version INTEGER NOT NULL,     -- of that type
  codec          TEXT    NOT NULL,     -- how event_data is encoded, e.g. msgpack
  event_data     BLOB    NOT NULL,
  metadata       BLOB    NOT NULL,
  writer_id      TEXT    NOT NULL,     -- a ULID
  timestamp      INTEGER NOT NULL,     -- microseconds since 1970 UTC
  slice          INTEGER NOT NULL,     -- 0 to 1023
  key_id         TEXT,                 -- reserved, always NULL: nothing is encrypted
  UNIQUE (persistence_id, sequence_nr)
);

-- What an event is tagged with; by position for who reads the events themselves.
CREATE TABLE nexus_event_tags (
  tag      TEXT    NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (tag, position)
) WITHOUT ROWID;
CREATE INDEX nexus_event_tags_by_position ON nexus_event_tags (position);

-- What was erased, so that no number and no position is used again.
CREATE TABLE nexus_erased (
  persistence_id TEXT    PRIMARY KEY NOT NULL,
  sequence_nr    INTEGER NOT NULL,     -- the highest erased
  position       INTEGER NOT NULL      -- the highest erased
) WITHOUT ROWID;
CREATE INDEX nexus_erased_by_position ON nexus_erased (position);

-- Fills it after any deletion.
CREATE TRIGGER nexus_event_erased AFTER DELETE ON nexus_event_journal BEGIN
  INSERT INTO nexus_erased (persistence_id, sequence_nr, position)
    VALUES (old.persistence_id, old.sequence_nr, old.position)
    ON CONFLICT (persistence_id) DO UPDATE SET
      sequence_nr = max(sequence_nr, excluded.sequence_nr),
      position = max(position, excluded.position);
  DELETE FROM nexus_event_tags WHERE position = old.position;
END;

-- States of event-sourced entities.
CREATE TABLE nexus_snapshot_store (
  persistence_id TEXT    NOT NULL,
  sequence_nr    INTEGER NOT NULL,     -- of the last event in the state
  state_type     TEXT    NOT NULL,
  schema_version INTEGER NOT NULL,
  codec          TEXT    NOT NULL,
  state_data     BLOB    NOT NULL,
  writer_id      TEXT    NOT NULL,
  timestamp      INTEGER NOT NULL,
  key_id         TEXT,
  PRIMARY KEY (persistence_id, sequence_nr)
);

-- States of durable-state entities, one row each.
CREATE TABLE nexus_durable_state (
  persistence_id TEXT    PRIMARY KEY NOT NULL,
  version        INTEGER NOT NULL,     -- 1, 2, 3 ... within the id
  state_type     TEXT    NOT NULL,
  schema_version INTEGER NOT NULL,
  codec          TEXT    NOT NULL,
  state_data     BLOB,                 -- NULL: erased; the version keeps rising
  writer_id      TEXT    NOT NULL,
  timestamp      INTEGER NOT NULL,
  slice          INTEGER NOT NULL,
  key_id         TEXT,
  position       INTEGER               -- of the last change; NULL unless indexes=states
);
)sql";

// New in version 2.
constexpr std::string_view tables_of_readers = R"sql(
-- How far registered readers have read: later events are kept for them.
CREATE TABLE nexus_readers (
  name      TEXT    NOT NULL,
  strand    INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  PRIMARY KEY (name, strand)
) WITHOUT ROWID;

-- What retention would have erased but for a reader.
CREATE TABLE nexus_pruning (
  persistence_id TEXT    PRIMARY KEY NOT NULL,
  sequence_nr    INTEGER NOT NULL,     -- erase up to this one
  position       INTEGER NOT NULL      -- of the first event held back
) WITHOUT ROWID;
CREATE INDEX nexus_pruning_by_position ON nexus_pruning (position);
)sql";

// New in version 3.
constexpr std::string_view tables_of_read_side = R"sql(
-- Versions of projections.
CREATE TABLE nexus_projections (
  projection TEXT    NOT NULL,
  version    INTEGER NOT NULL,
  reads      TEXT    NOT NULL,         -- which events, e.g. account; never changes
  paused     INTEGER NOT NULL,         -- 1: no process works on it
  timestamp  INTEGER NOT NULL,
  PRIMARY KEY (projection, version)
) WITHOUT ROWID;

-- How far projections have come, and who works on what.
CREATE TABLE nexus_projection_offsets (
  projection TEXT    NOT NULL,
  version    INTEGER NOT NULL,
  cell       INTEGER NOT NULL,         -- strand * 64 + 0 to 63: a range of slices
  position   TEXT    NOT NULL,         -- everything up to here is done
  owner      TEXT    NOT NULL,         -- a ULID; empty: none
  lease      INTEGER NOT NULL,         -- rises with everything that the owner does
  wanted_by  TEXT    NOT NULL,         -- who asked the owner for it
  timestamp  INTEGER NOT NULL,
  PRIMARY KEY (projection, version, cell)
) WITHOUT ROWID;

-- Events that projections skipped.
CREATE TABLE nexus_projection_failures (
  projection     TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  persistence_id TEXT    NOT NULL,
  sequence_nr    INTEGER NOT NULL,
  position       TEXT    NOT NULL,
  event_type     TEXT    NOT NULL,
  error          TEXT    NOT NULL,
  attempts       INTEGER NOT NULL,
  timestamp      INTEGER NOT NULL,
  PRIMARY KEY (projection, version, persistence_id, sequence_nr)
) WITHOUT ROWID;

-- Read models: documents by the name of their repository and their id.
CREATE TABLE nexus_read_models (
  name           TEXT    NOT NULL,
  id             TEXT    NOT NULL,
  model_type     TEXT    NOT NULL,
  schema_version INTEGER NOT NULL,
  codec          TEXT    NOT NULL,
  data           BLOB    NOT NULL,
  timestamp      INTEGER NOT NULL,
  PRIMARY KEY (name, id)
);

-- The values of their indexed fields.
CREATE TABLE nexus_read_model_fields (
  name  TEXT NOT NULL,
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  id    TEXT NOT NULL,
  PRIMARY KEY (name, field, value, id)
) WITHOUT ROWID;
CREATE INDEX nexus_read_model_fields_by_id ON nexus_read_model_fields (name, id);

-- When entities want to be woken.
CREATE TABLE nexus_alarms (
  persistence_id TEXT    PRIMARY KEY NOT NULL,
  entity_type    TEXT    NOT NULL,
  due            INTEGER NOT NULL,
  slice          INTEGER NOT NULL,
  writer_id      TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX nexus_alarms_by_due ON nexus_alarms (entity_type, due);

-- The last commit of each writer of relational entities' rows.
CREATE TABLE nexus_row_writers (
  writer    TEXT    PRIMARY KEY NOT NULL, -- a ULID
  batch     INTEGER NOT NULL,             -- 1, 2, 3 ...
  settled   INTEGER NOT NULL,             -- how often the writer asked
  timestamp INTEGER NOT NULL
) WITHOUT ROWID;

-- When relational entities want to be woken.
CREATE TABLE nexus_row_alarms (
  entity_type TEXT    NOT NULL,
  id          TEXT    NOT NULL,
  due         INTEGER NOT NULL,
  writer_id   TEXT    NOT NULL,
  PRIMARY KEY (entity_type, id)
) WITHOUT ROWID;
CREATE INDEX nexus_row_alarms_by_due ON nexus_row_alarms (entity_type, due, id);
)sql";

constexpr std::string_view rows_of_readers =
    "INSERT INTO nexus_meta (name, value) VALUES\n"
    "  ('epoch', (random() & 9223372036854775806) + 1), ('changes', 0);\n";

result<void> add_readers(SQLite::Database& db, const schema_choices& choices) {
  db.exec(choices.named("ALTER TABLE nexus_durable_state ADD COLUMN position INTEGER;\n"));
  db.exec(choices.named(tables_of_readers));
  db.exec(choices.named(rows_of_readers));
  return {};
}

result<void> add_read_side(SQLite::Database& db, const schema_choices& choices) {
  db.exec(choices.named(tables_of_read_side));
  return {};
}

struct chosen_index {
  bool index_choices::*chosen;
  std::string_view name;  // without the prefix
  std::string_view sql;
};

// AFTER UPDATE OF version: the trigger's own update must not fire it again.
constexpr std::array chosen{
    chosen_index{&index_choices::type, "event_journal_by_type", R"sql(
-- Chosen: events by type.
CREATE INDEX IF NOT EXISTS nexus_event_journal_by_type ON nexus_event_journal (event_type, position);
)sql"},
    chosen_index{&index_choices::time, "event_journal_by_time", R"sql(
-- Chosen: events by time.
CREATE INDEX IF NOT EXISTS nexus_event_journal_by_time ON nexus_event_journal (timestamp);
)sql"},
    chosen_index{&index_choices::slice, "event_journal_by_slice", R"sql(
-- Chosen: events by slice.
CREATE INDEX IF NOT EXISTS nexus_event_journal_by_slice ON nexus_event_journal (slice, position);
)sql"},
    chosen_index{&index_choices::instance, "event_journal_by_instance", R"sql(
-- Chosen: events by the entity's id without its type.
CREATE INDEX IF NOT EXISTS nexus_event_journal_by_instance
  ON nexus_event_journal (substr(persistence_id, instr(persistence_id, '|') + 1), position);
)sql"},
    chosen_index{&index_choices::states, "durable_state_by_position", R"sql(
-- Chosen: durable states by their last change. Triggers number the changes, so that processes that
-- were started without this choice number theirs too.
UPDATE nexus_durable_state SET position = rowid + (SELECT value FROM nexus_meta
  WHERE name = 'changes') WHERE position IS NULL;
UPDATE nexus_meta SET value = max(value, (SELECT coalesce(max(position), 0)
  FROM nexus_durable_state)) WHERE name = 'changes';
CREATE UNIQUE INDEX IF NOT EXISTS nexus_durable_state_by_position
  ON nexus_durable_state (position);
CREATE TRIGGER IF NOT EXISTS nexus_state_made AFTER INSERT ON nexus_durable_state BEGIN
  UPDATE nexus_meta SET value = value + 1 WHERE name = 'changes';
  UPDATE nexus_durable_state SET position = (SELECT value FROM nexus_meta WHERE name = 'changes')
    WHERE persistence_id = new.persistence_id;
END;
CREATE TRIGGER IF NOT EXISTS nexus_state_changed AFTER UPDATE OF version ON nexus_durable_state BEGIN
  UPDATE nexus_meta SET value = value + 1 WHERE name = 'changes';
  UPDATE nexus_durable_state SET position = (SELECT value FROM nexus_meta WHERE name = 'changes')
    WHERE persistence_id = new.persistence_id;
END;
)sql"}};

}  // namespace

std::string chosen_indexes(const index_choices& choices) {
  std::string sql;
  for (const auto& one : chosen) {
    if (choices.*one.chosen) sql += one.sql;
  }
  return sql;
}

std::vector<std::string_view> names_of(const index_choices& choices) {
  std::vector<std::string_view> names;
  for (const auto& one : chosen) {
    if (choices.*one.chosen) names.push_back(one.name);
  }
  return names;
}

std::string rows_of_meta(const layout& of) {
  return fmt::format(
      "INSERT INTO nexus_meta (name, value) VALUES ('schema_version', {}), ('settled', 0);\n{}",
      of.version, rows_of_readers);
}

const layout& today() {
  static const auto tables = std::string{tables_of_events} + std::string{tables_of_readers} +
                             std::string{tables_of_read_side};
  static const layout made{.version = 3, .tables = tables, .steps = {add_readers, add_read_side}};
  return made;
}

std::string ddl(const tables& t) {
  return t.choices.named(fmt::format(
      "-- The tables of a Nexus journal in SQLite, schema version {}.\n"
      "BEGIN IMMEDIATE;\n{}\n{}\n{}\nCOMMIT;\n",
      t.of.version, t.of.tables, rows_of_meta(t.of), chosen_indexes(t.choices.indexes)));
}

}}}  // namespace nexus::v0::sqlite
