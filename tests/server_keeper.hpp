// Starts the keeper of a test's server: a program that holds the server until our end of its
// standard input and output is closed, however this program ends.
//
// Threads: any, one call at a time. Throws: std::runtime_error, which ends a test.
#pragma once

#include <spawn.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <vector>

namespace nexus::test {

class server_keeper {
 public:
  server_keeper() = default;
  ~server_keeper() { end(); }
  server_keeper(const server_keeper&) = delete;
  server_keeper& operator=(const server_keeper&) = delete;

  /// Returns what it says of its server, behind "ok ".
  std::string launch(std::vector<std::string> command) {
    std::vector<char*> argv;
    for (auto& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      throw std::runtime_error{"no socket pair for the keeper"};
    }
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    const int failed = posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (failed != 0) {
      close(ends[0]);
      throw std::runtime_error{command[0] + " does not run"};
    }
    to_ = ends[0];
    const auto line = answer();
    if (line.starts_with("ok ")) return line.substr(3);
    end();
    throw std::runtime_error{line.empty() ? command[0] + " does not run" : line};
  }

  [[nodiscard]] bool is_there() const { return to_ >= 0; }

  /// Sends the command, and waits until it is done.
  void tell(const std::string& command) {
    if (!is_there()) throw std::logic_error{"the shared server is not this test's to " + command};
    const auto line = command + "\n";
    const bool sent = send(to_, line.data(), line.size(), MSG_NOSIGNAL) >= 0;
    const auto told = sent ? answer() : std::string{};
    if (told.empty()) throw std::runtime_error{"the keeper of the server is gone"};
    if (told != "ok") throw std::runtime_error{told};
  }

 private:
  [[nodiscard]] std::string answer() const {
    std::string line;
    for (char c = 0; read(to_, &c, 1) == 1; line += c) {
      if (c == '\n') return line;
    }
    return {};
  }

  void end() {
    if (!is_there()) return;
    close(to_);
    to_ = -1;
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  int to_ = -1;
  pid_t pid_ = -1;
};

}  // namespace nexus::test
