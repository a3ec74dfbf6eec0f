// The baseline: what a careful programmer would write by hand on the same table. Statements prepared
// once, bound without copying, one guard per request, one transaction per batch, no layer between.
//
// Threads: one. Throws: std::runtime_error, which ends the benchmark.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "batching.hpp"
#include "nexus/clock.hpp"
#include "nexus/ulid.hpp"
#include "plain_event.hpp"

namespace bench {

class raw_sqlite {
 public:
  struct closer {
    void operator()(sqlite3* db) const noexcept { sqlite3_close(db); }
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  using statement = std::unique_ptr<sqlite3_stmt, closer>;

  /// Lets Nexus create the database at `path`, unless it exists, and opens it with its pragmas.
  /// `parameters`: those of the address, e.g. "?indexes=type".
  explicit raw_sqlite(const std::string& path, const std::string& parameters = "");

  /// Inserts `events` events for `ids` in turn; each entity continues its numbers.
  void insert(const std::vector<std::string>& ids, std::uint64_t events, const batching& sizes);

  /// Reads all events of `id` in order, decodes and sums them.
  [[nodiscard]] std::int64_t fold(const std::string& id);

  /// Wakes all ids whose alarms are due, in order: reads and folds the events of each, appends one
  /// and removes the alarm, in transactions of the given size.
  void fire(const std::vector<std::string>& ids, const batching& sizes);

  /// The same for the events that `condition` finds, with one text parameter, in the order of the
  /// journal; reads also whose they are, their numbers, positions and times.
  [[nodiscard]] std::int64_t fold_where(const char* condition, const std::string& parameter);

  /// Runs plain SQL, e.g. a pragma.
  void run(const char* sql);

  [[nodiscard]] statement prepare(const char* sql);

 private:
  struct entity {
    std::string persistence_id;
    std::uint32_t slice = 0;
    std::int64_t highest = 0;
  };

  void know(const std::vector<std::string>& ids);
  void check(bool fine) const;
  void step(sqlite3_stmt* s);
  void append(entity& to, std::uint64_t count);
  void insert_event(entity& to);

  std::unique_ptr<sqlite3, closer> db_;  // before its statements
  statement begin_, commit_, tail_, highest_, insert_, select_;
  nexus::wall_clock time_;
  nexus::ulid_generator command_ids_{time_};
  const std::string writer_ = command_ids_.next().to_string();
  std::vector<entity> entities_;
  std::size_t next_ = 0;  // the next entity
  std::int64_t position_ = 0;
  const char* condition_ = nullptr;
  statement select_where_;
  plain_event event_;
};

}  // namespace bench
