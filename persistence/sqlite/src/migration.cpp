#include "migration.hpp"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <limits>

#include "drift.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

using namespace std::chrono_literals;

// How long a process waits for another one's migration, which may index the whole journal.
constexpr auto migration_wait = 10min;

tl::unexpected<error> foreign(const tables& t, std::string_view why) {
  return fail(not_a_journal(t.name, why));
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

result<unsigned> found_version(SQLite::Database& db, const tables& t) {
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
  auto found = found_version(db, t);
  if (!found) return found;
  const bool older = *found != 0 && *found < t.of.version;
  if (*found > t.of.version || (older && !may_migrate)) {
    return fail(other_version(t.name, *found, t.of.version));
  }
  return found;
}

namespace {

result<unsigned> bring_up(SQLite::Database& db, const tables& t, bool may_migrate) {
  auto verified = [&](unsigned found) -> result<unsigned> {
    if (auto done = verify_tables(db, t); !done) return fail(std::move(done.error()));
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

}  // namespace

result<unsigned> create_tables(SQLite::Database& db, const tables& t) {
  return bring_up(db, t, false);
}

result<unsigned> migrate_tables(SQLite::Database& db, const tables& t) {
  return bring_up(db, t, true);
}

result<void> verify_tables(SQLite::Database& db, const tables& t) {
  auto unchosen = t.choices;  // the chosen indexes may be missing
  unchosen.index_type = unchosen.index_time = false;
  for (const auto& one : differences(db, {t.of, unchosen, t.name})) {
    if (one.how == schema_difference::kind::missing) return foreign(t, one.line);
  }
  return {};
}

result<void> drop_tables(SQLite::Database& db, const tables& t) {
  SQLite::Transaction transaction{db, SQLite::TransactionBehavior::IMMEDIATE};
  auto found = usable(db, t, true);
  if (!found) return fail(std::move(found.error()));
  if (*found == 0) return {};
  for (const auto& table : table_names(t)) db.exec("DROP TABLE IF EXISTS " + table);
  transaction.commit();
  return {};
}

}}}  // namespace nexus::v0::sqlite
