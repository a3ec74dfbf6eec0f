#include "schema.hpp"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <limits>

#include "schema_check.hpp"

namespace nexus::inline v0::sqlite {
namespace {

using namespace std::chrono_literals;

// How long a process waits for another one's migration, which may index the whole journal.
constexpr auto migration_wait = 10min;

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

tl::unexpected<error> foreign(const tables& t, std::string_view why) {
  return fail(errc::foreign_schema, fmt::format("{}: is not a Nexus journal: {}", t.name, why));
}

bool holds(SQLite::Database& db, const std::string& table) {
  SQLite::Statement query{db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"};
  query.bind(1, table);
  return query.executeStep();
}

// Nexus does not add tables to a foreign database; tables of another prefix are not foreign.
result<unsigned> inspect_without_meta(SQLite::Database& db, const tables& t) {
  SQLite::Statement other{db,
                          "SELECT 1 FROM sqlite_master m JOIN sqlite_master e ON e.name = "
                          "substr(m.name, 1, length(m.name) - length('meta')) || 'event_journal' "
                          "WHERE m.name GLOB '*meta'"};
  if (other.executeStep()) return 0U;
  SQLite::Statement any{
      db, "SELECT name FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' ORDER BY name LIMIT 1"};
  if (!any.executeStep()) return 0U;
  return foreign(t, fmt::format("it contains \"{}\" but no {}meta", any.getColumn(0).getString(),
                                t.choices.prefix));
}

// True if there is nothing to make, so that no lock is needed.
bool is_up_to_date(SQLite::Database& db, const tables& t, unsigned found) {
  const auto& prefix = t.choices.prefix;
  auto lacks = [&](bool chosen, std::string_view index) {
    if (!chosen) return false;
    SQLite::Statement query{db, "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?"};
    query.bind(1, prefix + std::string{index});
    return !query.executeStep();
  };
  return found == t.of.version && !lacks(t.choices.index_type, "event_journal_by_type") &&
         !lacks(t.choices.index_time, "event_journal_by_time");
}

result<void> take_steps(SQLite::Database& db, const tables& t, unsigned found) {
  if (found == t.of.version) return {};
  for (auto version = found; version < t.of.version; ++version) {
    if (auto done = t.of.steps.at(version - 1)(db, t.choices); !done) return done;
  }
  db.exec(t.choices.named(
      fmt::format("UPDATE nexus_meta SET value = {} WHERE name = 'schema_version'", t.of.version)));
  return {};
}

}  // namespace

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

result<unsigned> inspect(SQLite::Database& db, const tables& t) {
  const auto meta = t.choices.prefix + "meta";
  if (!holds(db, meta)) return inspect_without_meta(db, t);
  SQLite::Statement query{db, "SELECT value FROM " + meta + " WHERE name = 'schema_version'"};
  if (!query.executeStep() || !query.getColumn(0).isInteger()) {
    return foreign(t, fmt::format("table {} has no schema_version", meta));
  }
  const auto found = query.getColumn(0).getInt64();
  if (found < 1 || found > std::numeric_limits<std::int32_t>::max()) {
    return foreign(t, fmt::format("schema version {} does not exist", found));
  }
  return static_cast<unsigned>(found);
}

result<unsigned> usable(SQLite::Database& db, const tables& t, bool may_migrate) {
  auto found = inspect(db, t);
  if (!found) return found;
  const bool older = *found != 0 && *found < t.of.version;
  if (*found > t.of.version || (older && !may_migrate)) {
    return fail(other_version(t.name, *found, t.of.version));
  }
  return found;
}

result<unsigned> bring_up(SQLite::Database& db, const tables& t, bool may_migrate) {
  auto verified = [&](unsigned found) -> result<unsigned> {
    if (auto done = verify(db, t); !done) return fail(std::move(done.error()));
    return found;
  };
  {
    const SQLite::Transaction reading{db};  // one consistent view, whatever other processes do
    auto found = usable(db, t, may_migrate);
    if (!found) return found;
    if (is_up_to_date(db, t, *found)) return verified(*found);
    if (*found != 0 && *found != t.of.version) {
      db.setBusyTimeout(static_cast<int>(std::chrono::milliseconds{migration_wait}.count()));
    }
  }
  SQLite::Transaction transaction{db, SQLite::TransactionBehavior::IMMEDIATE};
  auto found = usable(db, t, may_migrate);  // another process may have been faster
  if (!found) return found;
  if (*found == 0) {
    db.exec(t.choices.named(t.of.tables));
    db.exec(t.choices.named(rows_of_meta(t.of)));
  } else if (auto done = take_steps(db, t, *found); !done) {
    return fail(std::move(done.error()));
  }
  db.exec(t.choices.named(chosen_indexes(t.choices)));
  if (auto done = verified(*found); !done) return done;
  transaction.commit();
  return found;
}

result<void> verify(SQLite::Database& db, const tables& t) {
  auto unchosen = t.choices;  // the chosen indexes may be missing
  unchosen.index_type = unchosen.index_time = false;
  for (const auto& one : compare(db, {t.of, unchosen, t.name})) {
    if (one.how == difference::kind::missing) return foreign(t, one.line);
  }
  return {};
}

result<void> drop(SQLite::Database& db, const tables& t) {
  SQLite::Transaction transaction{db, SQLite::TransactionBehavior::IMMEDIATE};
  auto found = usable(db, t, true);
  if (!found) return fail(std::move(found.error()));
  if (*found == 0) return {};
  for (const auto& table : table_names(t)) db.exec("DROP TABLE IF EXISTS " + table);
  transaction.commit();
  return {};
}

}  // namespace nexus::inline v0::sqlite
