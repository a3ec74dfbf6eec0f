// A figure: Nexus beside plain code, from several interleaved rounds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "usage.hpp"

namespace bench {

struct options {
  bool quick = false;
  unsigned rounds = 0;           ///< pairs of runs; 0: the mode's default
  double scale = 1;              ///< of the number of operations
  std::string filter;            ///< only figures whose name contains it
  std::string dir;               ///< the folder of the databases
  std::uint64_t window = 8'192;  ///< commands in flight

  [[nodiscard]] unsigned rounds_or(unsigned full) const {
    if (rounds != 0) return rounds;
    return quick ? 3 : full;
  }
  [[nodiscard]] std::uint64_t count(std::uint64_t full, std::uint64_t in_quick) const {
    return static_cast<std::uint64_t>(static_cast<double>(quick ? in_quick : full) * scale);
  }
};

/// One run of one side.
struct run {
  std::uint64_t operations = 0;
  usage used;

  [[nodiscard]] double rate() const { return static_cast<double>(operations) / used.wall.count(); }
  [[nodiscard]] double cpu_us() const {
    return used.cpu.count() * 1e6 / static_cast<double>(operations);
  }
};

struct figure {
  std::string name;
  std::string unit;
  double value = 0;     ///< median of Nexus
  double baseline = 0;  ///< median of the plain code
  double ratio = 0;     ///< median of the ratios of the pairs, each of neighbouring runs
  std::vector<std::string> notes;
};

[[nodiscard]] double median(std::vector<double> values);

/// Collects pairs of runs.
class rounds {
 public:
  void add(const run& nexus, const run& plain);
  [[nodiscard]] figure summary(std::string name, std::string unit) const;

 private:
  std::vector<double> nexus_, plain_, ratios_, nexus_cpu_, plain_cpu_;
};

void print(const std::vector<figure>& all);
void write_json(const std::vector<figure>& all, const std::string& path);

[[nodiscard]] figure durable_ask(const options& o);
[[nodiscard]] figure ask_while_projecting(const options& o);
[[nodiscard]] figure hot_entity(const options& o);
[[nodiscard]] figure postgres_ask(const options& o);
[[nodiscard]] figure recovery(const options& o);
[[nodiscard]] figure alarms(const options& o);
[[nodiscard]] figure indexes(const options& o);
[[nodiscard]] std::vector<figure> own_sql(const options& o);
[[nodiscard]] std::vector<figure> postgres_own_sql(const options& o);
[[nodiscard]] std::vector<figure> sqlite_mapper(const options& o);
[[nodiscard]] std::vector<figure> postgres_mapper(const options& o);
/// Only if DynamoDB Local is there.
[[nodiscard]] std::vector<figure> dynamodb_append(const options& o);
[[nodiscard]] figure rows_updated(const options& o);
[[nodiscard]] figure rows_loaded(const options& o);
[[nodiscard]] figure live(const options& o);
[[nodiscard]] figure postgres_live(const options& o);
[[nodiscard]] figure projection(const options& o);
[[nodiscard]] figure postgres_projection(const options& o);
[[nodiscard]] std::vector<figure> queries(const options& o);
[[nodiscard]] std::vector<figure> postgres_queries(const options& o);

}  // namespace bench
