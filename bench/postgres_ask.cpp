// postgres.durable_ask.1k: many entities share each commit, and several connections commit in
// parallel.
#include <fmt/format.h>

#include <exception>
#include <future>
#include <stdexcept>

#include "cluster.hpp"
#include "load.hpp"
#include "raw_postgres.hpp"

namespace bench {
namespace {

using nexus::test::cluster;

constexpr std::size_t connections = 4;  // as many as Nexus has writers

void make_tables(const std::string& uri) {
  if (auto store = nexus::open(uri); !store) throw std::runtime_error{store.error().message};
}

// Each connection has its own entities, and all work at the same time.
class plain_writers {
 public:
  plain_writers(const std::string& uri, const std::vector<std::string>& ids)
      : shares_(connections) {
    for (std::size_t i = 0; i < ids.size(); ++i) shares_[i % connections].push_back(ids[i]);
    for (std::size_t i = 0; i < connections; ++i) {
      writers_.push_back(std::make_unique<raw_postgres>(uri));
    }
  }

  void insert(std::uint64_t count, const batching& sizes) {
    std::vector<std::future<void>> all;
    for (std::size_t i = 0; i < connections; ++i) {
      all.push_back(std::async(std::launch::async, [this, i, count, sizes] {
        writers_[i]->insert(shares_[i], count / connections, sizes);
      }));
    }
    for (auto& one : all) one.get();
  }

 private:
  std::vector<std::vector<std::string>> shares_;
  std::vector<std::unique_ptr<raw_postgres>> writers_;
};

run insert_by_hand(cluster& pg, const std::vector<std::string>& ids, std::uint64_t count,
                   const batching& sizes) {
  const auto uri = pg.fresh_database();
  run made;
  {
    make_tables(uri);
    plain_writers plain{uri, ids};
    plain.insert(ids.size(), {static_cast<double>(ids.size()) / connections, 1});
    const stopwatch watch;
    plain.insert(count, sizes);
    made = {count / connections * connections, watch.read()};
  }
  pg.drop(uri);
  return made;
}

ask_run ask_postgres(cluster& pg, const std::vector<std::string>& ids, std::uint64_t count,
                     std::uint64_t window) {
  const auto uri = pg.fresh_database();
  auto made = ask_durably(uri + fmt::format("&writers={}", connections), ids, count, window);
  pg.drop(uri);
  return made;
}

}  // namespace

figure postgres_ask(const options& o) {
  cluster pg{durable_cluster()};
  std::vector<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(fmt::format("{:04}", i));
  const auto count = o.count(200'000, 60'000);

  rounds pairs;
  ask_run last;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    last = ask_postgres(pg, ids, count, o.window);
    pairs.add(last, insert_by_hand(pg, ids, count, last.sizes));
  }
  auto made = pairs.summary("postgres.durable_ask.1k", "asks/s");
  made.notes.push_back(fmt::format(
      "1,000 entities, {} asks in flight, {} asks a round, {} connections; last batches {:.0f} "
      "events in {:.0f} requests; processor time without the server's",
      o.window, count, connections, last.sizes.events_per_commit,
      last.sizes.events_per_commit / last.sizes.events_per_request));
  made.notes.push_back("by thread: " + describe_threads(last));
  const auto alone = insert_by_hand(pg, ids, o.count(8'000, 2'000), {1, 1});
  made.notes.push_back(
      fmt::format("plain code with one commit per event: {:.0f} events/s", alone.rate()));
  return made;
}

}  // namespace bench
