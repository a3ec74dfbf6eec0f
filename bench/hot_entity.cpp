// sqlite.hot_entity: one entity gets all commands.
#include <fmt/format.h>

#include "load.hpp"

namespace bench {

figure hot_entity(const options& o) {
  const auto path = o.dir + "/hot_entity.db";
  const std::vector<std::string> ids{"hot"};
  const auto count = o.count(200'000, 60'000);
  const batching plain{256, 256};

  rounds pairs;
  ask_run last;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    const auto raw = insert_plainly(path, ids, count, plain);
    last = ask_sqlite(path, ids, count, o.window);
    pairs.add(last, raw);
  }
  auto made = pairs.summary("sqlite.hot_entity", "asks/s");
  made.notes.push_back(fmt::format(
      "one entity, {} asks in flight, {} asks a round; last batches {:.0f} events, baseline 256",
      o.window, count, last.sizes.events_per_commit));
  made.notes.push_back("by thread: " + describe_threads(last));
  remove_database(path);
  return made;
}

}  // namespace bench
