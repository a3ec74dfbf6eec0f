// A private PostgreSQL server for tests and benchmarks, never the system's. The server and its
// directory are removed when the program ends, also after a crash or kill: a keeper process watches
// the program.
//
//   auto& pg = cluster::shared();
//   auto store = nexus::open(pg.fresh_database());
//
// Threads: any, one call at a time. Throws: std::runtime_error, which ends a test.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "../server_keeper.hpp"

namespace nexus::test {

class cluster {
 public:
  struct options {
    bool fsync = true;
    std::string parent{};  ///< where its directory goes; default: the temporary one
    std::vector<std::string>
        settings{};  ///< lines for postgresql.conf, e.g. "shared_buffers = 1GB"
  };

  /// The server that ctest started for all tests of its run; if run by hand, one for this program.
  /// Without fsync: tests that stop or kill a server need their own.
  static cluster& shared();

  cluster() : cluster(options{}) {}
  explicit cluster(const options& o);
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  /// A new, empty database, by the superuser through the socket. Dropped with this object. ~40 ms.
  [[nodiscard]] std::string fresh_database();
  /// A new, empty schema of a shared database, first in the search path. ~5 ms.
  [[nodiscard]] std::string fresh_schema();

  /// Drops such a database now, even if clients are connected.
  void drop(std::string_view database_uri);

  /// postgresql:// URIs of a database. The socket asks for no password, TCP does.
  [[nodiscard]] std::string uri(std::string_view database = "postgres") const;
  [[nodiscard]] std::string tcp_uri(std::string_view database = "postgres") const;
  /// With another port, e.g. a proxy's, and optionally another user.
  [[nodiscard]] std::string tcp_uri(std::string_view database, int port,
                                    std::string_view user = "postgres",
                                    std::string_view password = {}) const;

  [[nodiscard]] const std::string& socket_dir() const { return dir_; }
  [[nodiscard]] int port() const { return port_; }

  /// Runs SQL as the superuser on its own connection; the last statement's rows, NULL as "".
  using rows = std::vector<std::vector<std::string>>;
  rows execute(const std::string& sql, std::string_view database = "postgres") const;
  /// The same at a given URI; the first value, or "".
  static rows execute_at(const std::string& uri, const std::string& sql);
  static std::string value_at(const std::string& uri, const std::string& sql);

  /// Process ids of the clients' backends in a database (its name, or a URI of ours), without the
  /// asking backend. They may be sent SIGSTOP, SIGCONT or SIGTERM.
  [[nodiscard]] std::vector<pid_t> backends(std::string_view database_or_uri) const;

  /// Like a crash: nothing is flushed, connections break. Not for the shared server.
  void stop_immediate();
  void start();

  /// The server's log since its directory was made.
  [[nodiscard]] std::string log() const;

 private:
  cluster(std::string_view description, bool ours);
  void launch(const options& o);
  void describe(const std::string& line);

  std::string dir_;
  std::string password_;
  int port_ = 0;
  server_keeper keeper_;
  std::vector<std::string> databases_, schemas_;
};

/// The database in a URI of ours.
[[nodiscard]] std::string database_of(std::string_view uri);

}  // namespace nexus::test
