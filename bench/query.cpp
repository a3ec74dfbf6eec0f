// query.by_id, query.by_type, query.by_tag on SQLite and PostgreSQL: events that a filter finds,
// decoded and summed, beside the plain SELECT by the same index.
#include <fmt/format.h>

#include <nexus/codec.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "cluster.hpp"
#include "load.hpp"
#include "raw_postgres.hpp"

namespace bench {
namespace {

constexpr int ids = 1'000;
constexpr int one_in = 10;  // events of the rare type and with the tag

std::string id_of(int i) { return fmt::format("{:04}", i); }

std::vector<std::string> all_ids() {
  std::vector<std::string> all;
  for (int i = 0; i < ids; ++i) all.push_back(id_of(i));
  return all;
}

// Every tenth event is of the type "rare" and has the tag "tenth".
void preload(const std::string& path, std::uint64_t events) {
  remove_database(path);
  raw_sqlite db{path, "?indexes=type"};
  db.run("PRAGMA synchronous = off");
  db.insert(all_ids(), events, {10'000, 10});
  db.run(fmt::format("UPDATE nexus_event_journal SET event_type = 'rare' WHERE position % {0} = 0;"
                     "INSERT INTO nexus_event_tags SELECT 'tenth', position FROM "
                     "nexus_event_journal WHERE position % {0} = 0; ANALYZE",
                     one_in)
             .c_str());
}

void preload_postgres(const std::string& uri, std::uint64_t events) {
  raw_postgres{uri}.insert(all_ids(), events, {10'000, 10});
  postgres_reader db{uri};
  db.run(
      fmt::format("UPDATE nexus_event_journal SET event_type = 'rare' WHERE position % {0} = 0;"
                  "INSERT INTO nexus_event_tags SELECT 'tenth', transaction_id, position FROM "
                  "nexus_event_journal WHERE position % {0} = 0",
                  one_in));
  db.run("VACUUM (FULL, ANALYZE)");
}

std::int64_t sum_of(nexus::journal_session& session, const nexus::event_filter& filter) {
  std::int64_t sum = 0;
  auto add = [&](const nexus::persistence_id&, const nexus::record_view& r) {
    counter::added event;
    if (!nexus::decode(r.event.data, event)) throw std::runtime_error{"unreadable event"};
    sum += event.n;
    return true;
  };
  nexus::event_page page{.limit = nexus::event_page::limit_max};
  for (bool more = true; more;) {
    auto done = session.query(filter, page, add);
    if (!done) throw std::runtime_error{done.error().message};
    more = done->has_next;
    page.cursor = done->next;
  }
  return sum;
}

struct query_of {
  const char* name;
  const char* what;
  std::uint64_t found;  ///< events
  std::vector<nexus::event_filter> filters;
  const char* plain;  ///< the condition of the SELECT, with one parameter
  std::vector<std::string> parameters;
};

// `fold_where`: that of the plain code.
template <class FoldWhere>
figure measure(const options& o, const std::string& uri, const query_of& q, FoldWhere fold_where) {
  auto store = nexus::open(uri);
  if (!store) throw std::runtime_error{store.error().message};
  auto session = store->open_session();
  if (!session) throw std::runtime_error{session.error().message};
  auto expect = [&](std::int64_t sum) {
    if (sum != static_cast<std::int64_t>(q.found)) throw std::runtime_error{"events are missing"};
  };
  rounds pairs;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    std::int64_t sum = 0;
    const stopwatch ours;
    for (const auto& filter : q.filters) sum += sum_of(**session, filter);
    const run nexus{q.found, ours.read()};
    expect(sum);
    sum = 0;
    const stopwatch theirs;
    for (const auto& parameter : q.parameters) sum += fold_where(q.plain, parameter);
    pairs.add(nexus, {q.found, theirs.read()});
    expect(sum);
  }
  auto made = pairs.summary(q.name, "events/s");
  made.notes.push_back(fmt::format("{}: {} events", q.what, q.found));
  return made;
}

query_of by_id(const char* name, const char* plain, std::uint64_t events) {
  query_of made{name, "each id in turn", events, {}, plain, {}};
  for (int i = 0; i < ids; ++i) {
    made.filters.push_back(
        {.entity_type = std::string{counter::entity_type}, .entity_id = id_of(i)});
    made.parameters.push_back(std::string{counter::entity_type} + "|" + id_of(i));
  }
  return made;
}

query_of by_type(const char* name, const char* plain, std::uint64_t events) {
  return {
      name,    "a type of a tenth of the events", events / one_in, {{.event_type = "rare"}}, plain,
      {"rare"}};
}

query_of by_tag(const char* name, const char* plain, std::uint64_t events) {
  return {name,     "a tag of a tenth of the events", events / one_in, {{.tag = "tenth"}}, plain,
          {"tenth"}};
}

bool wanted(const options& o, const query_of& q) {
  return std::string_view{q.name}.find(o.filter) != std::string_view::npos;
}

}  // namespace

std::vector<figure> queries(const options& o) {
  const auto path = o.dir + "/query.db";
  const auto events = o.count(500'000, 100'000) / ids * ids;
  preload(path, events);
  const auto uri = "sqlite:" + path + "?indexes=type";
  raw_sqlite db{path, "?indexes=type"};
  std::vector<figure> made;
  for (const auto& q :
       {by_id("sqlite.query.by_id", "persistence_id = ?1", events),
        by_type("sqlite.query.by_type", "event_type = ?1", events),
        by_tag("sqlite.query.by_tag",
               "position IN (SELECT t.position FROM nexus_event_tags t WHERE t.tag = ?1)",
               events)}) {
    if (!wanted(o, q)) continue;
    made.push_back(measure(o, uri, q, [&](auto... of) { return db.fold_where(of...); }));
  }
  remove_database(path);
  return made;
}

std::vector<figure> postgres_queries(const options& o) {
  nexus::test::cluster pg{durable_cluster()};
  const auto events = o.count(200'000, 50'000) / ids * ids;
  const auto database = pg.fresh_database();
  const auto uri = database + "&indexes=type";
  if (auto tables = nexus::open(uri); !tables) throw std::runtime_error{tables.error().message};
  preload_postgres(database, events);
  postgres_reader db{database};
  std::vector<figure> made;
  for (const auto& q :
       {by_id("postgres.query.by_id", "persistence_id = $1", events),
        by_type("postgres.query.by_type", "event_type = $1", events),
        by_tag("postgres.query.by_tag",
               "(transaction_id, position) IN (SELECT t.transaction_id, t.position FROM "
               "nexus_event_tags t WHERE t.tag = $1)",
               events)}) {
    if (!wanted(o, q)) continue;
    made.push_back(measure(o, uri, q, [&](auto... of) { return db.fold_where(of...); }));
  }
  return made;
}

}  // namespace bench
