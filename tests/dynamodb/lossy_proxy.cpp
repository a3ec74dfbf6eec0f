#include "lossy_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace nexus::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

void at_once(int fd) {
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

int connected_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto to = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    close(fd);
    return -1;
  }
  at_once(fd);
  return fd;
}

bool put(int fd, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto n = send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

bool take(int fd, std::string& into) {
  char some[65536];
  const auto n = read(fd, some, sizeof some);
  if (n > 0) into.append(some, static_cast<std::size_t>(n));
  return n > 0;
}

/// The length of the whole request at the front, and where its body starts; 0: there is more to come.
std::pair<std::size_t, std::size_t> request_in(const std::string& got) {
  const auto end = got.find("\r\n\r\n");
  if (end == std::string::npos) return {0, 0};
  std::size_t length = 0;
  for (auto at = got.find("\r\n"); at < end; at = got.find("\r\n", at + 2)) {
    constexpr std::string_view name = "content-length:";
    if (strncasecmp(got.c_str() + at + 2, name.data(), name.size()) != 0) continue;
    length = std::strtoul(got.c_str() + at + 2 + name.size(), nullptr, 10);
  }
  const auto body_at = end + 4;
  return got.size() < body_at + length ? std::pair{std::size_t{0}, std::size_t{0}}
                                       : std::pair{body_at + length, body_at};
}

bool is_write(const std::string& request) {
  const auto head = request.substr(0, request.find("\r\n\r\n"));
  for (const auto* operation : {"TransactWriteItems", "UpdateItem", "PutItem", "DeleteItem"}) {
    if (head.find(std::string{"DynamoDB_20120810."} + operation) != std::string::npos) return true;
  }
  return false;
}

bool is_append_or_upsert(const std::string& request) {
  return is_write(request) && request.find("DynamoDB_20120810.PutItem") == std::string::npos;
}

constexpr auto refusal =
    "HTTP/1.1 400 Refused\r\nContent-Length: 37\r\n\r\n"
    R"({"__type":"x#AccessDenied","m":"now"})";

constexpr auto failure =
    "HTTP/1.1 500 Failed\r\nContent-Length: 40\r\n\r\n"
    R"({"__type":"x#InternalServerError","m":1})";

}  // namespace

lossy_proxy::lossy_proxy(int server) : server_{server} {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto at = loopback(0);
  socklen_t size = sizeof at;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    throw std::runtime_error{"no port for the proxy"};
  }
  port_ = ntohs(at.sin_port);
  acceptor_ = std::thread{[this] { accept_all(); }};
}

lossy_proxy::~lossy_proxy() {
  stopping_ = true;
  acceptor_.join();
  for (auto& one : connections_) one.join();
  close(listener_);
}

void lossy_proxy::lose_next(how kind) {
  const std::lock_guard guard{lock_};
  armed_ = true;
  kind_ = kind;
  lost_.clear();  // the same write may come again
}

void lossy_proxy::fail_writes(bool fail) {
  const std::lock_guard guard{lock_};
  failing_ = fail;
  lost_.clear();
}

void lossy_proxy::release() {
  std::vector<std::string> late;
  {
    const std::lock_guard guard{lock_};
    late = std::exchange(late_, {});
  }
  for (const auto& one : late) {
    const int fd = connected_to(server_);
    std::string answer;
    if (fd < 0 || !put(fd, one) || !take(fd, answer)) {
      close(fd);
      throw std::runtime_error{"what was held back did not arrive"};
    }
    close(fd);
  }
}

lossy_proxy::verdict lossy_proxy::judge(const std::string& request, std::size_t body_at) {
  const std::lock_guard guard{lock_};
  const auto body = request.substr(body_at);
  if (lost_.contains(body)) return {.forward = false, .instead = refusal};
  if (failing_ && is_write(request)) {
    lost_.insert(body);
    return {.forward = false, .instead = failure};
  }
  if (!armed_ || !is_append_or_upsert(request)) return {};
  armed_ = false;
  lost_.insert(body);
  if (kind_ == how::late) late_.push_back(request);
  return {.forward = kind_ == how::answer, .answer = false};
}

void lossy_proxy::accept_all() {
  while (!stopping_) {
    pollfd one{listener_, POLLIN, 0};
    if (poll(&one, 1, 10) != 1) continue;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    at_once(fd);
    connections_.emplace_back([this, fd] {
      serve(fd);
      close(fd);
    });
  }
}

void lossy_proxy::serve(int client) {
  const int server = connected_to(server_);
  std::string asked;
  std::string answered;
  bool pass = true;
  while (server >= 0 && !stopping_) {
    pollfd both[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (poll(both, 2, 50) <= 0) continue;
    if (both[1].revents != 0) {
      answered.clear();
      if (!take(server, answered) || !pass || !put(client, answered)) break;
    }
    if (both[0].revents == 0) continue;
    if (!take(client, asked)) break;
    const auto [length, body_at] = request_in(asked);
    if (length == 0) continue;
    const auto request = asked.substr(0, length);
    asked.erase(0, length);
    const auto what = judge(request, body_at);
    if (!what.instead.empty()) {
      if (!put(client, what.instead)) break;
      continue;
    }
    pass = what.answer;
    if (what.forward && !put(server, request)) break;
    if (!what.forward && !what.answer) break;
  }
  if (server >= 0) close(server);
}

}  // namespace nexus::test
