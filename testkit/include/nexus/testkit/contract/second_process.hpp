// A second process: this program again, running the same test on the same journal.
//
//   TEST_P(JournalContract, X) {
//     if (auto first = first_process::of_this()) {  // the second process comes here
//       first->tell(session.append(alice, 0, {"a"}));
//       return;
//     }
//     second_process second{uri};
//     EXPECT_EQ(second.said(), "stored");
//
// The two exchange lines over a socket, which is the standard input of the second process.
//
// Threads: one. Throws: std::runtime_error when the operating system fails, or no line arrives in
// time.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/testkit/contract/fixture.hpp"

extern "C" char** environ;

namespace nexus { inline namespace v0 { namespace testkit {

/// One end of the socket.
class line_socket {
 public:
  explicit line_socket(int fd) : fd_{fd} {}
  ~line_socket() { ::close(fd_); }
  line_socket(const line_socket&) = delete;
  line_socket& operator=(const line_socket&) = delete;

  /// False if the other process is gone.
  bool tell(std::string_view text) {
    std::string line{text};
    line += '\n';
    std::string_view rest{line};
    while (!rest.empty()) {
      const auto sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// The next line within that time; none if there is none, or the other process is gone.
  std::optional<std::string> next(std::chrono::milliseconds within) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    for (;;) {
      if (const auto end = text_.find('\n'); end != std::string::npos) {
        auto line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
      }
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd readable{fd_, POLLIN, 0};
      const auto ready = ::poll(&readable, 1, std::max(0, static_cast<int>(left.count())));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0 || gone_) return std::nullopt;
      std::array<char, 4096> bytes{};
      const auto size = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (size > 0) text_.append(bytes.data(), static_cast<std::size_t>(size));
      gone_ = size <= 0;
    }
  }

  [[nodiscard]] bool gone() const noexcept { return gone_; }

 private:
  int fd_;
  std::string text_;
  bool gone_ = false;
};

inline constexpr std::chrono::seconds process_patience{60};

/// The first process, as seen by the second.
class first_process {
 public:
  /// Null in the first process.
  static std::unique_ptr<first_process> of_this() {
    if (std::getenv(journal_of_parent) == nullptr) return nullptr;
    return std::unique_ptr<first_process>{new first_process};
  }

  /// False if the first process is gone.
  bool tell(std::string_view line) { return socket_.tell(line); }
  std::string said() {
    auto line = socket_.next(process_patience);
    if (!line) throw std::runtime_error{"the first process said nothing"};
    return *std::move(line);
  }

 private:
  first_process() : socket_{::dup(STDIN_FILENO)} {}

  line_socket socket_;
};

class second_process {
 public:
  /// Starts the second process in the running test.
  explicit second_process(const std::string& uri) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw std::runtime_error{"no socket for a second process"};
    }
    socket_ = std::make_unique<line_socket>(ends[0]);
    const line_socket its{ends[1]};
    log_ = std::tmpfile();
    if (log_ == nullptr) throw std::runtime_error{"no file for what a second process prints"};
    start(uri, ends[1]);
  }
  ~second_process() {
    kill();
    std::fclose(log_);
  }
  second_process(const second_process&) = delete;
  second_process& operator=(const second_process&) = delete;

  void tell(std::string_view line) {
    if (!socket_->tell(line)) throw std::runtime_error{"the second process has gone\n" + printed()};
  }
  /// The next line of the second process.
  std::string said() {
    auto line = socket_->next(process_patience);
    if (!line) throw std::runtime_error{"the second process said nothing\n" + printed()};
    return *std::move(line);
  }
  /// The next line, if it is there already.
  std::optional<std::string> said_already() { return socket_->next(std::chrono::milliseconds{0}); }

  /// Kills it with SIGKILL, at any point, and waits for its end. Its earlier lines can still be
  /// read.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)wait();
  }

  /// Waits for its end; true if its test passed.
  bool passed() {
    const auto deadline = std::chrono::steady_clock::now() + process_patience;
    while (socket_->next(process_patience)) {
      if (std::chrono::steady_clock::now() > deadline) break;
    }
    if (!socket_->gone()) kill();
    const auto status = wait();
    if (status == 0) return true;
    ADD_FAILURE() << "the second process failed:\n" << printed();
    return false;
  }

 private:
  void start(const std::string& uri, int its_end) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::vector<std::string> arguments{
        "contract", std::string{"--gtest_filter="} + test->test_suite_name() + "." + test->name(),
        "--gtest_color=no"};
    std::vector<std::string> variables{std::string{journal_of_parent} + "=" + uri};
    for (char** v = environ; *v != nullptr; ++v) {
      if (!std::string_view{*v}.starts_with("GTEST_")) variables.emplace_back(*v);
    }
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, its_end, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, ::fileno(log_), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, ::fileno(log_), STDERR_FILENO);
    const auto failed = ::posix_spawn(&pid_, "/proc/self/exe", &files, nullptr,
                                      pointers(arguments).data(), pointers(variables).data());
    ::posix_spawn_file_actions_destroy(&files);
    if (failed == 0) return;
    pid_ = 0;
    std::fclose(log_);
    throw std::runtime_error{"no second process"};
  }

  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  }

  int wait() {
    int status = -1;
    while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

  std::string printed() {
    std::string all;
    std::rewind(log_);
    for (int c = std::fgetc(log_); c != EOF; c = std::fgetc(log_)) all += static_cast<char>(c);
    return all;
  }

  std::unique_ptr<line_socket> socket_;
  std::FILE* log_ = nullptr;
  pid_t pid_ = 0;
};

}}}  // namespace nexus::v0::testkit
