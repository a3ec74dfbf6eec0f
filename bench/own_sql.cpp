// sqlite.own_sql, postgres.own_sql: upserts in one transaction by session::execute, beside a
// statement that is prepared once with the C API. own_sql.read: the same for rows read by their key.
#include <fmt/format.h>

#include <array>
#include <nexus/transaction.hpp>
#include <stdexcept>
#include <string_view>

#include "cluster.hpp"
#include "load.hpp"
#include "raw_postgres.hpp"

namespace bench {
namespace {

constexpr const char* table = "CREATE TABLE totals (id TEXT PRIMARY KEY, sum bigint NOT NULL)";
constexpr const char* upsert =
    "INSERT INTO totals AS t VALUES ($1, $2) "
    "ON CONFLICT (id) DO UPDATE SET sum = t.sum + excluded.sum";

constexpr const char* select = "SELECT sum, id FROM totals WHERE id = $1";

std::vector<std::string> row_ids() {
  std::vector<std::string> all;
  for (int i = 0; i < 1'000; ++i) all.push_back(fmt::format("{:04}", i));
  return all;
}

void expect(const nexus::result<void>& done) {
  if (!done) throw std::runtime_error{done.error().message};
}
void expect(bool fine, std::string_view why) {
  if (!fine) throw std::runtime_error{std::string{why}};
}

run upsert_by_session(nexus::session& on, const std::vector<std::string>& ids,
                      std::uint64_t count) {
  const stopwatch watch;
  expect(nexus::transactional(on, [&](nexus::session& s) -> nexus::result<void> {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto done = s.execute(upsert, ids[i % ids.size()], 1);
      if (!done) return nexus::fail(done.error());
    }
    return {};
  }));
  return {count, watch.read()};
}

run read_by_session(nexus::session& on, const std::vector<std::string>& ids, std::uint64_t count) {
  const stopwatch watch;
  expect(nexus::transactional(on, [&](nexus::session& s) -> nexus::result<void> {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto found = s.query<std::int64_t, std::string>(select, ids[i % ids.size()]);
      if (!found) return nexus::fail(found.error());
      expect(found->size() == 1, "a row was not found");
    }
    return {};
  }));
  return {count, watch.read()};
}

run upsert_plainly(raw_sqlite& db, const std::vector<std::string>& ids, std::uint64_t count) {
  const stopwatch watch;
  db.run("BEGIN IMMEDIATE");
  {
    const auto row = db.prepare(upsert);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto& id = ids[i % ids.size()];
      sqlite3_bind_text(row.get(), 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
      sqlite3_bind_int64(row.get(), 2, 1);
      expect(sqlite3_step(row.get()) == SQLITE_DONE, "an upsert failed");
      sqlite3_reset(row.get());
    }
  }
  db.run("COMMIT");
  return {count, watch.read()};
}

run read_plainly(raw_sqlite& db, const std::vector<std::string>& ids, std::uint64_t count) {
  const stopwatch watch;
  db.run("BEGIN");
  {
    const auto row = db.prepare(select);
    std::vector<std::pair<std::int64_t, std::string>> found;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto& id = ids[i % ids.size()];
      sqlite3_bind_text(row.get(), 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
      found.clear();
      while (sqlite3_step(row.get()) == SQLITE_ROW) {
        found.emplace_back(sqlite3_column_int64(row.get(), 0),
                           reinterpret_cast<const char*>(sqlite3_column_text(row.get(), 1)));
      }
      expect(found.size() == 1, "a row was not found");
      sqlite3_reset(row.get());
    }
  }
  db.run("COMMIT");
  return {count, watch.read()};
}

void run_one(PGresult* got, std::uint64_t* rows = nullptr) {
  const auto status = PQresultStatus(got);
  const std::string why = PQresultErrorMessage(got);
  if (rows != nullptr) {
    std::vector<std::pair<std::int64_t, std::string>> found;
    for (int i = 0; i < PQntuples(got); ++i) {
      found.emplace_back(std::stoll(PQgetvalue(got, i, 0)), PQgetvalue(got, i, 1));
    }
    *rows = found.size();
  }
  PQclear(got);
  expect(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, why);
}

run upsert_plainly(PGconn* to, const std::vector<std::string>& ids, std::uint64_t count) {
  const stopwatch watch;
  run_one(PQexec(to, "BEGIN"));
  run_one(PQprepare(to, "", upsert, 0, nullptr));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::array values{ids[i % ids.size()].c_str(), "1"};
    run_one(PQexecPrepared(to, "", 2, values.data(), nullptr, nullptr, 0));
  }
  run_one(PQexec(to, "COMMIT"));
  return {count, watch.read()};
}

run read_plainly(PGconn* to, const std::vector<std::string>& ids, std::uint64_t count) {
  const stopwatch watch;
  run_one(PQexec(to, "BEGIN"));
  run_one(PQprepare(to, "", select, 0, nullptr));
  for (std::uint64_t i = 0; i < count; ++i) {
    const char* id = ids[i % ids.size()].c_str();
    std::uint64_t rows = 0;
    run_one(PQexecPrepared(to, "", 1, &id, nullptr, nullptr, 0), &rows);
    expect(rows == 1, "a row was not found");
  }
  run_one(PQexec(to, "COMMIT"));
  return {count, watch.read()};
}

// Two figures on one table. `db`: of the plain code.
template <class Plain>
std::vector<figure> measure(const options& o, const std::string& name, const std::string& uri,
                            std::uint64_t count, Plain&& db) {
  auto store = nexus::open(uri);
  if (!store) throw std::runtime_error{store.error().message};
  auto session = store->open_session();
  if (!session) throw std::runtime_error{session.error().message};
  if (auto made = (*session)->execute(table); !made) throw std::runtime_error{made.error().message};
  const auto ids = row_ids();
  (void)upsert_by_session(**session, ids, ids.size());
  rounds written;
  rounds read;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    written.add(upsert_by_session(**session, ids, count), upsert_plainly(db, ids, count));
    read.add(read_by_session(**session, ids, count), read_plainly(db, ids, count));
  }
  std::vector<figure> made{written.summary(name, "upserts/s"),
                           read.summary(name + ".read", "reads/s")};
  for (auto& one : made) {
    one.notes.push_back("one transaction a round, on 1,000 rows, a call per row");
  }
  return made;
}

}  // namespace

std::vector<figure> own_sql(const options& o) {
  const auto path = o.dir + "/own_sql.db";
  remove_database(path);
  std::vector<figure> made;
  {
    raw_sqlite db{path};
    made = measure(o, "sqlite.own_sql", "sqlite:" + path, o.count(200'000, 50'000), db);
  }
  remove_database(path);
  return made;
}

std::vector<figure> postgres_own_sql(const options& o) {
  nexus::test::cluster pg{durable_cluster()};
  const auto uri = pg.fresh_database();
  const std::unique_ptr<PGconn, decltype(&PQfinish)> to{PQconnectdb(uri.c_str()), &PQfinish};
  expect(PQstatus(to.get()) == CONNECTION_OK, PQerrorMessage(to.get()));
  return measure(o, "postgres.own_sql", uri, o.count(40'000, 10'000), to.get());
}

}  // namespace bench
