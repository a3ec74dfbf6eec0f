// The baseline on PostgreSQL: what a careful programmer would write by hand with libpq on the same
// table. One array per column, statements prepared once, a batch and its guard in one round trip.
//
// Threads: one. Throws: std::runtime_error, which ends the benchmark.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "batching.hpp"
#include "cluster.hpp"
#include "nexus/clock.hpp"
#include "nexus/ulid.hpp"
#include "plain_event.hpp"

namespace bench {

/// An array parameter in binary form.
class pg_array {
 public:
  explicit pg_array(Oid element) : element_{element} { clear(); }
  void clear();
  void add(std::string_view bytes);
  void add(std::int64_t number);
  void add(std::int32_t number);
  /// The whole array; `add` must not be called afterwards.
  [[nodiscard]] const std::string& bytes();

 private:
  Oid element_;
  std::uint32_t size_ = 0;
  std::string bytes_;
};

/// A server on a disk, which /tmp may not be; and without a checkpoint during a round.
[[nodiscard]] nexus::test::cluster::options durable_cluster();

class raw_postgres {
 public:
  /// Connects to a database in which Nexus has made its tables.
  explicit raw_postgres(const std::string& uri);

  /// Inserts `events` events for `ids` in turn; each entity continues its numbers.
  void insert(const std::vector<std::string>& ids, std::uint64_t events, const batching& sizes);

 private:
  struct entity {
    std::string persistence_id;
    std::int32_t slice = 0;
    std::int64_t highest = 0;
  };
  struct finisher {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
    void operator()(PGresult* r) const noexcept { PQclear(r); }
  };
  using result = std::unique_ptr<PGresult, finisher>;

  void check(bool fine) const;
  void prepare(const char* name, const char* sql);
  void send(const char* name, const std::vector<pg_array*>& parameters);
  void encode(entity& to, std::uint64_t count);
  void commit();

  std::unique_ptr<PGconn, finisher> to_;
  nexus::wall_clock time_;
  nexus::ulid_generator command_ids_{time_};
  const std::string writer_ = command_ids_.next().to_string();
  std::vector<entity> entities_;
  std::size_t next_ = 0;                                       // the next entity
  std::vector<std::pair<std::size_t, std::uint64_t>> queued_;  // entities and numbers of events
  std::int64_t position_ = 0;
  plain_event event_;
  pg_array ids_, numbers_, positions_, types_, versions_, codecs_, data_, metadata_, writers_;
  pg_array times_, slices_, guarded_, expected_;
};

/// Reads what `raw_postgres` writes.
class postgres_reader {
 public:
  explicit postgres_reader(const std::string& uri);

  /// As raw_sqlite::fold_where; the parameter is $1.
  [[nodiscard]] std::int64_t fold_where(const char* condition, const std::string& parameter);

  void run(const std::string& sql);

 private:
  struct finisher {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
    void operator()(PGresult* r) const noexcept { PQclear(r); }
  };
  using result = std::unique_ptr<PGresult, finisher>;

  void check(bool fine) const;

  std::unique_ptr<PGconn, finisher> to_;
  const char* condition_ = nullptr;
};

}  // namespace bench
