// A table of orders with lines, by the mapper and by plain code.
//
// Threads: one. Throws: std::runtime_error and SQLite::Exception, which end the benchmark.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <nexus/mapper.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bench {

struct order_line {
  std::int64_t id = 0;
  std::int64_t order_id = 0;
  std::string sku{};
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(id, order_id, sku, cents)
};

struct order {
  std::int64_t id = 0;
  std::string customer{};
  std::int64_t status = 0;
  std::int64_t cents = 0;
  std::optional<std::string> note{};
  MSGPACK_DEFINE_MAP(id, customer, status, cents, note)

  std::vector<order_line> lines{};
};

/// What both sides do. `insert` sets the key; `update` writes status and cents.
class order_table {
 public:
  virtual ~order_table() = default;
  virtual void begin() = 0;
  virtual void commit() = 0;
  virtual void insert(order& one) = 0;
  virtual void update(order& one) = 0;
  virtual order find(std::int64_t id) = 0;
  /// All orders with their lines.
  virtual std::vector<order> load() = 0;
};

/// Statements prepared once with SQLiteCpp.
class plain_sqlite final : public order_table {
 public:
  explicit plain_sqlite(const std::string& path);
  void begin() override;
  void commit() override;
  void insert(order& one) override;
  void update(order& one) override;
  order find(std::int64_t id) override;
  std::vector<order> load() override;

 private:
  SQLite::Database db_;
  SQLite::Statement begin_, commit_, insert_, update_, find_, orders_, lines_;
};

/// Statements prepared once with libpq.
class plain_postgres final : public order_table {
 public:
  explicit plain_postgres(const std::string& uri);
  void begin() override;
  void commit() override;
  void insert(order& one) override;
  void update(order& one) override;
  order find(std::int64_t id) override;
  std::vector<order> load() override;

 private:
  struct finisher {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
    void operator()(PGresult* r) const noexcept { PQclear(r); }
  };
  using result = std::unique_ptr<PGresult, finisher>;

  void prepare(const char* name, const char* sql);
  result run(const char* name, std::span<const char* const> with = {});

  std::unique_ptr<PGconn, finisher> to_;
};

/// The mapper; a new one for each transaction, except for updates of rows that it knows.
class mapped_orders final : public order_table {
 public:
  explicit mapped_orders(nexus::session& on);
  void begin() override;
  void commit() override;
  void insert(order& one) override;
  void update(order& one) override;
  order find(std::int64_t id) override;
  std::vector<order> load() override;

  /// The rows that `update` changes.
  std::vector<order> known_rows();

 private:
  nexus::mapper<order>& now();

  nexus::session& on_;
  nexus::mapping<order_line> lines_{"order_lines"};
  nexus::mapping<order> orders_{"orders"};
  std::optional<nexus::mapper<order>> now_{};
  nexus::mapper<order> known_;
};

}  // namespace bench
