#include "migration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "drift.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

// Rolls back unless committed.
class transaction {
 public:
  // Under a lock, so that one of several processes does the work and the others find it done.
  transaction(connection& c, const address& where) : connection_{c} {
    c.execute("BEGIN");
    c.execute(
        fmt::format("SELECT pg_advisory_xact_lock(hashtext('nexus schema'), "
                    "hashtext(coalesce('{}', current_schema()) || '.{}'))",
                    where.schema, where.tables.prefix));
  }
  ~transaction() {
    if (done_ || connection_.lost()) return;
    try {
      connection_.execute("ROLLBACK");
    } catch (const trouble&) {
      // The connection is not used for anything else.
    }
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  void commit() {
    connection_.execute("COMMIT");
    done_ = true;
  }

 private:
  connection& connection_;
  bool done_ = false;
};

tl::unexpected<error> foreign(const address& where, std::string_view why) {
  return fail(not_a_journal(where.name, why));
}

std::string first_value(const rows& found) {
  return found.size() == 0 ? std::string{} : std::string{found.bytes(0, 0)};
}

void make(connection& c, const address& where) {
  if (!where.schema.empty()) {
    // Not "if not exists": it requires a right that users of an existing schema may lack.
    const auto exists =
        c.execute(fmt::format("SELECT 1 FROM pg_namespace WHERE nspname = '{}'", where.schema));
    if (exists.size() == 0) c.execute(fmt::format("CREATE SCHEMA {}", where.schema));
  }
  c.execute(ddl(where.tables, {}));
}

void add_chosen_indexes(connection& c, const address& where) {
  for (const auto& one : indexes(where.tables)) c.execute(ddl(one, where.tables));
}

result<void> expect_current(const address& where, unsigned found) {
  if (found == schema_version) return {};
  return fail(other_version(where.name, found, schema_version));
}

// Offsets and failures of projections are stored as the text of a position, EPOCH-STRAND-MAJOR-MINOR,
// since their source may be another journal.
constexpr std::string_view transaction_in_text = "split_part(m.position, '-', 3)::xid8";
constexpr std::string_view ordinal_in_text = "split_part(m.position, '-', 4)::bigint";

/// Whether the text is a position of this epoch. All three are of a table that is called m.
std::string text_of_epoch(std::uint64_t epoch) {
  return fmt::format("m.position ~ '^{:x}-0-[0-9]+-[0-9]+$'", epoch);
}

// Transaction ids order a journal; ids of another server are meaningless on this one. All tables
// with positions count, as all events may be erased. Each open asks: so indexes answer, and states
// count only if their changes are indexed, since only then their positions are read. The offsets of
// projections are few.
bool was_restored(connection& c, const address& where) {
  const auto last_of = [](std::string_view table) {
    return fmt::format(
        "(SELECT transaction_id FROM {} ORDER BY transaction_id DESC, position DESC LIMIT 1)",
        table);
  };
  const auto found = c.execute(where.tables.named(
      fmt::format("SELECT greatest({}, {}, {}, {}, CASE WHEN {} THEN {} END, "
                  "(SELECT {} FROM nexus_projection_offsets m WHERE {} ORDER BY 1 DESC LIMIT 1)) "
                  ">= pg_snapshot_xmax(pg_current_snapshot())",
                  last_of("nexus_event_journal"), last_of("nexus_erased"), last_of("nexus_readers"),
                  last_of("nexus_pruning"), changes_are_indexed, last_of("nexus_durable_state"),
                  transaction_in_text, text_of_epoch(epoch_of(c, where)))));
  return first_value(found) == "t";
}

constexpr std::array<std::string_view, 5> with_positions{
    "nexus_event_journal", "nexus_durable_state", "nexus_erased", "nexus_readers", "nexus_pruning"};

constexpr std::array<std::string_view, 2> with_texts{"nexus_projection_offsets",
                                                     "nexus_projection_failures"};

// Replaces every position in the tables by its rank, as if one transaction before all others had
// used them. So the order of any two positions stays, and a reader at the start stays there. A new
// epoch makes the positions that programs have stored foreign: they would skip new events.
void renumber(connection& c, const address& where) {
  const auto of_this_journal = text_of_epoch(epoch_of(c, where));
  std::string used;
  const auto use = [&](std::string_view major, std::string_view minor, std::string_view from) {
    used +=
        fmt::format("{}SELECT {}, {} FROM {}", used.empty() ? "" : " UNION ", major, minor, from);
  };
  for (auto table : with_positions) use("transaction_id", "position", table);
  for (auto table : with_texts) {
    use(transaction_in_text, ordinal_in_text, fmt::format("{} m WHERE {}", table, of_this_journal));
  }
  auto sql = fmt::format(
      "CREATE TEMP TABLE nexus_renumbered ON COMMIT DROP AS SELECT transaction_id, position, "
      "row_number() OVER (ORDER BY transaction_id, position) AS n FROM ({}) AS used "
      "WHERE transaction_id > '0';\n"
      "ALTER TABLE nexus_renumbered ADD PRIMARY KEY (transaction_id, position);\n"
      "UPDATE nexus_meta SET value = {} WHERE name = 'epoch';\n",
      used, new_epoch);
  // A server's own transaction ids begin at 3. A journal that was renumbered before has events of 1
  // or 2. The other one is free: so no updated row collides with another one, whatever their order.
  const auto taken = first_value(c.execute(
      where.tables.named("SELECT 1 FROM nexus_event_journal WHERE transaction_id = '1' LIMIT 1")));
  const auto moved_to = taken.empty() ? 1 : 2;
  auto move = [&](std::string_view table) {
    sql += fmt::format(
        "UPDATE {} m SET transaction_id = '{}', position = r.n FROM nexus_renumbered r "
        "WHERE m.transaction_id = r.transaction_id AND m.position = r.position;\n",
        table, moved_to);
  };
  for (auto table : with_positions) move(table);
  move("nexus_event_tags");
  for (auto table : with_texts) {
    sql += fmt::format(
        "UPDATE {} m SET position = to_hex(e.value) || '-0-{}-' || r.n FROM nexus_renumbered r, "
        "nexus_meta e WHERE e.name = 'epoch' AND {} AND r.transaction_id = {} "
        "AND r.position = {};\n",
        table, moved_to, of_this_journal, transaction_in_text, ordinal_in_text);
  }
  c.execute(where.tables.named(sql));
}

// Missing rights are reported when they are needed; a journal that cannot be written is reported at
// once.
result<void> expect_writable(connection& c, const address& where) {
  const auto may = c.execute(where.tables.named(
      "SELECT current_user, current_setting('transaction_read_only'), pg_is_in_recovery(), "
      "has_table_privilege('nexus_event_journal', 'INSERT'), "
      "has_table_privilege('nexus_event_journal', 'SELECT')"));
  auto refuse = [&](std::string_view why) {
    return fail(errc::unavailable, fmt::format("{}: {}", where.name, why));
  };
  if (may.bytes(0, 2) == "t") return refuse("the server is a read-only replica");
  if (may.bytes(0, 1) == "on") return refuse("the session is read-only (transaction_read_only)");
  if (may.bytes(0, 3) != "t" || may.bytes(0, 4) != "t") {
    return refuse(
        where.tables.named(fmt::format("user {} may not {} nexus_event_journal", may.bytes(0, 0),
                                       may.bytes(0, 4) == "t" ? "write" : "read")));
  }
  return {};
}

}  // namespace

