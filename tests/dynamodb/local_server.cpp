#include "local_server.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace nexus::test {
namespace {

bool read_line(int from, std::string& line) {
  line.clear();
  char c = 0;
  while (read(from, &c, 1) == 1) {
    if (c == '\n') return true;
    line += c;
  }
  return false;
}

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
  launch(where);
}

local_server::~local_server() {
  if (keeper_ < 0) return;
  close(keeper_);
  while (waitpid(keeper_pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void local_server::launch(data where) {
  std::vector<std::string> args{NEXUS_DYNAMODB_KEEPER, "hold", NEXUS_DYNAMODB_LOCAL};
  if (where == data::kept) args.emplace_back("--keep");
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error{"no socket pair for the keeper"};
  }
  keeper_ = ends[0];
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], 0);
  posix_spawn_file_actions_adddup2(&files, ends[1], 1);
  const int failed = posix_spawn(&keeper_pid_, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  std::string line;
  if (failed == 0 && read_line(keeper_, line) && line.starts_with("ok ")) {
    port_ = std::stoi(line.substr(3));
    return;
  }
  close(keeper_);
  if (failed == 0) waitpid(keeper_pid_, nullptr, 0);
  throw std::runtime_error{line.empty() ? args[0] + " does not run" : line};
}

void local_server::tell(const std::string& command) {
  if (keeper_ < 0) throw std::logic_error{"the shared server is not this test's to " + command};
  const auto line = command + "\n";
  std::string answer;
  if (send(keeper_, line.data(), line.size(), MSG_NOSIGNAL) < 0 || !read_line(keeper_, answer)) {
    throw std::runtime_error{"the keeper of the server is gone"};
  }
  if (answer != "ok") throw std::runtime_error{answer};
}

void local_server::stop() { tell("stop"); }
void local_server::start() { tell("start"); }

std::string local_server::fresh_journal(const std::string& parameters) const {
  static std::atomic<int> made = 0;
  const auto name = "t" + std::to_string(getpid()) + "-" + std::to_string(++made);
  return "dynamodb://127.0.0.1:" + std::to_string(port_) + "/" + name +
         (parameters.empty() ? "" : "?" + parameters);
}

}  // namespace nexus::test
