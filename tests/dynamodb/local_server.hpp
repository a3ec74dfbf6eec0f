// Amazon's DynamoDB Local on a free port of 127.0.0.1, for tests and benchmarks. The server and its
// data are removed when the program ends, also after a crash or kill: a keeper process watches the
// program.
//
//   auto& server = local_server::shared();
//   auto store = nexus::open(server.fresh_journal());
//
// Threads: any, one call at a time. Throws: std::runtime_error, which ends a test.
#pragma once

#include <string>

#include "../server_keeper.hpp"

namespace nexus::test {

class local_server {
 public:
  enum class data { in_memory, kept };  ///< kept: survives `stop`

  /// The server that ctest started for all tests of its run; if run by hand, one for this program.
  static local_server& shared();

  explicit local_server(data where = data::in_memory);

  [[nodiscard]] int port() const { return port_; }

  /// The URI of a journal whose tables do not exist yet, with the parameters given behind "?".
  [[nodiscard]] std::string fresh_journal(const std::string& parameters = {}) const;

  /// Like a crash of the server: connections break. It may have acknowledged transactions that are
  /// lost now (docs/internals/dynamodb.md); passing_server::stop loses none. Not for the shared one.
  void stop();
  void start();

 private:
  explicit local_server(int port) : port_{port} {}

  int port_ = 0;
  server_keeper keeper_;
};

}  // namespace nexus::test
