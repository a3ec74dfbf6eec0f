// entity.update, entity.load: relational entities beside a prepared UPDATE and a prepared SELECT.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <deque>
#include <nexus/mapper.hpp>
#include <nexus/nexus.hpp>
#include <nexus/relational.hpp>
#include <stdexcept>
#include <vector>

#include "batching.hpp"
#include "load.hpp"

namespace bench {
namespace {

struct stock_row {
  std::int64_t id = 0;
  std::string name;
  std::int64_t amount = 0;
  std::int64_t version = 0;
  MSGPACK_DEFINE_MAP(id, name, amount, version)
};

nexus::mapping<stock_row> stock_mapping() {
  nexus::mapping<stock_row> made{"stock"};
  made.key("id").version("version");
  return made;
}

struct stock {
  static constexpr std::string_view entity_type = "stock";
  using row = stock_row;
  static nexus::entity_rows<row> rows() { return nexus::entity_rows<row>{stock_mapping()}; }
  struct add {
    std::int64_t n = 0;
  };
  struct amount {};
  using command = std::variant<add, amount>;
  static auto decide(const row&, const add& c) {
    return nexus::persist([c](row& r) { r.amount += c.n; }).then_reply(&row::amount);
  }
  static auto decide(const row& now, const amount&) { return nexus::reply(now.amount); }
};

template <class T>
T must(nexus::result<T> done) {
  if (!done) throw std::runtime_error{done.error().message};
  return *std::move(done);
}

// Flags and pragmas are those of persistence/sqlite/src/database.cpp.
SQLite::Database open_plainly(const std::string& path) {
  SQLite::Database db{path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX};
  db.exec(
      "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA foreign_keys = on;"
      "PRAGMA wal_autocheckpoint = 10000; PRAGMA journal_size_limit = 67108864;"
      "PRAGMA cache_size = -16384");
  return db;
}

void fill(const std::string& path, std::uint64_t rows) {
  remove_database(path);
  must(nexus::open("sqlite:" + path));  // only a journal's file may have other tables
  auto db = open_plainly(path);
  db.exec(
      "CREATE TABLE stock (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount INTEGER NOT NULL, "
      "version INTEGER NOT NULL); BEGIN");
  SQLite::Statement insert{db, "INSERT INTO stock VALUES (?, ?, 0, 1)"};
  for (std::uint64_t i = 0; i < rows; ++i) {
    insert.bind(1, static_cast<std::int64_t>(i));
    insert.bind(2, fmt::format("thing number {}", i));
    insert.exec();
    insert.reset();
  }
  db.exec("COMMIT");
}

struct entities_of {
  explicit entities_of(const std::string& path)
      : in{must(nexus::open("sqlite:" + path))}, all{sys, in} {
    if (auto fine = all.status(); !fine) throw std::runtime_error{fine.error().message};
  }

  // Command i goes to entity i % rows; at most `window` are on their way.
  template <class C>
  void ask_all(std::uint64_t rows, std::uint64_t count, std::uint64_t window, const C& command) {
    std::vector<nexus::entity_ref<stock>> refs;
    for (std::uint64_t i = 0; i < rows; ++i) refs.push_back(all.of(std::to_string(i)));
    std::deque<nexus::asked<std::int64_t>> on_their_way;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (on_their_way.size() == window) collect(on_their_way);
      on_their_way.push_back(refs[i % rows].ask(command));
    }
    while (!on_their_way.empty()) collect(on_their_way);
  }
  static void collect(std::deque<nexus::asked<std::int64_t>>& from) {
    must(from.front().get(std::chrono::minutes{1}));
    from.pop_front();
  }

