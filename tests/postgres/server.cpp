#include "server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>

#include "wait_until.hpp"

namespace nexus::test {
namespace {

namespace fs = std::filesystem;

struct account {
  uid_t user;
  gid_t group;
};

// The user that runs the server, if not the current one.
std::optional<account> other_account() {
  if (geteuid() != 0) return std::nullopt;
  for (const char* name : {"postgres", "nobody"}) {
    if (const auto* found = getpwnam(name)) return account{found->pw_uid, found->pw_gid};
  }
  throw std::runtime_error{"root runs no PostgreSQL, and there is no user postgres or nobody"};
}

void give(const std::string& path) {
  const auto to = other_account();
  if (to && chown(path.c_str(), to->user, to->group) != 0) {
    throw std::runtime_error{path + ": " + std::strerror(errno)};
  }
}

std::string random_password() {
  std::random_device random;
  std::ostringstream text;
  for (int i = 0; i < 4; ++i) text << std::hex << random();
  return text.str();
}

bool can_bind(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return free;
}

// Below the range of outgoing connections, so that none takes it during a restart.
int free_port() {
  std::random_device random;
  std::uniform_int_distribution<int> any{15'000, 32'000};
  for (int tries = 0; tries < 100; ++tries) {
    if (const int port = any(random); can_bind(port)) return port;
  }
  throw std::runtime_error{"127.0.0.1 has no free port between 15000 and 32000"};
}

// Newest version first: "15" < "16" as numbers, not as text.
std::vector<fs::path> installed() {
  std::vector<std::pair<int, fs::path>> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator{"/usr/lib/postgresql", none}) {
    found.emplace_back(std::atoi(entry.path().filename().c_str()), entry.path() / "bin");
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> dirs;
  for (auto& [version, dir] : found) dirs.push_back(std::move(dir));
  return dirs;
}

}  // namespace

std::string postgres_program(const std::string& name) {
  std::vector<fs::path> dirs;
  if (const char* given = std::getenv("NEXUS_POSTGRES_BIN")) {
    dirs.emplace_back(given);
  } else {
    dirs = installed();
    std::istringstream path{std::getenv("PATH") != nullptr ? std::getenv("PATH") : ""};
    for (std::string dir; std::getline(path, dir, ':');) dirs.emplace_back(dir);
  }
  for (const auto& dir : dirs) {
    if (access((dir / name).c_str(), X_OK) == 0) return dir / name;
  }
  throw std::runtime_error{
      name + " of PostgreSQL was not found: install it, or say where in NEXUS_POSTGRES_BIN"};
}

server::server(const server_options& o) : password_{random_password()}, port_{free_port()} {
  make_dir(o.parent);
  try {
    init();
    configure(o);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
    throw;
  }
}

server::~server() {
  stop();
  std::error_code ignored;
  fs::remove_all(dir_, ignored);
}

void server::make_dir(const std::string& parent) {
  const fs::path in = parent.empty() ? fs::temp_directory_path() : fs::absolute(parent);
  dir_ = in / "nexus-pg-XXXXXX";
  // sun_path takes 107 bytes, and the socket is named ".s.PGSQL.12345".
  if (dir_.size() > 90) throw std::runtime_error{dir_ + ": too long for a socket's path"};
  if (mkdtemp(dir_.data()) == nullptr) {
    throw std::runtime_error{dir_ + ": " + std::strerror(errno)};
  }
  give(dir_);
}

void server::init() {
  const auto file = dir_ + "/password";
  std::ofstream{file} << password_ << '\n';
  chmod(file.c_str(), 0600);
  give(file);
  // Trust only through the socket, in a directory of mode 0700: anyone on the machine could reach
  // the port.
  const auto child =
      spawn({postgres_program("initdb"), "--pgdata=" + dir_ + "/data", "--username=postgres",
             "--encoding=UTF8", "--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256",
             "--pwfile=" + file, "--no-sync", "--no-instructions"});
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  fs::remove(file);
  if (status != 0) throw std::runtime_error{"initdb failed: " + last_words()};
}

void server::configure(const server_options& o) {
  std::ofstream conf{dir_ + "/data/postgresql.conf", std::ios::app};
  conf << "listen_addresses = '127.0.0.1'\n"
       << "port = " << port_ << '\n'
       << "unix_socket_directories = '" << dir_ << "'\n"
       << "max_connections = 200\n"
       << "max_prepared_transactions = 10\n"
       << "recovery_init_sync_method = syncfs\n"  // not file by file, which takes ten seconds
       << "log_line_prefix = '%m [%p] '\n"
       << "fsync = " << (o.fsync ? "on" : "off") << '\n';
  for (const auto& line : o.settings) conf << line << '\n';
  if (!conf.flush()) throw std::runtime_error{dir_ + "/data/postgresql.conf: cannot be written"};
}

void server::start() {
  if (postmaster_ > 0) stop();
  postmaster_ = spawn({postgres_program("postgres"), "-D", dir_ + "/data"});
  const auto up = [this] {
    if (waitpid(postmaster_, nullptr, WNOHANG) != 0) {
      postmaster_ = -1;
      throw std::runtime_error{"the server did not start: " + last_words()};
    }
    return ready();
  };
  if (!wait_until(up, std::chrono::minutes{1})) {
    throw std::runtime_error{"the server is not ready after a minute: " + last_words()};
  }
}

void server::stop() {
  if (postmaster_ <= 0) return;
  kill(postmaster_, SIGQUIT);
  // A test may have stopped backends: the postmaster waits five seconds for them, then kills them.
  while (waitpid(postmaster_, nullptr, 0) < 0 && errno == EINTR) {
  }
  postmaster_ = -1;
}

// Like pg_ctl: line 1 of the file is the postmaster's id, line 8 its status. A replica is ready
// when it
// can be read.
bool server::ready() const {
  std::ifstream file{dir_ + "/data/postmaster.pid"};
  std::string line;
  if (!std::getline(file, line) || std::atoi(line.c_str()) != postmaster_) return false;
  for (int i = 2; i <= 8; ++i) {
    if (!std::getline(file, line)) return false;
  }
  return line.starts_with("ready") || line.starts_with("standby");
}

// Runs a program as a user that PostgreSQL accepts, with its output in the log.
pid_t server::spawn(const std::vector<std::string>& args) const {
  const auto as = other_account();
  const auto log = dir_ + "/log";
  std::vector<char*> argv;
  for (const auto& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error{std::string{"fork: "} + std::strerror(errno)};
  if (child > 0) return child;

  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = open("/dev/null", O_RDONLY);
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || chdir(dir_.c_str()) != 0) {
    _exit(126);
  }
  close_range(3, ~0U, 0);
  if (as && (setgroups(1, &as->group) != 0 || setgid(as->group) != 0 || setuid(as->user) != 0)) {
    _exit(126);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // If the keeper itself is killed, an immediate shutdown. After setuid, which clears this setting.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(126);
  execv(argv[0], argv.data());
  _exit(127);
}

std::string server::last_words() const {
  std::ifstream file{dir_ + "/log"};
  std::string line;
  std::string last = "its log is empty";
  while (std::getline(file, line)) {
    if (!line.empty()) last = line;
  }
  return last;
}

}  // namespace nexus::test
