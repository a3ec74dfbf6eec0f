#include "schema.hpp"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

namespace nexus::inline v0::sqlite {
namespace {

// ARCHITECTURE.md says what was measured before this layout settled. Positions are given by the
// append, inside its transaction: past the last one in the journal and past every one erased.
// AUTOINCREMENT promises the same, and writes to sqlite_sequence with every row. The trigger keeps
// `highest` and the positions from falling whoever deletes, also a person with plain SQL.
constexpr const char* tables = R"sql(
CREATE TABLE nexus_meta (
  name  TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) WITHOUT ROWID;

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
  key_id         TEXT,                 -- of the key event_data is encrypted with
  UNIQUE (persistence_id, sequence_nr)
);

CREATE TABLE nexus_event_tags (
  tag      TEXT    NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (tag, position)
) WITHOUT ROWID;
CREATE INDEX nexus_event_tags_by_position ON nexus_event_tags (position);

CREATE TABLE nexus_erased (
  persistence_id TEXT    PRIMARY KEY NOT NULL,
  sequence_nr    INTEGER NOT NULL,     -- the highest that was erased
  position       INTEGER NOT NULL      -- likewise
) WITHOUT ROWID;
CREATE INDEX nexus_erased_by_position ON nexus_erased (position);

CREATE TRIGGER nexus_event_erased AFTER DELETE ON nexus_event_journal BEGIN
  INSERT INTO nexus_erased (persistence_id, sequence_nr, position)
    VALUES (old.persistence_id, old.sequence_nr, old.position)
    ON CONFLICT (persistence_id) DO UPDATE SET
      sequence_nr = max(sequence_nr, excluded.sequence_nr),
      position = max(position, excluded.position);
  DELETE FROM nexus_event_tags WHERE position = old.position;
END;

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

CREATE TABLE nexus_durable_state (
  persistence_id TEXT    PRIMARY KEY NOT NULL,
  version        INTEGER NOT NULL,     -- 1, 2, 3 ... within the id
  state_type     TEXT    NOT NULL,
  schema_version INTEGER NOT NULL,
  codec          TEXT    NOT NULL,
  state_data     BLOB,                 -- NULL: deleted; the version goes on
  writer_id      TEXT    NOT NULL,
  timestamp      INTEGER NOT NULL,
  slice          INTEGER NOT NULL,
  key_id         TEXT
);
)sql";

// Every column, index and trigger of ours, as "nexus_event_journal.codec" or "nexus_event_erased".
std::set<std::string> parts_of(SQLite::Database& db) {
  SQLite::Statement query{db,
                          "SELECT m.name || coalesce('.' || c.name, '') FROM sqlite_master m "
                          "LEFT JOIN pragma_table_info(CASE m.type WHEN 'table' THEN m.name END) c "
                          "WHERE m.name GLOB 'nexus_*'"};
  std::set<std::string> parts;
  while (query.executeStep()) parts.insert(query.getColumn(0).getString());
  return parts;
}

tl::unexpected<error> foreign(std::string_view name, std::string_view why) {
  return fail(errc::foreign_schema, fmt::format("{}: is not a Nexus journal: {}", name, why));
}

result<contents> inspect_version(SQLite::Database& db, std::string_view name) {
  SQLite::Statement query{db, "SELECT value FROM nexus_meta WHERE name = 'schema_version'"};
  if (!query.executeStep() || !query.getColumn(0).isInteger()) {
    return foreign(name, "table nexus_meta names no schema_version");
  }
  auto found = query.getColumn(0).getInt64();
  if (found > schema_version) {
    return fail(errc::newer_schema,
                fmt::format("{}: was made by a newer Nexus: its schema has version {}, this one "
                            "knows up to {}",
                            name, found, schema_version));
  }
  if (found < 1) return foreign(name, fmt::format("there is no schema version {}", found));
  return contents::journal;
}

}  // namespace

result<contents> inspect(SQLite::Database& db, std::string_view name) {
  SQLite::Statement query{db,
                          "SELECT name FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' "
                          "ORDER BY name <> 'nexus_meta', name LIMIT 1"};
  if (!query.executeStep()) return contents::nothing;
  auto first = query.getColumn(0).getString();
  query.reset();
  if (first != "nexus_meta") {
    return foreign(name, fmt::format("it holds \"{}\" and no nexus_meta", first));
  }
  return inspect_version(db, name);
}

result<void> create_schema(SQLite::Database& db, std::string_view name) {
  SQLite::Transaction transaction{db, SQLite::TransactionBehavior::IMMEDIATE};
  auto found = inspect(db, name);
  if (!found) return fail(found.error());
  if (*found == contents::journal) return {};
  db.exec(tables);
  db.exec(fmt::format("INSERT INTO nexus_meta VALUES ('schema_version', {}), ('settled', 0)",
                      schema_version));
  transaction.commit();
  return {};
}

result<void> verify_schema(SQLite::Database& db, std::string_view name) {
  SQLite::Database reference{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  reference.exec(tables);
  auto expected = parts_of(reference);
  auto found = parts_of(db);
  std::set<std::string> missing;
  std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(),
                      std::inserter(missing, missing.end()));
  if (!missing.empty()) return foreign(name, fmt::format("{} is missing", *missing.begin()));
  return {};
}

}  // namespace nexus::inline v0::sqlite