result<unsigned> found_version(connection& c, const address& where) {
  const auto meta = where.tables.named("nexus_meta");
  std::string names;
  for (const auto& one : tables()) {
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", where.tables.named(one.name));
  }
  const auto found = c.execute(fmt::format(
      "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'f') AND relname IN ({}) "
      "AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
      "ORDER BY relname <> '{}', relname LIMIT 1",
      names, meta));
  if (found.size() == 0) return 0u;
  if (found.bytes(0, 0) != meta) {
    return foreign(where, fmt::format("it has a table {} but no {}", found.bytes(0, 0), meta));
  }
  std::string version;
  try {
    version = first_value(
        c.execute(fmt::format("SELECT value::bigint FROM {} WHERE name = 'schema_version'", meta)));
  } catch (const trouble& why) {
    if (!why.of_class("42") || why.is("42501"))
      throw;  // rethrows, e.g. for a missing right; missing columns are not an error here
  }
  const auto number = std::strtoull(version.c_str(), nullptr, 10);
  if (number < 1) return foreign(where, fmt::format("table {} has no schema_version", meta));
  return static_cast<unsigned>(number);
}

result<void> create_tables(connection& c, const address& where) {
  transaction t{c, where};
  auto found = found_version(c, where);
  if (!found) return fail(std::move(found.error()));
  if (*found == 0) {
    make(c, where);
  } else {
    if (auto current = expect_current(where, *found); !current) return current;
    add_chosen_indexes(c, where);
  }
  t.commit();
  return {};
}

