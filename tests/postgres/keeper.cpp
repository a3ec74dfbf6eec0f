// Keeps a PostgreSQL server as long as it is needed, then removes it completely.
//
//   keeper hold [ARGS]        for a program: takes "start" and "stop" from standard input, until
//   that
//                             ends, however the program ends
//   keeper share PREFIX [ARGS]  for the programs that our parent, e.g. ctest, starts: returns when
//   the
//                             server is up and PREFIX.<parent's id> has its address; lasts until
//                             `release`, or until the parent is gone
//   keeper release PREFIX
//
// ARGS: --no-fsync, --in DIR, --set 'NAME = VALUE'
//
// A separate program, since it has to outlive the programs it serves, and forks.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "server.hpp"

namespace {

using nexus::test::server;
using nexus::test::server_options;

int open_pidfd(pid_t of) { return static_cast<int>(syscall(SYS_pidfd_open, of, 0)); }

// Becomes readable when a signal asks us to end.
int termination() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

// Waits for either; true: the first.
bool wait_for_first(int first, int second) {
  pollfd both[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
  while (poll(both, 2, -1) < 0) {
  }
  return both[1].revents == 0;
}

std::string describe(const server& s) {
  std::ostringstream text;
  text << getpid() << ' ' << s.dir() << ' ' << s.port() << ' ' << s.password() << '\n';
  return text.str();
}

bool read_line(int from, std::string& line) {
  line.clear();
  char c = 0;
  while (read(from, &c, 1) == 1) {
    if (c == '\n') return true;
    line += c;
  }
  return false;
}

int hold(const server_options& o) {
  setsid();  // Control-C is for the program, which may still need the server
  const int ended = termination();
  server s{o};
  s.start();
  std::cout << "ok " << describe(s) << std::flush;
  std::string command;
  while (wait_for_first(0, ended) && read_line(0, command)) {
    try {
      if (command == "start") s.start();
      if (command == "stop") s.stop();
      std::cout << "ok\n" << std::flush;
    } catch (const std::exception& e) {
      std::cout << e.what() << '\n' << std::flush;
    }
  }
  return 0;
}

std::string shared_file(const std::string& prefix) {
  return prefix + "." + std::to_string(getppid());
}

void write_private(const std::string& file, const std::string& text) {
  const auto half = file + ".new";
  const int fd = open(half.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool fine = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  if (!fine) throw std::runtime_error{half + ": cannot be written"};
  std::filesystem::rename(half, file);
}

// The rest of `share`, in the background.
void serve(const server_options& o, const std::string& file, int parent, int report) {
  setsid();
  const int ended = termination();
  server s{o};
  s.start();
  write_private(file, describe(s));
  const int nothing = open("/dev/null", O_RDWR);
  for (int fd : {0, 1, 2}) dup2(nothing, fd);  // so that a reader of our output sees its end
  if (write(report, "ok", 2) != 2) return;
  close(report);
  wait_for_first(parent, ended);
  std::filesystem::remove(file);
}

int share(const server_options& o, const std::string& prefix) {
  const auto file = shared_file(prefix);
  const int parent = open_pidfd(getppid());
  int report[2];
  if (parent < 0 || pipe2(report, O_CLOEXEC) != 0) throw std::runtime_error{"no pidfd or pipe"};
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error{"cannot fork"};
  if (child == 0) {
    close(report[0]);
    serve(o, file, parent, report[1]);
    return 0;
  }
  close(report[1]);
  char text[2];
  return read(report[0], text, sizeof text) == 2 ? 0 : 1;
}

int release(const std::string& prefix) {
  pid_t keeper = 0;
  std::ifstream{shared_file(prefix)} >> keeper;
  const int watched = keeper > 0 ? open_pidfd(keeper) : -1;
  if (watched < 0 || kill(keeper, SIGTERM) != 0) return 0;  // not running: nothing to release
  pollfd gone{watched, POLLIN, 0};
  if (poll(&gone, 1, 30'000) != 1) throw std::runtime_error{"the server does not end"};
  return 0;
}

server_options parse(int argc, char** argv, int from) {
  server_options o;
  for (int i = from; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--no-fsync") {
      o.fsync = false;
    } else if (arg == "--in" && i + 1 < argc) {
      o.parent = argv[++i];
    } else if (arg == "--set" && i + 1 < argc) {
      o.settings.emplace_back(argv[++i]);
    } else {
      throw std::runtime_error{arg + ": what is that?"};
    }
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  signal(SIGPIPE, SIG_IGN);
  try {
    if (command == "hold") return hold(parse(argc, argv, 2));
    if (command == "share" && argc > 2) return share(parse(argc, argv, 3), argv[2]);
    if (command == "release" && argc == 3) return release(argv[2]);
    std::cerr << "usage: " << argv[0] << " hold | share PREFIX | release PREFIX\n";
    return 2;
  } catch (const std::exception& e) {
    // Standard output too: the holding program reads it.
    (command == "hold" ? std::cout : std::cerr) << "keeper: " << e.what() << '\n';
    return 1;
  }
}
