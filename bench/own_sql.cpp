// sqlite.own_sql, postgres.own_sql: upserts in one transaction by session::execute, beside a
// statement that is prepared once with the C API.
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

run upsert_plainly(PGconn* to, const std::vector<std::string>& ids, std::uint64_t count) {
  const auto run_one = [](PGresult* got) {
    const auto status = PQresultStatus(got);
    const std::string why = PQresultErrorMessage(got);
    PQclear(got);
    expect(status == PGRES_COMMAND_OK, why);
  };
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

// `plainly()`: a run of the plain code.
template <class Plainly>
figure measure(const options& o, const char* name, const std::string& uri, std::uint64_t count,
               Plainly plainly) {
  auto store = nexus::open(uri);
  if (!store) throw std::runtime_error{store.error().message};
  auto session = store->open_session();
  if (!session) throw std::runtime_error{session.error().message};
  if (auto made = (*session)->execute(table); !made) throw std::runtime_error{made.error().message};
  const auto ids = row_ids();
  (void)upsert_by_session(**session, ids, ids.size());
  rounds pairs;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    const auto ours = upsert_by_session(**session, ids, count);
    pairs.add(ours, plainly(ids, count));
  }
  auto made = pairs.summary(name, "upserts/s");
  made.notes.push_back("one transaction a round, on 1,000 rows, a call per upsert");
  return made;
}

}  // namespace

figure own_sql(const options& o) {
  const auto path = o.dir + "/own_sql.db";
  remove_database(path);
  raw_sqlite db{path};
  auto made = measure(o, "sqlite.own_sql", "sqlite:" + path, o.count(200'000, 50'000),
                      [&](const auto& ids, auto count) { return upsert_plainly(db, ids, count); });
  remove_database(path);
  return made;
}

figure postgres_own_sql(const options& o) {
  nexus::test::cluster pg{durable_cluster()};
  const auto uri = pg.fresh_database();
  const std::unique_ptr<PGconn, decltype(&PQfinish)> to{PQconnectdb(uri.c_str()), &PQfinish};
  expect(PQstatus(to.get()) == CONNECTION_OK, PQerrorMessage(to.get()));
  return measure(o, "postgres.own_sql", uri, o.count(40'000, 10'000),
                 [&](const auto& ids, auto count) { return upsert_plainly(to.get(), ids, count); });
}

}  // namespace bench
