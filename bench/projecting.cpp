// sqlite.ask_while_projecting: asks while a projection of the same process catches up into a table of
// the same file, again and again, beside the same asks alone. Both are Nexus: the ratio is what the
// projection costs the appends.
#include <fmt/format.h>

#include <chrono>
#include <nexus/projection.hpp>
#include <stdexcept>

#include "load.hpp"

namespace bench {
namespace {

using clock = std::chrono::steady_clock;

void expect(const nexus::result<void>& got) {
  if (!got) throw std::runtime_error{got.error().message};
}

nexus::result<void> add_to_totals(nexus::session& on, const nexus::projected<counter>& e) {
  auto done =
      on.execute("INSERT INTO totals VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET sum = sum + $2",
                 e.id, std::get<counter::added>(e.event).n);
  if (!done) return nexus::fail(std::move(done.error()));
  return {};
}

// The events that it handled per second.
double project(nexus::store& store, const std::stop_token& stop) {
  {
    auto session = store.open_session();
    if (!session) throw std::runtime_error{session.error().message};
    auto made =
        (*session)->execute("CREATE TABLE totals (id TEXT PRIMARY KEY, sum INTEGER NOT NULL)");
    if (!made) throw std::runtime_error{made.error().message};
  }
  nexus::system sys{{.threads = 1}};
  const auto begun = clock::now();
  nexus::projection<counter> totals{sys, store, "totals", add_to_totals};
  while (!stop.stop_requested()) {
    if (totals.caught_up(std::chrono::milliseconds{100})) expect(totals.rebuild());
  }
  const std::chrono::duration<double> took = clock::now() - begun;
  return static_cast<double>(totals.status().handled) / took.count();
}

}  // namespace

figure ask_while_projecting(const options& o) {
  const auto path = o.dir + "/projecting.db";
  std::vector<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(fmt::format("{:04}", i));
  const auto count = o.count(300'000, 100'000);

  rounds pairs;
  ask_run last;
  double projected = 0;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    last = ask_sqlite(path, ids, count, o.window, [&](nexus::store& store, std::stop_token stop) {
      projected = project(store, stop);
    });
    pairs.add(last, ask_sqlite(path, ids, count, o.window));
  }
  auto made = pairs.summary("sqlite.ask_while_projecting", "asks/s");
  made.notes.push_back(fmt::format(
      "the baseline is Nexus without the projection, which handled {:.0f} events/s", projected));
  made.notes.push_back("by thread: " + describe_threads(last));
  remove_database(path);
  return made;
}

}  // namespace bench
