// projection.sqlite, projection.postgres: from a full journal into a table, beside a plain loop that
// reads the same events, decodes them, and writes the same rows and its position in transactions of
// the same size. And the time from a command's acknowledgement to the commit of what was made of
// its event.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nexus/codec.hpp>
#include <nexus/projection.hpp>
#include <stdexcept>
#include <thread>

#include "cluster.hpp"
#include "load.hpp"
#include "raw_postgres.hpp"

namespace bench {
namespace {

using clock = std::chrono::steady_clock;

constexpr int ids = 1'000;
constexpr std::size_t batch = 1'000;
constexpr auto patience = std::chrono::minutes{5};
constexpr const char* table =
    "CREATE TABLE totals (id text PRIMARY KEY, total bigint, events bigint)";

std::vector<std::string> all_ids() {
  std::vector<std::string> all;
  for (int i = 0; i < ids; ++i) all.push_back(fmt::format("{:04}", i));
  return all;
}

template <class T>
T checked(nexus::result<T> got) {
  if (!got) throw std::runtime_error{got.error().message};
  return *std::move(got);
}
void checked(const nexus::result<void>& got) {
  if (!got) throw std::runtime_error{got.error().message};
}

constexpr std::string_view upsert =
    "INSERT INTO totals (id, total, events) VALUES ($1, $2, 1) ON CONFLICT (id) DO UPDATE SET "
    "total = totals.total + excluded.total, events = totals.events + 1";

nexus::result<void> add_to_totals(nexus::session& on, const nexus::projected<counter>& e) {
  auto done = on.execute(upsert, e.id, std::get<counter::added>(e.event).n);
  if (!done) return nexus::fail(std::move(done.error()));
  return {};
}

void run_sql(const nexus::store& at, const std::string& sql) {
  auto lent = checked(at.sessions().borrow());
  (void)checked(lent->execute(sql));
}

// Handles all events: a new version begins at the start.
run project(const nexus::store& at, std::uint64_t events, std::int64_t version) {
  nexus::system sys;
  const stopwatch time;
  nexus::projection<counter> totals{
      sys, at, "totals", add_to_totals, {.version = version, .batch_max = batch}};
  checked(totals.caught_up(patience));
  return {events, time.read()};
}

// -- latency --------------------------------------------------------------------------------------

std::string latency(const std::string& uri, std::uint64_t events) {
  const auto opened = checked(nexus::open(uri));
  run_sql(opened, table);
  nexus::system sys;
  nexus::entities<counter> counters{sys, opened};
  nexus::projection<counter> totals{sys, opened, "totals", add_to_totals};
  checked(totals.caught_up(patience));
  std::vector<double> us;
  for (std::uint64_t n = 1; n <= events; ++n) {
    (void)checked(counters.of("one").ask(counter::add{1}).get(patience));
    const auto acknowledged = clock::now();
    while (totals.status().handled < n) std::this_thread::sleep_for(std::chrono::microseconds{20});
    us.push_back(std::chrono::duration<double, std::micro>(clock::now() - acknowledged).count());
  }
  std::sort(us.begin(), us.end());
  const auto part = [&](double of) {
    return us[static_cast<std::size_t>(of * static_cast<double>(us.size() - 1))] / 1'000;
  };
  return fmt::format("from the acknowledgement to the commit: p50 {:.2f} ms, p99 {:.2f} ms",
                     part(0.5), part(0.99));
}

// -- the plain loops ------------------------------------------------------------------------------

std::int64_t decoded(std::string_view data) {
  counter::added event;
  if (!nexus::decode(data, event)) throw std::runtime_error{"unreadable event"};
  return event.n;
}

std::string_view id_of(std::string_view persistence_id) {
  return persistence_id.substr(persistence_id.find('|') + 1);
}

class plain_sqlite {
 public:
  explicit plain_sqlite(const std::string& path) {
    check(sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                          nullptr) == SQLITE_OK);
    run("PRAGMA synchronous = full; PRAGMA wal_autocheckpoint = 10000;"
        "PRAGMA cache_size = -16384");
    run("CREATE TABLE IF NOT EXISTS plain_offset (at bigint); DELETE FROM plain_offset;"
        "INSERT INTO plain_offset VALUES (0)");
  }
  ~plain_sqlite() { sqlite3_close(db_); }
  plain_sqlite(const plain_sqlite&) = delete;
  plain_sqlite& operator=(const plain_sqlite&) = delete;