  nexus::system sys{};
  nexus::store in;
  nexus::entities<stock> all;
};

constexpr std::uint64_t updated_rows = 1'000;

ask_run update(const std::string& path, std::uint64_t count) {
  fill(path, updated_rows);
  entities_of on{path};
  on.ask_all(updated_rows, updated_rows, updated_rows, stock::amount{});
  const auto before = on.in.statistics();
  const auto threads_before = thread_times();
  const stopwatch watch;
  on.ask_all(updated_rows, count, updated_rows, stock::add{1});
  ask_run made;
  made.used = watch.read();
  made.threads = thread_times(threads_before);
  made.operations = count;
  const auto after = on.in.statistics();
  const auto events = static_cast<double>(after.events - before.events);
  made.sizes.events_per_commit = events / static_cast<double>(after.commits - before.commits);
  made.sizes.events_per_request = events / static_cast<double>(after.requests - before.requests);
  return made;
}

run update_plainly(const std::string& path, std::uint64_t count, const batching& sizes) {
  fill(path, updated_rows);
  auto db = open_plainly(path);
  SQLite::Statement begin{db, "BEGIN IMMEDIATE"}, commit{db, "COMMIT"};
  SQLite::Statement set{db,
                        "UPDATE stock SET amount = ?, version = ? WHERE id = ? AND version = ?"};
  std::vector<std::int64_t> versions(updated_rows, 1);
  const stopwatch watch;
  std::uint64_t i = 0;
  in_batches(
      count, sizes, [&] { begin.exec(), begin.reset(); },
      [&](std::uint64_t some) {
        for (; some > 0; --some, ++i) {
          auto& version = versions[i % updated_rows];
          set.bind(1, version);
          set.bind(2, version + 1);
          set.bind(3, static_cast<std::int64_t>(i % updated_rows));
          set.bind(4, version);
          if (set.exec() != 1) throw std::runtime_error{"a row is gone"};
          set.reset();
          ++version;
        }
      },
      [&] { commit.exec(), commit.reset(); });
  return {count, watch.read()};
}

ask_run load(const std::string& path, std::uint64_t rows, std::uint64_t window) {
  entities_of on{path};
  const auto before = thread_times();
  const stopwatch watch;
  on.ask_all(rows, rows, window, stock::amount{});
  ask_run made;
  made.used = watch.read();
  made.threads = thread_times(before);
  made.operations = rows;
  return made;
}

run load_plainly(const std::string& path, std::uint64_t rows) {
  auto db = open_plainly(path);
  SQLite::Statement find{db, "SELECT id, name, amount, version FROM stock WHERE id = ?"};
  std::vector<stock_row> kept;
  kept.reserve(rows);
  const stopwatch watch;
  for (std::uint64_t i = 0; i < rows; ++i) {
    find.bind(1, static_cast<std::int64_t>(i));
    if (!find.executeStep()) throw std::runtime_error{"a row is gone"};
    kept.push_back({find.getColumn(0).getInt64(), find.getColumn(1).getString(),
                    find.getColumn(2).getInt64(), find.getColumn(3).getInt64()});
    find.reset();
  }
  return {rows, watch.read()};
}

// Borrow a session, load a row, store it, return the session.
std::string cycles(const std::string& path, std::uint64_t count) {
  const auto in = must(nexus::open("sqlite:" + path));
  const auto by = stock_mapping();
  const stopwatch watch;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto lent = must(in.sessions().borrow());
    nexus::mapper<stock_row> rows{*lent, by};
    auto one = must(rows.find_or_error(static_cast<std::int64_t>(i % updated_rows)));
    ++one.amount;
    if (rows.store(one).what != nexus::stored_as::updated) throw std::runtime_error{"not stored"};
  }
  const run all{count, watch.read()};
  return fmt::format("borrow, load, store, return by the mapper, a commit each: {:.0f} cycles/s",
                     all.rate());
}

}  // namespace

figure rows_updated(const options& o) {
  const auto path = o.dir + "/rows.db";
  rounds all;
  ask_run last;
  const auto count = o.count(200'000, 50'000);
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    last = update(path, count);
    all.add(last, update_plainly(path, count, last.sizes));
  }
  auto made = all.summary("entity.update", "writes/s");
  made.notes.push_back(
      fmt::format("{} rows, one command each on its way; last transactions {:.0f} rows",
                  updated_rows, last.sizes.events_per_commit));
  made.notes.push_back("by thread: " + describe_threads(last));
  made.notes.push_back(cycles(path, o.count(5'000, 1'000)));
  remove_database(path);
  return made;
}

figure rows_loaded(const options& o) {
  const auto path = o.dir + "/rows.db";
  const auto count = o.count(100'000, 20'000);
  fill(path, count);
  rounds all;
  ask_run last;
  for (unsigned i = 0; i < o.rounds_or(5); ++i) {
    last = load(path, count, o.window);
    all.add(last, load_plainly(path, count));
  }
  auto made = all.summary("entity.load", "entities/s");
  made.notes.push_back(fmt::format("{} entities, the first ask of each", count));
  made.notes.push_back("by thread: " + describe_threads(last));
  remove_database(path);
  return made;
}

}  // namespace bench
