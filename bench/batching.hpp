// Groups the plain code's work, so that it does the same as Nexus was observed to do.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bench {

/// The mean sizes of transactions, and of the runs of one entity's events in them.
struct batching {
  double events_per_commit = 1;
  double events_per_request = 1;
};

/// Calls begin(), append(count) for each request, and commit(), until there were `events`.
template <class Begin, class Append, class Commit>
void in_batches(std::uint64_t events, const batching& sizes, Begin begin, Append append,
                Commit commit) {
  // Fractions carry over, so that the means are exact.
  double commit_due = 0;
  double request_due = 0;
  for (std::uint64_t done = 0; done < events;) {
    commit_due += sizes.events_per_commit;
    begin();
    do {
      request_due += sizes.events_per_request;
      const auto count = std::min(events - done, static_cast<std::uint64_t>(request_due));
      request_due -= static_cast<double>(count);
      append(count);
      done += count;
      commit_due -= static_cast<double>(count);
    } while (done < events && commit_due >= sizes.events_per_request);
    commit();
  }
}

}  // namespace bench
