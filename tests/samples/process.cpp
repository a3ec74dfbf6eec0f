#include "process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace samples {
namespace {

using steady = std::chrono::steady_clock;

[[noreturn]] void become(const command_line& line, const std::string& directory, privileges p,
                         int out, int err) {
  if (p == privileges::dropped && geteuid() == 0) prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const auto& argument : line) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  if (chdir(directory.c_str()) == 0) execvp(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

process::process(const command_line& line, const std::string& directory, privileges p) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) std::abort();
  pid_ = fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0) become(line, directory, p, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  pipe_[0] = out[0];
  pipe_[1] = err[0];
}

process::~process() {
  if (!reaped_) kill();
  reap();
  for (int end : pipe_) {
    if (end >= 0) close(end);
  }
}

bool process::read_until(const std::function<bool()>& enough, std::chrono::microseconds limit) {
  const auto deadline = steady::now() + limit;
  while (pipe_[0] >= 0 || pipe_[1] >= 0) {
    const auto left = std::chrono::nanoseconds{deadline - steady::now()}.count();
    if (left <= 0 || enough()) return false;
    const timespec most{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    std::array<pollfd, 2> ends{pollfd{pipe_[0], POLLIN, 0}, pollfd{pipe_[1], POLLIN, 0}};
    if (ppoll(ends.data(), ends.size(), &most, nullptr) < 0 && errno != EINTR) std::abort();
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].revents == 0) continue;
      std::array<char, 65536> bytes{};
      const auto count = read(pipe_[i], bytes.data(), bytes.size());
      if (count > 0) {
        text_[i].append(bytes.data(), static_cast<std::size_t>(count));
      } else if (count == 0) {
        close(pipe_[i]);
        pipe_[i] = -1;
      }
    }
  }
  return true;
}

bool process::kill() { return signal(SIGKILL); }

bool process::has_stopped() const {
  for (const auto& task :
       std::filesystem::directory_iterator{"/proc/" + std::to_string(pid_) + "/task"}) {
    std::ifstream stat{task.path() / "stat"};
    const std::string text{std::istreambuf_iterator<char>{stat}, {}};
    const auto state = text.rfind(')');  // NUMBER (NAME) STATE …
    if (state == std::string::npos || text.substr(state, 3) != ") T") return false;
  }
  return true;
}

bool process::signal(int which) {
  siginfo_t ended{};
  const bool dead =
      waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      ended.si_pid == pid_;
  if (!dead) ::kill(pid_, which);
  return !dead;
}

int process::wait() {
  if (!read_for(std::chrono::seconds{60})) {
    ADD_FAILURE() << "a child process was still running after its deadline";
    kill();
  }
  reap();
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

void process::reap() {
  if (reaped_) return;
  while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
}

finished run(const command_line& line, const std::string& directory, privileges p) {
  process child{line, directory, p};
  const int code = child.wait();
  return {.code = code, .out = child.out(), .err = child.err()};
}

}  // namespace samples
