#include "layout.hpp"

#include <fmt/format.h>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

// docs/internals/sqlite.md has the measurements behind this layout. The append assigns positions
// inside its transaction: past the last one in the journal and past every erased one. AUTOINCREMENT
// promises the same, but writes to sqlite_sequence with every row. The trigger keeps `highest` and
// the positions from falling after any deletion, also one by hand in SQL.
constexpr std::string_view tables_of_today = R"sql(
-- What says that the tables are a journal's, and of which version.
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
  key_id         TEXT
);
)sql";

constexpr std::string_view index_by_type =
    "-- Chosen: events by type.\n"
    "CREATE INDEX IF NOT EXISTS nexus_event_journal_by_type\n"
    "  ON nexus_event_journal (event_type, position);\n";
constexpr std::string_view index_by_time =
    "-- Chosen: events by time.\n"
    "CREATE INDEX IF NOT EXISTS nexus_event_journal_by_time ON nexus_event_journal (timestamp);\n";

}  // namespace

std::string chosen_indexes(const schema_choices& choices) {
  std::string sql;
  if (choices.index_type) sql += index_by_type;
  if (choices.index_time) sql += index_by_time;
  return sql;
}

std::string rows_of_meta(const layout& of) {
  return fmt::format(
      "INSERT INTO nexus_meta (name, value) VALUES ('schema_version', {}), ('settled', 0);\n",
      of.version);
}

const layout& today() {
  static const layout made{.version = 1, .tables = tables_of_today, .steps = {}};
  return made;
}

std::string ddl(const tables& t) {
  return t.choices.named(
      fmt::format("-- The tables of a Nexus journal in SQLite, schema version {}.\n"
                  "BEGIN IMMEDIATE;\n{}\n{}\n{}\nCOMMIT;\n",
                  t.of.version, t.of.tables, rows_of_meta(t.of), chosen_indexes(t.choices)));
}

}}}  // namespace nexus::v0::sqlite
