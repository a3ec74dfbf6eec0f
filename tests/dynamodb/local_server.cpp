#include "local_server.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace nexus::test {
namespace {

// The port of the server that ctest started, which is our parent; 0: none.
int port_of_ctest() {
  int port = 0;
  std::ifstream{std::string{NEXUS_DYNAMODB_SHARED} + "." + std::to_string(getppid())} >> port;
  return port;
}

// DynamoDB Local takes any, but the client wants some.
void set_credentials() {
  setenv("AWS_ACCESS_KEY_ID", "test", 0);
  setenv("AWS_SECRET_ACCESS_KEY", "test", 0);
}

}  // namespace

local_server& local_server::shared() {
  static auto& one = []() -> local_server& {
    set_credentials();
    if (const int port = port_of_ctest(); port != 0) {
      static local_server of_ctest{port};
      return of_ctest;
    }
    static local_server own{data::in_memory};
    return own;
  }();
  return one;
}

local_server::local_server(data where) {
  set_credentials();
  std::vector<std::string> command{NEXUS_DYNAMODB_KEEPER, "hold", NEXUS_DYNAMODB_LOCAL};
  if (where == data::kept) command.emplace_back("--keep");
  port_ = std::stoi(keeper_.launch(std::move(command)));
}

void local_server::stop() { keeper_.tell("stop"); }
void local_server::start() { keeper_.tell("start"); }

std::string local_server::fresh_journal(const std::string& parameters) const {
  static std::atomic<int> made = 0;
  const auto name = "t" + std::to_string(getpid()) + "-" + std::to_string(++made);
  return "dynamodb://127.0.0.1:" + std::to_string(port_) + "/" + name +
         (parameters.empty() ? "" : "?" + parameters);
}

}  // namespace nexus::test
