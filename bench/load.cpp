#include "load.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace bench {
namespace {

using refs = std::vector<nexus::entity_ref<counter>>;

void ask_all(const refs& entities, std::uint64_t count, std::uint64_t window) {
  std::vector<std::optional<nexus::asked<std::int64_t>>> in_flight(std::min(window, count));
  auto collect = [](auto& answer) {
    auto got = std::exchange(answer, std::nullopt)->get(std::chrono::minutes{1});
    if (!got) throw std::runtime_error{got.error().message};
  };
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& slot = in_flight[i % in_flight.size()];
    if (slot) collect(slot);
    slot.emplace(entities[i % entities.size()].ask(counter::add{1}));
  }
  for (std::uint64_t i = count; i < count + in_flight.size(); ++i) {
    collect(in_flight[i % in_flight.size()]);
  }
}

}  // namespace

ask_run ask_durably(const std::string& uri, const std::vector<std::string>& ids,
                    std::uint64_t count, std::uint64_t window, const companion& beside) {
  nexus::system sys;
  auto store = nexus::open(uri);
  if (!store) throw std::runtime_error{store.error().message};
  nexus::entities<counter> counters{sys, *store};
  {
    refs warm;
    for (const auto& id : ids) warm.push_back(counters.of(id));
    ask_all(warm, ids.size(), window);
  }
  refs entities;  // of live ones: they know where to send
  for (const auto& id : ids) entities.push_back(counters.of(id));

  std::jthread other;
  if (beside) other = std::jthread{[&](std::stop_token stop) { beside(*store, std::move(stop)); }};
  const auto before = store->statistics();
  const auto threads_before = thread_times();
  const stopwatch watch;
  ask_all(entities, count, window);
  ask_run made;
  made.used = watch.read();
  made.threads = thread_times(threads_before);
  made.operations = count;
  const auto after = store->statistics();
  const auto events = static_cast<double>(after.events - before.events);
  made.sizes.events_per_commit = events / static_cast<double>(after.commits - before.commits);
  made.sizes.events_per_request = events / static_cast<double>(after.requests - before.requests);
  return made;
}

ask_run ask_sqlite(const std::string& path, const std::vector<std::string>& ids,
                   std::uint64_t count, std::uint64_t window, const companion& beside) {
  remove_database(path);
  return ask_durably("sqlite:" + path, ids, count, window, beside);
}

run insert_plainly(const std::string& path, const std::vector<std::string>& ids,
                   std::uint64_t count, const batching& sizes, const std::string& parameters) {
  remove_database(path);
  raw_sqlite db{path, parameters};
  db.insert(ids, ids.size(), {static_cast<double>(ids.size()), 1});
  const stopwatch watch;
  db.insert(ids, count, sizes);
  return {count, watch.read()};
}

std::string describe_threads(const ask_run& one) {
  std::string text;
  for (const auto& [name, time] : one.threads) {
    const auto us = time.count() * 1e6 / static_cast<double>(one.operations);
    if (us >= 0.01) text += fmt::format("{}{} {:.2f} us", text.empty() ? "" : ", ", name, us);
  }
  return text;
}

void remove_database(const std::string& path) {
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);
}

}  // namespace bench