namespace {

// A step that does not lead to the current tables must not be committed: no Nexus could open them.
// The indexes that the address chooses may be missing.
result<void> expect_tables_of_today(connection& c, address where, unsigned found) {
  where.tables.indexes = {};
  const auto wrong = differences(c, where);
  if (wrong.empty()) return {};
  const auto more =
      wrong.size() == 1 ? std::string{} : fmt::format(", and {} more", wrong.size() - 1);
  return fail(
      errc::foreign_schema,
      fmt::format("{}: after the migration from schema version {} {}{}; nothing was changed",
                  where.name, found, wrong.front(), more));
}

}  // namespace

result<unsigned> migrate_tables(connection& c, const address& where,
                                std::span<const migration> steps, unsigned target) {
  transaction t{c, where};
  auto found = found_version(c, where);
  if (!found) return found;
  if (*found > target) return fail(other_version(where.name, *found, target));
  if (*found == 0) make(c, where);
  for (auto at = *found; at != 0 && at < target; ++at) {
    const auto step = std::ranges::find(steps, at, &migration::from);
    if (step == steps.end()) {
      return fail(errc::foreign_schema,
                  fmt::format("{}: there is no migration from schema version {}", where.name, at));
    }
    c.execute(where.tables.named(step->sql));
    c.execute(where.tables.named(
        fmt::format("UPDATE nexus_meta SET value = {} WHERE name = 'schema_version'", at + 1)));
  }
  if (*found != 0 && was_restored(c, where)) renumber(c, where);
  if (auto done = expect_tables_of_today(c, where, *found); !done) {
    return fail(std::move(done.error()));
  }
  t.commit();
  return found;
}

result<unsigned> migrate_tables(connection& c, const address& where) {
  return migrate_tables(c, where, migrations(), schema_version);
}

result<void> prepare_tables(connection& c, const address& where) {
  using opening = schema_choices::opening;
  auto found = found_version(c, where);
  if (!found) return fail(std::move(found.error()));
  if (*found == 0 && where.tables.tables == opening::existing) {
    return fail(no_tables(where.name));
  }
  if (where.tables.tables == opening::migrate) {
    if (auto done = migrate_tables(c, where); !done) return fail(std::move(done.error()));
  } else if (*found == 0) {
    if (auto done = create_tables(c, where); !done) return done;
  } else if (auto current = expect_current(where, *found); !current) {
    return current;
  }
  if (auto done = expect_writable(c, where); !done) return done;
  // Indexes may be missing: they affect only speed.
  const auto wrong = differences(c, where, drift::of_tables);
  if (!wrong.empty()) return foreign(where, wrong.front());
  return refuse_restored(c, where);
}

result<void> refuse_restored(connection& c, const address& where) {
  if (!was_restored(c, where)) return {};
  return foreign(where,
                 "it has transaction ids that this server has not reached, so it was restored "
                 "from another server; run `nexus-schema migrate` to renumber them");
}

std::uint64_t epoch_of(connection& c, const address& where) {
  const auto found = first_value(
      c.execute(where.tables.named("SELECT value FROM nexus_meta WHERE name = 'epoch'")));
  return std::strtoull(found.c_str(), nullptr, 10);
}

result<void> drop_tables(connection& c, const address& where) {
  transaction t{c, where};
  auto found = found_version(c, where);
  if (!found) return fail(std::move(found.error()));
  if (*found == 0) return {};
  if (*found > schema_version) return expect_current(where, *found);
  for (const auto& one : tables()) {
    c.execute(where.tables.named(fmt::format("DROP TABLE IF EXISTS {}", one.name)));
  }
  c.execute(where.tables.named(fmt::format("DROP FUNCTION IF EXISTS {}()", erased_function)));
  t.commit();
  return {};
}

}}}  // namespace nexus::v0::postgres
