// An HTTP/1.1 client for tests: keeps its connection, and reconnects when the server has closed it.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::test {

using http_headers = std::vector<std::pair<std::string, std::string>>;

struct http_answer {
  int status = 0;
  http_headers headers;
  std::string body;

  /// "" if there is no such header.
  [[nodiscard]] std::string header(const std::string& name) const {
    for (const auto& [n, value] : headers) {
      if (strcasecmp(n.c_str(), name.c_str()) == 0) return value;
    }
    return {};
  }
};

class http_client {
 public:
  /// None if no whole response came: the server does not listen, or the connection ended.
  using answer = std::optional<http_answer>;

  explicit http_client(std::uint16_t port, std::chrono::seconds patience = std::chrono::seconds{30})
      : port_{port}, patience_{patience} {}
  ~http_client() { disconnect(); }
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  answer get(const std::string& path, const http_headers& with = {}) {
    return send("GET", path, with, {}, {});
  }
  answer head(const std::string& path) { return send("HEAD", path, {}, {}, {}); }
  answer options(const std::string& path) { return send("OPTIONS", path, {}, {}, {}); }
  answer del(const std::string& path) { return send("DELETE", path, {}, {}, {}); }
  answer post(const std::string& path, const std::string& body, const std::string& type,
              const http_headers& with = {}) {
    return send("POST", path, with, body, type);
  }
  answer put(const std::string& path, const std::string& body, const std::string& type) {
    return send("PUT", path, {}, body, type);
  }

  answer send(const std::string& method, const std::string& path, const http_headers& with,
              const std::string& body, const std::string& type) {
    auto text = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    for (const auto& [name, value] : with) text += name + ": " + value + "\r\n";
    if (!type.empty()) {
      text +=
          "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    }
    if (!connected() || !put_all(text + "\r\n" + body)) return disconnect();
    auto made = receive(method == "HEAD");
    if (!made || made->header("Connection") == "close") disconnect();
    return made;
  }

 private:
  bool connected() {
    char c = 0;
    if (socket_ >= 0 && ::recv(socket_, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) disconnect();
    if (socket_ >= 0) return true;
    seen_.clear();
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }

  std::nullopt_t disconnect() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    return std::nullopt;
  }

  bool put_all(std::string_view text) const {
    while (!text.empty()) {
      const auto n = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // Until `size` bytes are there.
  bool read_until(std::size_t size) {
    while (seen_.size() < size) {
      if (!read_some()) return false;
    }
    return true;
  }
  bool read_some() {
    pollfd one{socket_, POLLIN, 0};
    const auto left = std::chrono::milliseconds{patience_}.count();
    if (::poll(&one, 1, static_cast<int>(left)) != 1) return false;
    std::array<char, 4096> part{};
    const auto n = ::recv(socket_, part.data(), part.size(), 0);
    if (n <= 0) return false;
    seen_.append(part.data(), static_cast<std::size_t>(n));
    return true;
  }

  answer receive(bool is_head) {
    std::size_t end = 0;
    while ((end = seen_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_some()) return std::nullopt;
    }
    http_answer made;
    made.status = std::stoi(seen_.substr(9, 3));
    for (auto at = seen_.find("\r\n") + 2; at < end; at = seen_.find("\r\n", at) + 2) {
      const auto line = seen_.substr(at, seen_.find("\r\n", at) - at);
      const auto colon = line.find(": ");
      made.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    seen_.erase(0, end + 4);
    if (made.header("Transfer-Encoding") == "chunked") {
      return receive_chunks(made.body) ? answer{std::move(made)} : std::nullopt;
    }
    const auto length = made.header("Content-Length");
    const auto size = is_head || length.empty() ? 0 : std::stoul(length);
    if (!read_until(size)) return std::nullopt;
    made.body = seen_.substr(0, size);
    seen_.erase(0, size);
    return made;
  }

  // No trailers.
  bool receive_chunks(std::string& into) {
    for (;;) {
      std::size_t end = 0;
      while ((end = seen_.find("\r\n")) == std::string::npos) {
        if (!read_some()) return false;
      }
      const auto size = std::stoul(seen_.substr(0, end), nullptr, 16);
      if (!read_until(end + 2 + size + 2)) return false;
      into += seen_.substr(end + 2, size);
      seen_.erase(0, end + 2 + size + 2);
      if (size == 0) return true;
    }
  }

  std::uint16_t port_;
  std::chrono::seconds patience_;
  int socket_ = -1;
  std::string seen_;
};

}  // namespace nexus::test
