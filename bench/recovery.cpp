// recovery.1m: the time from the first question to an entity with a long history to its answer.
#include <fmt/format.h>

#include <stdexcept>

#include "load.hpp"

namespace bench {
namespace {

constexpr const char* id = "old";

void preload(const std::string& path, std::uint64_t events) {
  remove_database(path);
  raw_sqlite db{path};
  db.run("PRAGMA synchronous = off");
  db.insert({id}, events, {10'000, 10'000});
}

void expect(std::int64_t sum, std::uint64_t events) {
  if (sum != static_cast<std::int64_t>(events)) throw std::runtime_error{"events are missing"};
}

ask_run recover(const std::string& path, std::uint64_t events) {
  nexus::system sys;
  auto store = nexus::open("sqlite:" + path);
  if (!store) throw std::runtime_error{store.error().message};
  nexus::entities<counter> counters{sys, *store};
  const auto threads_before = thread_times();
  const stopwatch watch;
  auto sum = counters.of(id).ask(counter::total{}).get(std::chrono::minutes{5});
  ask_run made;
  made.used = watch.read();
  made.threads = thread_times(threads_before);
  made.operations = events;
  if (!sum) throw std::runtime_error{sum.error().message};
  expect(*sum, events);
  return made;
}

run read_plainly(const std::string& path, std::uint64_t events) {
  raw_sqlite db{path};
  const stopwatch watch;
  const auto sum = db.fold(id);
  run made{events, watch.read()};
  expect(sum, events);
  return made;
}

}  // namespace

figure recovery(const options& o) {
  const auto path = o.dir + "/recovery.db";
  const auto events = o.count(1'000'000, 100'000);
  preload(path, events);
  rounds pairs;
  ask_run last;
  for (unsigned i = 0; i < o.rounds_or(5); ++i) {
    last = recover(path, events);
    pairs.add(last, read_plainly(path, events));
  }
  auto made = pairs.summary("recovery.1m", "events/s");
  made.notes.push_back(fmt::format("one entity of {} events{}, from the first ask to its answer",
                                   events, events == 1'000'000 ? "" : ", not a million"));
  made.notes.push_back("by thread: " + describe_threads(last));
  remove_database(path);
  return made;
}

}  // namespace bench
