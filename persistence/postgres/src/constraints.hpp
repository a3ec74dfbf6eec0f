// The columns of a database's constraints.
//
// PostgreSQL tells the table and the name of a broken constraint, and not its columns. The
// transaction cannot be asked for them, since it is aborted by then. So the catalog is read before
// the first transaction of the program, once for all sessions of a journal, and again
// - after a DDL statement of the program;
// - after an error within a transaction that names an unknown constraint, or that came when the
//   catalog had been read more than `age_max` ago, since another process may have changed it.
// An error outside of a transaction reads it at once in these cases.
//
// Only some schemas are read, as a database may have thousands: those of the search_path, and those
// that errors have named.
//
// Threads: any, except that `read` has the connection's.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "nexus/broken_constraint.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

class connection;

class constraint_catalog {
 public:
  /// Columns of constraints; further ones are not known.
  static constexpr int rows_max = 20'000;
  static constexpr std::size_t schemas_max = 64;  ///< more of them are forgotten
  static constexpr std::chrono::seconds age_max{60};

  /// True if it is to be read before the next transaction begins.
  [[nodiscard]] bool due() const noexcept { return due_; }
  void make_due() noexcept { due_ = true; }

  /// Not within an aborted transaction. Throws `trouble`, and keeps what it knew.
  void read(connection& c);

  /// Adds the columns, if they are known. False if the catalog should be read again.
  [[nodiscard]] bool complete(const std::string& schema, broken_constraint& what);

 private:
  using key = std::tuple<std::string, std::string, std::string>;  // schema, table, name

  std::atomic<bool> due_{true};
  std::mutex mutex_;
  std::set<std::string> schemas_;  // beside those of the search_path
  std::map<key, std::vector<std::string>> columns_;
  std::chrono::steady_clock::time_point read_at_{};
};

}}}  // namespace nexus::v0::postgres
