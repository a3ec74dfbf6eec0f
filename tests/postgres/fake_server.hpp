// Servers that a PostgreSQL 15 cannot imitate: one that never answers, and one that is too old.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>

namespace nexus::test {

/// Listens on a port of 127.0.0.1 and accepts no connection; clients' connections are queued.
class silent_server {
 public:
  silent_server() : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (bind(socket_, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(socket_, 8) != 0 ||
        getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      throw std::runtime_error{"cannot listen"};
    }
    port_ = ntohs(at.sin_port);
  }
  ~silent_server() { close(socket_); }
  silent_server(const silent_server&) = delete;
  silent_server& operator=(const silent_server&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int socket() const { return socket_; }

 private:
  int socket_;
  int port_ = 0;
};

/// A port without a listener.
inline int unused_port() { return silent_server{}.port(); }

/// Accepts one client like a server of that version, and disconnects.
class old_server {
 public:
  explicit old_server(std::string version)
      : version_{std::move(version)}, thread_{[this] { serve(); }} {}
  ~old_server() {
    shutdown(listening_.socket(), SHUT_RDWR);
    thread_.join();
  }

  [[nodiscard]] int port() const { return listening_.port(); }

 private:
  static std::string number(std::uint32_t n) {
    n = htonl(n);
    return {reinterpret_cast<const char*>(&n), 4};
  }
  static std::string message(char type, const std::string& body) {
    return std::string{type} + number(static_cast<std::uint32_t>(body.size() + 4)) + body;
  }
  std::string status(const std::string& name, const std::string& value) const {
    return message('S', name + '\0' + value + '\0');
  }

  void serve() const {
    const int client = accept(listening_.socket(), nullptr, nullptr);
    if (client < 0) return;
    char buffer[4096];
    // A request for TLS or for encryption by GSSAPI has 8 bytes; "N": there is none.
    auto got = read(client, buffer, sizeof buffer);
    while (got == 8 && write(client, "N", 1) == 1) got = read(client, buffer, sizeof buffer);
    const auto hello = message('R', number(0)) + status("server_version", version_) +
                       status("server_encoding", "UTF8") + status("client_encoding", "UTF8") +
                       message('K', number(1) + number(2)) + message('Z', "I");
    if (got > 0 && write(client, hello.data(), hello.size()) > 0) {
      while (read(client, buffer, sizeof buffer) > 0) {
      }
    }
    close(client);
  }

  const std::string version_;
  silent_server listening_;
  std::thread thread_;
};

}  // namespace nexus::test
