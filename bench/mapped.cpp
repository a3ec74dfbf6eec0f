// sqlite.mapper, postgres.mapper: rows stored and found by the mapper, in transactions of one and of
// a hundred, beside statements that are prepared once; and 10,000 orders loaded with their lines,
// beside two plain SELECTs.
#include "mapped.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nexus/nexus.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "cluster.hpp"
#include "load.hpp"
#include "raw_postgres.hpp"

namespace bench {
namespace {

constexpr const char* insert_order =
    "INSERT INTO orders (customer, status, cents, note) VALUES ($1, $2, $3, $4) RETURNING id";
constexpr const char* update_order = "UPDATE orders SET status = $1, cents = $2 WHERE id = $3";
constexpr const char* find_order =
    "SELECT id, customer, status, cents, note FROM orders WHERE id = $1";
constexpr const char* all_orders =
    "SELECT id, customer, status, cents, note FROM orders ORDER BY id";
constexpr const char* all_lines =
    "SELECT id, order_id, sku, cents FROM order_lines ORDER BY order_id, id";

constexpr std::int64_t rows_found = 1'000;

void expect(bool fine, std::string_view why) {
  if (!fine) throw std::runtime_error{std::string{why}};
}
template <class T>
T must(nexus::result<T>&& done) {
  if (!done) throw std::runtime_error{done.error().message};
  if constexpr (!std::is_void_v<T>) return *std::move(done);
}

// Both lists are in the order of the orders' keys.
void attach(std::vector<order>& orders, std::vector<order_line>& lines) {
  auto line = lines.begin();
  for (auto& one : orders) {
    for (; line != lines.end() && line->order_id == one.id; ++line) {
      one.lines.push_back(std::move(*line));
    }
  }
}

}  // namespace

plain_sqlite::plain_sqlite(const std::string& path)
    : db_{path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX},
      begin_{db_, "BEGIN IMMEDIATE"},
      commit_{db_, "COMMIT"},
      insert_{db_, "INSERT INTO orders (customer, status, cents, note) VALUES (?, ?, ?, ?)"},
      update_{db_, "UPDATE orders SET status = ?, cents = ? WHERE id = ?"},
      find_{db_, "SELECT id, customer, status, cents, note FROM orders WHERE id = ?"},
      orders_{db_, all_orders},
      lines_{db_, all_lines} {
  // Flags and pragmas are those of persistence/sqlite/src/database.cpp.
  db_.exec(
      "PRAGMA synchronous = full; PRAGMA wal_autocheckpoint = 10000;"
      "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384");
}

void plain_sqlite::begin() {
  begin_.reset();
  begin_.exec();
}
void plain_sqlite::commit() {
  commit_.reset();
  commit_.exec();
}

void plain_sqlite::insert(order& one) {
  insert_.reset();
  insert_.bindNoCopy(1, one.customer);
  insert_.bind(2, one.status);
  insert_.bind(3, one.cents);
  if (one.note) {
    insert_.bindNoCopy(4, *one.note);
  } else {
    insert_.bind(4);
  }
  insert_.exec();
  one.id = db_.getLastInsertRowid();
}

void plain_sqlite::update(order& one) {
  update_.reset();
  update_.bind(1, one.status);
  update_.bind(2, one.cents);
  update_.bind(3, one.id);
  expect(update_.exec() == 1, "a row is gone");
}

namespace {

order order_in(SQLite::Statement& row) {
  order made{.id = row.getColumn(0).getInt64(),
             .customer = row.getColumn(1).getString(),
             .status = row.getColumn(2).getInt64(),
             .cents = row.getColumn(3).getInt64()};
  if (const auto note = row.getColumn(4); !note.isNull()) made.note = note.getString();
  return made;
}

}  // namespace

order plain_sqlite::find(std::int64_t id) {
  find_.reset();
  find_.bind(1, id);
  expect(find_.executeStep(), "a row is gone");
  auto made = order_in(find_);
  find_.reset();
  return made;
}

std::vector<order> plain_sqlite::load() {
  std::vector<order> made;
  while (orders_.executeStep()) made.push_back(order_in(orders_));
  orders_.reset();
  std::vector<order_line> lines;
  while (lines_.executeStep()) {
    lines.push_back({.id = lines_.getColumn(0).getInt64(),
                     .order_id = lines_.getColumn(1).getInt64(),
                     .sku = lines_.getColumn(2).getString(),
                     .cents = lines_.getColumn(3).getInt64()});
  }
  lines_.reset();
  attach(made, lines);
  return made;
}

plain_postgres::plain_postgres(const std::string& uri) : to_{PQconnectdb(uri.c_str())} {
  expect(PQstatus(to_.get()) == CONNECTION_OK, PQerrorMessage(to_.get()));
  prepare("begin", "BEGIN");
  prepare("commit", "COMMIT");
  prepare("insert", insert_order);
  prepare("update", update_order);
  prepare("find", find_order);
  prepare("orders", all_orders);
  prepare("lines", all_lines);
}

void plain_postgres::prepare(const char* name, const char* sql) {
  const result got{PQprepare(to_.get(), name, sql, 0, nullptr)};
  expect(PQresultStatus(got.get()) == PGRES_COMMAND_OK, PQerrorMessage(to_.get()));
}

plain_postgres::result plain_postgres::run(const char* name, std::span<const char* const> with) {
  result got{PQexecPrepared(to_.get(), name, static_cast<int>(with.size()), with.data(), nullptr,
                            nullptr, 0)};
  const auto status = PQresultStatus(got.get());
  expect(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, PQerrorMessage(to_.get()));
  return got;
}

void plain_postgres::begin() { run("begin"); }
void plain_postgres::commit() { run("commit"); }

namespace {

std::int64_t number_at(const PGresult* rows, int row, int column) {
  const std::string_view text{PQgetvalue(rows, row, column)};
  std::int64_t made = 0;
  std::from_chars(text.data(), text.data() + text.size(), made);
  return made;
}
std::string text_at(const PGresult* rows, int row, int column) {
  return {PQgetvalue(rows, row, column), static_cast<std::size_t>(PQgetlength(rows, row, column))};
}

order order_at(const PGresult* rows, int row) {
  order made{.id = number_at(rows, row, 0),
             .customer = text_at(rows, row, 1),
             .status = number_at(rows, row, 2),
             .cents = number_at(rows, row, 3)};
  if (PQgetisnull(rows, row, 4) == 0) made.note = text_at(rows, row, 4);
  return made;
}

}  // namespace

void plain_postgres::insert(order& one) {
  const auto status = std::to_string(one.status);
  const auto cents = std::to_string(one.cents);
  const std::array with{one.customer.c_str(), status.c_str(), cents.c_str(),
                        one.note ? one.note->c_str() : nullptr};
  one.id = number_at(run("insert", with).get(), 0, 0);
}

void plain_postgres::update(order& one) {
  const auto status = std::to_string(one.status);
  const auto cents = std::to_string(one.cents);
  const auto id = std::to_string(one.id);
  const std::array with{status.c_str(), cents.c_str(), id.c_str()};
  expect(PQcmdTuples(run("update", with).get()) == std::string_view{"1"}, "a row is gone");
}

order plain_postgres::find(std::int64_t id) {
  const auto text = std::to_string(id);
  const std::array with{text.c_str()};
  const auto rows = run("find", with);
  expect(PQntuples(rows.get()) == 1, "a row is gone");
  return order_at(rows.get(), 0);
}

std::vector<order> plain_postgres::load() {
  const auto rows = run("orders");
  std::vector<order> made;
  made.reserve(static_cast<std::size_t>(PQntuples(rows.get())));
  for (int i = 0; i < PQntuples(rows.get()); ++i) made.push_back(order_at(rows.get(), i));
  const auto related = run("lines");
  std::vector<order_line> lines;
  lines.reserve(static_cast<std::size_t>(PQntuples(related.get())));
  for (int i = 0; i < PQntuples(related.get()); ++i) {
    lines.push_back({.id = number_at(related.get(), i, 0),
                     .order_id = number_at(related.get(), i, 1),
                     .sku = text_at(related.get(), i, 2),
                     .cents = number_at(related.get(), i, 3)});
  }
  attach(made, lines);
  return made;
}

mapped_orders::mapped_orders(nexus::session& on) : on_{on}, known_{on, orders_} {
  lines_.generated_key("id");
  orders_.generated_key("id").has_many("lines", &order::lines, lines_, {"order_id"});
  must(lines_.check(on));
  must(orders_.check(on));
}

void mapped_orders::begin() {
  must(on_.begin({}, false));
  now_.emplace(on_, orders_);
}
void mapped_orders::commit() { must(on_.commit()); }

nexus::mapper<order>& mapped_orders::now() {
  if (!on_.in_transaction()) now_.emplace(on_, orders_);
  return *now_;
}

void mapped_orders::insert(order& one) {
  expect(now().store(one).what == nexus::stored_as::inserted, "a row was not inserted");
}
void mapped_orders::update(order& one) {
  expect(known_.store(one).what == nexus::stored_as::updated, "a row was not updated");
}
order mapped_orders::find(std::int64_t id) { return must(now().find_or_error(id)); }

std::vector<order> mapped_orders::load() {
  nexus::mapper<order> all{on_, orders_};
  return must(all.all().untracked().order("id").with("lines").get());
}

std::vector<order> mapped_orders::known_rows() {
  return must(known_.all().order("id").limit(rows_found).get());
}

namespace {

// Calls `f(i)` in transactions of this size; one statement needs none of its own.
template <class F>
run in_transactions(order_table& on, std::uint64_t count, std::uint64_t size, F&& f) {
  const stopwatch watch;
  for (std::uint64_t i = 0; i < count;) {
    if (size > 1) on.begin();
    for (std::uint64_t n = 0; n < size && i < count; ++n) f(i++);
    if (size > 1) on.commit();
  }
  return {count, watch.read()};
}

run insert(order_table& on, std::uint64_t count, std::uint64_t size) {
  return in_transactions(on, count, size, [&](std::uint64_t i) {
    order one{.customer = fmt::format("customer {}", i % 97),
              .status = 1,
              .cents = static_cast<std::int64_t>(i),
              .note = "a note"};
    on.insert(one);
    expect(one.id > 0, "no key was set");
  });
}

run update(order_table& on, std::vector<order>& rows, std::uint64_t count, std::uint64_t size) {
  return in_transactions(on, count, size, [&](std::uint64_t i) {
    auto& one = rows[i % rows.size()];
    ++one.status;
    ++one.cents;
    on.update(one);
  });
}

run find(order_table& on, std::uint64_t count, std::uint64_t size) {
  return in_transactions(on, count, size, [&](std::uint64_t i) {
    const auto id = static_cast<std::int64_t>(i % rows_found) + 1;
    expect(on.find(id).id == id, "another row was found");
  });
}

run load(order_table& on, std::uint64_t orders, std::uint64_t lines) {
  const stopwatch watch;
  const auto all = on.load();
  const run made{orders, watch.read()};
  std::uint64_t found = 0;
  for (const auto& one : all) found += one.lines.size();
  expect(all.size() == orders && found == lines, "rows are missing");
  return made;
}

void create(nexus::session& on) {
  const bool sqlite = on.dialect() == "sqlite";
  const std::string id =
      sqlite ? "id integer PRIMARY KEY" : "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY";
  must(on.execute("CREATE TABLE orders (" + id +
                  ", customer text NOT NULL, status bigint NOT NULL, cents bigint NOT NULL, note "
                  "text)"));
  must(on.execute("CREATE TABLE order_lines (" + id +
                  ", order_id bigint NOT NULL REFERENCES orders (id), sku text NOT NULL, cents "
                  "bigint NOT NULL)"));
  must(on.execute("CREATE INDEX order_lines_by_order ON order_lines (order_id)"));
}

// Orders and lines for `load`, which the other figures leave as they are.
void fill(nexus::session& on, std::uint64_t orders, std::uint64_t lines_each) {
  must(on.execute("DELETE FROM orders"));
  nexus::mapping<order> by{"orders"};
  by.key("id");
  nexus::mapping<order_line> lines_by{"order_lines"};
  lines_by.generated_key("id");
  std::vector<order> made;
  std::vector<order_line> lines;
  for (std::uint64_t i = 1; i <= orders; ++i) {
    const auto id = static_cast<std::int64_t>(i);
    made.push_back({.id = id, .customer = fmt::format("customer {}", i % 97)});
    for (std::uint64_t n = 0; n < lines_each; ++n) {
      lines.push_back({.order_id = id, .sku = fmt::format("sku {}", n), .cents = 100});
    }
  }
  must(nexus::mapper<order>{on, by}.bulk_insert(made));
  must(nexus::mapper<order_line>{on, lines_by}.bulk_insert(lines));
}

std::vector<figure> measure(const options& o, const std::string& name, const std::string& uri,
                            std::uint64_t count,
                            const std::function<std::unique_ptr<order_table>()>& open_plain) {
  auto store = must(nexus::open(uri));
  auto session = must(store.open_session());
  create(*session);
  mapped_orders nexus_side{*session};
  const auto plain_side = open_plain();
  auto& plain = *plain_side;
  // The sides take turns in going first.
  const auto add_pair = [&](rounds& to, bool nexus_first, auto&& measured) {
    if (nexus_first) {
      const auto ours = measured(nexus_side);
      to.add(ours, measured(plain));
    } else {
      const auto theirs = measured(plain);
      to.add(measured(nexus_side), theirs);
    }
  };
  std::vector<figure> made;
  (void)insert(plain, rows_found, rows_found);
  auto rows = nexus_side.known_rows();
  for (const std::uint64_t size : {1U, 100U}) {
    const auto work = size == 1 ? count / 20 : count;
    rounds inserted, updated, found;
    for (unsigned i = 0; i < o.rounds_or(7); ++i) {
      const bool first = i % 2 == 0;
      add_pair(inserted, first, [&](order_table& on) { return insert(on, work, size); });
      add_pair(updated, first, [&](order_table& on) { return update(on, rows, work, size); });
      add_pair(found, first, [&](order_table& on) { return find(on, work, size); });
      // The mapper remembers what it has written, and the plain code wrote the same rows.
      rows = nexus_side.known_rows();
    }
    made.push_back(inserted.summary(fmt::format("{}.insert.{}", name, size), "rows/s"));
    made.push_back(updated.summary(fmt::format("{}.update.{}", name, size), "rows/s"));
    made.push_back(found.summary(fmt::format("{}.find.{}", name, size), "rows/s"));
    for (auto one = made.end() - 3; one != made.end(); ++one) {
      one->notes.push_back(fmt::format("in transactions of {}", size));
    }
  }
  const auto orders = o.count(10'000, 1'000);
  constexpr std::uint64_t lines_each = 4;
  fill(*session, orders, lines_each);
  rounds loaded;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    add_pair(loaded, i % 2 == 0,
             [&](order_table& on) { return load(on, orders, orders * lines_each); });
  }
  made.push_back(loaded.summary(name + ".load", "orders/s"));
  made.back().notes.push_back(fmt::format("{} orders with {} lines each", orders, lines_each));
  return made;
}

}  // namespace

std::vector<figure> sqlite_mapper(const options& o) {
  const auto path = o.dir + "/mapper.db";
  remove_database(path);
  auto made = measure(o, "sqlite.mapper", "sqlite:" + path, o.count(40'000, 10'000),
                      [&] { return std::make_unique<plain_sqlite>(path); });
  remove_database(path);
  return made;
}

std::vector<figure> postgres_mapper(const options& o) {
  nexus::test::cluster pg{durable_cluster()};
  const auto uri = pg.fresh_database();
  return measure(o, "postgres.mapper", uri, o.count(20'000, 5'000),
                 [&] { return std::make_unique<plain_postgres>(uri); });
}

}  // namespace bench
