// An HTTP server that answers as a test says: late, never, with an error, or with any body. It looks
// like DynamoDB to a client, and can do what DynamoDB Local never does.
//
//   fake_server server{[](const fake_request& r) { return fake_reply{.status = 500}; }};
//
// Threads: the reply function runs on a thread per connection, one call at a time. Connections are
// kept alive. Throws: std::runtime_error if no port is free.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace nexus::test {

struct fake_request {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  /// Behind "DynamoDB_20120810." in x-amz-target.
  [[nodiscard]] std::string operation() const {
    const auto found = headers.find("x-amz-target");
    return found == headers.end() ? "" : found->second.substr(found->second.find('.') + 1);
  }
};

struct fake_reply {
  int status = 200;
  std::string body = "{}";
  std::string date{};  ///< the header Date; empty: none
  std::chrono::milliseconds delay{0};
  bool drop = false;  ///< the connection is closed instead of an answer

  /// An error as DynamoDB reports it.
  static fake_reply error(int status, const std::string& type, const std::string& message = "m") {
    return {status, R"({"__type":"com.amazonaws.dynamodb.v20120810#)" + type + R"(","message":")" +
                        message + "\"}"};
  }
};

class fake_server {
 public:
  using replies = std::function<fake_reply(const fake_request&)>;

  explicit fake_server(replies reply) : reply_{std::move(reply)} {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        listen(listener_, 64) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      throw std::runtime_error{"no port for the fake server"};
    }
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread{[this] { accept_all(); }};
  }
  ~fake_server() {
    stopping_ = true;
    acceptor_.join();
    for (auto& one : connections_) one.join();
    close(listener_);
  }
  fake_server(const fake_server&) = delete;
  fake_server& operator=(const fake_server&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] int connections() const { return accepted_; }
  /// The largest number of requests that were being answered at the same time.
  [[nodiscard]] int at_once() const { return at_once_; }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd one{listener_, POLLIN, 0};
      if (poll(&one, 1, 10) != 1) continue;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const int yes = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      ++accepted_;
      connections_.emplace_back([this, fd] {
        std::string got;
        while (serve(fd, got)) {
        }
        close(fd);
      });
    }
  }

  bool more(int fd, std::string& got) const {
    while (!stopping_) {
      pollfd one{fd, POLLIN, 0};
      if (poll(&one, 1, 10) != 1) continue;
      char some[65536];
      const auto n = read(fd, some, sizeof some);
      if (n > 0) got.append(some, static_cast<std::size_t>(n));
      return n > 0;
    }
    return false;
  }

  bool serve(int fd, std::string& got) {
    auto end = std::string::npos;
    while ((end = got.find("\r\n\r\n")) == std::string::npos) {
      if (!more(fd, got)) return false;
    }
    fake_request request = head_of(got.substr(0, end + 2));
    const auto length = static_cast<std::size_t>(std::stoul(
        request.headers.contains("content-length") ? request.headers["content-length"] : "0"));
    while (got.size() < end + 4 + length) {
      if (!more(fd, got)) return false;
    }
    request.body = got.substr(end + 4, length);
    got.erase(0, end + 4 + length);
    ++requests_;
    const int now = ++answering_;
    for (int seen = at_once_; seen < now && !at_once_.compare_exchange_weak(seen, now);) {
    }
    const auto reply = reply_to(request);
    for (auto left = reply.delay; left.count() > 0 && !stopping_;
         left -= std::chrono::milliseconds{5}) {
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    --answering_;
    if (reply.drop) return false;
    const auto text = "HTTP/1.1 " + std::to_string(reply.status) +
                      " X\r\nContent-Length: " + std::to_string(reply.body.size()) +
                      (reply.date.empty() ? "" : "\r\nDate: " + reply.date) + "\r\n\r\n" +
                      reply.body;
    return send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  fake_reply reply_to(const fake_request& request) {
    const std::lock_guard guard{lock_};
    return reply_(request);
  }

  static fake_request head_of(const std::string& text) {
    fake_request made;
    auto line_end = text.find("\r\n");
    const auto first = text.substr(0, line_end);
    made.method = first.substr(0, first.find(' '));
    made.path = first.substr(first.find(' ') + 1);
    made.path = made.path.substr(0, made.path.find(' '));
    for (auto at = line_end + 2; at < text.size(); at = line_end + 2) {
      line_end = text.find("\r\n", at);
      const auto line = text.substr(at, line_end - at);
      const auto colon = line.find(':');
      if (colon == std::string::npos) continue;
      auto name = line.substr(0, colon);
      for (auto& c : name) c = static_cast<char>(tolower(c));
      const auto value = line.find_first_not_of(' ', colon + 1);
      made.headers[name] = value == std::string::npos ? "" : line.substr(value);
    }
    return made;
  }

  replies reply_;
  std::mutex lock_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  std::atomic<int> accepted_{0};
  std::atomic<int> answering_{0};
  std::atomic<int> at_once_{0};
  std::thread acceptor_;
  std::list<std::thread> connections_;
};

/// Sets an environment variable as long as it lives; null: unset.
class with_environment {
 public:
  with_environment(std::string name, const char* value) : name_{std::move(name)} {
    if (const char* old = getenv(name_.c_str())) old_ = {true, old};
    set(value);
  }
  ~with_environment() { set(old_.first ? old_.second.c_str() : nullptr); }
  with_environment(const with_environment&) = delete;
  with_environment& operator=(const with_environment&) = delete;

 private:
  void set(const char* value) const {
    value == nullptr ? unsetenv(name_.c_str()) : setenv(name_.c_str(), value, 1);
  }
  std::string name_;
  std::pair<bool, std::string> old_{false, {}};
};

}  // namespace nexus::test
