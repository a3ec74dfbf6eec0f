#include "raw_sqlite.hpp"

#include <fmt/format.h>

#include <msgpack.hpp>
#include <stdexcept>
#include <string_view>

#include "counter.hpp"

namespace bench {
namespace {

void create(const std::string& path, const std::string& parameters) {
  if (auto store = nexus::open("sqlite:" + path + parameters); !store) {
    throw std::runtime_error{store.error().message};
  }
}

sqlite3* open_db(const std::string& path, const std::string& parameters) {
  create(path, parameters);
  sqlite3* db = nullptr;
  int code =
      sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) throw std::runtime_error{path + ": " + sqlite3_errstr(code)};
  // The same as in persistence/sqlite/src/database.cpp.
  constexpr const char* pragmas =
      "PRAGMA synchronous = full; PRAGMA wal_autocheckpoint = 10000;"
      "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384";
  sqlite3_exec(db, pragmas, nullptr, nullptr, nullptr);
  return db;
}

std::string_view bytes_of(sqlite3_stmt* row, int column) {
  const void* data = sqlite3_column_blob(row, column);
  return {static_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

}  // namespace

raw_sqlite::raw_sqlite(const std::string& path, const std::string& parameters)
    : db_{open_db(path, parameters)},
      begin_{prepare("BEGIN IMMEDIATE")},
      commit_{prepare("COMMIT")},
      tail_{prepare("SELECT coalesce(max(position), 0) FROM nexus_event_journal")},
      highest_{
          prepare("SELECT max(sequence_nr) FROM nexus_event_journal WHERE persistence_id = ?1")},
      insert_{
          prepare("INSERT INTO nexus_event_journal (persistence_id, writer_id, slice, "
                  "sequence_nr, position, event_type, schema_version, codec, event_data, "
                  "metadata, timestamp) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")},
      select_{prepare("SELECT event_type, event_data FROM nexus_event_journal "
                      "WHERE persistence_id = ?1 ORDER BY sequence_nr")} {}

void raw_sqlite::check(bool fine) const {
  if (!fine) throw std::runtime_error{sqlite3_errmsg(db_.get())};
}

raw_sqlite::statement raw_sqlite::prepare(const char* sql) {
  sqlite3_stmt* made = nullptr;
  check(sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) ==
        SQLITE_OK);
  return statement{made};
}

void raw_sqlite::step(sqlite3_stmt* s) {
  check(sqlite3_step(s) == SQLITE_DONE);
  sqlite3_reset(s);
}

void raw_sqlite::run(const char* sql) {
  check(sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

void raw_sqlite::know(const std::vector<std::string>& ids) {
  if (!entities_.empty()) return;
  for (const auto& id : ids) {
    auto made = nexus::persistence_id::make(counter::entity_type, id);
    entities_.push_back({made.value().str(), made.value().slice()});
  }
}

void raw_sqlite::insert(const std::vector<std::string>& ids, std::uint64_t events,
                        const batching& sizes) {
  know(ids);
  auto begin = [&] {
    step(begin_.get());
    check(sqlite3_step(tail_.get()) == SQLITE_ROW);
    position_ = sqlite3_column_int64(tail_.get(), 0);
    sqlite3_reset(tail_.get());
  };
  auto append_next = [&](std::uint64_t count) {
    append(entities_[next_++ % entities_.size()], count);
  };
  in_batches(events, sizes, begin, append_next, [&] { step(commit_.get()); });
}

void raw_sqlite::append(entity& to, std::uint64_t count) {
  auto* guard = highest_.get();
  const auto& id = to.persistence_id;
  sqlite3_bind_text64(guard, 1, id.data(), id.size(), SQLITE_STATIC, SQLITE_UTF8);
  check(sqlite3_step(guard) == SQLITE_ROW && sqlite3_column_int64(guard, 0) == to.highest);
  sqlite3_reset(guard);

  auto* row = insert_.get();
  sqlite3_bind_text64(row, 1, id.data(), id.size(), SQLITE_STATIC, SQLITE_UTF8);
  sqlite3_bind_text64(row, 2, writer_.data(), writer_.size(), SQLITE_STATIC, SQLITE_UTF8);
  sqlite3_bind_int(row, 3, static_cast<int>(to.slice));
  sqlite3_bind_text(row, 6, "added", 5, SQLITE_STATIC);
  sqlite3_bind_int(row, 7, 1);
  sqlite3_bind_text(row, 8, "msgpack", 7, SQLITE_STATIC);
  for (std::uint64_t i = 0; i < count; ++i) insert_event(to);
}

void raw_sqlite::insert_event(entity& to) {
  event_.encode(command_ids_.next());

  auto* row = insert_.get();
  sqlite3_bind_int64(row, 4, ++to.highest);
  sqlite3_bind_int64(row, 5, ++position_);
  sqlite3_bind_blob64(row, 9, event_.data.data(), event_.data.size(), SQLITE_STATIC);
  sqlite3_bind_blob64(row, 10, event_.metadata.data(), event_.metadata.size(), SQLITE_STATIC);
  sqlite3_bind_int64(row, 11, time_.now().time_since_epoch().count());
  step(row);
}

std::int64_t raw_sqlite::fold(const std::string& id) {
  const auto key = std::string{counter::entity_type} + "|" + id;
  auto* row = select_.get();
  sqlite3_bind_text64(row, 1, key.data(), key.size(), SQLITE_STATIC, SQLITE_UTF8);
  std::int64_t sum = 0;
  msgpack::zone zone;
  while (sqlite3_step(row) == SQLITE_ROW) {
    if (bytes_of(row, 0) != counter::added::type_name) throw std::runtime_error{"unknown event"};
    const auto data = bytes_of(row, 1);
    zone.clear();
    counter::added event;
    msgpack::unpack(zone, data.data(), data.size()).convert(event);
    sum += event.n;
  }
  sqlite3_reset(row);
  return sum;
}

void raw_sqlite::fire(const std::vector<std::string>& ids, const batching& sizes) {
  know(ids);
  const auto due = prepare(
      "SELECT persistence_id, due FROM nexus_alarms WHERE entity_type = 'counter' AND due <= ?1 "
      "AND (due, persistence_id) > (?2, ?3) ORDER BY due, persistence_id LIMIT 256");
  const auto gone = prepare("DELETE FROM nexus_alarms WHERE persistence_id = ?1");
  const auto type = std::string{counter::entity_type} + "|";
  std::vector<std::string> page;
  std::size_t at = 0;
  std::int64_t last_due = 0;
  std::string last_id;
  auto next_page = [&] {
    page.clear();
    at = 0;
    sqlite3_bind_int64(due.get(), 1, time_.now().time_since_epoch().count());
    sqlite3_bind_int64(due.get(), 2, last_due);
    sqlite3_bind_text64(due.get(), 3, last_id.data(), last_id.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
    while (sqlite3_step(due.get()) == SQLITE_ROW) {
      page.emplace_back(bytes_of(due.get(), 0));
      last_due = sqlite3_column_int64(due.get(), 1);
    }
    sqlite3_reset(due.get());
    if (!page.empty()) last_id = page.back();
  };
  auto begin = [&] {
    step(begin_.get());
    check(sqlite3_step(tail_.get()) == SQLITE_ROW);
    position_ = sqlite3_column_int64(tail_.get(), 0);
    sqlite3_reset(tail_.get());
  };
  auto wake_next = [&](std::uint64_t /*count*/) {
    if (at == page.size()) next_page();
    check(at < page.size());
    const auto& id = page[at++];
    auto& of = entities_[std::stoul(id.substr(type.size()))];
    of.highest = fold(id.substr(type.size()));  // each event adds one
    append(of, 1);
    sqlite3_bind_text64(gone.get(), 1, id.data(), id.size(), SQLITE_STATIC, SQLITE_UTF8);
    step(gone.get());
  };
  in_batches(ids.size(), {sizes.events_per_commit, 1}, begin, wake_next,
             [&] { step(commit_.get()); });
}

std::int64_t raw_sqlite::fold_where(const char* condition, const std::string& parameter) {
  if (condition != condition_) {
    select_where_ = prepare(fmt::format("SELECT persistence_id, sequence_nr, position, event_type, "
                                        "event_data, metadata, timestamp, writer_id, codec "
                                        "FROM nexus_event_journal WHERE {} ORDER BY position",
                                        condition)
                                .c_str());
    condition_ = condition;
  }
  auto* row = select_where_.get();
  sqlite3_bind_text64(row, 1, parameter.data(), parameter.size(), SQLITE_STATIC, SQLITE_UTF8);
  std::int64_t sum = 0;
  msgpack::zone zone;
  while (sqlite3_step(row) == SQLITE_ROW) {
    for (int column : {0, 3, 5, 7, 8}) (void)bytes_of(row, column);
    for (int column : {1, 2, 6}) (void)sqlite3_column_int64(row, column);
    const auto data = bytes_of(row, 4);
    zone.clear();
    counter::added event;
    msgpack::unpack(zone, data.data(), data.size()).convert(event);
    sum += event.n;
  }
  sqlite3_reset(row);
  return sum;
}

}  // namespace bench
