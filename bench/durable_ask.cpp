// sqlite.durable_ask.1k: many entities share each commit.
#include <fmt/format.h>

#include "load.hpp"

namespace bench {
namespace {

// Naive code: each event in its own transaction.
std::string one_by_one(const std::string& path, const std::vector<std::string>& ids,
                       const options& o) {
  const auto alone = insert_plainly(path, ids, o.count(5'000, 1'000), {1, 1});
  return fmt::format("plain code with one commit per event: {:.0f} events/s", alone.rate());
}

}  // namespace

figure durable_ask(const options& o) {
  const auto path = o.dir + "/durable_ask.db";
  std::vector<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(fmt::format("{:04}", i));
  const auto count = o.count(300'000, 100'000);

  rounds pairs;
  ask_run last;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    last = ask_sqlite(path, ids, count, o.window);
    pairs.add(last, insert_plainly(path, ids, count, last.sizes));
  }
  auto made = pairs.summary("sqlite.durable_ask.1k", "asks/s");
  made.notes.push_back(fmt::format(
      "1,000 entities, {} asks in flight, {} asks a round; last batches {:.0f} events in {:.0f} "
      "requests",
      o.window, count, last.sizes.events_per_commit,
      last.sizes.events_per_commit / last.sizes.events_per_request));
  made.notes.push_back("by thread: " + describe_threads(last));
  made.notes.push_back(one_by_one(path, ids, o));
  remove_database(path);
  return made;
}

}  // namespace bench