  void project() {
    auto* read = prepare(
        "SELECT position, persistence_id, sequence_nr, event_type, event_data, timestamp "
        "FROM nexus_event_journal WHERE position > ?1 ORDER BY position LIMIT ?2");
    auto* write = prepare(upsert);
    auto* move = prepare("UPDATE plain_offset SET at = ?1 WHERE at = ?2");
    std::int64_t at = 0;
    struct row {
      std::string id;
      std::int64_t n;
    };
    std::vector<row> rows;
    for (;;) {
      rows.clear();
      const auto before = at;
      sqlite3_bind_int64(read, 1, at);
      sqlite3_bind_int64(read, 2, batch);
      while (sqlite3_step(read) == SQLITE_ROW) {
        at = sqlite3_column_int64(read, 0);
        rows.push_back({std::string{id_of(bytes(read, 1))}, decoded(bytes(read, 4))});
      }
      sqlite3_reset(read);
      if (rows.empty()) break;
      run("BEGIN IMMEDIATE");
      sqlite3_bind_int64(move, 1, at);
      sqlite3_bind_int64(move, 2, before);
      step(move);
      for (const auto& one : rows) {
        sqlite3_bind_text(write, 1, one.id.data(), static_cast<int>(one.id.size()), nullptr);
        sqlite3_bind_int64(write, 2, one.n);
        step(write);
      }
      run("COMMIT");
    }
    for (auto* one : {read, write, move}) sqlite3_finalize(one);
  }

 private:
  void check(bool fine) const {
    if (!fine) throw std::runtime_error{sqlite3_errmsg(db_)};
  }
  void run(const char* sql) {
    check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  sqlite3_stmt* prepare(std::string_view sql) {
    sqlite3_stmt* made = nullptr;
    check(sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                             SQLITE_PREPARE_PERSISTENT, &made, nullptr) == SQLITE_OK);
    return made;
  }
  void step(sqlite3_stmt* s) {
    check(sqlite3_step(s) == SQLITE_DONE);
    sqlite3_reset(s);
  }
  static std::string_view bytes(sqlite3_stmt* row, int column) {
    const void* data = sqlite3_column_blob(row, column);
    return {static_cast<const char*>(data),
            static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
  }

  sqlite3* db_ = nullptr;
};

class plain_postgres {
 public:
  explicit plain_postgres(const std::string& uri) : to_{PQconnectdb(uri.c_str())} {
    check(PQstatus(to_) == CONNECTION_OK);
    run("CREATE TABLE IF NOT EXISTS plain_offset (xid xid8, at bigint); DELETE FROM plain_offset;"
        "INSERT INTO plain_offset VALUES ('0', 0)");
    prepare("read",
            "SELECT transaction_id, position, persistence_id, sequence_nr, event_type, event_data, "
            "timestamp FROM nexus_event_journal WHERE (transaction_id, position) > ($1, $2::int8) "
            "AND transaction_id < pg_snapshot_xmin(pg_current_snapshot()) "
            "ORDER BY transaction_id, position LIMIT $3::int8");
    prepare("write", std::string{upsert}.c_str());
    prepare("move",
            "UPDATE plain_offset SET xid = $1, at = $2::int8 WHERE xid = $3 AND at = $4::int8");
  }
  ~plain_postgres() { PQfinish(to_); }
  plain_postgres(const plain_postgres&) = delete;
  plain_postgres& operator=(const plain_postgres&) = delete;

  void project() {
    std::string xid = "0", at = "0";
    for (;;) {
      const auto xid_before = xid, before = at;
      const auto limit = std::to_string(batch);
      auto* rows = execute("read", {xid.c_str(), at.c_str(), limit.c_str()}, 1);
      const auto count = PQntuples(rows);
      std::vector<std::pair<std::string, std::int64_t>> all;
      for (int i = 0; i < count; ++i) {
        all.emplace_back(id_of(bytes(rows, i, 2)), decoded(bytes(rows, i, 5)));
      }
      if (count > 0) {
        xid = std::to_string(number(rows, count - 1, 0));
        at = std::to_string(number(rows, count - 1, 1));
      }
      PQclear(rows);
      if (count == 0) break;
      run("BEGIN");
      PQclear(execute("move", {xid.c_str(), at.c_str(), xid_before.c_str(), before.c_str()}, 0));
      for (const auto& [id, n] : all) {
        const auto text = std::to_string(n);
        PQclear(execute("write", {id.c_str(), text.c_str()}, 0));
      }
      run("COMMIT");
    }
  }

