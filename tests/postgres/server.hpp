// A private PostgreSQL server: a new data directory, a unix socket beside it, a port of 127.0.0.1.
//
// Only the keeper (keeper.cpp) uses it: it forks, and a program with threads should not.
// Threads: one. Throws: std::runtime_error with one line that names what is wrong.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace nexus::test {

struct server_options {
  bool fsync = true;
  std::string parent;                 ///< the parent of its directory; empty: /tmp or alike
  std::vector<std::string> settings;  ///< lines for postgresql.conf
};

class server {
 public:
  /// Makes the directory and runs initdb in it. PostgreSQL refuses to run as root: then it runs as
  /// the user `postgres`, or else `nobody`.
  explicit server(const server_options& o);

  /// Stops the server at once and removes the directory.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Starts it and returns when it takes connections.
  void start();
  /// Like `pg_ctl stop -m immediate`: nothing is flushed, the next start recovers from the log.
  void stop();

  [[nodiscard]] const std::string& dir() const {
    return dir_;
  }  ///< the socket's; data/ and log too
  [[nodiscard]] const std::string& password() const { return password_; }
  [[nodiscard]] int port() const { return port_; }

 private:
  void make_dir(const std::string& parent);
  void init();
  void configure(const server_options& o);
  [[nodiscard]] pid_t spawn(const std::vector<std::string>& args) const;
  [[nodiscard]] bool ready() const;
  [[nodiscard]] std::string last_words() const;

  std::string dir_;
  std::string password_;
  int port_ = 0;
  pid_t postmaster_ = -1;
};

/// PostgreSQL's program of that name: from NEXUS_POSTGRES_BIN, else the newest of
/// /usr/lib/postgresql/*/bin, else from PATH.
[[nodiscard]] std::string postgres_program(const std::string& name);

}  // namespace nexus::test
