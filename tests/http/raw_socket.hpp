// A client that sends what no library would send.
#pragma once

#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace nexus::test {

class raw_socket {
 public:
  explicit raw_socket(std::uint16_t port, const std::string& address = "127.0.0.1") {
    addrinfo how{};
    how.ai_socktype = SOCK_STREAM;
    how.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* to = nullptr;
    if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &how, &to) != 0) return;
    socket_ = ::socket(to->ai_family, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connected_ = ::connect(socket_, to->ai_addr, to->ai_addrlen) == 0;
    ::freeaddrinfo(to);
  }
  ~raw_socket() { ::close(socket_); }
  raw_socket(const raw_socket&) = delete;
  raw_socket& operator=(const raw_socket&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  void send(std::string_view text) const {
    while (!text.empty()) {
      const auto n = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  /// In one packet per byte, until a response ends the connection.
  void send_bytewise(std::string_view text) {
    for (const char& c : text) {
      pollfd one{socket_, POLLIN, 0};
      while (!closed_ && ::poll(&one, 1, 0) == 1) read_some();
      if (closed_) return;
      send({&c, 1});
    }
  }

  /// Sends nothing more.
  void ends() const { ::shutdown(socket_, SHUT_WR); }

  /// True when the server has closed.
  [[nodiscard]] bool closed() const { return closed_; }

  /// Reads until `end` is seen, the server closes, or 30 s pass.
  std::string receive(std::string_view end = "\n\n\n no such thing") {
    while (!closed_ && seen_.find(end) == std::string::npos) {
      pollfd one{socket_, POLLIN, 0};
      if (::poll(&one, 1, 30'000) != 1) break;
      read_some();
    }
    const auto at = seen_.find(end);
    const auto size = at == std::string::npos ? seen_.size() : at + end.size();
    auto got = seen_.substr(0, size);
    seen_.erase(0, size);
    return got;
  }

  /// The status of a response, after which the server closes; 0 if there is none.
  int status_of_last(std::string_view text) {
    send(text);
    const auto got = receive();
    return got.starts_with("HTTP/1.1 ") ? std::stoi(got.substr(9, 3)) : 0;
  }

 private:
  void read_some() {
    std::array<char, 4096> part{};
    const auto n = ::recv(socket_, part.data(), part.size(), 0);
    if (n > 0) seen_.append(part.data(), static_cast<std::size_t>(n));
    closed_ = n <= 0;
  }

  int socket_ = -1;
  bool connected_ = false;
  bool closed_ = false;
  std::string seen_;
};

}  // namespace nexus::test
