// Drives entities like a client: a thread with a window of questions in flight.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "counter.hpp"
#include "figure.hpp"
#include "raw_sqlite.hpp"

namespace bench {

struct ask_run : run {
  batching sizes;           ///< the writer's batches under this load
  times_by_thread threads;  ///< processor time of each
};

/// What another thread does with the store while the time runs, until it is asked to stop.
using companion = std::function<void(nexus::store&, std::stop_token)>;

/// Asks the entities `ids` in turn, `count` times in all, on the empty store at `uri`; every entity
/// has answered once before the time runs.
[[nodiscard]] ask_run ask_durably(const std::string& uri, const std::vector<std::string>& ids,
                                  std::uint64_t count, std::uint64_t window,
                                  const companion& beside = {});

/// The same on a fresh SQLite database at `path`.
[[nodiscard]] ask_run ask_sqlite(const std::string& path, const std::vector<std::string>& ids,
                                 std::uint64_t count, std::uint64_t window,
                                 const companion& beside = {});

/// The same work done by the plain loop, on a fresh database.
[[nodiscard]] run insert_plainly(const std::string& path, const std::vector<std::string>& ids,
                                 std::uint64_t count, const batching& sizes,
                                 const std::string& parameters = "");

/// The processor time of each thread per operation.
[[nodiscard]] std::string describe_threads(const ask_run& one);

void remove_database(const std::string& path);

}  // namespace bench
