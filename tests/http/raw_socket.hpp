// A client that sends what no library would.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
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
  explicit raw_socket(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
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

  /// What comes until `end` is seen, or the server closes, or 10 s pass.
  std::string receive(std::string_view end = "\n\n\n no such thing") {
    while (seen_.find(end) == std::string::npos) {
      pollfd one{socket_, POLLIN, 0};
      if (::poll(&one, 1, 10'000) != 1) break;
      std::array<char, 4096> part{};
      const auto n = ::recv(socket_, part.data(), part.size(), 0);
      if (n <= 0) break;
      seen_.append(part.data(), static_cast<std::size_t>(n));
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
  int socket_;
  bool connected_ = false;
  std::string seen_;
};

}  // namespace nexus::test