 private:
  void check(bool fine) const {
    if (!fine) throw std::runtime_error{PQerrorMessage(to_)};
  }
  void run(const char* sql) {
    auto* done = PQexec(to_, sql);
    check(PQresultStatus(done) == PGRES_COMMAND_OK);
    PQclear(done);
  }
  void prepare(const char* name, const char* sql) {
    auto* done = PQprepare(to_, name, sql, 0, nullptr);
    check(PQresultStatus(done) == PGRES_COMMAND_OK);
    PQclear(done);
  }
  PGresult* execute(const char* name, const std::vector<const char*>& with, int binary) {
    auto* done = PQexecPrepared(to_, name, static_cast<int>(with.size()), with.data(), nullptr,
                                nullptr, binary);
    check(PQresultStatus(done) == PGRES_COMMAND_OK || PQresultStatus(done) == PGRES_TUPLES_OK);
    return done;
  }
  static std::string_view bytes(PGresult* rows, int row, int column) {
    return {PQgetvalue(rows, row, column),
            static_cast<std::size_t>(PQgetlength(rows, row, column))};
  }
  static std::uint64_t number(PGresult* rows, int row, int column) {
    std::uint64_t made = 0;
    for (unsigned char c : bytes(rows, row, column)) made = made << 8 | c;
    return made;
  }

  PGconn* to_;
};

void clear(const nexus::store& at) { run_sql(at, "DELETE FROM totals"); }

template <class Plain>
figure measure(const options& o, const char* name, const std::string& uri, std::uint64_t events,
               Plain plain) {
  const auto opened = checked(nexus::open(uri));
  run_sql(opened, table);
  rounds pairs;
  const auto expect = [&] {
    auto lent = checked(opened.sessions().borrow());
    auto found = checked(
        lent->query<std::int64_t>("SELECT CAST(coalesce(sum(total), 0) AS bigint) FROM totals"));
    if (found.at(0) != static_cast<std::int64_t>(events)) {
      throw std::runtime_error{"events are missing"};
    }
  };
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    clear(opened);
    const auto ours = project(opened, events, i + 1);
    expect();
    clear(opened);
    const stopwatch time;
    plain();
    pairs.add(ours, {events, time.read()});
    expect();
  }
  auto made = pairs.summary(name, "events/s");
  made.notes.push_back(fmt::format("one upsert per event, {} events per transaction", batch));
  return made;
}

}  // namespace

figure projection(const options& o) {
  const auto path = o.dir + "/projection.db";
  const auto events = o.count(200'000, 50'000) / ids * ids;
  remove_database(path);
  {
    raw_sqlite db{path};
    db.run("PRAGMA synchronous = off");
    db.insert(all_ids(), events, {10'000, 10});
  }
  auto made = measure(o, "projection.sqlite", "sqlite:" + path, events,
                      [&] { plain_sqlite{path}.project(); });
  remove_database(path);
  made.notes.push_back(latency("sqlite:" + path, o.count(2'000, 300)));
  remove_database(path);
  return made;
}

figure postgres_projection(const options& o) {
  nexus::test::cluster pg{durable_cluster()};
  const auto events = o.count(50'000, 10'000) / ids * ids;
  const auto uri = pg.fresh_database();
  if (auto tables = nexus::open(uri); !tables) throw std::runtime_error{tables.error().message};
  raw_postgres{uri}.insert(all_ids(), events, {10'000, 10});
  postgres_reader{uri}.run("VACUUM (FULL, ANALYZE)");
  auto made =
      measure(o, "projection.postgres", uri, events, [&] { plain_postgres{uri}.project(); });
  pg.drop(uri);
  const auto other = pg.fresh_database();
  made.notes.push_back(latency(other, o.count(500, 100)));
  pg.drop(other);
  return made;
}

}  // namespace bench
