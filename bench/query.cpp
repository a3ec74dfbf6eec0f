// query.by_id, query.by_type, query.by_tag: events that a filter finds, decoded and summed, beside the
// plain SELECT by the same index.
#include <fmt/format.h>

#include <nexus/codec.hpp>
#include <stdexcept>
#include <utility>

#include "load.hpp"

namespace bench {
namespace {

constexpr int ids = 1'000;
constexpr int one_in = 10;  // events of the rare type and with the tag

std::string id_of(int i) { return fmt::format("{:04}", i); }

// Every tenth event is of the type "rare" and has the tag "tenth".
void preload(const std::string& path, std::uint64_t events) {
  remove_database(path);
  raw_sqlite db{path, "?indexes=type"};
  db.run("PRAGMA synchronous = off");
  std::vector<std::string> all;
  for (int i = 0; i < ids; ++i) all.push_back(id_of(i));
  db.insert(all, events, {10'000, 10});
  db.run(fmt::format("UPDATE nexus_event_journal SET event_type = 'rare' WHERE position % {0} = 0;"
                     "INSERT INTO nexus_event_tags SELECT 'tenth', position FROM "
                     "nexus_event_journal WHERE position % {0} = 0; ANALYZE",
                     one_in)
             .c_str());
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

figure measure(const options& o, const std::string& path, const query_of& q) {
  auto store = nexus::open("sqlite:" + path + "?indexes=type");
  if (!store) throw std::runtime_error{store.error().message};
  auto session = store->open_session();
  if (!session) throw std::runtime_error{session.error().message};
  raw_sqlite db{path, "?indexes=type"};
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
    for (const auto& parameter : q.parameters) sum += db.fold_where(q.plain, parameter);
    pairs.add(nexus, {q.found, theirs.read()});
    expect(sum);
  }
  auto made = pairs.summary(q.name, "events/s");
  made.notes.push_back(fmt::format("{}: {} events", q.what, q.found));
  return made;
}

}  // namespace

std::vector<figure> queries(const options& o) {
  const auto path = o.dir + "/query.db";
  const auto events = o.count(500'000, 100'000) / ids * ids;
  preload(path, events);
  query_of by_id{"query.by_id", "each id in turn", events, {}, "persistence_id = ?1", {}};
  for (int i = 0; i < ids; ++i) {
    by_id.filters.push_back(
        {.entity_type = std::string{counter::entity_type}, .entity_id = id_of(i)});
    by_id.parameters.push_back(std::string{counter::entity_type} + "|" + id_of(i));
  }
  const query_of by_type{"query.by_type",   "a type of a tenth of the events",
                         events / one_in,   {{.event_type = "rare"}},
                         "event_type = ?1", {"rare"}};
  const query_of by_tag{"query.by_tag",
                        "a tag of a tenth of the events",
                        events / one_in,
                        {{.tag = "tenth"}},
                        "position IN (SELECT t.position FROM nexus_event_tags t WHERE t.tag = ?1)",
                        {"tenth"}};
  std::vector<figure> made;
  for (const query_of* q : {&std::as_const(by_id), &by_type, &by_tag}) {
    if (std::string{q->name}.find(o.filter) != std::string::npos || o.filter == "query") {
      made.push_back(measure(o, path, *q));
    }
  }
  remove_database(path);
  return made;
}

}  // namespace bench
