// alarms.fire: alarms per second that wake passive entities, each recovered from ten events.
#include <fmt/format.h>

#include <stdexcept>
#include <thread>

#include "load.hpp"

namespace bench {
namespace {

constexpr std::int64_t events_each = 10;

// The stored events are those of `counter`.
struct sleeper {
  static constexpr std::string_view entity_type = counter::entity_type;

  struct wake {};
  using command = std::variant<wake>;
  using event = std::variant<counter::added>;
  using state = counter::state;

  static std::optional<nexus::alarm<sleeper>> alarm(const state& s) {
    if (s.sum > events_each) return std::nullopt;
    return nexus::alarm<sleeper>{nexus::timestamp{std::chrono::microseconds{1}}, wake{}};
  }
  static auto decide(const state&, const wake&) { return nexus::persist(counter::added{1}); }
  static void apply(state& s, const counter::added& e) { s.sum += e.n; }
};

std::vector<std::string> ids_of(std::uint64_t count) {
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i < count; ++i) ids.push_back(fmt::format("{:06}", i));
  return ids;
}

// The sweep over all ids that a behavior's first alarm begins is done while there are none.
void first_sweep(const std::string& path) {
  nexus::system sys;
  auto store = nexus::open("sqlite:" + path);
  if (!store) throw std::runtime_error{store.error().message};
  nexus::entities<sleeper> all{sys, *store};
  raw_sqlite watch{path};
  const auto done = watch.prepare(
      "SELECT 1 FROM nexus_read_models WHERE name = 'nexus.alarm_sweeps' AND "
      "instr(data, x'646F6E65C3') > 0");  // "done": true
  while (sqlite3_step(done.get()) != SQLITE_ROW) {
    sqlite3_reset(done.get());
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

// Every entity has its events, and an alarm that is due.
void preload(const std::string& path, const std::vector<std::string>& ids) {
  remove_database(path);
  first_sweep(path);
  raw_sqlite db{path};
  db.run("PRAGMA synchronous = off");
  db.insert(ids, ids.size() * events_each, {10'000, 1});
  db.run(
      "INSERT INTO nexus_alarms (persistence_id, entity_type, due, slice, writer_id) "
      "SELECT persistence_id, 'counter', 1, slice, writer_id FROM nexus_event_journal "
      "WHERE sequence_nr = 1");
}

bool any_alarm(raw_sqlite& db) {
  const auto left = db.prepare("SELECT 1 FROM nexus_alarms LIMIT 1");
  return sqlite3_step(left.get()) == SQLITE_ROW;
}

ask_run fire(const std::string& path, std::uint64_t count) {
  nexus::system sys;
  auto store = nexus::open("sqlite:" + path);
  if (!store) throw std::runtime_error{store.error().message};
  raw_sqlite watch{path};
  // As if this process had set them; alarms of another one wait until its heartbeat has stopped.
  watch.run(
      fmt::format("UPDATE nexus_alarms SET writer_id = '{}'", sys.writer_id().to_string()).c_str());
  const auto before = store->statistics();
  const auto threads_before = thread_times();
  const stopwatch time;
  nexus::entities<sleeper> all{sys, *store};
  while (any_alarm(watch)) std::this_thread::sleep_for(std::chrono::milliseconds{2});
  ask_run made;
  made.used = time.read();
  made.threads = thread_times(threads_before);
  made.operations = count;
  const auto after = store->statistics();
  made.sizes = {static_cast<double>(after.events - before.events) /
                    static_cast<double>(after.commits - before.commits),
                1};
  return made;
}

run fire_plainly(const std::string& path, const std::vector<std::string>& ids,
                 const batching& sizes) {
  raw_sqlite db{path};
  const stopwatch time;
  db.fire(ids, sizes);
  return {ids.size(), time.read()};
}

void check(const std::string& path, const std::vector<std::string>& ids) {
  raw_sqlite db{path};
  for (std::size_t i = 0; i < ids.size(); i += 97) {
    if (db.fold(ids[i]) != events_each + 1) throw std::runtime_error{ids[i] + " did not fire once"};
  }
}

}  // namespace

figure alarms(const options& o) {
  const auto path = o.dir + "/alarms.db";
  const auto ids = ids_of(o.count(20'000, 5'000));
  rounds pairs;
  ask_run last;
  for (unsigned i = 0; i < o.rounds_or(5); ++i) {
    preload(path, ids);
    last = fire(path, ids.size());
    check(path, ids);
    preload(path, ids);
    pairs.add(last, fire_plainly(path, ids, last.sizes));
    check(path, ids);
  }
  auto made = pairs.summary("alarms.fire", "alarms/s");
  made.notes.push_back(
      fmt::format("{} passive entities of {} events each, all due; last batches {:.0f} events",
                  ids.size(), events_each, last.sizes.events_per_commit));
  made.notes.push_back("by thread: " + describe_threads(last));
  remove_database(path);
  return made;
}

}  // namespace bench
